"""Notebooks of the study of another table: what is left out, and in which words the rest is."""

import ast
import builtins
import html
import re
from dataclasses import replace

import nbformat
import pytest
from nbconvert.filters import markdown2html

from utils.config import NOTEBOOKS, DatasetConfig, Study, Words, load_profile
from utils.reporting.adaptation import NEEDS_HOURS, NEEDS_POSITIVES, OTHERWISE, adapt
from utils.study_file import NEUTRAL, Costs

LEFT_OUT = {"09_scarcity"}  # of a study of one's own, so that it may speak of frauds
NAMES = sorted({path.stem for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")} - LEFT_OUT)
every = pytest.mark.parametrize("name", NAMES)
NUMBERS = DatasetConfig("claims.csv", label="late", time=None, amount=None)
TABLES = {
    "numbers": NUMBERS,
    "with time and amount": replace(NUMBERS, time="clock", amount="price"),
    "mixed": replace(NUMBERS, categorical=("shop",)),
}
# What is known of the ULB file alone: its columns and days, and numbers published on it.
ULB_FACTS = (
    r"\bV\d|`Time`|`Amount`|\bULB\b|[Pp]rincipal|[Tt]wo days|hour 0|September|Dal Pozzolo et al., 2015|0\.94|bank\b"
)
FOREIGN_WORDS = r"\b(fraud|fraudulent|frauds|legitimate|payments?|transactions?|credit)\b"


def foreign(dataset: DatasetConfig, words: Words = NEUTRAL):
    return load_profile("quick", Study("claims", dataset, words))


def read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def notebook(*cells: tuple[str, list[str], str | None]) -> nbformat.NotebookNode:
    """Markdown cells from source, tags and the text that replaces them."""
    made = [nbformat.v4.new_markdown_cell(source, metadata={"tags": tags}) for source, tags, _ in cells]
    for cell, (*_, otherwise) in zip(made, cells, strict=True):
        if otherwise:
            cell.metadata[OTHERWISE] = otherwise
    return nbformat.v4.new_notebook(cells=made)


def every_adaptation(name: str) -> list[nbformat.NotebookNode]:
    """A notebook for each kind of table, also with few positives and without hours."""
    unmet = [(), (NEEDS_POSITIVES,), (NEEDS_HOURS,)]
    return [adapt(read(name), foreign(dataset), lacking) for dataset in TABLES.values() for lacking in unmet]


def sources(adapted: nbformat.NotebookNode) -> list[str]:
    return [cell.source for cell in adapted.cells]


def test_adapt_leaves_out_what_a_table_lacks_and_says_so():
    cells = notebook(
        ("Frauds", [], None),
        ("V1", ["creditcard"], None),
        ("Two days", ["creditcard"], "Some payments"),
        ("Hours", ["needs-time"], "No time"),
        ("Drift of V1", ["creditcard", "needs-time"], "Drift"),
        ("Amounts", ["needs-amount"], None),
        ("By hand", ["needs-numbers"], "Not by hand"),
    )
    assert sources(adapt(cells, foreign(TABLES["numbers"]))) == ["Positives", "Some rows", "No time", "By hand"]
    with_roles = sources(adapt(cells, foreign(TABLES["with time and amount"])))
    assert with_roles == ["Positives", "Some rows", "Hours", "Drift", "Amounts", "By hand"]
    assert sources(adapt(cells, foreign(TABLES["mixed"])))[-1] == "Not by hand"
    assert sources(cells)[0] == "Frauds"  # the notebook itself stays as it is


def test_adapt_puts_the_text_of_the_unmet_need_in_place_of_a_cell():
    cells = notebook(("Numbers", ["needs-numbers", "needs-positives"], {"needs-numbers": "Frauds by kind"}))
    cells.cells.append(nbformat.v4.new_code_cell("fraud = 1", metadata=dict(cells.cells[0].metadata)))
    assert sources(adapt(cells, foreign(TABLES["numbers"]))) == ["Numbers", "fraud = 1"]
    mixed = adapt(cells, foreign(TABLES["mixed"])).cells
    assert [(cell.cell_type, cell.source) for cell in mixed] == [
        ("markdown", "Positives by kind"),
        ("code", "Frauds by kind"),
    ]
    for table in (TABLES["numbers"], TABLES["mixed"]):
        assert sources(adapt(cells, foreign(table), [NEEDS_POSITIVES])) == []


def test_adapt_leaves_out_what_needs_positives_where_they_are_few():
    cells = notebook(("GAN", ["needs-positives"], "Too few frauds"), ("Loss", ["needs-positives"], None))
    assert sources(adapt(cells, foreign(TABLES["mixed"]))) == ["GAN", "Loss"]
    assert sources(adapt(cells, foreign(TABLES["mixed"]), [NEEDS_POSITIVES])) == ["Too few positives"]


def test_adapt_leaves_the_credit_card_study_as_it_is():
    cells = notebook(("Frauds", [], None), ("V1", ["creditcard"], "Columns"))
    assert adapt(cells, load_profile("quick")) is cells


def test_adapt_shows_words_as_they_are_written_whatever_they_mean_in_markdown():
    words = Words("C# file", "1. files", "<i>hit</i>", "$_hits_$ [a](b)", "R&D #1 _x_ <b> `c` | *d* \\e")
    cells = notebook(("legitimate\n\nfraud\n\nfrauds\n\npayments\n\na payment", [], None))
    cells.cells.append(nbformat.v4.new_code_cell("words.negative  # legitimate"))
    adapted = adapt(cells, foreign(TABLES["numbers"], words))
    shown = markdown2html(adapted.cells[0].source)
    texts = [html.unescape(text) for text in re.findall(r"<p>(.*)</p>", shown)]
    assert texts == [words.negative, words.positive, words.positives, words.rows, f"a {words.row}"]
    assert sources(adapted)[1] == "words.negative  # legitimate"


def test_adapt_leaves_plain_words_as_they_are():
    words = Words("claim (2024)", "claims", "late-payer", "late-payers", "on time, paid in full!")
    cells = notebook(("A fraud, frauds, legitimate, a payment", [], None))
    assert sources(adapt(cells, foreign(TABLES["numbers"], words))) == [
        "A late-payer, late-payers, on time, paid in full!, a claim (2024)"
    ]


@every
def test_adapted_notebook_speaks_of_neither_payments_nor_the_ulb_file(name):
    for adapted in every_adaptation(name):
        for cell in adapted.cells:
            if "parameters" in cell.metadata.get("tags", []):
                continue
            assert not re.findall(FOREIGN_WORDS, cell.source.replace("_", " "), re.IGNORECASE), cell.source
            assert not re.findall(ULB_FACTS, cell.source), cell.source


@pytest.mark.parametrize("table", TABLES)
def test_adapted_final_model_prints_the_costs_of_the_study(table, capsys):
    profile = replace(foreign(TABLES[table]), costs=Costs(fee=2.5, floor=40))
    cells = sources(adapt(read("08_final_model"), profile))
    (told,) = [text for text in cells if text.startswith("## Calibration and threshold")]
    assert "under `[costs]` in the file of a study" in told
    assert not re.search(r"\d|\.py", told)  # no cost, and no code to change
    (line,) = [line for text in cells for line in text.splitlines() if line.startswith('print(f"costs')]
    exec(line, {"profile": profile, "words": profile.words})
    assert capsys.readouterr().out == "costs: 2.5 for an alert, at least 40 for a missed positive\n"


@every
def test_adapted_notebook_uses_no_name_of_a_cell_that_is_left_out(name):
    for adapted in every_adaptation(name):
        known = set(dir(builtins))
        for cell in adapted.cells:
            if cell.cell_type == "code":
                loaded, stored = names_of(cell.source)
                assert not loaded - known - stored, cell.source
                known |= stored


def names_of(code: str) -> tuple[set[str], set[str]]:
    """Names that code reads, and names that it assigns or imports."""
    nodes = list(ast.walk(ast.parse(code)))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    imported = [alias for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names]
    loaded = {node.id for node in names if isinstance(node.ctx, ast.Load)}
    stored = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    caught = {node.name for node in nodes if isinstance(node, ast.ExceptHandler) and node.name}
    return loaded, stored | caught | {alias.asname or alias.name for alias in imported}


@pytest.mark.parametrize("name", [name for name in NAMES if name < "09"])
def test_adapted_notebook_names_no_chapter_that_other_studies_lack(name):
    for adapted in every_adaptation(name):
        prose = [cell.source for cell in adapted.cells if cell.cell_type == "markdown"]
        assert not [text for text in prose if re.search(r"\bchapters?\s(\d+\sand\s)?(9|10)\b", text)]


@every
def test_adapted_notebook_keeps_its_frame(name):
    for adapted in every_adaptation(name):
        cells = adapted.cells
        assert cells[0].source.startswith(f"# {int(name[:2])} · ")
        assert (
            cells[-1].source.startswith("## What to take away\n\n**Finding.**") and "**Pitfall.**" in cells[-1].source
        )
        assert sum("reporting.record(" in cell.source for cell in cells) == 1


@every
def test_cells_that_need_something_say_what_is_missing(name):
    """The first of a run of cells with one need has a text for tables that lack it, unless the run is bookkeeping."""
    previous = set()
    for cell in read(name).cells:
        tags = set(cell.metadata.get("tags", []))
        needs = {tag for tag in tags if tag.startswith("needs-")}
        if needs - previous and "creditcard" not in tags and "hide-cell" not in tags:
            assert cell.metadata.get(OTHERWISE), cell.source
        previous = needs or (previous if "creditcard" in tags else set())
