"""The ablation changes one choice at a time, covers every choice, and keeps finished tasks."""

from dataclasses import asdict, fields, replace

import numpy as np
import pandas as pd
import pytest

from tests import small_mixed
from tests.small import small_profile
from utils.analysis import comparisons
from utils.benchmark import ledger
from utils.benchmark.run_task import all_folds, load_dataset
from utils.config import CGAN, load_profile
from utils.data.splits import Fold
from utils.experiments import cgan_ablation, cgan_variant, fidelity
from utils.experiments.cgan_ablation import VARIANTS
from utils.experiments.cgan_variant import VariantResult
from utils.samplers.cgan.config import GANConfig
from utils.seeding import child_seed
from utils.study_file import NEUTRAL

NOT_A_CHOICE = {"updates_per_call"}  # how often progress is checked


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    return small_profile(tmp_path_factory.mktemp("ablation"))


@pytest.fixture(scope="module")
def table(profile):
    return cgan_ablation.run(profile, variants=["default", "shared_scaling", "frauds_only"], n_jobs=1)


def variant_rows(profile):
    return ledger.read(profile.results / "generators", VariantResult)


def test_labels_are_in_the_words_of_a_study():
    labels = cgan_ablation.labels(NEUTRAL)
    assert labels["frauds_only"] == "Conditioning: trained on positives alone"
    assert labels["majority_400"] == "Negative rows: 400 instead of 4,000"
    assert cgan_ablation.labels(load_profile("full").words) == cgan_ablation.LABELS


def test_variants_change_every_choice_of_the_default():
    changed = {name for variant in VARIANTS.values() for name in variant.changes}
    assert changed == {field.name for field in fields(GANConfig)} - NOT_A_CHOICE


@pytest.mark.parametrize("variant", [variant for variant in VARIANTS.values() if variant.changes], ids=lambda v: v.name)
def test_variants_differ_from_the_default_in_all_that_they_change(variant):
    default, changed = asdict(GANConfig(**CGAN)), asdict(GANConfig(**CGAN | variant.changes))
    assert {name for name in default if default[name] != changed[name]} == set(variant.changes)


def test_variants_have_unique_names_and_labels():
    assert len({(variant.choice, variant.label) for variant in VARIANTS.values()}) == len(VARIANTS)
    assert next(iter(VARIANTS)) == "default"


def test_variants_named_by_profiles_exist():
    for name in ("quick", "full"):
        assert set(load_profile(name).ablation) <= set(VARIANTS)
    assert "default" in load_profile("quick").ablation


def test_gan_config_leaves_the_ratio_to_the_sampler():
    quick = load_profile("quick")
    assert "ratio" in quick.parameters["cgan"]
    assert cgan_variant.gan_config(quick) == GANConfig(**CGAN, updates=quick.parameters["cgan"]["updates"])
    assert cgan_variant.gan_config(quick, {"updates": 7, "pack": 4}) == GANConfig(**CGAN, updates=7, pack=4)
    assert cgan_variant.gan_config(load_profile("full")) == GANConfig(**CGAN)


def test_run_evaluates_every_variant_on_every_fold(profile, table):
    assert table.groupby("variant", sort=False).size().to_dict() == {
        "default": 2,
        "shared_scaling": 2,
        "frauds_only": 2,
    }
    assert {"tstr_ratio", "closest_record", "fit_seconds", "rows_per_second"} <= set(table.columns)
    assert table["trtr"].nunique() == 2  # the real rows' figure belongs to the fold, whatever the variant
    effects = comparisons.compare_variants(table, ["ks"])
    assert effects.dropna()["n_folds"].eq(2).all()


def test_run_does_not_repeat_what_is_finished(profile, table, monkeypatch):
    monkeypatch.setattr(cgan_ablation, "run_batches", lambda *_, **__: pytest.fail("ran again"))
    again = cgan_ablation.run(profile, variants=["frauds_only", "default"])
    assert list(again["variant"]) == ["frauds_only", "default"] * 2
    assert set(again["ks"]) <= set(table["ks"])


def test_missing_batch_has_one_group_for_the_folds_of_a_variant(tmp_path):
    """Its networks are compiled once."""
    batch = cgan_ablation.missing_batch(small_profile(tmp_path))
    assert [{task.variant for task in group} for group in batch.groups] == [{"default"}, {"original_loss"}]
    assert all(len(group) == 2 for group in batch.groups)
    assert cgan_ablation.missing_batch(load_profile("full")) is None


def test_key_changes_with_the_judge(profile, table):
    tasks = [row.task for row in variant_rows(profile)]
    judges = [task.model.params["judge"] for task in tasks]
    assert judges == [{**fidelity.JUDGE, **profile.parameters["judge"]}] * len(tasks)
    assert replace(tasks[0], model=tasks[0].model.with_params({"judge": fidelity.JUDGE})).key != tasks[0].key


def test_run_uses_the_judge_that_a_row_names(profile, table):
    from utils.experiments.cgan_variant import real_rows

    row = next(row for row in variant_rows(profile) if row.task.variant == "default")
    real = real_rows(profile.dataset, profile.protocol, 1, row.task.fold_id)
    seed = child_seed(row.task.seed, "fidelity")
    figures = fidelity.train_on_synthetic(
        real, real.train(minority=True), judge=row.task.model.params["judge"], random_state=seed
    )
    assert row.result.fidelity["trtr"] == pytest.approx(figures["trtr"], abs=1e-6)


def test_ledger_rows_committed_are_by_the_current_judge():
    rows = variant_rows(load_profile("full"))
    assert {row.task.variant for row in rows} == set(VARIANTS) and len(rows) == 3 * len(VARIANTS)
    assert all(row.task.model.params["judge"] == fidelity.JUDGE for row in rows)
    assert np.ptp([row.result.fidelity["trtr"] for row in rows if row.task.fold == 0]) == 0


def test_sides_follow_the_direction_of_each_figure_and_the_interval():
    shifts = {"better": (0.1, 0.3), "worse": (-0.3, -0.1), "unclear": (-0.1, 0.3)}
    rows = [{"variant": "default", "figure": figure} for figure in cgan_ablation.DIRECTIONS]
    for variant, ends in shifts.items():
        for figure, sign in cgan_ablation.DIRECTIONS.items():
            low, high = sorted(sign * end for end in ends)
            rows.append({"variant": variant, "figure": figure, "mean": (low + high) / 2, "low": low, "high": high})
    table = cgan_ablation.sides(pd.DataFrame(rows))
    assert list(table.index) == list(shifts) and list(table.columns) == list(cgan_ablation.DIRECTIONS)
    assert all((table.loc[variant] == variant).all() for variant in shifts)


def test_run_gives_a_figure_that_is_repeated_by_hand(profile, table):
    from utils.experiments.cgan_variant import real_rows
    from utils.samplers.cgan.conditional_gan import ConditionalGAN
    from utils.seeding import seeded

    row = next(row for row in variant_rows(profile) if row.task.variant == "default")
    real = real_rows(profile.dataset, profile.protocol, 1, row.task.fold_id)
    config = GANConfig(**profile.parameters["cgan"])
    with seeded(row.task.seed):
        gan = ConditionalGAN(config, random_state=child_seed(row.task.seed, "cgan")).fit(real.X_train, real.y_train)
    synthetic = gan.sample(row.task.model.params["n_synthetic"], 1)
    figure = fidelity.correlation_difference(real.train(minority=True), synthetic)
    assert row.result.fidelity["correlation_difference"] == pytest.approx(figure, abs=1e-3)


def test_ledger_read_does_not_read_generators(profile, table):
    assert ledger.read(profile.results) == []


def test_fold_table_gives_a_generator_the_mixed_table_and_the_judge_numbers():
    dataset = small_mixed.dataset()
    fold = Fold(0, 0, np.arange(400), np.arange(400, 600))
    found = cgan_variant.fold_table(dataset, fold)
    assert cgan_variant.fold_table(dataset, fold) is found  # so that the judge is trained once
    pd.testing.assert_frame_equal(found.table, dataset.X.iloc[:400])
    assert found.rows.X_train.dtypes.eq(float).all() and not found.rows.X_train.isna().any(axis=None)
    held_out = found.as_numbers(dataset.X.iloc[400:])
    np.testing.assert_array_equal(held_out, found.rows.X_holdout)
    assert list(held_out) == list(found.rows.X_train) and list(found.rows.y_holdout) == list(dataset.y[400:])


@pytest.mark.parametrize(("minimum", "positives"), [("MIN_ROWS", "train"), ("MIN_TESTED", "test")])
def test_run_leaves_the_ablation_out_where_a_fold_has_too_few_positives(
    profile, tmp_path, monkeypatch, minimum, positives
):
    fresh = replace(profile, results=tmp_path)
    y, folds = load_dataset(fresh.dataset).y, all_folds(fresh.dataset, fresh.protocol, 1)
    smallest = min(int(y.iloc[getattr(folds[fold_id], positives)].sum()) for fold_id in fresh.folds)
    monkeypatch.setattr(cgan_ablation, minimum, smallest)
    assert cgan_ablation.has_positives(fresh) and cgan_ablation.missing_batch(fresh) is not None
    monkeypatch.setattr(cgan_ablation, minimum, smallest + 1)
    assert not cgan_ablation.has_positives(fresh) and cgan_ablation.missing_batch(fresh) is None
    assert cgan_ablation.run(fresh).empty


def test_tasks_of_a_mixed_table_have_a_revision_of_their_own(profile):
    task = cgan_ablation._tasks(profile, ["default"])[0]
    mixed = replace(profile, dataset=replace(profile.dataset, categorical=("V1",)))
    assert task.model.revision == cgan_ablation.REVISION
    of_mixed = cgan_ablation._task(mixed, task.dataset, (0, 0), VARIANTS["default"])
    assert of_mixed.model.revision == cgan_ablation.MIXED_REVISION != cgan_ablation.REVISION


def test_fold_table_of_numbers_is_the_features_as_they_are(profile):
    dataset, fold = load_dataset(profile.dataset), all_folds(profile.dataset, profile.protocol, 1)[0, 0]
    found = cgan_variant.fold_table(dataset, fold)
    pd.testing.assert_frame_equal(found.table, dataset.X.iloc[fold.train])
    assert found.rows.X_train is found.table and found.as_numbers(found.table) is found.table
