"""The conditional GAN and its sampler on small tables with known structure."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, asdict, fields, replace
from datetime import date, datetime

import joblib
import numpy as np
import pandas as pd
import pytest
from imblearn.pipeline import Pipeline
from imblearn.utils.estimator_checks import parametrize_with_checks as parametrize_with_sampler_checks
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from utils.samplers.cgan import sampler as sampler_module
from utils.samplers.cgan import scaler as scaler_module
from utils.samplers.cgan.conditional_gan import ConditionalGAN
from utils.samplers.cgan.config import ADDED, LOSSES, GANConfig
from utils.samplers.cgan.networks import build_critic, build_generator, forward
from utils.samplers.cgan.sampler import CGANSampler
from utils.samplers.cgan.scaler import ClassQuantileScaler, as_type, column_decimals, column_exponents
from utils.samplers.cgan.training import DivergenceError, trainer_for

TINY = GANConfig(latent_dim=8, hidden=(16,), updates=4, critic_steps=1, batch_size=16, updates_per_call=2)
TINIEST = replace(TINY, hidden=(4,), updates=1, updates_per_call=1, match_moments=False, gradient_penalty=0.0)
REDESIGNED = {"majority_share": 0.25, "critic": "projection", "match_values": True}
SMALL = GANConfig(latent_dim=8, hidden=(64, 64), updates=600, critic_steps=2, batch_size=128, learning_rate=1e-3)


def make_table(n_majority=300, n_minority=60, seed=0):
    """Two classes: an amount with cents, a whole number, a constant, and two columns of one signal."""
    rng = np.random.default_rng(seed)
    n_rows = n_majority + n_minority
    y = np.repeat([0, 1], [n_majority, n_minority])
    signal = rng.normal(size=n_rows) + 3 * y
    frame = pd.DataFrame(
        {
            "amount": np.round(rng.exponential(20, n_rows), 2),
            "count": rng.poisson(3 + 4 * y),
            "constant": 7.5,
            "signal": signal,
            "echo": (-signal + 0.1 * rng.normal(size=n_rows)).astype(np.float32),
        }
    )
    order = rng.permutation(n_rows)
    return frame.iloc[order].reset_index(drop=True), pd.Series(y[order], name="label")


@pytest.fixture(scope="module")
def table():
    return make_table()


@pytest.fixture(scope="module")
def tiny_gan(table):
    return ConditionalGAN(TINY, random_state=0).fit(*table)


@pytest.fixture(scope="module")
def trained_gan(table):
    return ConditionalGAN(SMALL, random_state=0).fit(*table)


@pytest.mark.usefixtures("eager_tensorflow")
@parametrize_with_sampler_checks([CGANSampler(config=TINIEST, random_state=0)])
def test_cgan_sampler_passes_the_checks_of_imbalanced_learn(estimator, check):
    check(estimator)


EXPECTED_FAILED_CHECKS = {
    "check_dtype_object": "numbers as Python objects are refused, as are nested values",
}


@pytest.mark.usefixtures("eager_tensorflow")
@parametrize_with_checks(
    [ConditionalGAN(replace(TINIEST, **REDESIGNED), random_state=0)],
    expected_failed_checks=lambda gan: EXPECTED_FAILED_CHECKS,
)
def test_conditional_gan_passes_the_checks_of_scikit_learn(estimator, check, monkeypatch):
    monkeypatch.setattr(scaler_module, "MIN_ROWS", 1)  # the tables of the checks have few rows per class
    check(estimator)


# Learning


def test_conditional_gan_learns_how_columns_depend_on_each_other(trained_gan, table):
    X, y = table
    synthetic = trained_gan.sample(2000, 1)
    assert np.corrcoef(synthetic["signal"], synthetic["echo"])[0, 1] < -0.9
    assert abs(np.corrcoef(synthetic["signal"], synthetic["amount"])[0, 1]) < 0.4
    assert synthetic["signal"].mean() == pytest.approx(X.loc[y == 1, "signal"].mean(), abs=0.4)


def test_conditional_gan_gives_drawn_numbers_the_covariance_of_their_class(table):
    X, y = table
    config = replace(SMALL, updates=20, **REDESIGNED)
    drawn = ConditionalGAN(config, random_state=0).fit(X, y).sample(20_000, 1)
    names = ["amount", "count", "signal", "echo"]
    np.testing.assert_allclose(drawn[names].corr(), X.loc[y == 1, names].corr(), atol=0.06)


def test_trainer_draws_the_largest_class_in_its_share_and_the_others_evenly():
    config = replace(TINY, majority_share=0.25)
    trainer = trainer_for(config, 2, 4)
    codes = np.repeat([0, 1, 2, 3], [30, 20, 80, 20])
    trainer.train(np.zeros((150, 2)), codes, 1, 0, 0)
    drawn = np.concatenate([trainer._condition(np.int32(update))[0].numpy() for update in range(3)])
    assert np.bincount(drawn).tolist() == [12, 12, 12, 12]  # of 3 batches of 16


def test_projection_critic_adds_an_inner_product_with_a_vector_of_the_class():
    critic = build_critic(replace(TINY, critic="projection"), n_features=3, n_classes=2, seed=0)
    rows = np.random.default_rng(0).normal(size=(5, 3))
    of_none, of_first, of_second, of_both = (
        critic([rows, np.tile(condition, (5, 1))]).numpy() for condition in ([0, 0], [1, 0], [0, 1], [1, 1])
    )
    np.testing.assert_allclose(of_first + of_second, of_none + of_both, atol=1e-5)
    assert np.ptp(of_first - of_none) > 1e-3


def test_trainer_forgets_earlier_trainings_and_keeps_the_compiled_function(table):
    X, y = table
    after_none = ConditionalGAN(TINY, random_state=3).fit(X, y)
    trainer = trainer_for(TINY, X.shape[1], 2)
    longer = replace(TINY, updates=6)
    ConditionalGAN(longer, random_state=4).fit(X[:200], y[:200])
    after_another = ConditionalGAN(TINY, random_state=3).fit(X, y)
    assert trainer_for(longer, X.shape[1], 2) is trainer
    assert trainer_for(replace(TINY, scaling="shared", match_moments=False), X.shape[1], 2) is trainer
    assert trainer_for(replace(TINY, pack=2), X.shape[1], 2) is not trainer
    assert trainer.run.experimental_get_tracing_count() == 1
    pd.testing.assert_frame_equal(after_another.history_, after_none.history_)
    for weight, expected in zip(after_another.weights_, after_none.weights_, strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_trainer_is_used_by_one_thread_at_a_time(table):
    with ThreadPoolExecutor(4) as pool:
        fits = list(pool.map(lambda seed: ConditionalGAN(TINY, random_state=seed % 2).fit(*table), range(8)))
    for gan in fits:
        expected = ConditionalGAN(TINY, random_state=gan.random_state).fit(*table)
        np.testing.assert_array_equal(gan.weights_[0], expected.weights_[0])


def test_conditional_gan_draws_the_requested_class(trained_gan, table):
    X, y = table
    for label in (0, 1):
        drawn, real = trained_gan.sample(500, label)["signal"], X.loc[y == label, "signal"]
        assert abs(drawn.mean() - real.mean()) < 0.5


def test_conditional_gan_draws_values_of_the_same_type_and_range(tiny_gan, table):
    X, y = table
    synthetic, real = tiny_gan.sample(500, 1), X[y == 1]
    assert (synthetic["constant"] == 7.5).all()
    assert synthetic["count"].dtype == X["count"].dtype
    np.testing.assert_array_equal(synthetic["amount"], synthetic["amount"].round(2))
    assert (synthetic.min() >= real.min()).all()
    assert (synthetic.max() <= real.max()).all()


def test_conditional_gan_keeps_whole_numbers_after_a_standard_scaler(table):
    X, y = table
    scaler = StandardScaler().set_output(transform="pandas")
    gan = ConditionalGAN(TINY, random_state=0).fit(scaler.fit_transform(X), y)
    back = scaler.inverse_transform(gan.sample(200, 1))
    np.testing.assert_allclose(back[:, 1], np.round(back[:, 1]), atol=1e-6)


def test_conditional_gan_draws_a_frame_like_the_training_frame(tiny_gan, table):
    X, _ = table
    synthetic = tiny_gan.sample(5, 0)
    assert list(synthetic.columns) == list(X.columns)
    assert list(synthetic.dtypes) == list(X.dtypes)
    assert ConditionalGAN(TINY, random_state=0).fit(X.to_numpy(), table[1]).sample(3, 1).shape == (3, 5)


KINDS = {
    "Int64": lambda X: X.astype({"count": "Int64"}),
    "Float64": lambda X: X.astype({"signal": "Float64", "echo": "Float32"}),
    "boolean": lambda X: X.assign(flag=(X["count"] > 4).astype("boolean")),
    "bool": lambda X: X.assign(flag=X["count"] > 4),
    "bools alone": lambda X: pd.DataFrame({"flag": X["count"] > 4, "other": X["signal"] > 0}),
    "nullable alone": lambda X: X[["count"]].astype("Int32"),
    "unsigned": lambda X: X.astype({"count": "uint8"}),
    "arrow": lambda X: X.astype({"count": "int64[pyarrow]", "signal": "double[pyarrow]"}),
    "categories of numbers": lambda X: X.astype({"count": "category"}),
    "duplicate names": lambda X: X.set_axis(["a", "b", "a", "a", "b"], axis=1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_conditional_gan_keeps_the_numeric_type_of_columns(table, kind, tmp_path):
    X = KINDS[kind](table[0])
    gan = ConditionalGAN(TINY, random_state=0).fit(X, table[1])
    loaded = ConditionalGAN.load(gan.save(tmp_path))
    drawn = gan.sample(40, 1)
    assert list(drawn.dtypes) == list(X.dtypes)
    pd.testing.assert_index_equal(drawn.columns, X.columns)
    assert drawn.notna().all(axis=None)
    pd.testing.assert_frame_equal(loaded.sample(40, 1), drawn)


@pytest.mark.parametrize("kind", [name for name in KINDS if name != "duplicate names"])
def test_cgan_sampler_accepts_every_numeric_type_of_columns(table, kind):
    X = KINDS[kind](table[0])
    rows, _ = CGANSampler(config=TINY, random_state=0).fit_resample(X, table[1])
    assert list(rows.dtypes) == list(X.dtypes) and len(rows) == 600


def test_conditional_gan_draws_the_same_values_for_every_column_type(table):
    X, y = table
    X = X.assign(flag=X["count"] > 4)
    plain = ConditionalGAN(TINY, random_state=0).fit(X.astype(float), y).sample(20, 1)
    nullable = X.astype({"count": "Int64", "signal": "Float64", "flag": "boolean"})
    drawn = ConditionalGAN(TINY, random_state=0).fit(nullable, y).sample(20, 1)
    np.testing.assert_array_equal(drawn.drop(columns="echo").astype(float), plain.drop(columns="echo"))


def test_conditional_gan_history_has_one_row_per_update(tiny_gan):
    assert list(tiny_gan.history_["update"]) == [1, 2, 3, 4]
    assert np.isfinite(tiny_gan.history_).all(axis=None)


@pytest.mark.parametrize(
    "change",
    [
        {"loss": "cross_entropy", "gradient_penalty": 0.0},
        {"pack": 4},
        {"conditional": False},
        {"scaling": "shared"},
        {"decorrelate": True},
        {"match_moments": False},
        {"average_decay": 0.0},
        {"majority_rows": 70},
        {"majority_share": 0.1},
        {"critic": "projection", "pack": 2},
        REDESIGNED,
    ],
    ids=str,
)
def test_conditional_gan_trains_every_variant(table, change):
    X, y = table
    gan = ConditionalGAN(replace(TINY, updates=3, **change), random_state=0).fit(X, y)
    assert gan.sample(4, 1).shape == (4, X.shape[1])
    assert len(gan.history_) == 3


def test_conditional_gan_trains_many_classes_with_text_labels():
    rng = np.random.default_rng(0)
    y = np.repeat(list("abcdefgh"), 20)
    X = rng.normal(size=(160, 3)) + np.arange(8).repeat(20)[:, None] * 100
    config = replace(TINY, batch_size=4)
    gan = ConditionalGAN(config, random_state=0).fit(X, y)
    assert np.round(gan.sample(50, "f").mean() / 100) == 5


def test_forward_matches_keras():
    generator = build_generator(TINY, n_features=3, n_classes=2, seed=0)
    noise = np.random.default_rng(0).normal(size=(20, TINY.latent_dim))
    condition = np.eye(2)[np.arange(20) % 2]
    weights = [variable.numpy() for variable in generator.trainable_variables]
    weights = [weight + 0.1 for weight in weights]
    generator.set_weights(weights)
    expected = generator(np.hstack([noise, condition]).astype("float32")).numpy()
    np.testing.assert_allclose(forward(weights, np.hstack([noise, condition])), expected, rtol=1e-4, atol=1e-4)


def test_auxiliary_classifier_pulls_rows_towards_their_class():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 200)
    # With shared scaling, the effect of the auxiliary classifier is visible in the distance of the classes.
    X = rng.normal(size=(400, 2)) + 2 * y[:, None]
    plain = replace(SMALL, updates=300, scaling="shared", match_moments=False)
    gaps = {}
    for weight in (0.0, 5.0):
        gan = ConditionalGAN(replace(plain, auxiliary=weight), random_state=0).fit(X, y)
        gaps[weight] = gan.sample(1000, 1).mean() - gan.sample(1000, 0).mean()
    assert gaps[5.0] > gaps[0.0] + 0.1


def test_build_generator_normalises_layers_and_build_critic_does_not():
    names = {
        build.__name__: [type(layer).__name__ for layer in build(TINY, 3, 2, 0).layers]
        for build in (build_generator, build_critic)
    }
    assert "LayerNormalization" in names["build_generator"]
    assert "LayerNormalization" not in names["build_critic"]


# Repeatability and storage


def test_conditional_gan_repeats_with_its_seed_and_leaves_global_state_alone(table, tiny_gan):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    again = ConditionalGAN(TINY, random_state=0).fit(*table)
    for weight, expected in zip(again.weights_, tiny_gan.weights_, strict=True):
        np.testing.assert_allclose(weight, expected, atol=1e-6)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_conditional_gan_draws_other_rows_with_another_seed(table, tiny_gan):
    other = ConditionalGAN(TINY, random_state=1).fit(*table)
    assert not other.sample(5, 1, random_state=0).equals(tiny_gan.sample(5, 1, random_state=0))


def test_sample_draws_other_rows_at_each_call_unless_seeded(tiny_gan):
    assert not tiny_gan.sample(5, 1).equals(tiny_gan.sample(5, 1))
    pd.testing.assert_frame_equal(tiny_gan.sample(5, 1, random_state=3), tiny_gan.sample(5, 1, random_state=3))


def test_save_and_load_give_the_same_rows(tiny_gan, tmp_path):
    loaded = ConditionalGAN.load(tiny_gan.save(tmp_path / "gan"))
    assert asdict(loaded.config) == asdict(TINY)
    pd.testing.assert_frame_equal(loaded.history_, tiny_gan.history_)
    pd.testing.assert_frame_equal(loaded.sample(20, 1), tiny_gan.sample(20, 1))
    assert sorted(path.suffix for path in (tmp_path / "gan").iterdir()) == [".json", ".npz"]


def test_save_keeps_text_labels(tmp_path):
    X, y = make_table()
    y = y.map({0: "fine", 1: "fraud"})
    gan = ConditionalGAN(TINY, random_state=0).fit(X, y)
    loaded = ConditionalGAN.load(gan.save(tmp_path))
    pd.testing.assert_frame_equal(loaded.sample(3, "fraud"), gan.sample(3, "fraud"))


NUMBERS, TEXT = {0: 0, 1: 7}, {0: "0", 1: "1"}
LABELS = {
    "ints as objects": lambda y: y.map(NUMBERS).astype(object),
    "NumPy ints as objects": lambda y: pd.Series([np.int64(label) for label in y], dtype=object),
    "ints": lambda y: y,
    "negative": lambda y: 2 * y - 1,
    "bools": lambda y: y == 1,
    "bools as objects": lambda y: (y == 1).astype(object),
    "digits": lambda y: y.map(TEXT),
    "string": lambda y: y.map(TEXT).astype("string"),
    "Int64": lambda y: y.astype("Int64"),
    "categories": lambda y: y.map(NUMBERS).astype("category"),
    "floats": lambda y: y + 0.5,
    "dates": lambda y: y.map({0: pd.Timestamp("2013-09-01"), 1: pd.Timestamp("2013-09-02")}),
}


@pytest.mark.parametrize("kind", LABELS)
def test_save_keeps_labels_with_their_type(table, kind, tmp_path):
    X, y = table
    gan = ConditionalGAN(TINY, random_state=0).fit(X, LABELS[kind](y))
    loaded = ConditionalGAN.load(gan.save(tmp_path))
    assert loaded.classes_.dtype == gan.classes_.dtype
    assert [type(label) for label in loaded.classes_] == [type(label) for label in gan.classes_]
    np.testing.assert_array_equal(loaded.classes_, gan.classes_)
    for label in LABELS[kind](y).unique():
        pd.testing.assert_frame_equal(loaded.sample(3, label), gan.sample(3, label))


DAY = date(2013, 9, 1)
NAMES = {
    "tuples": pd.Index([("a", 1), ("a", 2), ("b", (3, None))], tupleize_cols=False),
    "levels": pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["group", None]),
    "dates": pd.Index([DAY, DAY.replace(day=2), "amount"], dtype=object),
    "times": pd.Index([datetime(2013, 9, 1, 12), DAY, pd.Timestamp("2013-09-01", tz="Europe/Berlin")], dtype=object),
    "timestamps": pd.DatetimeIndex(["2013-09-01", "2013-09-02", "2013-09-03"], tz="UTC", name="day"),
    "ints": pd.Index([5, -7, 2]),
    "numbers and text": pd.Index([5, "5", 0.5], dtype=object),
    "bools and gaps": pd.Index([True, None, "x"], dtype=object),
    "NumPy": pd.Index([np.int32(5), np.datetime64("2013-09-01"), np.str_("x")], dtype=object),
    "duplicates": pd.Index(["a", "b", "a"], name="column"),
}


@pytest.mark.parametrize("kind", NAMES)
def test_save_keeps_column_names_with_their_type(table, kind, tmp_path):
    X = table[0].iloc[:, :3].set_axis(NAMES[kind], axis=1)
    gan = ConditionalGAN(TINY, random_state=0).fit(X, table[1])
    drawn = ConditionalGAN.load(gan.save(tmp_path)).sample(3, 1)
    pd.testing.assert_index_equal(drawn.columns, NAMES[kind], exact=True)
    assert [type(name) for name in drawn.columns] == [type(name) for name in NAMES[kind]]
    pd.testing.assert_frame_equal(drawn, gan.sample(3, 1))


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_save_refuses_an_unsupported_column_name_before_anything_is_written(tiny_gan, table, tmp_path):
    X = table[0].set_axis([*table[0].columns[:-1], pd.Timedelta("1D")], axis=1)
    gan = ConditionalGAN(TINY, random_state=0).fit(X, table[1])
    with pytest.raises(TypeError, match=r"Timedelta.* cannot be saved; use text, numbers, dates or tuples"):
        gan.save(tmp_path / "new")
    assert not (tmp_path / "new").exists()
    before = contents(tiny_gan.save(tmp_path / "old"))
    with pytest.raises(TypeError):
        gan.save(tmp_path / "old")
    assert contents(tmp_path / "old") == before


def test_save_that_fails_midway_leaves_the_old_files_and_nothing_else(tiny_gan, tmp_path, monkeypatch):
    before = contents(tiny_gan.save(tmp_path))

    def fill_the_disk(path, **arrays):
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(sampler_module.np, "savez_compressed", fill_the_disk)
    with pytest.raises(OSError, match="No space left"):
        tiny_gan.save(tmp_path)
    assert contents(tmp_path) == before


def test_save_accepts_numpy_numbers_in_the_configuration(table, tmp_path):
    config = replace(TINY, latent_dim=np.int64(8), hidden=(np.int64(16),), gradient_penalty=np.float32(5))
    gan = ConditionalGAN(config, random_state=0).fit(*table)
    assert ConditionalGAN.load(gan.save(tmp_path)).config == config


def test_conditional_gan_can_be_pickled_and_cloned(tiny_gan, tmp_path):
    joblib.dump(tiny_gan, tmp_path / "gan.joblib")
    back = joblib.load(tmp_path / "gan.joblib")
    pd.testing.assert_frame_equal(back.sample(3, 1, random_state=0), tiny_gan.sample(3, 1, random_state=0))
    assert clone(tiny_gan).get_params() == tiny_gan.get_params()


def test_settings_name_what_was_added_only_where_it_is_not_as_it_was():
    assert set(GANConfig(**ADDED).settings()) == {field.name for field in fields(GANConfig)} - set(ADDED)
    assert GANConfig(critic="projection").settings() == GANConfig().settings() | {"critic": "projection"}


def test_gan_config_is_frozen():
    with pytest.raises(FrozenInstanceError):
        TINY.updates = 5


# The sampler


@pytest.mark.parametrize(
    ("strategy", "minority"),
    [("auto", 300), ("minority", 300), (0.5, 150), ({1: 100}, 100), (lambda y: {1: 90}, 90)],
    ids=["auto", "minority", "float", "dict", "callable"],
)
def test_cgan_sampler_follows_the_sampling_strategy(table, strategy, minority):
    X, y = table
    _, labels = CGANSampler(sampling_strategy=strategy, config=TINY, random_state=0).fit_resample(X, y)
    assert labels.value_counts().to_dict() == {0: 300, 1: minority}


def test_cgan_sampler_puts_original_rows_first_and_untouched(table):
    X, y = table
    sampler = CGANSampler(config=TINY, random_state=0)
    rows, labels = sampler.fit_resample(X, y)
    pd.testing.assert_frame_equal(rows.iloc[: len(X)], X)
    pd.testing.assert_series_equal(labels.iloc[: len(y)], y)
    assert (labels.iloc[len(y) :] == 1).all()
    assert list(rows.dtypes) == list(X.dtypes)
    assert isinstance(sampler.gan_, ConditionalGAN)


def test_cgan_sampler_keeps_sparse_rows_sparse():
    X, y = make_table()
    rows, labels = CGANSampler(config=TINY, random_state=0).fit_resample(sparse.csr_matrix(X.to_numpy()), y)
    dense, _ = CGANSampler(config=TINY, random_state=0).fit_resample(X.to_numpy(), y)
    assert sparse.issparse(rows)
    np.testing.assert_allclose(rows.toarray(), dense, atol=1e-6)
    assert len(labels) == 600


def test_cgan_sampler_trains_nothing_if_there_is_nothing_to_draw(table):
    X, y = table
    sampler = CGANSampler(sampling_strategy={1: 60}, config=TINY)
    rows, _ = sampler.fit_resample(X, y)
    pd.testing.assert_frame_equal(rows, X)
    assert sampler.gan_ is None


def test_cgan_sampler_works_inside_a_pipeline_and_a_grid_search(table):
    X, y = table
    pipeline = Pipeline(
        [
            ("scale", StandardScaler()),
            ("sample", CGANSampler(config=TINY, random_state=0)),
            ("model", LogisticRegression()),
        ]
    )
    grid = {"sample__sampling_strategy": [0.5], "sample__config": [TINY, replace(TINY, latent_dim=4)]}
    search = GridSearchCV(pipeline, grid, cv=2, scoring="average_precision", error_score="raise", refit=False).fit(X, y)
    assert (search.cv_results_["mean_test_score"] > 0.9).all()


def test_cgan_sampler_trains_in_a_worker_process(table):
    X, y = table
    sampler = CGANSampler(config=TINY, random_state=0)
    here, _ = sampler.fit_resample(X, y)
    # One task is enough: a worker runs it with its share of the threads.
    (there, _), *_ = joblib.Parallel(n_jobs=2)([joblib.delayed(sampler.fit_resample)(X, y)])
    pd.testing.assert_frame_equal(here, there, rtol=1e-3, atol=1e-2)


# Refusals


def test_conditional_gan_names_infinite_values(table):
    X, y = table
    X = X.copy()
    X.loc[3, "signal"] = np.inf
    with pytest.raises(ValueError, match="row 3, column signal"):
        ConditionalGAN(TINY).fit(X, y)
    with pytest.raises(ValueError, match="infinity"):
        CGANSampler(config=TINY).fit_resample(X, y)


def test_cgan_sampler_refuses_too_few_minority_rows():
    X, y = make_table(n_minority=9)
    with pytest.raises(ValueError, match="Class 1 has 9 rows and a CGAN needs at least 10"):
        CGANSampler(config=TINY).fit_resample(X, y)


def test_cgan_sampler_leaves_small_classes_out_of_the_training_unless_requested():
    X, y = make_table()
    y = y.where(X.index > 4, 2)  # five rows of a third class
    sampler = CGANSampler(sampling_strategy={1: 100}, config=TINY, random_state=0)
    rows, labels = sampler.fit_resample(X, y)
    pd.testing.assert_frame_equal(rows.iloc[: len(X)], X)
    assert labels.value_counts().to_dict() == {**y.value_counts(), 1: 100}
    assert sampler.gan_.classes_.tolist() == [0, 1]
    with pytest.raises(ValueError, match="Class 2 has 5 rows and a CGAN needs at least 10"):
        CGANSampler(sampling_strategy={2: 100}, config=TINY).fit_resample(X, y)


def test_cgan_sampler_draws_the_majority_beside_a_small_minority():
    X, y = make_table(n_minority=3)
    sampler = CGANSampler(sampling_strategy={0: 320}, config=TINY, random_state=0)
    assert sampler.fit_resample(X, y)[1].value_counts().to_dict() == {0: 320, 1: 3}
    assert sampler.gan_.classes_.tolist() == [0]


def test_conditional_gan_refuses_missing_and_mixed_labels(table):
    X, y = table
    for missing in (np.nan, None, pd.NA):
        labels = y.astype(object).where(y.index != 3, missing)
        with pytest.raises(ValueError, match="y has 1 missing labels, the first in row 3"):
            ConditionalGAN(TINY).fit(X, labels)
    with pytest.raises(ValueError, match=r"cannot be ordered \(int, str\)"):
        ConditionalGAN(TINY).fit(X, y.astype(object).where(y == 0, "fraud"))


def test_conditional_gan_stops_training_at_divergence(table):
    with pytest.raises(DivergenceError, match="not finite at update"):
        ConditionalGAN(replace(TINY, learning_rate=1e30), random_state=0).fit(*table)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": "hinge"}, LOSSES[0]),
        ({"scaling": "none"}, "class"),
        ({"pack": 3}, "multiple of pack"),
        ({"updates": 0}, "must be positive"),
        ({"critic": "none"}, "projection"),
        ({"majority_share": 1.0}, "between 0 and 1"),
        ({"majority_share": 0}, "between 0 and 1"),
    ],
)
def test_gan_config_refuses_invalid_settings(change, message):
    with pytest.raises(ValueError, match=message):
        replace(TINY, **change)


def test_sample_refuses_unknown_labels_and_negative_counts(tiny_gan):
    with pytest.raises(ValueError, match="No rows labelled 2"):
        tiny_gan.sample(3, 2)
    with pytest.raises(ValueError, match="n_rows is -1"):
        tiny_gan.sample(-1, 1)


def test_conditional_gan_refuses_arrays_of_text_and_mismatched_labels(table):
    X, y = table
    with pytest.raises(ValueError, match="numeric columns, not <U3"):
        ConditionalGAN(TINY).fit(np.full((len(X), 2), "Ulm"), y)
    with pytest.raises(ValueError, match="give"):
        ConditionalGAN(TINY).fit(X, y[:10])


def test_conditional_gan_shows_the_losses_as_progress(table, capfd):
    ConditionalGAN(TINY, random_state=0, verbose=1).fit(*table)
    output = capfd.readouterr().err
    assert "critic=" in output
    assert "generator=" in output


# Scaling


def test_class_quantile_scaler_gives_normal_scores_and_inverts_them():
    X, y = make_table()
    X, codes = X.to_numpy(), y.to_numpy()
    scaler = ClassQuantileScaler()
    scores = scaler.fit_transform(X, codes, np.random.default_rng(0))
    for code in (0, 1):
        mine = codes == code
        np.testing.assert_allclose(scores[mine].mean(axis=0), 0, atol=1e-9)
        np.testing.assert_allclose(scores[mine].std(axis=0), 1, atol=0.03)
        np.testing.assert_allclose(scaler.inverse_transform(scores[mine], code), X[mine], atol=1e-6)


def test_class_quantile_scaler_decorrelates_scores_and_inverts_them():
    X = np.random.default_rng(0).normal(size=(1000, 2)) @ [[1, 0.8], [0, 0.6]]
    scaler = ClassQuantileScaler(decorrelate=True)
    scores = scaler.fit_transform(X, np.zeros(1000, int), np.random.default_rng(0))
    assert abs(np.corrcoef(scores.T)[0, 1]) < 0.05
    np.testing.assert_allclose(scaler.inverse_transform(scores, 0), X, atol=1e-6)


def test_class_quantile_scaler_corrects_the_moments_of_a_poor_generator():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 2)) @ [[1, 0.8], [0, 0.6]]
    scaler = ClassQuantileScaler()
    scores = scaler.fit_transform(X, np.zeros(1000, int), rng)
    drawn = 0.3 * rng.normal(size=(5000, 2)) + 1
    scaler.correct_moments(scores, drawn, 0)
    rows = scaler.inverse_transform(drawn, 0)
    np.testing.assert_allclose(rows.mean(axis=0), X.mean(axis=0), atol=0.03)
    np.testing.assert_allclose(np.corrcoef(rows.T), np.corrcoef(X.T), atol=0.03)


def test_column_decimals_are_read_from_the_data():
    X = np.array([[1.0, 0.25, 0.125, 19.99], [2.0, 3.1, 0.25, 0.01]])
    np.testing.assert_array_equal(column_decimals(X), [0, 2, -1, 2])
    np.testing.assert_array_equal(column_decimals(X.astype(np.float32)), [0, 2, -1, 2])
    np.testing.assert_array_equal(column_decimals(X[:, :1].astype(int)), [0])


@pytest.mark.parametrize("dtype", [float, np.float32])
def test_column_decimals_are_not_limited_for_small_numbers(dtype):
    rng = np.random.default_rng(0)
    columns = [rng.normal(size=50) * 1e-12, rng.integers(1, 99, 50) * 1e-14, np.where(rng.random(50) < 0.5, 0, 1e-11)]
    np.testing.assert_array_equal(column_decimals(np.column_stack(columns).astype(dtype)), [-1, -1, -1])


@pytest.mark.parametrize(
    ("column", "decimals"),
    [
        (1e9 + np.arange(50) / 64, -1),  # fractions of seconds of a clock
        (5e12 + np.arange(50) / 1024, -1),  # consecutive floats of this magnitude
        ((12345 + np.arange(50) / 1024).astype(np.float32), -1),
        (np.arange(50) * 5e-324, -1),
        (np.arange(50) * 1e306, 0),
        (np.full(50, 7.5), 2),
        (np.zeros(50), 0),
        (np.cumsum(np.full(50, 0.07)), 2),  # with the errors of fifty additions
        (np.round(np.linspace(0, 90_000, 50), 2).astype(np.float32), 2),
        (np.r_[np.zeros(40), np.linspace(1e-12, 2e-12, 10)], -1),
    ],
)
def test_column_decimals_are_limited_only_where_rounding_loses_nothing(column, decimals):
    assert column_decimals(column[:, None]).tolist() == [decimals]


EXTREME = {
    "tiny": lambda rng: rng.normal(size=300) * 1e-12,
    "denormal": lambda rng: rng.integers(1, 1000, 300) * 5e-324,
    "huge": lambda rng: rng.uniform(-1.7, 1.7, 300) * 1e308,
    "far from zero": lambda rng: 1e9 + rng.random(300),
    "constant": lambda rng: np.full(300, 0.07),
    "spike": lambda rng: np.where(rng.random(300) < 0.7, 0, 1e-10 * rng.random(300)),
}


@pytest.mark.parametrize("name", EXTREME)
def test_class_quantile_scaler_inverts_columns_of_every_magnitude(name):
    X = EXTREME[name](np.random.default_rng(0))[:, None]
    scaler = ClassQuantileScaler()
    scores = scaler.fit_transform(X, np.zeros(len(X), int), np.random.default_rng(0))
    np.testing.assert_allclose(scaler.inverse_transform(scores, 0) / 4, X / 4, rtol=1e-9, atol=0)


def test_conditional_gan_draws_very_small_columns_like_ordinary_ones():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(120, 2)), np.repeat([0, 1], [80, 40])
    ordinary, tiny = (ConditionalGAN(TINY, random_state=0).fit(X * size, y).sample(50, 1) for size in (1, 2.0**-40))
    np.testing.assert_allclose(tiny * 2.0**40, ordinary, rtol=1e-12)
    assert len(np.unique(tiny[:, 0])) > 20


def test_column_exponents_make_every_spread_ordinary_without_loss():
    X = np.random.default_rng(0).normal(size=(100, 4)) * [2.0**-1000, 1e-5, 1.0, 2.0**1000]
    exponents = column_exponents(X)
    scaled = np.ldexp(X, -exponents)
    assert exponents[2] == 0 and (np.ptp(scaled, axis=0) > 0.4).all() and (np.ptp(scaled, axis=0) < 10).all()
    np.testing.assert_array_equal(np.ldexp(scaled, exponents), X)


def test_as_type_keeps_numbers_within_the_bounds_of_their_type():
    drawn = np.array([-1.0, 300.0, 1e30])
    assert as_type(drawn, np.dtype(np.uint8)).tolist() == [0, 255, 255]
    assert as_type(drawn, np.dtype(np.int8)).tolist() == [-1, 127, 127]
    assert as_type(drawn, np.dtype(np.int64)).tolist() == [-1, 300, 2**63 - 1024]  # the largest float below 2**63
    assert as_type(np.array([-0.2, 0.4, 0.6, 1.3]), np.dtype(bool)).tolist() == [False, False, True, True]
