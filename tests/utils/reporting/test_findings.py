"""What was found follows from the recorded numbers, verdict by verdict."""

import copy
import json

import pytest

from utils.config import ROOT, Words
from utils.reporting.findings import findings

WORDS = Words("visit", "visits", "infection", "infections", "healthy")
SAMPLED = ["xgb", "smote"]


@pytest.fixture(scope="module")
def published() -> dict:
    return json.loads((ROOT / "paper" / "numbers.json").read_text())


def with_best(numbers: dict, verdict: str, **changes: object) -> dict:
    """Numbers in which XGBoost with SMOTE is the best pair, and its verdict alone is not 'undecided'."""
    changed = copy.deepcopy(numbers)
    section = changed["07_comparison"]
    section["claim"]["best"] = SAMPLED
    for row in section["differences"]:
        is_best = [row["model"], row["sampler"]] == SAMPLED
        row |= {"verdict": verdict, **changes} if is_best else {"verdict": "undecided"}
    for row in section["means"]:
        row["mean"] += 0.1 * ([row["model"], row["sampler"]] == SAMPLED)
    return changed


def test_findings_name_the_best_pair_and_count_the_verdicts(published):
    found = findings(published, WORDS)
    assert found.comparison == [
        "The highest mean average precision over 10 folds at the searched ratio is that of XGBoost with adversarial "
        "random forests: 0.865 [0.834, 0.895]; chance is 0.002.",
        "No way of handling the imbalance is credibly better than none with the same model.",
        "36 of 52 such comparisons are undecided; half of the comparisons could have detected only a difference of "
        "more than 0.027.",
        "In 12 of 52, the sampler left the rows as they are on most folds.",
        "With equal classes, credibly worse: XGBoost with NearMiss (-0.357 [-0.520, -0.194]), random forest with "
        "random undersampling (-0.220 [-0.288, -0.151]).",
        "The claim that a random forest with CGAN oversampling is the best model is not supported here with a tuned "
        "ratio, and not supported with equal classes.",
    ]


@pytest.mark.parametrize(
    ("sampler", "claim"),
    [
        ("cgan", "cannot be judged here, as the CGAN could not be trained everywhere."),
        ("adasyn", "is not supported here with a tuned ratio, and not supported with equal classes."),
    ],
)
def test_findings_say_which_sampler_another_one_stands_for(published, sampler, claim):
    changed = copy.deepcopy(published)
    changed["07_comparison"]["replaced"] = [{"sampler": sampler, "by": "ros", "n_replaced": 4, "n_folds": 10}]
    *_, replaced, last = findings(changed, WORDS).comparison
    assert replaced == (
        f"{'CGAN' if sampler == 'cgan' else 'ADASYN'} could not work on the training rows of 4 of 10 folds, where "
        "random oversampling took its place."
    )
    assert last == f"The claim that a random forest with CGAN oversampling is the best model {claim}"


def test_findings_on_the_final_model_are_in_the_words_of_the_study(published):
    first, alerts, column = findings(published, WORDS, ["08_final_model"]).final
    assert first.endswith(
        "test set is 0.789 [0.695, 0.871]; that on the development folds, 0.856, lies inside this interval."
    )
    assert alerts.endswith(
        "41% of the alerts on the test set are infections, and 80% of the infections raise an alert."
    )
    assert column == "The column that moves the score most is V10, with 29%."


@pytest.mark.parametrize(
    ("n_alerts", "precision", "end"),
    [
        (0, None, "no visit of the test set raises an alert. The costs can be changed under [costs] in the file of "
                  "the study."),
        (1, 1.0, "1 of 1 alert on the test set is right, and 80% of the infections raise an alert."),
        (3, 0.667, "2 of 3 alerts on the test set are right, and 80% of the infections raise an alert."),
        (3, 0.0, "0 of 3 alerts on the test set are right, and 80% of the infections raise an alert."),
    ],
)  # fmt: skip
def test_findings_count_few_alerts(published, n_alerts, precision, end):
    changed = copy.deepcopy(published)
    alerts = {"alerts at the threshold": float(n_alerts), "precision at the threshold": precision}
    changed["08_final_model"]["card"] |= alerts
    (sentence,) = [text for text in findings(changed, WORDS).final if text.startswith("With an alert threshold of")]
    assert sentence.endswith(f"threshold of 0.017, {end}")


def test_findings_name_no_threshold_where_the_model_never_raises_an_alert(published):
    changed = copy.deepcopy(published)
    changed["08_final_model"]["threshold"] = 1.0  # `bundle.NEVER`, as it is recorded
    changed["08_final_model"]["card"] |= {"alerts at the threshold": 0, "precision at the threshold": None}
    assert findings(changed, WORDS).final[1] == (
        "At these costs, alerts do not pay on the development set, so the model never raises one. The costs can be "
        "changed under [costs] in the file of the study."
    )


@pytest.mark.parametrize(
    ("development", "own", "end"),
    [
        (0.6, (0.5, 0.69), "0.600, lies below this interval, and its own interval, [0.500, 0.690], does not overlap "
                           "with this one."),
        (0.6, (0.5, 0.7), "0.600, lies below this interval, and its own interval, [0.500, 0.700], overlaps with this "
                          "one."),
        (0.8, (0.7, 0.9), "0.800, lies inside this interval."),
        (0.95, (0.8, 0.99), "0.950, lies above this interval, and its own interval, [0.800, 0.990], overlaps with "
                            "this one."),
        (0.95, (0.9, 0.99), "0.950, lies above this interval, and its own interval, [0.900, 0.990], does not overlap "
                            "with this one."),
    ],
)  # fmt: skip
def test_findings_compare_the_test_interval_with_the_mean_of_the_development_folds(published, development, own, end):
    changed = copy.deepcopy(published)
    changed["08_final_model"]["development"] = development
    for row in changed["07_comparison"]["means"]:
        if (row["model"], row["sampler"]) == ("xgb", "none"):
            row["low"], row["high"] = own
    assert findings(changed, WORDS).final[0].endswith(f"[0.695, 0.871]; that on the development folds, {end}")
    alone = {"08_final_model": changed["08_final_model"]}
    assert findings(alone, WORDS).final[0].endswith(f"{end.split(' this interval')[0]} this interval.")


@pytest.mark.parametrize(
    ("interval", "phrase"),
    [
        ((0.012, 0.037), "0.020 [0.012, 0.037], which includes chance (the prevalence of the test set, 0.013);"),
        ((0.001, 0.012), "0.020 [0.001, 0.012], which lies below chance (the prevalence of the test set, 0.013);"),
        ((0.013, 0.037), "0.020 [0.013, 0.037];"),
    ],
)
def test_findings_say_that_an_interval_includes_chance(published, interval, phrase):
    changed = copy.deepcopy(published)
    changed["08_final_model"]["test"] |= {"average_precision": 0.02, "interval": interval, "chance": 0.0125}
    assert f"test set is {phrase}" in findings(changed, WORDS, ["08_final_model"]).final[0]


@pytest.mark.parametrize(
    ("verdict", "changes", "sentence"),
    [
        ("helps", {"mean": 0.05, "low": 0.03, "high": 0.07},
         "Use XGBoost with SMOTE: the gain over no resampling, +0.050 [0.030, 0.070], is credible."),
        ("equivalent", {"mean": 0.0, "low": -0.004, "high": 0.005},
         "Use XGBoost without resampling; the mean of XGBoost with SMOTE is higher, but the effect of SMOTE is too "
         "small to matter (+0.000 [-0.004, 0.005])."),
        ("undecided", {"mean": 0.06, "low": -0.8, "high": 0.9},
         "Use XGBoost without resampling; the mean of XGBoost with SMOTE is higher, but the effect of SMOTE is "
         "undecided (+0.060, with an interval too wide to say anything)."),
    ],
)  # fmt: skip
def test_findings_advise_a_sampler_only_if_its_gain_is_credible(published, verdict, changes, sentence):
    found = findings(with_best(published, verdict, **changes), WORDS)
    assert found.advice == [sentence]
    assert ("Credibly better than no resampling" in " ".join(found.comparison)) == (verdict == "helps")


def test_findings_of_a_reduced_run_warn_of_it(published):
    changed = copy.deepcopy(published)
    changed["07_comparison"]["profile"] = "quick"
    for row in changed["07_comparison"]["differences"]:
        row["detectable"] = 1.0
    found = findings(changed, WORDS)
    assert found.advice[-1] == "These are figures of the quick profile; run the full one before you rely on them."
    assert "with so few folds hardly any difference could have been detected" in " ".join(found.comparison)


def test_findings_on_unseen_entities_and_without_numbers(published):
    changed = copy.deepcopy(published)
    changed["08_final_model"]["card"]["average precision on unseen entities"] = 0.5
    assert any("does not know, the average precision is 0.500" in text for text in findings(changed, WORDS).final)
    assert findings({}, WORDS)._repr_markdown_() == ""


def test_findings_show_every_character_of_a_word_in_markdown(published):
    found = findings(published, Words("row", "rows", "US$ *loss*", "US$ *losses*", "plain"), ["08_final_model"])
    assert "are US$ *losses*, and 80% of the US$ *losses* raise" in repr(found)
    assert r"are US\$ \*losses\*, and 80% of the US\$ \*losses\* raise" in found._repr_markdown_()
    assert "[0.695, 0.871]" in found._repr_markdown_()
