"""Sensitivity studies: which tasks they have, and that their rows go into their own ledger."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tests.small import small_profile
from utils.benchmark import ledger, run_task, runner
from utils.config import DatasetConfig, load_profile
from utils.data import loading
from utils.data.splits import Fold
from utils.experiments import sensitivity
from utils.models.networks import limited_batch_size
from utils.models.registry import MODELS
from utils.samplers import registry as samplers


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    """Two samplers and one model on a few thousand real rows."""
    study = small_profile(tmp_path_factory.mktemp("study"))
    small = {
        "samplers": ("none", "rus", "smote"),
        "sensitivity_models": ("lr", "ann", "cnn1d", "lstm"),
        "column_orders": 1,
    }
    dataset = replace(study.dataset, duplicates="drop")
    return replace(study, dataset=dataset, sensitivity_folds=((0, 0), (0, 1)), **small)


def test_ratio_settings_have_every_sampler_at_every_ratio():
    settings = sensitivity.ratio_settings(load_profile("full"))
    pairs = {(setting.task.sampler.name, setting.name) for setting in settings}
    for name in samplers.STANDARD:
        ratios = samplers.SAMPLERS[name].space.get("ratio", [])
        assert {(name, value if value == "balanced" else f"x{value}") for value in ratios} <= pairs
    assert ("none", "none") in pairs and not [name for name, _ in pairs if name == "tomek"]
    assert all(setting.task.search is None for setting in settings)


def test_network_settings_change_one_thing_at_a_time():
    profile = load_profile("full")
    settings = sensitivity.network_settings(profile)
    models = [(setting.name, setting.task.model) for setting in settings]
    as_they_come = {model.name: model.params for name, model in models if name in DEFAULTS}
    for name, model in models:
        usual, params = as_they_come[model.name], model.params
        assert len([key for key in params if params[key] != usual.get(key)]) == (name not in DEFAULTS)
    assert all(setting.task.search.trials == 1 for setting in settings)
    orders = {model.params.get("column_order") for _, model in models}
    assert orders == {None, *range(1, 1 + profile.column_orders)}


DEFAULTS = ("columns as they come", "cross-entropy")


def test_network_settings_are_those_of_orders_and_of_losses():
    profile = load_profile("full")
    orders, losses = sensitivity.order_settings(profile), sensitivity.loss_settings(profile)
    names = {*sensitivity.LOSSES, "batches of 256", "batches of 4,096"}
    assert {setting.name for setting in losses} == names
    assert {setting.task.model.name for setting in orders} == {"cnn1d", "lstm"}
    n_folds = len(set(profile.sensitivity_folds) & set(profile.deep_folds))
    assert len(orders) == n_folds * 2 * (1 + profile.column_orders) and len(losses) == n_folds * 3 * len(names)
    assert {setting.task.search.held_out for setting in orders + losses} == {profile.search.held_out}
    assert orders + losses == sensitivity.network_settings(profile)


@pytest.fixture
def of_table(monkeypatch):
    """The full profile of a table with this many training rows and positives in every fold."""

    def of_table(n_rows: int, n_positives: int):
        labels = pd.Series(np.arange(n_rows) < n_positives, dtype=int)
        profile = load_profile("full")
        folds = {fold_id: Fold(*fold_id, np.arange(n_rows), np.arange(0)) for fold_id in profile.sensitivity_folds}
        monkeypatch.setattr(sensitivity, "load_dataset", lambda _: SimpleNamespace(y=labels))
        monkeypatch.setattr(sensitivity, "all_folds", lambda *_: folds)
        return profile

    return of_table


@pytest.mark.parametrize(
    ("n_rows", "usual", "others"),
    [
        (181_584, 1024, [256, 4096]),
        (40_000, 1024, [256, 2142]),
        (1_920, 102, [32]),  # of which 1,645 are trained on
        (400, 32, []),
    ],
)
def test_other_batches_are_those_that_are_other_fits(of_table, n_rows, usual, others):
    profile = of_table(n_rows, n_rows // 16)
    assert sensitivity.other_batches(profile) == others
    n_trained = n_rows - -(-n_rows // 7)
    sizes = [limited_batch_size(size, n_trained) for size in (1024, *others)]
    assert sizes == [usual, *others] and len(set(sizes)) == len(sizes)
    names = {setting.name for setting in sensitivity.loss_settings(profile)}
    assert names == {*sensitivity.LOSSES, *(f"batches of {size:,}" for size in others)}
    said = sensitivity.describe_batches(profile)
    assert said.startswith(f"batches have {usual:,} rows") and ("Larger ones are the same fit" in said) == (
        n_rows < 2000
    )


def test_ratio_settings_leave_out_ratios_that_drop_nothing(of_table):
    def ratios(name, n_positives):
        settings = sensitivity.ratio_settings(of_table(1_920, n_positives))
        return {setting.name for setting in settings if setting.task.sampler.name == name}

    assert ratios("rus", 115) == {"balanced", "x5"}  # 15.7 negatives per positive
    assert ratios("nearmiss", 500) == {"balanced"}
    assert ratios("rus", 5) == {"balanced", "x5", "x20", "x100"}
    assert ratios("smote", 115) == set(sensitivity.RATIOS)


def test_boosted_settings_have_the_parameters_of_the_blend_on_every_fold():
    profile = load_profile("full")
    tasks = [setting.task for setting in sensitivity.boosted_settings(profile)]
    assert [task.fold_id for task in tasks] == list(profile.folds)
    assert all(task.model.params == MODELS["blend"].defaults["boosted"] for task in tasks)
    assert {(task.model.name, task.sampler.name, task.search) for task in tasks} == {("xgb", "none", None)}
    (quick, *_) = sensitivity.boosted_settings(load_profile("quick"))
    assert quick.task.model.params["n_estimators"] == 25


def test_ledger_committed_holds_the_boosted_baseline():
    profile = load_profile("full")
    rows = {row.key: row.result for row in ledger.read(profile.results / "sensitivity")}
    scores = [rows[setting.task.key].average_precision for setting in sensitivity.boosted_settings(profile)]
    assert len(scores) == 10 and np.mean(scores) == pytest.approx(0.8628, abs=5e-4)


def test_ratios_are_run_once_and_kept_apart_from_the_benchmark(profile, monkeypatch):
    table = sensitivity.ratios(profile, n_jobs=1)
    assert set(zip(table["sampler"], table["setting"], strict=True)) == {
        ("none", "none"),
        *(("rus", setting) for setting in ("balanced", "x5")),  # there are not 20 legitimate rows per fraud
        *(("smote", setting) for setting in sensitivity.RATIOS),
    }
    assert len(table) == 2 * 7
    balanced = table[(table["sampler"] == "smote") & (table["setting"] == "balanced")]
    assert (balanced["n_fit_positives"] * 2 == balanced["n_fit"]).all()
    assert ledger.read(profile.results) == []
    assert len(ledger.read(profile.results / "sensitivity")) == len(table)
    monkeypatch.setattr(runner, "run_batches", lambda *_, **__: pytest.fail("a finished task was run again"))
    assert sensitivity.ratios(profile)["average_precision"].equals(table["average_precision"])


def test_missing_batches_hold_every_missing_task_once(profile, tmp_path):
    """Some tasks belong to several choices."""
    studies = [study(profile) for study in (sensitivity.ratio_settings, sensitivity.network_settings)]
    studies += [sensitivity.boosted_settings(profile)]
    studies += [settings_of(other) for other, settings_of in sensitivity._dataset_changes(profile).values()]
    keys = {setting.task.key for settings in studies for setting in settings}
    batches = sensitivity.missing_batches(replace(profile, results=tmp_path))
    missing = [task.key for batch in batches for group in batch.groups for task in group]
    assert len(missing) == len(keys) < sum(map(len, studies)) and set(missing) == keys
    assert {batch.path.name for batch in batches} == {
        *("rows.jsonl", "rows-with-duplicates.jsonl", "rows-raw-time.jsonl")
    }
    assert all(batch.path.parent == tmp_path / "sensitivity" for batch in batches)
    assert sensitivity.missing_batches(load_profile("full")) == []


def test_views_differ_in_rows_or_features(profile):
    table = sensitivity.views(profile, n_jobs=1)
    rows = table.groupby("setting")["n_rows"].sum()
    assert rows["duplicates kept"] >= rows["as in the protocol"] == rows["raw time as a feature"]
    names = {setting: group["dataset"].iloc[0].name for setting, group in table.groupby("setting")}
    assert names["as in the protocol"] == "rows"
    assert names["duplicates kept"] == "rows-with-duplicates" and names["raw time as a feature"] == "rows-raw-time"


def test_views_show_a_table_that_keeps_its_duplicates_without_them(profile, monkeypatch):
    """The study always tries the other choice, under another name."""
    monkeypatch.setattr(sensitivity, "_run", lambda other, *_: pd.DataFrame([vars(other.dataset)]))
    table = sensitivity.views(replace(profile, dataset=replace(profile.dataset, duplicates="keep")))
    seen = {row.setting: (row.duplicates, row.variant) for row in table.itertuples()}
    assert seen["as in the protocol"] == ("keep", "")
    assert seen["duplicates dropped"] == ("drop", "without-duplicates") and "duplicates kept" not in seen


def test_views_leave_out_what_a_table_of_few_different_rows_does_not_allow(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    columns = {name: rng.integers(0, 4, 2200) for name in ("level", "age", "sex")}
    survived = (rng.random(2200) < 0.3).astype(int)
    pd.DataFrame({**columns, "survived": survived}).to_csv(tmp_path / "ship.csv", index=False)
    roles = {"label": "survived", "positive": ("1",), "time": None, "amount": None, "numeric": tuple(columns)}
    config = DatasetConfig(tmp_path / "ship.csv", **roles)
    profile = replace(load_profile("quick"), dataset=replace(config, duplicates="keep"), study="ship")
    assert profile.is_foreign
    monkeypatch.setattr(sensitivity, "_run", lambda other, *_: pd.DataFrame([vars(other.dataset)]))
    assert set(sensitivity.views(profile)["setting"]) == {"as in the protocol"}
    (reason,) = sensitivity.left_out_views(profile).values()
    assert "must be the rarer class" in reason


@pytest.fixture(scope="module")
def copied(profile, tmp_path_factory):
    """The small profile on the same rows, every tenth of them twice, frauds more often."""
    folder = tmp_path_factory.mktemp("copied")
    rows = pd.read_parquet(profile.dataset.path)
    frauds = rows[rows["Class"] == 1]
    copies = pd.concat([rows, rows.iloc[::10], frauds.iloc[::5], frauds.iloc[::5]])
    copies.sort_values("Time", kind="stable").to_parquet(folder / "rows.parquet", index=False)
    return replace(profile, dataset=replace(profile.dataset, path=folder / "rows.parquet"), results=folder / "results")


def test_distinct_rows_are_those_without_duplicates(copied):
    with_copies = loading.load(replace(copied.dataset, duplicates="keep", variant="with-duplicates"))
    dropped = loading.load(copied.dataset)
    distinct, originals = loading.distinct_rows(with_copies)
    pd.testing.assert_frame_equal(distinct.frame, dropped.frame)
    assert distinct.n_duplicates == dropped.n_duplicates == len(with_copies.frame) - len(dropped.frame) > 400
    pd.testing.assert_frame_equal(
        distinct.frame.iloc[originals].reset_index(drop=True), with_copies.frame.reset_index(drop=True)
    )


def test_all_folds_put_copies_where_their_originals_are(copied):
    keeping = replace(copied.dataset, duplicates="keep", variant="with-duplicates")
    with_copies, dropped = loading.load(keeping), loading.load(copied.dataset)
    usual = run_task.all_folds(copied.dataset, copied.protocol, 1)
    followed = run_task.all_folds(keeping, copied.protocol, 1, True)
    assert list(followed) == list(usual)
    for fold_id, fold in followed.items():
        for side in ("train", "test"):
            rows, originals = (getattr(folds, side) for folds in (fold, usual[fold_id]))
            assert len(rows) > len(originals)
            pd.testing.assert_frame_equal(
                with_copies.frame.iloc[rows].drop_duplicates(), dropped.frame.iloc[originals], check_names=False
            )
    unpaired = run_task.all_folds(keeping, copied.protocol, 1)[0, 0]
    assert set(unpaired.test) != set(followed[0, 0].test)  # drawn among all rows, folds are others


def test_views_measure_kept_duplicates_on_the_folds_of_the_study(copied):
    table = sensitivity.views(copied, n_jobs=1).set_index(["setting", "fold"])
    with_copies, usual = (table.loc[setting] for setting in ("duplicates kept", "as in the protocol"))
    assert (with_copies["seed"] == usual["seed"]).all() and (with_copies["key"] != usual["key"]).all()
    usual_folds = run_task.all_folds(copied.dataset, copied.protocol, 1)
    followed = run_task.all_folds(
        replace(copied.dataset, duplicates="keep", variant="with-duplicates"), copied.protocol, 1, True
    )
    for fold in (0, 1):
        assert with_copies.loc[fold, "n_rows"] == len(followed[0, fold].test) > len(usual_folds[0, fold].test)
        assert with_copies.loc[fold, "n_fit"] == len(followed[0, fold].train)
        assert set(usual.loc[fold, "positives"]) and len(with_copies.loc[fold, "ranks"]) > len(usual.loc[fold, "ranks"])
        assert (with_copies.loc[fold, "split"].copies, usual.loc[fold, "split"].copies) == (
            "with their originals",
            None,
        )


def scores(*values):
    """Ledger rows of one model without resampling, a value per fold, and of a sampler that reverses the order."""
    rows = [
        {"sampler": sampler, "model": "lr", "repeat": 0, "fold": fold, "average_precision": sign * value}
        for sampler, sign in (("none", 1), ("smote", -1))
        for fold, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((0.9, 0.8, 0.1, 0.2), "the 2 easiest of 4 folds"),
        ((0.1, 0.2, 0.9, 0.8), "the 2 hardest of 4 folds"),
        ((0.9, 0.2, 0.1, 0.8), "2 of 4 folds, neither the 2 easiest nor the 2 hardest"),
        ((0.5, 0.5, 0.5, 0.5), "2 of 4 folds, neither the 2 easiest nor the 2 hardest"),
        ((0.9, 0.8), "both folds"),
    ],
)
def test_describe_folds_tells_from_results_which_folds_a_study_has(values, text):
    assert sensitivity.describe_folds(scores(*values), [(0, 0), (0, 1)]) == text


def test_describe_folds_of_a_single_fold():
    table = scores(0.9, 0.2)
    assert sensitivity.describe_folds(table, sensitivity.folds_of(table.iloc[:1])) == "the easiest of 2 folds"


def test_describe_folds_finds_the_easiest_in_the_committed_studies():
    profile = load_profile("full")
    table = ledger.frame(row for row in ledger.read(profile.results) if row.task.model.name in ("lr", "rf", "xgb"))
    assert sensitivity.describe_folds(table, [(0, 0), (0, 1)]) == "the 2 easiest of 10 folds"
    assert sensitivity.describe_folds(table, profile.folds) == "all 10 folds"


def test_spread_gives_mean_and_range_of_the_folds(profile):
    table = sensitivity.ratios(profile, n_jobs=1)
    spread = sensitivity.spread(table[table["sampler"] == "none"]).iloc[0]
    scores = table.loc[table["sampler"] == "none", "average_precision"]
    assert (spread["mean"], spread["low"], spread["high"]) == (scores.mean(), scores.min(), scores.max())
