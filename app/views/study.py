"""Results of the study for the pages: its recorded numbers and its notebooks."""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from app.optional import without_module
from app.settings import STUDIES
from utils.benchmark import ledger
from utils.config import NOTEBOOKS, load_profile
from utils.reporting import claims, few_frauds, other_tables, recorded
from utils.reporting.findings import Findings, findings
from utils.reporting.recorded import Comparison, Numbers, PairEstimate, PairMean
from utils.reporting.tables import if_unused, pair_text, refuted_by
from utils.serving.bundle import FraudModel
from utils.serving.card import Card
from utils.study_file import NAME, Words

logger = logging.getLogger("app")

TABLE_TAGS = ("table", "caption", "thead", "tbody", "tr", "th", "td", "div", "details", "summary", "p")
TABLE_ATTRIBUTES = ("class", "colspan", "rowspan", "scope")
FORBIDDEN = re.compile(r"<(style|script)\b.*?</\1>", re.DOTALL | re.IGNORECASE)
LINKS = {  # of the notebooks, and what the pages have for them below their root
    r"\]\((\d\d_\w+)\.ipynb\)": r"notebooks/\1",
    r"\]\(\.\./paper/paper\.pdf\)": "paper.pdf",
    r"\]\(\.\./README\.md\)": "",
}
PROFILES = ("full", "quick")  # the first one is shown, once it is finished
CHAPTERS = "[0-9][0-9]_*.ipynb"  # other notebooks in the folder are the user's own
UNREADABLE = (AttributeError, LookupError, OSError, TypeError, ValueError)  # by files that are incomplete or false
MAX_PAGES = 32  # notebooks that are kept as HTML, of up to half a megabyte each
Version = tuple[Path, int | None]  # a file, and when it was changed last, in nanoseconds; None if it is not there
TITLE = "Learning from imbalanced data with conditional GANs: a credit-card fraud case study"


@dataclass(frozen=True)
class PairScore:
    """Label, mean average precision and interval of a pair on the development folds."""

    label: str
    average_precision: float
    interval: tuple[float, float]
    folds: int


@dataclass(frozen=True)
class FinalScore:
    """Label, average precision and interval on the test set, and ledger key of the final model."""

    label: str
    average_precision: float
    interval: tuple[float, float]
    ledger_key: str


@dataclass(frozen=True)
class Headline:
    """The study's main results.

    Attributes
    ----------
    profile : str
    per_10000 : int
        Frauds in 10,000 transactions.
    verdict, equal_verdict, refuted_by : str
        Verdicts on the claim that a random forest with CGAN is best, with a tuned ratio and with equal classes,
        and the pairs that refute the former.
    difference : PairEstimate
        Difference of the pair of the claim to the best pair.
    best : PairScore
    best_unused : str
        Text that follows its name if its sampler was hardly used; else empty.
    means : list of PairScore
        The best pair, the pair of the claim, and the same models without resampling.
    measured : str
        How many ways of handling imbalance were measured beside no resampling, and with how many models.
    final : FinalScore
    scorings : str
        A sentence that names every final model that was scored on the test set.
    stated : dict of str to str
        Claims by name.
    few_frauds, other_tables : str
        Sentences on the verdicts with few training frauds and over other tables; empty where these were not measured.
    """

    profile: str
    per_10000: int
    verdict: str
    equal_verdict: str
    refuted_by: str
    difference: PairEstimate
    best: PairScore
    best_unused: str
    means: list[PairScore]
    measured: str
    final: FinalScore
    scorings: str
    stated: dict[str, str]
    few_frauds: str
    other_tables: str


def headline() -> Headline | None:
    """The main results of the full run, else of the quick one; None while neither was finished.

    Pages use `shown_headline`, which logs such an error instead.

    Raises
    ------
    ClaimError
        If the numbers contradict a sentence of the pages.
    """
    for name in PROFILES:
        path = load_profile(name).numbers
        if path.exists() and (numbers := recorded.read(path)).complete:
            return _headline(numbers)
    return None


def shown_headline() -> Headline | None:
    """As `headline`, for pages: None, with the reason in the log, if the results are false or cannot be read.

    They are read again when a file that holds them has changed.
    """
    profiles = [load_profile(name) for name in PROFILES]
    paths = [path for profile in profiles for path in (profile.numbers, profile.results / ledger.TEST)]
    return _shown_headline(tuple(map(_version, paths)))


@lru_cache(maxsize=1)
def _shown_headline(files: tuple[Version, ...]) -> Headline | None:
    """The results as of these versions of the files."""
    try:
        return headline()
    except UNREADABLE as error:
        logger.error("the results of the study are not shown (%s): %s", type(error).__name__, error)
        return None


def _version(path: Path) -> Version:
    """What a cache knows a file by."""
    try:
        return path, path.stat().st_mtime_ns
    except OSError:
        return path, None


def _headline(numbers: Numbers) -> Headline:
    comparison, final = numbers.comparison, numbers.final
    means = {row.pair: row for row in comparison.means}
    pairs = [comparison.claim.best, comparison.claim.against_best.pair]
    pairs += [(model, "none") for model, _ in pairs if (model, "none") in means]
    scores = [_pair_score(means[pair], comparison) for pair in dict.fromkeys(pairs)]
    return Headline(
        profile=comparison.profile,
        per_10000=round(10_000 * numbers.eda.prevalence),
        verdict=comparison.claim.verdict,
        equal_verdict=comparison.equal_claim.verdict,
        refuted_by=refuted_by(comparison),
        difference=comparison.claim.against_best,
        best=scores[0],
        best_unused=if_unused(comparison),
        means=scores,
        measured=_measured(comparison),
        final=FinalScore(final.choice.label, **vars(final.test)),
        scorings=_scorings(comparison),
        stated=claims.stated(numbers),
        few_frauds=few_frauds.in_brief(numbers.scarcity),
        other_tables=other_tables.in_brief(numbers.other_tables),
    )


def _pair_score(row: PairMean, comparison: Comparison) -> PairScore:
    return PairScore(_pair_label(row.model, row.sampler, comparison), row.mean, (row.low, row.high), row.n_folds)


def _measured(comparison: Comparison) -> str:
    """How many ways to handle imbalance were measured beside no resampling, and with how many models."""
    alone = {row.model for row in comparison.alone}
    counts: Counter[str] = Counter()
    for row in comparison.means:
        if row.model not in alone:
            counts[row.model] += row.sampler != "none"
    most = max(counts.values())
    few = sorted({count for count in counts.values() if count < most}, reverse=True)
    text = f"{_number(most, 'way')} of handling imbalance, and no resampling, with {_number(len(counts), 'model')}"
    if few:
        models = [", ".join(comparison.models[name] for name in counts if counts[name] == count) for count in few]
        groups = (f"{count} of the ways with {names}" for count, names in zip(few, models, strict=True))
        text += f" ({'; '.join(groups)})"
    takes = "takes" if len(alone) == 1 else "take"
    return text + (f", and {_number(len(alone), 'model')} that {takes} no sampler" if alone else "")


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _scorings(comparison: Comparison) -> str:
    """Every final model that was scored on the test set, the first one first; empty if none was."""
    table = ledger.scorings(load_profile(comparison.profile).results)
    if table.empty:
        return ""
    scored = [
        f"{_pair_label(row.model, row.sampler, comparison)}, {row.average_precision:.3f} ({row.finished[:10]})"
        for row in table.itertuples()
    ]
    return f"The test set has been scored for {_number(len(scored), 'final model')}: {'; '.join(scored)}."


def _pair_label(model: str, sampler: str, comparison: Comparison) -> str:
    """Model and sampler as the study prints them; a model that was measured with no sampler by itself."""
    label = comparison.models.get(model, model)
    if not any(row.model == model and row.sampler != "none" for row in comparison.means):
        return label
    return pair_text(label, comparison.samplers.get(sampler, sampler))


def left_out(model: FraudModel) -> list[str]:
    """Why figures of the statistics page are left out for the table that a model is of."""
    schema, sentences = model.schema, []
    if schema.amount is None:
        sentences.append("The table has no amount, so no figure shows amounts.")
    if schema.time is None:
        sentences.append("The table has no time, so no figure shows the hours of the day.")
    if model.raw:
        sentences.append("Correlations and the map of synthetic rows are drawn for tables of numbers only.")
    return sentences


def is_final(card: Card) -> bool | None:
    """Whether a card is that of the study's final model; None if the study's results cannot be shown."""
    study = shown_headline()
    return study and card.ledger_key == study.final.ledger_key


@dataclass(frozen=True)
class OwnStudy:
    """Where the results of a study of the user's own are; none of these need exist.

    Attributes
    ----------
    notebooks : Path
        Folder of the executed notebooks.
    report : Path
        The PDF.
    numbers : Path
        The recorded numbers.
    """

    notebooks: Path
    report: Path
    numbers: Path


def own_study(card: Card) -> OwnStudy | None:
    """Where the results of the study of a model are; None if its card does not name their folder."""
    if not (card.study and NAME.fullmatch(card.study) and card.profile in PROFILES):
        return None
    folder = STUDIES / card.study / card.profile
    return OwnStudy(folder / "notebooks", folder / "report.pdf", folder / "numbers.json")


def own_findings(own: OwnStudy, words: Words) -> Findings:
    """What a study of the user's own found, in its words.

    Empty while it has recorded no numbers, and, with the reason in the log, if they cannot be read.
    """
    try:
        numbers = json.loads(own.numbers.read_text(encoding="utf-8")) if own.numbers.exists() else {}
        return findings(numbers, words)
    except UNREADABLE as error:
        logger.error("the findings of %s are not shown (%s): %s", own.numbers, type(error).__name__, error)
        return Findings()


def notebooks(folder: Path = NOTEBOOKS) -> dict[str, str]:
    """Title of every chapter by its notebook's name, in the order of the study.

    One that cannot be read is left out, with the reason in the log.
    """
    titles = {}
    for path in sorted(folder.glob(CHAPTERS)):
        try:
            titles[path.stem] = _title(_version(path))
        except UNREADABLE as error:
            logger.error("the chapter %s is left out (%s): %s", path.name, type(error).__name__, error)
    return titles


@lru_cache
def _title(notebook: Version) -> str:
    path, _ = notebook
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    texts = ("".join(cell["source"]).strip() for cell in cells if cell["cell_type"] == "markdown")
    heading = next(filter(None, texts), "").partition("\n")[0]
    return heading.lstrip("# ").partition(" · ")[2] or path.stem


def notebook_page(name: str, root: str = "/", folder: Path = NOTEBOOKS) -> str:
    """The notebook `name` of `notebooks` as HTML without scripts and styles.

    Parameters
    ----------
    name : str
    root : str
        Address of the home page, which links to other notebooks start with.
    folder : Path
        Folder of the notebooks; that of the credit-card study by default.
    """
    return _page(_version(folder / f"{name}.ipynb"), root)


@lru_cache(MAX_PAGES)
def _page(version: Version, root: str) -> str:
    path, _ = version
    with without_module("rfc3987_syntax"):  # checks web addresses by a grammar that takes a second to compile
        import nbformat
        from nbconvert import HTMLExporter  # takes a second to import, which tests and tools need not wait for

    notebook = nbformat.read(path, as_version=4)
    heading = path.stem
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            headings = [line.lstrip("# ") for line in cell.source.splitlines() if line.startswith("#")]
            heading = headings[-1] if headings else heading
            for pattern, target in LINKS.items():
                cell.source = re.sub(pattern, f"]({root}{target})", cell.source)
        cell.metadata["alt"] = f"Figure: {heading}"
        for output in cell.get("outputs", []):
            if "text/html" in output.get("data", {}):
                output.data["text/html"] = without_styles(output.data["text/html"])
    exporter = HTMLExporter(
        template_name="basic", exclude_anchor_links=True, exclude_input_prompt=True, exclude_output_prompt=True
    )
    page, _ = exporter.from_notebook_node(notebook)
    # What is wide or long is scrolled, by keyboard too.
    page = page.replace("<pre>", '<pre tabindex="0">')
    return re.sub(r'<div class="(output_html [^"]*)"', r'<div tabindex="0" class="\1"', page)


def without_styles(table: str) -> str:
    """The HTML of a table without style sheets, inline styles and scripts, which the pages' policy forbids."""
    from nbconvert.preprocessors.sanitize import SanitizeHTML

    sanitize = SanitizeHTML(
        tags=list(TABLE_TAGS), attributes={"*": list(TABLE_ATTRIBUTES)}, styles=[], strip=True
    ).sanitize_html_tags
    return sanitize(FORBIDDEN.sub("", table))
