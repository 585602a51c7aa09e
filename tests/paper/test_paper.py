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
from utils.config import ROOT, ULB, Profile, load_profile
from utils.reporting import claims
from utils.reporting import recorded as recorded_numbers

SOURCE = (paper.SOURCES / "paper.typ").read_text()
SOURCES = "\n".join(path.read_text() for path in sorted(paper.SOURCES.glob("*.typ")))
SECTIONS = re.findall(r"^= (.+?)(?: <.*)?$", SOURCE, flags=re.MULTILINE)
FIGURES = re.findall(r'#(?:wide|narrow|beside)\(\s*(?:<[\w-]+>,\s*)?"([\w-]+)"', SOURCE)

# Settings of the protocol and thresholds of the text's conditions; no results.
ALLOWED_DECIMALS = {"0.01", "0.05", "0.001", "0.2", "0.5", "0.9", "0.95", "0.99"}
ALLOWED_SHARES = {"95", "90", "10"}

WORDS = ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
WORDS += ["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"]
BLANK = '<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20"/>'


@pytest.fixture(scope="module")
def recorded() -> Profile:
    """The profile with committed numbers, or that of the last quick run."""
    for name in ("full", "quick"):
        profile = load_profile(name)
        if profile.numbers.exists() and "08_final_model" in json.loads(profile.numbers.read_text()):
            return profile
    pytest.skip("No profile has recorded all its numbers yet; run `make quick`.")


@pytest.fixture(scope="module")
def stated(recorded: Profile) -> dict:
    """The recorded numbers of the full study, which states its claims."""
    return json.loads(recorded.numbers.read_text())


@pytest.fixture(scope="module")
def numbers(stated: dict) -> dict:
    """The same as if they were from another table: every sentence is generated from them."""
    other = copy.deepcopy(stated)
    other["07_comparison"]["dataset"] = {"name": "claims", "sha256": "0" * 64}
    return other


@pytest.fixture
def whole(recorded: Profile, tmp_path: Path) -> Profile:
    """The recorded numbers and figures, with a separate folder for the PDF."""
    (tmp_path / "paper").mkdir()
    shutil.copy(recorded.numbers, tmp_path / "paper")
    return replace(recorded, paper=tmp_path / "paper")


@pytest.fixture(scope="module")
def built(recorded: Profile, tmp_path_factory) -> Path:
    """The PDF of the recorded numbers and figures, which tests only read."""
    folder = tmp_path_factory.mktemp("built")
    shutil.copy(recorded.numbers, folder)
    return paper.build(replace(recorded, paper=folder))


@pytest.fixture(scope="module")
def text(built: Path) -> str:
    return text_of(built)


@pytest.fixture
def profile(whole: Profile, tmp_path: Path, monkeypatch) -> Profile:
    """A copy that a test may change, with blank figures.

    Its page is so large that no line or page break divides a sentence.
    """
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


def spelled(n: int) -> str:
    return WORDS[n] if n < len(WORDS) else str(n)


def text_of(pdf: Path) -> str:
    text = " ".join(page.extract_text() for page in pypdf.PdfReader(pdf).pages)
    return re.sub(r"\s+", " ", text)


def without(numbers: dict, path: str) -> dict:
    """The numbers without one; a path as in the paper."""
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


def test_paper_has_all_its_sections(built, text):
    assert built.name == "paper.pdf"
    assert 6 <= len(pypdf.PdfReader(built).pages) <= 16
    assert "??" not in text
    assert len(SECTIONS) >= 10
    for section in SECTIONS:
        assert section in text, section


def test_build_gives_the_same_bytes_twice(whole, built):
    assert paper.build(whole) == whole.paper / "paper.pdf"
    assert (whole.paper / "paper.pdf").read_bytes() == built.read_bytes()
    assert sorted(path.name for path in whole.paper.iterdir()) == ["numbers.json", "paper.pdf"]


def test_build_gives_the_committed_pdf(recorded, built, text):
    committed = recorded.paper / "paper.pdf"
    if recorded.name != "full" or not committed.exists():
        pytest.skip("No PDF of the full profile is committed yet.")
    same = committed.read_bytes() == built.read_bytes()  # another release of Typst writes the same text in other bytes
    assert same or text_of(committed) == text, "run `make paper`"


def test_paper_shows_the_recorded_numbers(profile, numbers):
    changed = copy.deepcopy(numbers)
    changed["08_final_model"]["test"]["average_precision"] = 0.123456
    changed["01_eda"]["rows"] = 1234567
    write(profile, changed)
    text = text_of(paper.build(profile))
    assert f"made from the {numbers['07_comparison']['profile']} profile" in text
    assert "0.123 [" in text
    assert "1,234,567 rows" in text


@pytest.mark.parametrize("verdict", ["supported", "not supported", "refuted"])
def test_paper_gives_the_recorded_verdict_on_the_claim(profile, numbers, verdict):
    changed = copy.deepcopy(numbers)
    changed["07_comparison"]["claim"]["verdict"] = verdict
    write(profile, changed)
    text = text_of(paper.build(profile))
    assert f"The claim is {verdict}" in text
    assert f"best model is {verdict}." in text
    assert ("At least one rival is credibly better" in text) == (verdict == "refuted")
    assert ("credibly better than every rival" in text) == (verdict == "supported")


def test_paper_names_the_rivals_that_refute_the_claim(profile, numbers):
    changed = copy.deepcopy(numbers)
    row = {"mean": -0.02, "low": -0.03, "high": -0.01, "adjusted_p": 0.021}
    changed["07_comparison"]["claim"] |= {"verdict": "refuted", "refuted_by": [{**row, "against": "xgb + borderline"}]}
    write(profile, changed)
    says = "better: XGBoost with Borderline-SMOTE (−0.020 [−0.030, −0.010], adjusted p of 0.021)."
    assert says in text_of(paper.build(profile)).replace("𝑝", "p")


@pytest.mark.parametrize(
    ("verdict", "says"),
    [
        ("helps", "Gains are credible for logistic regression with "),
        ("harms", "Losses are credible for class weights with logistic regression"),
        ("equivalent", "Equivalent to no resampling: logistic regression with "),
        ("undecided", "none practically equivalent, and {n} undecided"),
    ],
)
def test_paper_sentences_follow_the_recorded_comparisons(profile, numbers, verdict, says):
    write(profile, with_verdicts(numbers, verdict))
    text = text_of(paper.build(profile))
    rows = numbers["07_comparison"]["differences"]
    assert says.format(n=spelled(len(rows))) in text
    assert ("Gains are credible for" in text) == (verdict == "helps")
    assert ("Losses are credible for" in text) == (verdict == "harms")
    assert ("We find no model that credibly profits" in text) == (verdict != "helps")


@pytest.mark.parametrize(
    ("p_equivalent", "says"),
    [(0.5, "No difference lies within the margin with a probability above"), (0.99, "within the margin")],
)
def test_paper_counts_differences_that_are_probably_equivalent(profile, numbers, p_equivalent, says):
    changed = copy.deepcopy(numbers)
    for row in changed["07_comparison"]["differences"]:
        row["p_equivalent"] = p_equivalent
    write(profile, changed)
    text = text_of(paper.build(profile))
    assert says in text
    every = spelled(sum(row["verdict"] != "not used" for row in changed["07_comparison"]["differences"]))
    assert (f", {every} differences lie" in text) == (p_equivalent > 0.95)


@pytest.mark.parametrize(
    ("verdict", "says"),
    [
        ("helps", "the sampler helps in two, is equivalent in none, harms in none, and none are undecided"),
        ("undecided", "the sampler helps in none, is equivalent in none, harms in none, and two are undecided"),
        (
            "not used",
            "the sampler helps in none, is equivalent in none, harms in none, is not used in two, and none are",
        ),
    ],
)
def test_paper_counts_the_verdicts_over_other_tables(profile, numbers, verdict, says):
    changed = copy.deepcopy(numbers)
    rows = [row for row in changed["10_many_tables"]["verdicts"] if row["sampler"] == "smote"][:2]
    changed["10_many_tables"]["verdicts"] = [{**row, "verdict": verdict, "difference": 0.0314} for row in rows]
    changed["10_many_tables"]["claim"] |= {"verdict": "supported", "equal_verdict": "refuted"}
    write(profile, changed)
    text = text_of(paper.build(profile))
    assert f"Of 2 pairs of a model and a sampler, with a tuned ratio, {says}" in text
    assert ("Gains: SMOTE with logistic regression (+0.031)" in text) == (verdict == "helps")
    assert "best model is supported over these families with a tuned ratio, and refuted with equal" in text


def test_paper_names_generators_that_are_ahead_in_figures_of_its_table(profile, numbers):
    changed = copy.deepcopy(numbers)
    only_elsewhere = {"generator": "TVAE, 300 epochs", "figures": ["TRTS", "Wasserstein"], "closest_record": 1.4}
    ahead = {"generator": "SMOTE", "figures": ["coverage", "TSTR"], "closest_record": 0.8}
    for rows, says in (
        ([ahead, only_elsewhere], "Others are nearer to the ideal by some measures: SMOTE in coverage."),
        ([only_elsewhere], "No other generator is nearer to the ideal by any measure of the table."),
    ):
        changed["05_cgan_training"]["ahead"] = rows
        write(profile, changed)
        text = text_of(paper.build(profile))
        assert says in text and "TVAE, 300 epochs in" not in text


def test_paper_says_what_the_condition_does_for_fidelity(profile, numbers):
    changed = copy.deepcopy(numbers)
    rows = {(row["variant"], row["figure"]): row for row in changed["05_cgan_training"]["ablation"]}
    figures = ("correlation_difference", "two_sample_auc_seen", "coverage")
    for pair in [(variant, figure) for variant in ("frauds_only", "unconditional") for figure in figures]:
        rows[pair] |= {"low": -0.02, "mean": 0.0, "high": 0.02}
    write(profile, changed)
    text = text_of(paper.build(profile))
    neither = "makes rows that are neither clearly more nor less like frauds"
    assert text.count(neither) == 2 and "conditioning costs fidelity" not in text
    rows["frauds_only", "two_sample_auc_seen"] |= {"low": -0.03, "mean": -0.02, "high": -0.01}
    write(profile, changed)
    text = text_of(paper.build(profile))
    says = "more like frauds by the two-sample test on the training rows (−0.020 [−0.030, −0.010]); one that only lacks"
    assert says in text and text.count(neither) == 1 and "conditioning costs fidelity" not in text
    rows["unconditional", "coverage"] |= {"low": -0.03, "mean": -0.02, "high": -0.01}
    write(profile, changed)
    text = text_of(paper.build(profile))
    assert "less like frauds by coverage (−0.020 [−0.030, −0.010]). The evidence points both ways, so whether" in text


def test_paper_has_phrases_for_variants_that_there_are(numbers):
    phrases = re.search(r"_phrases = \((.*?)^\)", SOURCES, flags=re.MULTILINE | re.DOTALL).group(1)
    names = set(re.findall(r"^  (\w+): ", phrases, flags=re.MULTILINE))
    assert names and names <= {variant["name"] for variant in numbers["05_cgan_training"]["variants"]}


def test_paper_says_what_the_raw_time_gains(profile, numbers):
    changed = copy.deepcopy(numbers)
    for row in changed["07_comparison"]["views"]:
        row["mean"] = 0.805 if row["setting"] == "raw time as a feature" else 0.8
    write(profile, changed)
    text = text_of(paper.build(profile))
    assert "finds no gain of 0.01), and in the future" in text and "The raw time raises no mean by 0.01" in text
    changed["07_comparison"]["views"][-1]["mean"] = 0.82
    write(profile, changed)
    text = text_of(paper.build(profile))
    assert "give bursts of fraud away, and in the future" in text and "raw time raises no mean" not in text


@pytest.mark.parametrize(("highest", "above"), [(0.9, True), (0.95, False)])
def test_paper_says_if_the_printed_figure_is_above_every_seed_of_the_replica(profile, numbers, highest, above):
    changed = copy.deepcopy(numbers)
    (row,) = [row for row in changed["07_comparison"]["replica"] if row["sampler"] == "cgan"]
    row["highest"] = highest
    write(profile, changed)
    text = text_of(paper.build(profile))
    assert ("which is above that of every seed of the replica." in text) == above


@pytest.mark.parametrize(("closest", "says"), [(1.2, True), (0.8, False)])
def test_paper_says_if_generated_rows_are_no_closer_to_frauds_than_others(profile, numbers, closest, says):
    changed = copy.deepcopy(numbers)
    changed["05_cgan_training"]["peers"][0]["closest_record"] = closest
    write(profile, changed)
    assert ("no closer to training frauds than held-out frauds are" in text_of(paper.build(profile))) == says


@pytest.mark.parametrize("verdict", ["helps", "harms", "undecided"])
def test_paper_names_what_is_decided_with_few_frauds(profile, numbers, verdict):
    changed = copy.deepcopy(numbers)
    rows = [row for row in changed["09_scarcity"]["differences"] if row["model"] == "lr"]
    rows = [row for row in rows if row["sampler"] == "smote" and row["level"] in ("20", "all")]
    rows = [row | {"verdict": "undecided", "detectable": 0.05} for row in rows]
    rows[0] |= {"verdict": verdict, "mean": 0.0314}
    changed["09_scarcity"] |= {"differences": rows, "generators": [row | {"reference": "ros"} for row in rows[1:]]}
    write(profile, changed)
    text = text_of(paper.build(profile))
    helps, harms, undecided = {
        "helps": ("one", "none", "one is"),
        "harms": ("none", "one", "one is"),
        "undecided": ("none", "none", "two are"),
    }[verdict]
    counts = f"the sampler helps in {helps}, is equivalent in none, harms in {harms}, and {undecided} undecided"
    assert re.search(rf"Of 2 comparisons against no resampling \(Figure \d+\), {counts}", text)
    assert ("Gains: SMOTE with logistic regression (20: +0.031)." in text) == (verdict == "helps")
    assert ("Losses: SMOTE with logistic regression (20: +0.031)." in text) == (verdict == "harms")
    assert "Half of the comparisons could have detected only a difference of more than 0.050 with 20 frauds" in text


def test_paper_gives_a_credible_loss_with_its_sampler_models_and_range(profile, numbers):
    changed = with_verdicts(numbers, "undecided")
    means = {"lr": -0.1, "rf": -0.3}
    for row in changed["07_comparison"]["differences"]:
        if row["sampler"] == "rus" and row["model"] in means:
            row |= {"verdict": "harms", "mean": means[row["model"]]}
    write(profile, changed)
    says = "Losses are credible for random undersampling with logistic regression and random forest (−0.300 to −0.100)"
    assert says in text_of(paper.build(profile))


def test_paper_says_which_intervals_exclude_zero_before_the_adjustment(profile, numbers):
    changed = with_verdicts(numbers, "undecided")
    for row in changed["07_comparison"]["differences"]:
        row |= {"low": -0.1, "mean": 0.0, "high": 0.1}
    first, *_, last = (row for row in changed["07_comparison"]["differences"] if row["sampler"] in ("rus", "smote"))
    write(profile, changed)
    assert "unadjusted intervals that exclude" not in text_of(paper.build(profile))
    first |= {"low": -0.5, "mean": -0.4, "high": -0.3}
    last |= {"low": 0.3, "mean": 0.4, "high": 0.5}
    write(profile, changed)
    text = text_of(paper.build(profile))
    assert "have unadjusted intervals that exclude zero; gains: SMOTE with " in text
    assert "(+0.400); losses: random undersampling with " in text


@pytest.mark.parametrize("verdict", ["helps", "harms", "undecided"])
def test_paper_compares_models_without_sampler_with_xgboost(profile, numbers, verdict):
    changed = copy.deepcopy(numbers)
    for row in changed["07_comparison"]["alone"]:
        row["verdict"] = verdict
    write(profile, changed)
    text = text_of(paper.build(profile))
    assert ("None of them is credibly better" in text) == (verdict != "helps")
    assert ("Credibly better" in text) == (verdict == "helps")
    assert ("Credibly worse" in text) == (verdict == "harms")


def test_paper_counts_ratios_whose_intervals_exclude_zero(profile, numbers):
    changed = copy.deepcopy(numbers)
    for row in (rows := changed["04_smote"]["ratios"]):
        row |= {"low": -0.02, "mean": 0.001, "high": 0.03}
    rows[0] |= {"low": 0.01, "mean": 0.02}
    write(profile, changed)
    text = text_of(paper.build(profile))
    assert f"Of {len(rows)} settings of the methods that add frauds or weigh them, the interval lies above zero" in text
    assert "for one and below for none; the largest mean difference is that of" in text
    assert "(+0.020 [0.010, 0.030])" in text


def test_paper_compares_the_choice_with_the_plain_model(profile, numbers):
    changed = copy.deepcopy(numbers)
    final = changed["08_final_model"]
    final["choice"] |= {"sampler": "smote", "model": "xgb"}
    final["gains"] = [{"against": "xgb + none", "mean": 0.01, "low": -0.01, "high": 0.03, "p_equivalent": 0.5}]
    write(profile, changed)
    text = text_of(paper.build(profile))
    assert (
        "its difference from XGBoost without resampling is +0.010 [−0.010, 0.030]; with a probability of 50 %" in text
    )
    final["choice"] |= {"sampler": "none"}
    del final["gains"]
    write(profile, changed)
    assert "its difference from XGBoost without resampling" not in text_of(paper.build(profile))


def test_paper_of_the_full_study_states_its_claims(profile, stated):
    if not claims.asserted(recorded_numbers.parse(stated)):
        pytest.skip("The full study has not recorded its numbers.")
    text = text_of(paper.build(profile))
    assert [claim.name for claim in claims.CLAIMS if claim.sentence not in text] == []


def test_paper_of_another_run_states_no_claim(profile, numbers):
    write(profile, numbers)
    text = text_of(paper.build(profile))
    assert [claim.name for claim in claims.CLAIMS if claim.sentence in text] == []


def test_build_names_a_false_claim_and_leaves_the_old_pdf(profile, stated):
    (profile.paper / "paper.pdf").write_bytes(b"old")
    changed = copy.deepcopy(stated)
    changed["07_comparison"] |= {"profile": "full", "dataset": {"name": "creditcard", "sha256": ULB.sha256}}
    changed["07_comparison"]["claim"]["verdict"] = "supported"
    write(profile, changed)
    with pytest.raises(
        paper.PaperError, match=r"The claim 'not_supported' .* \('supported', 'not supported'\) is not = "
    ):
        paper.build(profile)
    assert (profile.paper / "paper.pdf").read_bytes() == b"old"


def test_paper_has_the_title_and_authors_of_readme_and_citation():
    (title,) = re.findall(r'^  title: "(.*)",$', SOURCE, flags=re.MULTILINE)
    assert (ROOT / "README.md").read_text().startswith(f"# {title}\n")
    citation = (ROOT / "CITATION.cff").read_text()
    (authors,) = re.findall(r'^  authors: "(.*)",$', SOURCE, flags=re.MULTILINE)
    assert f'title: "{title}"\n' in citation and f'  - name: "{authors}"\n' in citation


def test_paper_prints_chosen_ratios(profile, numbers):
    changed = copy.deepcopy(numbers)
    rows = [{"ratio": ratio, "n_folds": count} for ratio, count in (("balanced", 7), ("20", 2), ("5", 0), ("1", 1))]
    changed["07_comparison"]["ratios"] = [{"model": "rf", "sampler": "cgan", **row} for row in rows]
    rows = [{"ratio": ratio, "n_folds": count} for ratio, count in (("balanced", 3), ("5", 0), ("100", 7))]
    changed["07_comparison"]["ratios"] += [{"model": "xgb", "sampler": "rus", **row} for row in rows]
    write(profile, changed)
    text = text_of(paper.build(profile))
    assert "they were chosen in 7 of 10 searches for random forest and 3 of 10 searches for XGBoost." in text
    assert "CGAN 1 / 5 / 20 / equal – 1 / 0 / 2 / 7 –" in text
    assert "Random undersampling 100 / 20 / 5 / equal – – 7 / · / 0 / 3" in text


def test_paper_says_what_the_search_misses_of_a_known_setting(profile, numbers):
    changed = copy.deepcopy(numbers)
    (row,) = [row for row in changed["07_comparison"]["tuned"] if row["against"] == "xgb + boosted"]
    row |= {"mean": -0.02, "low": -0.03, "high": -0.01}
    write(profile, changed)
    text = text_of(paper.build(profile))
    assert "which differs by −0.020 [−0.030, −0.010] from its mean at a setting that had been found on these" in text


def test_paper_discloses_every_scoring_of_the_test_set(profile, numbers):
    changed = copy.deepcopy(numbers)
    rows = [("cgan", "xgb", 0.7, "2026-01-01"), ("none", "blend", 0.8, "2026-01-02"), ("none", "rf", 0.9, "2026-01-03")]
    changed["08_final_model"]["scorings"] = [
        {
            "sampler": sampler,
            "model": model,
            "label": model,
            "average_precision": score,
            "finished": f"{day}T00:00:00+00:00",
        }
        for sampler, model, score, day in rows
    ]
    write(profile, changed)
    text = text_of(paper.build(profile))
    assert text.count("The ledger of this run holds three scorings of the test set.") == 2
    assert "It has been scored for three final models, so the last score is not that of an untouched set." in text
    assert (
        "0.700 for XGBoost with CGAN (2026-01-01), 0.800 for the blend of trees with no resampling (2026-01-02)" in text
    )
    changed["08_final_model"]["scorings"] = changed["08_final_model"]["scorings"][:1]
    write(profile, changed)
    text = text_of(paper.build(profile))
    assert "holds one scoring of the test set" in text and "untouched" not in text


def reduced(numbers: dict) -> dict:
    """Numbers of a run with few samplers and models."""
    changed = copy.deepcopy(numbers)
    samplers, models = load_profile("quick").samplers, load_profile("quick").models
    section = changed["07_comparison"]
    for name in ("means", "summary", "differences", "alone", "ranks"):
        section[name] = [
            row for row in section[name] if row["sampler"] in samplers and row.get("model", models[0]) in models
        ]
    section["folds"] = {model: n for model, n in section["folds"].items() if model in models}
    for chapter in ("03_undersampling", "04_smote"):
        changed[chapter]["ratios"] = [row for row in changed[chapter]["ratios"] if row["sampler"] in samplers]
    section["claim"] |= {"best": ["xgb", "smote"]}
    return changed


def test_paper_describes_a_run_with_few_methods_as_one(profile, numbers):
    write(profile, reduced(numbers))
    text = text_of(paper.build(profile))
    assert "This run has no results for Tomek links, NearMiss" in text
    assert "EasyEnsemble 0." not in text and "NearMiss 0." not in text
    assert "We compare four ways of handling imbalance against no resampling" in text


def test_paper_has_no_figure_in_a_column():
    """Where page floats leave little room in a column, Typst lets an unbreakable block overlap them."""
    assert not re.findall(r"^#narrow\(", SOURCE, flags=re.MULTILINE)
    figures = re.findall(r"^ *#figure\((.*?)^ *\) <", SOURCE, flags=re.MULTILINE | re.DOTALL)
    assert figures and all('scope: "parent"' in figure and "placement: auto" in figure for figure in figures)


def test_paper_has_no_semicolon_at_the_end_of_an_expression():
    """Typst reads a semicolon after an expression as its end and does not print it; a printed one is escaped."""
    nested = r"\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)"
    assert r"digits: 0)\;" in SOURCE and not re.findall(rf"#[\w.-]+(?:{nested})?;", SOURCE)


def test_paper_names_are_those_of_the_registries():
    from utils.models import registry as models
    from utils.samplers import registry as samplers

    text = (paper.SOURCES / "names.typ").read_text()
    names = dict(re.findall(r'^  "?(\w+)"?: "(.*)",$', text, flags=re.MULTILINE))
    heads = {key: name.removeprefix("the ") for key, name in names.items()}
    for key, label in (models.LABELS | samplers.LABELS).items():
        assert heads[key][0].upper() + heads[key][1:] == label[0].upper() + label[1:], key


def test_paper_table_has_networks_once_they_have_two_folds(profile, numbers):
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
        "01_eda/drift",
        "07_comparison/search",
        "04_smote/ratios",
        "05_cgan_training/ablation",
        "07_comparison/alone",
        "07_comparison/claim",
        "08_final_model/card/recall at the threshold",
    ],
)
def test_build_names_a_missing_number_and_leaves_the_old_pdf(profile, numbers, missing):
    (profile.paper / "paper.pdf").write_bytes(b"old")
    write(profile, without(numbers, missing))
    with pytest.raises(paper.PaperError, match=f"lacks '{re.escape(missing)}'; run the notebook that records it"):
        paper.build(profile)
    assert (profile.paper / "paper.pdf").read_bytes() == b"old"
    assert sorted(path.name for path in profile.paper.iterdir()) == ["numbers.json", "paper.pdf"]


def test_build_refuses_something_else_than_a_number(profile, numbers):
    changed = copy.deepcopy(numbers)
    changed["08_final_model"]["threshold"] = "high"
    write(profile, changed)
    with pytest.raises(paper.PaperError, match="where the paper needs a number"):
        paper.build(profile)


def test_build_says_what_to_run_without_a_numbers_file(profile):
    profile.numbers.unlink()
    with pytest.raises(paper.PaperError, match=r"There is no .*numbers\.json; run the notebooks of profile"):
        paper.build(profile)


def test_build_names_a_missing_figure_and_leaves_the_old_pdf(profile):
    (profile.paper / "paper.pdf").write_bytes(b"old")
    (profile.figures / f"{FIGURES[-1]}.svg").unlink()
    with pytest.raises(paper.PaperError, match=rf"{FIGURES[-1]}\.svg is missing; run the notebook that draws it"):
        paper.build(profile)
    assert (profile.paper / "paper.pdf").read_bytes() == b"old"


def test_build_stops_at_a_warning(profile):
    (paper.SOURCES / "paper.typ").write_text(SOURCE + '\n#text(font: "No such font")[x]\n')
    with pytest.raises(paper.PaperError, match=r"warns about paper\.typ: unknown font family"):
        paper.build(profile)
    assert not (profile.paper / "paper.pdf").exists()


def test_paper_figures_are_all_there(recorded):
    assert len(FIGURES) >= 6
    assert [name for name in FIGURES if not (recorded.figures / f"{name}.svg").exists()] == []


def test_paper_citations_and_references_are_the_same():
    entries = set(re.findall(r"^@\w+\{(\w+),", (paper.SOURCES / "references.bib").read_text(), flags=re.MULTILINE))
    cited = set(re.findall(r"@([a-z]+\d{4})\b", SOURCES))
    assert cited == entries


def test_paper_has_no_typed_result():
    prose = re.sub(r"//.*", "", SOURCE)
    prose = re.sub(r'"[^"\n]*"', '""', prose)  # names of numbers, not numbers
    decimals = set(re.findall(r"(?<![\w.])(?:0?\.\d{2,}|0\.\d)(?![\d.]|pt|em|mm|cm|%)", prose))
    assert decimals <= ALLOWED_DECIMALS
    for section in ("Results", "The final model", "Discussion", "Conclusions"):
        body = re.search(rf"^= {section}\b.*?(?=^= |\Z)", prose, flags=re.MULTILINE | re.DOTALL).group()
        shares = set(re.findall(r"(\d+(?:\.\d+)?) %", body))
        assert shares <= ALLOWED_SHARES, section


def test_paper_methods_describe_the_settings_in_force():
    from utils.models.registry import MODELS
    from utils.samplers.cgan.sampler import GANConfig
    from utils.samplers.registry import SAMPLERS

    config = GANConfig()
    assert (config.loss, config.scaling, config.conditional, config.pack) == ("wasserstein", "class", True, 1)
    assert config.critic_steps > 1 and config.average_decay > 0 and config.match_moments
    quick = load_profile("quick")
    prose = " ".join(SOURCE.split())
    trees = quick.parameters["rf"]["n_estimators"]
    assert f"{MODELS['rf'].defaults['n_estimators']} trees ({trees} in the quick profile)" in prose
    assert f"fitted to {MODELS['ocsvm'].defaults['max_rows']:,} rows" in prose
    assert {name: MODELS[name].space for name in ("brf", "easy", "blend")} == {"brf": {}, "easy": {}, "blend": {}}
    ratios = {name: entry.defaults["ratio"] for name, entry in SAMPLERS.items() if "ratio" in entry.defaults}
    assert ratios.pop("smoteenn") == 20 and set(ratios.values()) == {"balanced"}
    spaces = {value for entry in SAMPLERS.values() for value in entry.space.get("ratio", ()) if value != "balanced"}
    assert spaces == {1, 5, 20, 100}


def test_paper_states_the_settings_of_networks_and_how_often_a_list_of_settings_changes_no_row():
    from inspect import getsource, signature

    from utils.benchmark.equal_search import spread
    from utils.models import networks
    from utils.models.registry import MODELS
    from utils.samplers.cgan import networks as cgan_networks
    from utils.samplers.registry import SAMPLERS

    prose = " ".join(SOURCE.split())
    updates = {name: MODELS[name].defaults["updates"] for name in networks.NETWORKS}
    assert f"for {updates['ann']:,} updates with the ANN and {updates['lstm']:,} with the others" in prose
    assert updates["cnn1d"] == updates["lstm"]
    batch_size = signature(networks.NetworkClassifier).parameters["batch_size"].default
    assert f"Their batches have {batch_size:,} rows" in prose
    assert networks.COLUMNS_PER_STEP == 4 and "reads the columns in order, four at a time" in prose
    assert "negative_slope=0.2" in getsource(cgan_networks) and "leaky rectifiers (slope 0.2)" in prose
    unchanged = {
        (name, n_trials): spread(list(SAMPLERS[name].ratios), n_trials).count(SAMPLERS[name].ratios[0])
        for name in ("rus", "smote", "cgan", "smoteenn")
        for n_trials in (8, 16)
    }
    assert unchanged.pop(("smoteenn", 16)) == 4 and unchanged.pop(("smoteenn", 8)) == 2
    assert set(unchanged.items()) == {
        ((name, n), {8: 1, 16: 3}[n]) for name in ("rus", "smote", "cgan") for n in (8, 16)
    }
    assert "Three of sixteen settings, and one of eight for networks, leave the rows as they are" in prose


def test_paper_says_what_the_search_gains(profile, numbers):
    changed = copy.deepcopy(numbers)
    changed["07_comparison"]["search"] = [
        {"model": model, "best": 0.8, "median": 0.8 - gain, "gain": gain}
        for model, gain in (("lr", 0.004), ("xgb", 0.02))
    ]
    write(profile, changed)
    text = text_of(paper.build(profile))
    assert "the best setting lies 0.004 for logistic regression and 0.020 for XGBoost above the median one" in text


def test_paper_describes_the_rule_of_the_verdicts_as_it_is():
    from utils import config as config_module
    from utils.analysis import corrected_tests, verdicts

    prose, readme = " ".join(SOURCE.split()), " ".join((ROOT / "docs" / "results.md").read_text().split())
    alpha, margin = corrected_tests.ALPHA, config_module.MARGIN
    assert f"the adjusted $p$ is below {alpha} and the whole interval lies beyond {margin} or −{margin}" in prose
    assert f"adjusted p-value is below {alpha} and its whole interval lies beyond the band" in readme
    assert f"grey band within ±{margin}" in readme
    beyond, across = (margin + 0.001, 0.1), (margin - 0.001, 0.1)
    assert verdicts.verdict(*beyond, alpha - 0.001) == "helps"
    assert verdicts.verdict(*beyond, alpha) == verdicts.verdict(*across, 0.0) == "undecided"


def test_paper_describes_the_search_as_it_is(text):
    from utils.experiments.sensitivity import SMALLER

    search = load_profile("full").search
    prose = " ".join(SOURCE.split())
    assert f"{search.trials} for a classical model or an ensemble and {search.deep_trials} for a network" in text
    assert f"{spelled(search.folds)} inner folds of all training rows" in prose
    assert search.held_out == 7 and "the networks on one seventh of them" in prose
    assert search.margin == 0 and "The best setting is taken, and none is preferred" in prose
    assert search.equal_classes == ("ros", "smote", "cgan")
    assert "with random oversampling, SMOTE and CGAN the model is searched again" in prose
    forest, boosting = (SMALLER[name]["n_estimators"] for name in ("rf", "xgb"))
    assert f"(forests of {forest} trees, XGBoost with {boosting})" in prose
