"""The conditional GAN on tables with categories, gaps, dates, whole numbers and spikes."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from tests.utils.samplers.cgan.test_conditional_gan import EXTREME, REDESIGNED, TINY, make_table
from utils.samplers.cgan import mixed_scaler
from utils.samplers.cgan.conditional_gan import ConditionalGAN
from utils.samplers.cgan.mixed_scaler import LevelRule, MixedScaler
from utils.samplers.cgan.sampler import CGANSampler
from utils.samplers.cgan.table import column_format, is_mixed

N_ROWS, N_POSITIVES = 600, 200
ZONE = "Europe/Berlin"
DIGESTS = ["28a46453a132b27d", "28a46453a132b27d", "34e74697f0d59d12"]  # of rows drawn before mixed tables were known


def make_mixed_table(seed=0):
    """Every kind of column, in two classes; categories, gaps and spikes are rarer among the positives."""
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], [N_ROWS - N_POSITIVES, N_POSITIVES])
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 400, N_ROWS), unit="D")
    rare = np.where(np.arange(N_ROWS) % 100 == 0, "phone", rng.choice(["web", "shop"], N_ROWS))
    columns = {
        "channel": pd.Categorical(rare, categories=["never", "phone", "shop", "web"]),
        "ordered": pd.Categorical(rng.integers(1, 4, N_ROWS), categories=[1, 2, 3], ordered=True),
        "text": pd.Series(rng.choice(["a", "b", None], N_ROWS), dtype=object),
        "string": pd.Series(rng.choice(["a", "b", pd.NA], N_ROWS), dtype="string"),
        "flag": rng.random(N_ROWS) < 0.3,
        "nullable flag": pd.array(rng.choice([True, False, None], N_ROWS), dtype="boolean"),
        "merchant": [f"m{number}" for number in rng.integers(0, 150, N_ROWS)],
        "spike": np.where(rng.random(N_ROWS) < 0.5, 0, rng.lognormal(1, 2, N_ROWS)),
        "spike at 7": np.where(rng.random(N_ROWS) < 0.3, 7.25, rng.normal(7, 3, N_ROWS)),
        "bounded": rng.beta(0.5, 0.5, N_ROWS),
        "heavy": rng.standard_cauchy(N_ROWS),
        "tenths": np.round(rng.normal(size=N_ROWS), 1),
        "fives": 5 * rng.integers(0, 300, N_ROWS),
        "large": rng.integers(2**62, 2**62 + 1000, N_ROWS),
        "nullable": pd.array(np.where(rng.random(N_ROWS) < 0.2, None, rng.integers(0, 90, N_ROWS)), dtype="Int64"),
        "float32": rng.normal(size=N_ROWS).astype(np.float32),
        "gaps": np.where(rng.random(N_ROWS) < 0.2, np.nan, rng.normal(size=N_ROWS)),
        "numbers as objects": pd.Series([None, 2, 5] * (N_ROWS // 3), dtype=object),
        "day": days,
        "local day": days.tz_localize(ZONE),
        "instant": pd.Series(days + pd.to_timedelta(rng.integers(0, 86_400, N_ROWS), unit="s")).dt.tz_localize("UTC"),
        "day with gaps": pd.Series(days).where(rng.random(N_ROWS) < 0.7),
        "duration": pd.to_timedelta(rng.integers(0, 50, N_ROWS) * 15, unit="min"),
    }
    return pd.DataFrame(columns), pd.Series(y, name="label")


def make_gap_table(seed=0):
    """A gap in 45 % of the rows of one channel and 5 % of the others; three classes, the last with 200 rows."""
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1, 2], [400, 300, 200])
    channel = rng.choice(["web", "shop"], len(y))
    value = rng.normal(size=len(y)) + y
    value[rng.random(len(y)) < np.where(channel == "web", 0.45, 0.05)] = np.nan
    X = pd.DataFrame({"channel": pd.Categorical(channel), "value": value, "other": rng.normal(size=len(y))})
    return X, y


@pytest.fixture(scope="module")
def table():
    return make_mixed_table()


@pytest.fixture(scope="module", params=[{}, REDESIGNED], ids=["default", "redesigned"])
def gan(table, request):
    return ConditionalGAN(replace(TINY, **request.param), random_state=0).fit(*table)


@pytest.fixture(scope="module")
def drawn(gan):
    return gan.sample(4000, 1, random_state=1)


@pytest.fixture(scope="module")
def positives(table):
    X, y = table
    return X[y == 1]


def assert_rate(hits: int, n_rows: int, rate: float) -> None:
    """The hits are not unlikely for this rate."""
    if rate in (0, 1):
        assert hits == rate * n_rows
    else:
        assert binomtest(int(hits), n_rows, rate).pvalue > 0.001


def test_conditional_gan_draws_the_same_bits_for_numeric_tables_as_before_it_knew_mixed_ones():
    X, y = make_table()
    digests = []
    for rows in (X, X.to_numpy(), X.assign(flag=X["count"] > 4).astype({"count": "Int64"})):
        drawn = pd.DataFrame(ConditionalGAN(TINY, random_state=0).fit(rows, y).sample(50, 1)).to_numpy(float)
        # Rounded, because processors differ in the last bits of what the networks learn.
        digests.append(hashlib.sha256((np.round(drawn, 3) + 0.0).tobytes()).hexdigest()[:16])
    assert digests == DIGESTS


def test_sample_keeps_columns_types_and_order(drawn, table):
    X, _ = table
    assert list(drawn.columns) == list(X.columns)
    assert list(drawn.dtypes) == list(X.dtypes)


def test_sample_draws_categories_and_gaps_at_the_rates_of_their_class(drawn, positives):
    names = ["channel", "ordered", "text", "string", "flag", "nullable flag", "numbers as objects"]
    for name in names:
        real, synthetic = (frame[name].astype(object).map(repr, na_action="ignore") for frame in (positives, drawn))
        for value, rate in real.value_counts(normalize=True, dropna=False).items():
            hits = synthetic.isna().sum() if pd.isna(value) else (synthetic == value).sum()
            assert_rate(hits, len(drawn), rate)
        assert set(synthetic.dropna()) <= set(real.dropna())
    for name in positives:
        assert_rate(drawn[name].isna().sum(), len(drawn), positives[name].isna().mean())
    assert_rate((drawn["channel"] == "phone").sum(), len(drawn), 0.01)
    assert type(next(value for value in drawn["text"] if pd.isna(value))) is type(None)


def test_sample_draws_only_the_categories_of_a_column_with_many(drawn, positives):
    assert set(drawn["merchant"]) <= set(positives["merchant"])
    assert drawn["merchant"].nunique() > 0.9 * positives["merchant"].nunique()


def test_sample_draws_spikes_exactly_and_nothing_outside_the_range(drawn, positives):
    for name, spike in (("spike", 0), ("spike at 7", 7.25)):
        assert_rate((drawn[name] == spike).sum(), len(drawn), (positives[name] == spike).mean())
        assert drawn[name].nunique() > positives[name].nunique()
    for name in ("spike", "spike at 7", "bounded", "heavy", "float32", "gaps", "large", "day", "local day", "instant"):
        assert positives[name].min() <= drawn[name].min() and drawn[name].max() <= positives[name].max()


def test_sample_keeps_the_resolution_of_columns(drawn):
    assert (drawn["tenths"] == drawn["tenths"].round(1)).all()
    assert (drawn["fives"] % 5 == 0).all()
    assert len(set(np.round(drawn["bounded"] * 1e6) % 10)) == 10
    assert (drawn["day"] == drawn["day"].dt.normalize()).all()
    assert (drawn["local day"] == drawn["local day"].dt.normalize()).all()
    assert (drawn["day with gaps"].dropna() == drawn["day with gaps"].dropna().dt.normalize()).all()
    assert (drawn["instant"].dt.nanosecond == 0).all() and drawn["instant"].dt.second.nunique() > 30
    assert (drawn["duration"] % pd.Timedelta("15min") == pd.Timedelta(0)).all()
    assert {type(value) for value in drawn["numbers as objects"].dropna()} <= {int}


def test_conditional_gan_learns_gaps_that_depend_on_a_category():
    X, y = make_gap_table()
    config = replace(TINY, latent_dim=8, hidden=(48, 48), updates=400, critic_steps=2, batch_size=96)
    gan = ConditionalGAN(replace(config, updates_per_call=400), random_state=0).fit(X, y)
    for label in (0, 1, 2):
        synthetic, real = gan.sample(4000, label), X[y == label]
        for channel in ("web", "shop"):
            rate, n_rows = real.loc[real["channel"] == channel, "value"].isna().agg(["mean", "size"])
            synthetic_rate = synthetic.loc[synthetic["channel"] == channel, "value"].isna().mean()
            # The rate in so few rows is uncertain itself.
            assert_rate(round(synthetic_rate * n_rows), int(n_rows), rate)
        assert synthetic["value"].mean() == pytest.approx(real["value"].mean(), abs=0.15)


def test_save_and_load_give_the_same_mixed_rows(gan, tmp_path):
    loaded = ConditionalGAN.load(gan.save(tmp_path))
    pd.testing.assert_frame_equal(loaded.sample(200, 1, random_state=0), gan.sample(200, 1, random_state=0))
    assert loaded.sample(0, 0).dtypes.equals(gan.sample(0, 0).dtypes)


@pytest.mark.usefixtures("eager_tensorflow")
def test_cgan_sampler_puts_mixed_rows_first_and_untouched(table):
    X, y = table
    X = X[["channel", "text", "string", "nullable", "gaps", "local day"]].set_axis(range(10, 10 + len(X)))
    rows, labels = CGANSampler(config=TINY, random_state=0).fit_resample(X, y)
    pd.testing.assert_frame_equal(rows.iloc[: len(X)], X.reset_index(drop=True))
    assert labels.value_counts().to_dict() == {0: 400, 1: 400}
    assert (rows.dtypes == X.dtypes).all()


FORMATS = {
    "Arrow text": pd.Series(["a", "b", None] * 10, dtype="string[pyarrow]"),
    "Arrow numbers": pd.Series([0.5, None, 1.75] * 10, dtype="double[pyarrow]"),
    "mixed objects": pd.Series(["a", 1, None, 2.5, True] * 6, dtype=object),
    "constant": pd.Categorical(["a"] * 30),
    "dates as categories": pd.Categorical(list(pd.date_range("2024-01-01", periods=3)) * 10),
    "sparse": pd.arrays.SparseArray([0.0, 0.0, 2.5] * 10),
    "half": np.linspace(0, 1, 30).astype(np.float16),
    "huge": np.linspace(-1e300, 1e300, 30) / 7,
    "microseconds": pd.Series(pd.date_range("2024-01-01", periods=30)).astype("datetime64[us]"),
    "clocks put forward": pd.date_range("2024-03-25", periods=30, tz=ZONE),
    "clocks put back": pd.date_range("2024-10-27", periods=30, freq="30min", tz=ZONE),
    "zero and minus one": pd.Series([0.0, -1.0, np.nan] * 10),
    "last integer": np.array([-(2**63), -(2**63) + 9] * 15),
}


@pytest.mark.parametrize("kind", FORMATS)
def test_column_format_decodes_what_it_encodes(kind):
    column = pd.Series(FORMATS[kind])
    form = column_format(column)
    pd.testing.assert_series_equal(form.decode(form.encode(column)), column)
    assert form == type(form).from_json(json.loads(json.dumps(form.to_json())))


@pytest.mark.usefixtures("eager_tensorflow")
def test_cgan_sampler_keeps_arrays_with_gaps():
    X, y = make_gap_table()
    rows, _ = CGANSampler(config=TINY, random_state=0).fit_resample(X[["value", "other"]].to_numpy(), y)
    assert rows.dtype == float and len(rows) == 1200
    assert np.isnan(rows[900:, 0]).any() and not np.isnan(rows[900:, 1]).any()


@pytest.mark.usefixtures("eager_tensorflow")
@pytest.mark.parametrize(
    "change",
    [{"scaling": "shared"}, {"decorrelate": True}, {"match_moments": False}, {"match_values": True}],
    ids=str,
)
def test_conditional_gan_draws_the_rates_of_mixed_tables_with_every_setting(change):
    X, y = make_gap_table()
    gan = ConditionalGAN(replace(TINY, **change), random_state=0).fit(X, y)
    synthetic, real = gan.sample(4000, 2), X[y == 2]
    assert_rate(synthetic["value"].isna().sum(), 4000, real["value"].isna().mean())
    assert_rate((synthetic["channel"] == "web").sum(), 4000, (real["channel"] == "web").mean())
    assert synthetic["value"].median() == pytest.approx(real["value"].median(), abs=0.2)


@pytest.mark.usefixtures("eager_tensorflow")
def test_conditional_gan_draws_a_class_that_has_only_gaps_or_one_category():
    X, y = make_gap_table()
    X.loc[y == 2, "value"] = np.nan
    X.loc[y == 1, "channel"] = "shop"
    gan = ConditionalGAN(TINY, random_state=0).fit(X, y)
    assert gan.sample(50, 2)["value"].isna().all() and (gan.sample(50, 1)["channel"] == "shop").all()
    assert gan.sample(50, 0)["value"].notna().any()


def test_mixed_scaler_bounds_its_scores_whatever_the_number_of_categories():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 3900, 4000), *rng.integers(0, 20, (15, 4000))]).astype(float)
    scores = MixedScaler(np.ones(16, dtype=bool)).fit_transform(X, np.arange(4000) % 2, rng)
    assert scores.shape[1] <= mixed_scaler.MAX_INDICATORS + 16


def test_mixed_scaler_orders_many_categories_by_their_association():
    rng = np.random.default_rng(0)
    category = rng.integers(0, 100, 2000)
    number = category + rng.normal(size=2000)
    shuffled = rng.permutation(100)[category]
    scaler = MixedScaler(np.array([True, False]))
    scores = scaler.fit_transform(np.column_stack([shuffled, number]), np.zeros(2000, dtype=int), rng)
    assert abs(np.corrcoef(scores.T)[0, 1]) > 0.99


def test_mixed_scaler_inverts_its_scores(table):
    X, y = table
    formats = [column_format(X[name]) for name in ("channel", "gaps", "spike", "merchant")]
    rows = np.column_stack(
        [form.encode(X[name]) for form, name in zip(formats, ("channel", "gaps", "spike", "merchant"), strict=True)]
    )
    scaler = MixedScaler(np.array([True, False, False, True]))
    scores = scaler.fit_transform(rows, y.to_numpy(), np.random.default_rng(0))
    for code in (0, 1):
        scaler.correct_margins(scores[y == code], code)
        back = scaler.inverse_transform(scores[y == code], code)
        np.testing.assert_array_equal(np.isnan(back), np.isnan(rows[y == code]))
        assert (back[:, 0] == rows[y == code, 0]).mean() > 0.99
        assert np.corrcoef(back[:, 2], rows[y == code, 2])[0, 1] > 0.95


@pytest.mark.parametrize("name", EXTREME)
def test_mixed_scaler_corrects_the_covariance_of_columns_of_every_magnitude(name):
    rng = np.random.default_rng(0)
    column = EXTREME[name](rng)
    X = np.stack([column, rng.normal(size=len(column)) + np.argsort(np.argsort(column)) / 50], axis=1)
    scaler, codes = MixedScaler(np.zeros(2, bool), match_values=True), np.zeros(len(X), int)
    scores = scaler.fit_transform(X, codes, rng)
    scaler.correct_covariance(rng.normal(size=(5000, 2)), 0)
    drawn = rng.normal(size=(5000, 2))
    scaler.correct_margins(drawn, 0)
    rows = scaler.inverse_transform(drawn, 0)
    scale = np.abs(X).max(axis=0) / 1e3
    assert np.isfinite(rows).all() and (rows.min(axis=0) >= X.min(axis=0)).all()
    if name != "constant":
        real, synthetic = (np.corrcoef((table / scale).T)[0, 1] for table in (X, rows))
        assert synthetic == pytest.approx(real, abs=0.08) and abs(real) > 0.3
    assert np.isfinite(scores).all()


def test_level_rule_gives_levels_their_rates_whatever_the_scores():
    scores = np.random.default_rng(0).normal(size=(10_000, 4)) * [1, 5, 0.1, 1] + [3, 0, 0, -4]
    rates = np.array([0.01, 0.29, 0.7, 0.0])
    levels = LevelRule.from_rates(scores, rates).decide(scores)
    np.testing.assert_allclose(np.bincount(levels, minlength=4) / 10_000, rates, atol=2e-4)


@pytest.mark.parametrize(
    ("column", "is_one"),
    [
        ([1.0, 2.0], False),
        ([True, False], False),
        (pd.array([1, 2], dtype="Int64"), False),
        ([1.0, np.nan], True),
        (pd.array([1, None], dtype="Int64"), True),
        (["a", "b"], True),
        (pd.Categorical([1, 2]), True),
        (pd.to_datetime(["2024-01-01", "2024-01-02"]), True),
    ],
)
def test_is_mixed_tells_numbers_from_other_columns(column, is_one):
    frame = pd.DataFrame({"x": column})
    assert is_mixed(frame) is is_one
    assert not is_mixed([[1.0, np.nan]])


N = 30
REFUSED = {
    "no value": ([np.nan] * N, "Column 'x' has no value at all; drop it"),
    "identifier": ([f"id{row}" for row in range(N)], "Column 'x' has a different category in each of 30 rows; drop it"),
    "lists": ([[1], [2]] * 15, "Column 'x' has nested values"),
    "tuples": ([(1, 2), "a"] * 15, "Column 'x' has nested values"),
    "infinite": ([np.nan, 1.0, -np.inf] * 10, "Column 'x' has an infinite value in row 2"),
    "dates as objects": (
        [pd.Timestamp("2024-01-01").date()] * N,
        r"kind date \(object\); convert it by pandas.to_date",
    ),
    "periods": (pd.period_range("2024-01", periods=N, freq="M"), "Column 'x' holds values of the kind period"),
    "complex": ([1j, None] * 15, "Column 'x' holds values of the kind complex"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_conditional_gan_refuses_a_column_in_one_sentence(kind):
    column, message = REFUSED[kind]
    X = pd.DataFrame({"city": ["Ulm", "Bonn"] * 15, "x": column})
    for fit in (ConditionalGAN(TINY).fit, CGANSampler(config=TINY).fit_resample):
        with pytest.raises(ValueError, match=message) as error:
            fit(X, np.repeat([0, 1], [18, 12]))
        assert "\n" not in str(error.value)


def test_cgan_sampler_refuses_names_that_occur_twice():
    X, y = make_gap_table()
    with pytest.raises(ValueError, match="Column name 'a' occurs more than once"):
        CGANSampler(config=TINY).fit_resample(X.set_axis(["a", "a", "b"], axis=1), y)


def test_conditional_gan_checks_the_labels_of_a_mixed_table():
    X, y = make_gap_table()
    with pytest.raises(ValueError, match="give"):
        ConditionalGAN(TINY).fit(X, y[:10])
    with pytest.raises(ValueError, match="Class 0 has 9 rows"):
        ConditionalGAN(TINY).fit(X, np.where(np.arange(len(y)) < 9, 0, 1))
