"""The final model is chosen on development folds, its threshold minimises cost, and every scoring is recorded."""

import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.small import small_profile
from utils import metrics
from utils.benchmark import ledger, out_of_fold
from utils.benchmark.records import Split
from utils.benchmark.run_task import all_folds, load_dataset
from utils.config import CREDITCARD, Costs, Search
from utils.data import splits
from utils.reporting.findings import findings
from utils.reporting.numbers import record
from utils.serving import bundle, final_model

COSTS = CREDITCARD.costs


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    return small_profile(tmp_path_factory.mktemp("final"))


@pytest.fixture(scope="module")
def model(profile):
    return final_model.fit_final(profile, ("none", "xgb"))


@pytest.mark.parametrize(
    ("smote", "choice"),
    [
        ([0.79, 0.89, 0.79, 0.89, 0.79], ("none", "xgb")),  # a higher mean, but the difference may be chance
        ([0.80, 0.82, 0.84, 0.81, 0.83], ("none", "xgb")),  # too small a gain to matter
        ([0.85, 0.87, 0.89, 0.86, 0.88], ("smote", "rf")),  # the same gain of 0.05 on every fold
    ],
)
def test_choose_takes_a_sampler_only_if_its_gain_is_credible(smote, choice):
    scores = {
        ("none", "rf"): [0.80, 0.82, 0.84, 0.81, 0.83],
        ("none", "xgb"): [0.82, 0.82, 0.84, 0.81, 0.83],
        ("smote", "rf"): smote,
        ("none", "ann"): [0.99],  # on the easiest fold alone
    }
    split = Split("development", test_fraction=0.2, groups="none", n_splits=5)
    rows = [
        {"sampler": sampler, "model": model, "repeat": 0, "fold": fold, "average_precision": score, "split": split}
        for (sampler, model), values in scores.items()
        for fold, score in enumerate(values)
    ]
    assert final_model.choose(pd.DataFrame(rows)) == choice


def test_choose_without_a_sampler_to_compare_takes_the_best_mean():
    rows = [("none", "lr", 0.7), ("none", "rf", 0.8)]
    table = pd.DataFrame(rows, columns=["sampler", "model", "average_precision"]).assign(repeat=0, fold=0)
    assert final_model.choose(table) == ("none", "rf")


def test_choose_takes_of_equal_means_the_first_in_the_registry_as_the_report_does():
    rows = [("iforest", 1.0), ("xgb", 1.0), ("lr", 1.0), ("blend", 0.9)]
    table = pd.DataFrame(rows, columns=["model", "average_precision"]).assign(sampler="none", repeat=0, fold=0)
    assert final_model.choose(table) == ("none", "lr")


def test_choose_passes_over_a_sampler_whose_model_was_not_measured_alone():
    rows = [("smote", "rf", 0.9), ("smote", "rf", 0.8), ("none", "lr", 0.7), ("none", "lr", 0.6)]
    table = pd.DataFrame(rows, columns=["sampler", "model", "average_precision"]).assign(repeat=0, fold=[0, 1, 0, 1])
    table["split"] = Split("development", test_fraction=0.2, groups="none", n_splits=5)
    assert final_model.choose(table) == ("none", "lr")


def test_out_of_fold_holds_every_row_of_the_development_set_once(profile):
    out = final_model.out_of_fold(profile, final_model.final_task(profile, ("none", "lr")))
    dataset = load_dataset(profile.dataset)
    development, _ = splits.split_off_test(dataset)
    assert len(out.y_true) == len(development)
    assert sorted(out.amounts) == sorted(dataset.amounts.iloc[development])


def test_out_of_fold_computes_rows_once(profile, monkeypatch):
    task = final_model.final_task(profile, ("none", "lr"))
    first = final_model.out_of_fold(profile, task)
    monkeypatch.setattr(final_model, "_fold_probability", lambda *_: pytest.fail("a finished fold was run again"))
    again = final_model.out_of_fold(profile, task)
    np.testing.assert_array_equal(again.probability, first.probability)
    kept = (profile.results / "out_of_fold").glob(f"{task.key}*")
    assert [path.name for path in kept] == [f"{task.key}.parquet"]


@pytest.mark.parametrize("choice", [("none", "xgb"), ("smote", "lr"), ("none", "ann")])
def test_fit_final_searches_once(choice, tmp_path, monkeypatch):
    profile = small_profile(tmp_path)
    profile = replace(profile, search=replace(profile.search, deep_trials=2))
    first = final_model.fit_final(profile, choice)
    monkeypatch.setattr("utils.benchmark.training.sample_trials", lambda *_: pytest.fail("searched again"))
    again = final_model.fit_final(profile, choice)
    assert again.card == first.card
    rows = load_dataset(profile.dataset).frame.iloc[:500]
    np.testing.assert_allclose(again.predict_proba(rows), first.predict_proba(rows), atol=1e-6)


@pytest.mark.parametrize("content", ['{"sampler": {}}', "[]", "{", b"\xff"])
def test_fit_final_searches_again_where_the_settings_are_damaged(content, profile, model):
    path = profile.results / "out_of_fold" / f"{model.card.ledger_key}.json"
    kept = path.read_bytes()
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert final_model.fit_final(profile, ("none", "xgb")).card == model.card
    assert path.read_bytes() == kept


def test_fit_final_does_not_search_under_a_test_of_the_notebooks(profile, model, monkeypatch):
    path = profile.results / "out_of_fold" / f"{model.card.ledger_key}.json"
    kept = path.read_bytes()
    path.unlink()
    monkeypatch.setenv("STUDY_COMPLETE", "1")
    with pytest.raises(ledger.LedgerError, match=r"lacks 1 tasks, the first '.*xgb.*on the development set'"):
        final_model.fit_final(profile, ("none", "xgb"))
    path.write_bytes(kept)


def test_choose_threshold_costs_least():
    rng = np.random.default_rng(0)
    y = (rng.random(400) < 0.1).astype(int)
    probability = np.clip(0.3 * y + rng.normal(0.3, 0.15, 400), 0, 1)
    amounts = rng.gamma(1, 50, 400)
    costs = {
        cut: COSTS.fee * np.sum(probability >= cut)
        + np.maximum(amounts, COSTS.floor)[(probability < cut) & (y == 1)].sum()
        for cut in [*np.unique(probability), 2.0]
    }
    assert costs[final_model.choose_threshold(y, probability, amounts)] == pytest.approx(min(costs.values()))


def test_choose_threshold_follows_the_costs_of_the_study():
    y, probability, amounts = np.array([1, 0, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.6, 0.1]), np.zeros(5)
    thresholds = [
        final_model.choose_threshold(y, probability, amounts, costs=Costs(fee, floor=10)) for fee in (1, 5, 20)
    ]
    assert thresholds == [0.6, 0.9, bundle.NEVER]


@pytest.mark.parametrize("highest", [0.04, 1])
def test_choose_threshold_raises_no_alert_on_any_row_where_none_pays(highest):
    """A row of the test set with a probability above those of the development set is no alert either."""
    y, probability = np.array([0] * 99 + [1]), np.linspace(highest, 0, 100)
    threshold = final_model.choose_threshold(y, probability, np.ones(100), costs=Costs(fee=5, floor=10))
    assert threshold > 1


@pytest.mark.parametrize(
    ("threshold", "beginning"),
    [
        (bundle.NEVER, "At these costs, alerts do not pay"),
        (1.0, "With an alert threshold of 1.000, no"),
        (1 - 1e-8, "With an alert threshold of 1.000, no"),
        (0.25, "With an alert threshold of 0.250, no"),
    ],
)
def test_recorded_threshold_is_that_of_a_model_without_alerts_only_if_it_is_one(profile, model, threshold, beginning):
    recorded = record(
        profile,
        "08_final_model",
        {
            "choice": {"label": "XGBoost"},
            "test": {"average_precision": 0.5, "interval": (0.4, 0.6)},
            "development": 0.5,
            "card": {"alerts at the threshold": 0, "precision at the threshold": None},
            "threshold": final_model.recorded_threshold(replace(model, threshold=threshold)),
            "attributions": [],
        },
    )
    assert findings({"08_final_model": recorded}, profile.words).final[1].startswith(beginning)


def test_a_model_that_raises_no_alert_is_saved_and_its_card_says_so(profile, model, tmp_path):
    silent = bundle.load(bundle.save(replace(model, threshold=bundle.NEVER), tmp_path / "model"))
    held_out = final_model.held_out_rows(load_dataset(profile.dataset), profile)
    assert silent.threshold == bundle.NEVER and not silent.decide(held_out).any()
    scored = replace(final_model.score_test(profile, model).result, threshold=silent.threshold, n_alerts=0)
    card = final_model.score_card(scored, (0.1, 0.9))
    rates = [name for name in card.index if name.startswith(("alerts", "recall at the threshold", "cost saved"))]
    assert len(rates) == 4 and not card[rates].any() and card["precision at the threshold"] is None


def test_score_test_scores_a_model_that_was_saved_and_loaded(profile, model, tmp_path):
    row = final_model.score_test(profile, model)
    dataset = load_dataset(profile.dataset)
    held_out = final_model.held_out_rows(dataset, profile)
    assert row.result.n_rows == len(held_out)
    assert row.result.average_precision > 0.5
    loaded = bundle.load(bundle.save(model, tmp_path / "model"))
    np.testing.assert_allclose(loaded.predict_proba(held_out), model.predict_proba(held_out), atol=1e-6)
    assert loaded.threshold == model.threshold and loaded.card.ledger_key == row.key


def test_out_of_fold_goes_on_with_the_folds_that_an_interrupted_run_finished(profile, monkeypatch):
    task = final_model.final_task(profile, ("rus", "lr"))
    finished = final_model._fold_probability(profile, task, (0, 1))
    with monkeypatch.context() as patch:
        patch.setattr(final_model, "fit_fold", lambda *_: pytest.fail("a finished fold was fitted again"))
        np.testing.assert_allclose(final_model._fold_probability(profile, task, (0, 1)), finished, rtol=1e-6)
    folds = all_folds(profile.dataset, profile.protocol, 1)
    out, start = final_model.out_of_fold(profile, task), len(folds[0, 0].test)
    np.testing.assert_allclose(out.probability[start : start + len(finished)], finished, rtol=1e-6)
    kept = (profile.results / "out_of_fold").glob(f"{task.key}*")
    assert [path.name for path in kept] == [f"{task.key}.parquet"]


@pytest.mark.parametrize(
    ("name", "value"), [("n_splits", 4), ("seed", 1), ("test_fraction", 0.25), ("groups", "rows as they are")]
)
def test_out_of_fold_rows_of_another_division_are_others(name, value, profile, monkeypatch):
    """Calibrator and threshold would be fitted to the labels of other rows."""
    key = final_model.final_task(profile, ("none", "lr")).key
    if name == "groups":
        monkeypatch.setattr("utils.benchmark.tasks.GROUPS", value)
        other = profile
    else:
        other = replace(profile, protocol=replace(profile.protocol, **{name: value}))
    assert final_model.final_task(other, ("none", "lr")).key != key


@pytest.mark.parametrize("damage", ["other rows", "no rows named", "no Parquet"])
def test_out_of_fold_makes_a_file_about_other_rows_anew(damage, profile):
    task = final_model.final_task(profile, ("none", "lr"))
    expected = final_model.out_of_fold(profile, task)
    path = profile.results / "out_of_fold" / f"{task.key}.parquet"
    table = pd.read_parquet(path)
    if damage == "no Parquet":
        path.write_bytes(path.read_bytes()[:-9])
    elif damage == "other rows":
        table.assign(position=table["position"].to_numpy()[::-1]).to_parquet(path)
    else:
        table[["probability"]].to_parquet(path)
    again = final_model.out_of_fold(profile, task)
    np.testing.assert_allclose(again.probability, expected.probability, atol=1e-4)
    assert np.array_equal(np.sort(pd.read_parquet(path)["position"]), np.arange(len(expected.y_true)))


def test_out_of_fold_leaves_nothing_behind_when_it_cannot_write(profile, tmp_path, monkeypatch):
    monkeypatch.setattr(pd.DataFrame, "to_parquet", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        out_of_fold.write_out_of_fold(tmp_path / "out_of_fold" / "a.parquet", np.arange(3), np.zeros(3))
    assert not list((tmp_path / "out_of_fold").iterdir())


def test_write_out_of_fold_removes_what_a_killed_process_left(tmp_path):
    """A temporary folder of another process, from an hour ago and older."""
    left, young = (tmp_path / f"a.parquet.part-{name}" for name in ("old", "young"))
    for folder in (left, young):
        folder.mkdir()
        (folder / "a.parquet").write_text("half")
    for path in (left / "a.parquet", left):
        os.utime(path, (0, 0))
    out_of_fold.write_out_of_fold(tmp_path / "a.parquet", np.arange(3), np.zeros(3))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet", young.name]


def test_score_test_adds_no_line_when_repeated(profile, model):
    final_model.score_test(profile, model)
    before = (profile.results / "test.jsonl").read_bytes()
    final_model.score_test(profile, model)
    assert (profile.results / "test.jsonl").read_bytes() == before
    assert len(ledger.scorings(profile.results)) == 1
    assert ledger.scorings(profile.results)["model"].tolist() == ["xgb"]


def test_score_card_adds_up(profile, model):
    scored = final_model.score_test(profile, model).result
    card = final_model.score_card(scored, (0.1, 0.9))
    caught = np.asarray(scored.ranks) <= scored.n_alerts
    losses = np.maximum(scored.amounts, COSTS.floor)
    cost = losses[~caught].sum() + COSTS.fee * scored.n_alerts
    assert card["cost saved, share of the loss without alerts"] == round(1 - cost / losses.sum(), 3)
    assert card["recall at the threshold"] == round(caught.mean(), 3)
    assert card["average precision"] == round(metrics.average_precision(scored.ranks), 6)


@pytest.mark.parametrize(("n_alerts", "precision"), [(0, None), (4, 0.5), (19, 2 / 19), (20, 0.1)])
def test_score_card_counts_few_alerts_and_has_no_precision_without_any(profile, model, n_alerts, precision):
    scored = replace(final_model.score_test(profile, model).result, n_alerts=n_alerts, ranks=[1, 3, 40])
    card = final_model.score_card(replace(scored, amounts=[1.0, 2.0, 3.0]), (0.1, 0.9)).to_dict()
    assert card.get("alerts at the threshold") == (n_alerts if n_alerts < 20 else None)
    found = card["precision at the threshold"]
    assert found is None if precision is None else found == pytest.approx(precision, abs=5e-4)


@pytest.mark.parametrize(("days", "rate"), [(0.5, 6.0), (36.6, 0.082), (3650, 0.000822), (0.01, 300.0), (0.029, 103.4)])
def test_score_card_rounds_no_rate_of_alerts_to_zero(profile, model, days, rate):
    scored = replace(final_model.score_test(profile, model).result, n_alerts=3, days=days)
    assert final_model.score_card(scored, (0.1, 0.9))["alerts a day at the threshold"] == rate


def test_fit_final_calibrates_better_than_the_raw_scores_of_a_weighted_model(profile):
    balanced = replace(profile, search=Search(trials=1))
    out = final_model.out_of_fold(balanced, final_model.final_task(balanced, ("class_weight", "lr")))
    calibrated = bundle.apply_calibrator(bundle.fit_calibrator(out.y_true, out.probability), out.probability)
    assert metrics.brier_score(out.y_true, calibrated) < metrics.brier_score(out.y_true, out.probability) / 2
