"""The README's results: generated from the recorded numbers, with the claims of the full study."""

import re

import pytest

from tests.utils.reporting.test_claims import TURNS, numbers_of_the_full_study, turned
from utils.config import ROOT, load_profile
from utils.experiments import plan_cost
from utils.reporting import claims, readme
from utils.reporting.readme import README_END, README_START
from utils.reporting.recorded import NumbersError, parse, read


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"# Title\n\n{README_START}\nold\n{README_END}\n\nThe end – really.\n", encoding="utf-8")
    return path


@pytest.fixture
def numbers() -> dict:
    """The numbers that the README reads, of a small study on another dataset."""
    numbers = numbers_of_the_full_study()
    means = [
        {"model": "rf", "sampler": name, "mean": 0.8, "low": 0.7, "high": 0.9, "n_folds": 3}
        for name in ("cgan", "none")
    ]
    means += [{"model": "mix", "sampler": "none", "mean": 0.86, "low": 0.8, "high": 0.9, "n_folds": 3}]
    difference = {"mean": -0.012, "low": -0.03, "high": 0.006, "verdict": "undecided", "detectable": 0.025}
    numbers["07_comparison"] |= {
        "dataset": {"name": "claims", "sha256": "0" * 64},
        "profile": "quick",
        "folds": {"rf": 3, "mix": 3},
        "means": means,
        "differences": [{"model": "rf", "sampler": "cgan", **difference}],
        "alone": [{"model": "mix", "sampler": "none", "against": "xgb + none", **difference}],
        "claim": {
            "verdict": "not supported",
            "best": ["rf", "none"],
            "against_best": {"model": "rf", "sampler": "cgan", **difference},
            "refuted_by": [],
        },
        "samplers": {"none": "No resampling", "cgan": "CGAN", "ros": "Random oversampling"},
        "models": {"rf": "Random forest", "mix": "Mixture of trees", "svm": "One-class SVM"},
        "equal_differences": [{"model": "rf", "sampler": "cgan", **difference, "verdict": "harms"}],
        "tuned": [
            {"model": "rf", "against": "rf + defaults", **difference},
            {"model": "rf", "against": "rf + boosted", **difference, "mean": 0.5},
        ],
    }
    numbers["07_comparison"]["equal_claim"]["verdict"] = "refuted"
    scorings = [("XGBoost with CGAN", 0.8024, "2026-11-22"), ("Random forest with no resampling", 0.7777, "2026-11-23")]
    numbers["08_final_model"] = {
        "choice": {"label": "Random forest with no resampling"},
        "test": {"average_precision": 0.7777, "interval": [0.7, 0.85], "ledger_key": "ab"},
        "scorings": [
            {"label": label, "average_precision": score, "finished": f"{day}T06:57:01+00:00"}
            for label, score, day in scorings
        ],
    }
    return numbers


def test_headline_says_verdict_scores_and_folds(numbers):
    text = readme.headline(parse(numbers))
    assert "best:* **not supported**. No rival is credibly better, but" in text and "-0.012 [-0.030, 0.006]" in text
    assert (
        "0.778 [0.700, 0.850]" in text
        and "development folds with a tuned ratio: random forest with no resampling. Random" in text
    )
    assert "profile quick; 3 folds)" in text and "| CGAN | 0.800 [0.700, 0.900] |" in text
    assert "Of 1 comparisons of a sampler" in text and "none is a credible gain or loss, none is practically" in text
    assert "could have detected only a difference of more than 0.025" in text


def test_headline_names_who_refutes_the_claim(numbers):
    row = {"mean": -0.02, "low": -0.03, "high": -0.011, "adjusted_p": 0.0213}
    numbers["07_comparison"]["claim"] |= {"verdict": "refuted", "refuted_by": [{**row, "against": "rf + ros"}]}
    assert (
        "**refuted** by random forest with random oversampling, from which it differs by -0.020 [-0.030, -0.011] "
        "(adjusted p 0.021). At least one rival is credibly better. Highest mean"
    ) in readme.headline(parse(numbers))


def test_headline_has_a_separate_table_for_models_without_sampler(numbers):
    text = readme.headline(parse(numbers))
    assert "| Sampler | Random forest |\n" in text
    assert "| Mixture of trees | 0.860 [0.800, 0.900] | -0.012 [-0.030, 0.006] | undecided |" in text
    numbers["07_comparison"]["claim"]["best"] = ["mix", "none"]
    assert "with a tuned ratio: mixture of trees, which takes no sampler. Random" in readme.headline(parse(numbers))
    numbers["07_comparison"]["alone"] = []
    numbers["07_comparison"]["means"] = numbers["07_comparison"]["means"][:2]
    assert "Models that take no sampler" not in readme.headline(parse(numbers))


def test_headline_gives_the_folds_by_model_where_they_differ(numbers):
    numbers["07_comparison"]["folds"] = {"rf": 3, "svm": 3, "mix": 1}
    assert "profile quick; 3 folds; 1 for Mixture of trees)" in readme.headline(parse(numbers))


def test_headline_says_what_tuning_is_worth_against_the_defaults(numbers):
    text = readme.headline(parse(numbers))
    assert "both without resampling: random forest, -0.012 [-0.030, 0.006]. Every sampler" in text
    assert "0.500" not in text


def test_headline_has_the_verdicts_with_equal_classes(numbers):
    text = readme.headline(parse(numbers))
    assert "**Equal classes**, the usual practice. Of 1 comparisons of a sampler" in text
    assert "1 is a credible loss" in text
    assert "With equal classes, as in the original study, the claim is refuted." in text


def test_headline_names_verdicts_that_change_if_ties_are_neutral(numbers):
    assert "ties" not in readme.headline(parse(numbers))
    (tuned,), (equal,) = (numbers["07_comparison"][name] for name in ("differences", "equal_differences"))
    tuned |= {"verdict_tie_neutral": "undecided", "holds_tie_neutral": True}
    equal |= {"verdict_tie_neutral": "undecided", "holds_tie_neutral": False}
    before, after = readme.headline(parse(numbers)).split("**Equal classes**")
    assert "No verdict changes if ties of the score are counted neutrally." in before
    changed = "the verdict changes for random forest with CGAN (*undecided* instead of *harms*)."
    assert f"If ties of the score are counted neutrally, {changed}" in after


def test_headline_gives_chosen_ratios_and_the_cost_of_equal_classes(numbers):
    numbers["07_comparison"]["ratios"][0]["n_folds"] = 2
    text = readme.headline(parse(numbers))
    assert "random forest with CGAN: 5 on 10 folds, equal classes on 2 folds. Each ratio was tried with only" in text
    assert "With equal classes it differs from no resampling by -0.012 [-0.030, 0.006] (harms)." in text


def test_headline_discloses_every_scoring_of_the_test_set(numbers):
    text = readme.headline(parse(numbers))
    assert "oldest first: XGBoost with CGAN, 0.802 (2026-11-22); random forest with no resampling, 0.778" in text


def test_headline_says_if_the_best_pair_hardly_used_its_sampler(numbers):
    assert "left the rows as they are" not in readme.headline(parse(numbers))
    (row,) = numbers["07_comparison"]["differences"]
    numbers["07_comparison"]["claim"]["best"] = [row["model"], row["sampler"]]
    row |= {"verdict": "not used", "share_unused": 0.6}
    assert ", where most searches left the rows as they are." in readme.headline(parse(numbers))
    row["share_unused"] = 1.0
    assert ", where every search left the rows as they are." in readme.headline(parse(numbers))


def test_headline_states_claims_of_the_full_study_only(numbers):
    sentences = {claim.sentence for claim in claims.CLAIMS}
    text = readme.headline(parse(numbers))
    assert not [sentence for sentence in sentences if sentence in text]


def test_headline_refuses_a_false_claim_of_the_full_study(numbers):
    whole = numbers_of_the_full_study()
    for section, values in whole.items():
        numbers[section] |= {name: values[name] for name in values if name != "claim"}
    for row in numbers["07_comparison"]["differences"]:
        row |= {"mean": 0.0, "low": -0.02, "high": 0.02, "detectable": 0.03}
    numbers["07_comparison"]["claim"]["best"] = ["blend", "none"]
    numbers["07_comparison"]["models"] |= {"blend": "Blend of trees", "xgb": "XGBoost"}
    text = readme.headline(parse(numbers))
    stated = [claim.name for claim in claims.CLAIMS if claim.sentence in text]
    assert stated == [
        "no_gain",
        "two_losses",
        "undecided",
        "never_equal",
        "equal_classes_cost",
        "seeds_matter",
        "three_scorings",
        *readme.SCARCITY_CLAIMS,
        *readme.TABLE_CLAIMS,
    ]
    for name, path, value in TURNS:
        if name in ("not_supported", "three_scorings"):
            with pytest.raises(claims.ClaimError, match=f"'{name}'"):
                readme.headline(parse(turned(numbers, path, value)))


@pytest.mark.parametrize(("path", "made"), [(readme.README, readme.answer), (readme.RESULTS, readme.headline)])
def test_pages_show_the_recorded_results(path, made):
    text = path.read_text(encoding="utf-8")
    results = text[text.index(README_START) + len(README_START) : text.index(README_END)].strip()
    assert results == made(read(load_profile("full").numbers)), "run `doit readme`"


def test_answer_is_the_verdict_and_a_list_of_what_was_found(numbers):
    verdict, empty, tuning, on_cards, few, others, final = readme.answer(parse(numbers)).split("\n")
    assert verdict.startswith("*Random forest with CGAN is best:* **not supported**; no rival is credibly better")
    assert empty == "" and on_cards.startswith("- **Credit-card data.** Of 1 comparisons")
    assert "Of 1 such comparisons with equal classes, none is a credible gain, 1 is a credible loss" in on_cards
    assert tuning.startswith("- **Tuning.** What searched settings add ")
    assert few.startswith("- **Few frauds.** Of 20 ") and "20, 40, 80, 160 or all frauds to train on, none is" in few
    assert (
        "Of 6 such comparisons of CGAN and CTGAN against random oversampling and SMOTE, none is a credible gain" in few
    )
    assert others.startswith("- **Other tables.** Over 32 other tables and the credit-card data, 21 families in all, ")
    assert "of 3 pairs of a model and a sampler, none is better than the model alone, none is worse, 2 are " in others
    assert (
        "equivalent to it, and 1 is undecided; without the easiest tables, none is still equivalent, and 1 is "
        in others
    )
    assert "worse in addition. With equal classes, none is better than the model alone, 4 are worse, none is " in others
    assert "equivalent to it, and none is undecided. The easiest tables are " in others
    assert others.endswith("The claim is not supported there, with a tuned ratio and with equal classes.")
    assert final.startswith("- **The final model.** ") and "0.778 [0.700, 0.850]" in final
    assert final.endswith("on which 2 final models have been scored.")


def test_answer_tells_two_verdicts_and_unused_samplers_apart(numbers):
    many = numbers["10_many_tables"]
    many["claim"]["equal_verdict"], many["verdicts"][0]["verdict"] = "refuted", "not used"
    many["verdicts"][1]["hard_tables"] = "equivalent"
    text = readme.answer(parse(numbers))
    assert "1 is equivalent to it, 1 is not used (most searches left the rows as they are), and 1 is undecided" in text
    assert "; without the easiest tables, 1 is still equivalent, and 1 is worse in addition." in text
    assert "not supported there with a tuned ratio, and refuted with equal classes." in text


def test_answer_says_nothing_of_few_frauds_and_other_tables_that_were_not_measured(numbers):
    del numbers["09_scarcity"], numbers["10_many_tables"]
    text = readme.answer(parse(numbers))
    assert len(text.split("\n")) == 5 and text.endswith("on which 2 final models have been scored.")
    headline = readme.headline(parse(numbers))
    assert "Other tables" not in headline and "Few frauds" not in headline


def test_headline_has_a_table_of_the_differences_with_few_frauds(numbers):
    numbers["09_scarcity"]["differences"][0] |= {"mean": 0.0316, "verdict": "helps"}
    del numbers["09_scarcity"]["differences"][7]
    text = readme.headline(parse(numbers))
    assert "Of 19 comparisons" in text and "1 is a credible gain" in text
    assert "| Pair | 20 | 40 | 80 | 160 | all |" in text
    assert "| Logistic regression with SMOTE | +0.032 (helps) | +0.001 (undecided) |" in text
    assert "| XGBoost with CGAN | +0.001 (undecided) | – | – | – | – |" in text


def test_headline_has_a_table_of_the_verdicts_over_other_tables(numbers):
    text = readme.headline(parse(numbers))
    assert "| Random forest with SMOTE | – | harms (-0.001) |" in text
    assert "| Logistic regression with SMOTE | equivalent (-0.001) | – |" in text
    assert "| Logistic regression with random undersampling | – | harms (-0.001) |" in text


def test_answer_refuses_a_false_claim_of_the_full_study(numbers):
    false = turned(numbers_of_the_full_study() | {"08_final_model": numbers["08_final_model"]}, *TURNS[0][1:])
    with pytest.raises(claims.ClaimError):
        readme.answer(parse(false))


@pytest.mark.parametrize("path", sorted([readme.README, *(ROOT / "docs").glob("*.md"), ROOT / "CONTRIBUTING.md"]))
def test_pages_have_links_that_lead_somewhere(path):
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    assert not [link for link in links if "://" not in link and not (path.parent / link).exists()]


def test_readme_says_what_the_plan_costs():
    page = readme.README.read_text(encoding="utf-8")
    (stated,) = re.findall(r"about (\d+) hours for the benchmark of the plan", page)
    seconds = sum(cost.seconds for cost in plan_cost.measured(load_profile("full").results))
    assert abs(int(stated) - seconds / 3600 / 2) <= 1, "on 2 cores, by `python -m utils.experiments.plan`"


def test_readme_is_short():
    assert len(readme.README.read_text(encoding="utf-8").splitlines()) <= 120


def test_put_between_markers_changes_nothing_else(page):
    for text in ("| new |", "| newer |\n"):
        readme.put_between_markers(text, page)
        expected = f"# Title\n\n{README_START}\n{text.strip()}\n{README_END}\n\nThe end – really.\n"
        assert page.read_text(encoding="utf-8") == expected


@pytest.mark.parametrize("content", ["", README_START, README_END, f"{README_END}\n{README_START}\n"])
def test_put_between_markers_refuses_a_page_without_markers(page, content):
    page.write_text(content)
    with pytest.raises(NumbersError, match=r"README\.md lacks the markers"):
        readme.put_between_markers("new", page)
    assert page.read_text() == content
