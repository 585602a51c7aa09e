"""The paper: complete, built from recorded numbers only, the same bytes every time, or not built at all."""

import copy
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pypdf
import pytest

from paper import build as paper
from utils.config import Profile, load_profile

SOURCE = (paper.SOURCES / "paper.typ").read_text()
SOURCES = "\n".join(path.read_text() for path in sorted(paper.SOURCES.glob("*.typ")))
SECTIONS = re.findall(r"^= (.+?)(?: <.*)?$", SOURCE, flags=re.MULTILINE)
FIGURES = re.findall(r'#(?:wide|narrow|beside)\(\s*(?:<[\w-]+>,\s*)?"([\w-]+)"', SOURCE)

# Settings of the protocol and thresholds of the prose's conditions; no result has a place here.
ALLOWED_DECIMALS = {"0.01", "0.05", "0.001", "0.5", "0.7"}
ALLOWED_SHARES = {"95", "90", "10"}

BLANK = '<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20"/>'


@pytest.fixture(scope="module")
def recorded() -> Profile:
    """The profile whose numbers are committed, or the last quick run's."""
    for name in ("full", "quick"):
        profile = load_profile(name)
        if profile.numbers.exists() and "08_final_model" in json.loads(profile.numbers.read_text()):
            return profile
    pytest.skip("No profile has recorded all its numbers yet; run `make quick`.")


@pytest.fixture(scope="module")
def numbers(recorded: Profile) -> dict:
    return json.loads(recorded.numbers.read_text())


@pytest.fixture
def whole(recorded: Profile, tmp_path: Path) -> Profile:
    """The recorded numbers and figures, with a place of its own for the PDF."""
    (tmp_path / "paper").mkdir()
    shutil.copy(recorded.numbers, tmp_path / "paper")
    return replace(recorded, paper=tmp_path / "paper")


@pytest.fixture
def profile(whole: Profile, tmp_path: Path, monkeypatch) -> Profile:
    """A copy that a test may damage, with blank figures, on one page so large that no line or page break parts
    a sentence."""
    shutil.copytree(paper.SOURCES, tmp_path / "sources", ignore=shutil.ignore_patterns("*.pdf", "*.json"))
    template = tmp_path / "sources" / "template.typ"
    assert 'paper: "a4"' in template.read_text() and "columns: 2" in template.read_text()
    large = template.read_text().replace('paper: "a4"', "width: 4000mm, height: 4000mm")
    template.write_text(large.replace("columns: 2", "columns: 1"))
    monkeypatch.setattr(paper, "SOURCES", tmp_path / "sources")
    (tmp_path / "figures").mkdir()
    for name in FIGURES:
        (tmp_path / "figures" / f"{name}.svg").write_text(BLANK)
    return replace(whole, figures=tmp_path / "figures")


def write(profile: Profile, numbers: dict) -> None:
    profile.numbers.write_text(json.dumps(numbers))


def text_of(pdf: Path) -> str:
    text = " ".join(page.extract_text() for page in pypdf.PdfReader(pdf).pages)
    return re.sub(r"\s+", " ", text)


def without(numbers: dict, path: str) -> dict:
    """The numbers but for one; a path as the paper writes it."""
    damaged = copy.deepcopy(numbers)
    *steps, last = path.split("/")
    here = damaged
    for step in steps:
        here = here[step]
    del here[last]
    return damaged


def with_verdicts(numbers: dict, verdict: str) -> dict:
    changed = copy.deepcopy(numbers)
    for row in changed["07_comparison"]["differences"]:
        row["verdict"] = verdict
    return changed


def test_is_a_paper_with_all_its_sections(whole):
    pdf = paper.build(whole)
    assert pdf == whole.paper / "paper.pdf"
    assert 6 <= len(pypdf.PdfReader(pdf).pages) <= 10
    text = text_of(pdf)
    assert "??" not in text
    assert len(SECTIONS) >= 10
    for section in SECTIONS:
        assert section in text, section


def test_two_builds_give_the_same_bytes(whole):
    first = paper.build(whole).read_bytes()
    assert paper.build(whole).read_bytes() == first
    assert sorted(path.name for path in whole.paper.iterdir()) == ["numbers.json", "paper.pdf"]


def test_the_committed_pdf_is_what_the_sources_give(whole, recorded):
    committed = recorded.paper / "paper.pdf"
    if recorded.name != "full" or not committed.exists():
        pytest.skip("No PDF of the full profile is committed yet.")
    assert text_of(committed) == text_of(paper.build(whole)), "run `make paper`"


def test_shows_the_recorded_numbers(profile, numbers):
    changed = copy.deepcopy(numbers)
    changed["08_final_model"]["test"]["average_precision"] = 0.123456
    changed["01_eda"]["rows"] = 1234567
    write(profile, changed)
    text = text_of(paper.build(profile))
    assert f"made from the {numbers['07_comparison']['profile']} profile" in text
    assert "0.123 [" in text
    assert "1,234,567 rows" in text


@pytest.mark.parametrize("verdict", ["supported", "not supported", "refuted"])
def test_the_claims_verdict_is_the_recorded_one(profile, numbers, verdict):
    changed = copy.deepcopy(numbers)
    changed["07_comparison"]["claim"]["verdict"] = verdict
    write(profile, changed)
    text = text_of(paper.build(profile))
    assert f"The claim is {verdict}" in text
    assert f"best model is {verdict}." in text
    assert ("At least one rival is credibly better" in text) == (verdict == "refuted")
    assert ("credibly better than every rival" in text) == (verdict == "supported")


@pytest.mark.parametrize(
    ("verdict", "says"),
    [
        ("helps", "a credible gain for "),
        ("harms", "a credible loss for "),
        ("equivalent", ": equivalent to doing nothing for "),
        ("no evidence", ": no evidence either way for "),
    ],
)
def test_sentences_follow_the_recorded_comparisons(profile, numbers, verdict, says):
    write(profile, with_verdicts(numbers, verdict))
    text = text_of(paper.build(profile))
    assert says in text
    assert ("No method improves any model beyond doubt" in text) == (verdict != "helps")
    assert ("We find no model that credibly profits" in text) == (verdict != "helps")


def test_networks_enter_the_table_once_they_have_two_folds(profile, numbers):
    changed = copy.deepcopy(numbers)
    section = changed["07_comparison"]
    section["differences"] = [row for row in section["differences"] if row["model"] in ("lr", "rf", "xgb")]
    section["folds"] |= {"ann": 1, "cnn1d": 1, "lstm": 1}
    write(profile, changed)
    assert "allow no interval" in text_of(paper.build(profile))
    rows = [row for row in section["differences"] if row["model"] == "xgb"]
    section["differences"] += [{**row, "model": model} for row in rows for model in ("ann", "cnn1d", "lstm")]
    section["folds"] |= {"ann": 5, "cnn1d": 5, "lstm": 5}
    write(profile, changed)
    assert "allow no interval" not in text_of(paper.build(profile))


@pytest.mark.parametrize(
    "missing",
    [
        "01_eda/duplicates",
        "03_undersampling/thinned_test/1% frauds",
        "05_cgan_training/ablation",
        "07_comparison/claim",
        "08_final_model/card/recall at the threshold",
    ],
)
def test_a_missing_number_is_named_and_the_old_pdf_stays(profile, numbers, missing):
    (profile.paper / "paper.pdf").write_bytes(b"old")
    write(profile, without(numbers, missing))
    with pytest.raises(paper.PaperError, match=f"lacks '{re.escape(missing)}'; run the notebook that records it"):
        paper.build(profile)
    assert (profile.paper / "paper.pdf").read_bytes() == b"old"
    assert sorted(path.name for path in profile.paper.iterdir()) == ["numbers.json", "paper.pdf"]


def test_something_else_than_a_number_is_refused(profile, numbers):
    changed = copy.deepcopy(numbers)
    changed["08_final_model"]["threshold"] = "high"
    write(profile, changed)
    with pytest.raises(paper.PaperError, match="where the paper needs a number"):
        paper.build(profile)


def test_missing_numbers_file_says_what_to_run(profile):
    profile.numbers.unlink()
    with pytest.raises(paper.PaperError, match=r"There is no .*numbers\.json; run the notebooks of profile"):
        paper.build(profile)


def test_a_missing_figure_is_named_and_the_old_pdf_stays(profile):
    (profile.paper / "paper.pdf").write_bytes(b"old")
    (profile.figures / f"{FIGURES[-1]}.svg").unlink()
    with pytest.raises(paper.PaperError, match=rf"{FIGURES[-1]}\.svg is missing; run the notebook that draws it"):
        paper.build(profile)
    assert (profile.paper / "paper.pdf").read_bytes() == b"old"


def test_a_warning_stops_the_build(profile):
    (paper.SOURCES / "paper.typ").write_text(SOURCE + '\n#text(font: "No such font")[x]\n')
    with pytest.raises(paper.PaperError, match=r"warns about paper\.typ: unknown font family"):
        paper.build(profile)
    assert not (profile.paper / "paper.pdf").exists()


def test_every_figure_shown_is_there(recorded):
    assert len(FIGURES) >= 6
    assert [name for name in FIGURES if not (recorded.figures / f"{name}.svg").exists()] == []


def test_citations_and_references_are_the_same():
    entries = set(re.findall(r"^@\w+\{(\w+),", (paper.SOURCES / "references.bib").read_text(), flags=re.MULTILINE))
    cited = set(re.findall(r"@([a-z]+\d{4})\b", SOURCES))
    assert cited == entries


def test_no_result_is_typed():
    prose = re.sub(r"//.*", "", SOURCE)
    prose = re.sub(r'"[^"\n]*"', '""', prose)  # names of numbers, not numbers
    decimals = set(re.findall(r"(?<![\w.])(?:0?\.\d{2,}|0\.\d)(?![\d.]|pt|em|mm|cm|%)", prose))
    assert decimals <= ALLOWED_DECIMALS
    for section in ("Results", "The final model", "Discussion", "Conclusions"):
        body = re.search(rf"^= {section}\b.*?(?=^= |\Z)", prose, flags=re.MULTILINE | re.DOTALL).group()
        shares = set(re.findall(r"(\d+(?:\.\d+)?) %", body))
        assert shares <= ALLOWED_SHARES, section


def test_methods_describe_the_settings_in_force():
    from utils.cgan import GANConfig
    from utils.models import MODELS
    from utils.samplers import SAMPLERS

    config = GANConfig()
    assert (config.loss, config.scaling, config.conditional, config.pack) == ("wasserstein", "class", True, 1)
    assert config.critic_steps > 1 and config.average_decay > 0 and config.match_moments
    quick = load_profile("quick").parameters["rf"]["n_estimators"]
    said = f"{MODELS['rf'].defaults['n_estimators']} trees ({quick} in the quick profile)"
    assert said in " ".join(SOURCE.split())
    ratios = {entry.defaults["ratio"] for entry in SAMPLERS.values() if "ratio" in entry.defaults}
    assert ratios == {"balanced"}
