"""Resampling of encoded and of mixed rows, and what happens where a sampler cannot work."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from utils.benchmark.records import Method
from utils.benchmark.training import TrainingRows
from utils.data.features.encoding import TableEncoder
from utils.samplers import table_peers
from utils.samplers.peer_generators import DrawnRows
from utils.samplers.registry import SAMPLERS


def mixed_rows(n_rows=400, n_positives=60):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "sum": np.where(rng.random(n_rows) < 0.1, np.nan, rng.lognormal(size=n_rows)),
            "shop": pd.Categorical(rng.choice([f"shop {number}" for number in range(30)], n_rows)),
            "channel": pd.Categorical(rng.choice(["chip", "online"], n_rows)),
        }
    )
    y = pd.Series(rng.permutation(np.repeat([0, 1], [n_rows - n_positives, n_positives])))
    return TrainingRows(X, y, np.arange(n_rows), 0, TableEncoder())


def method(name, **params):
    entry = SAMPLERS[name]
    return Method(name, {**entry.defaults, **params}, "library 1", 1)


@pytest.mark.parametrize("name", ["none", "rus", "ros", "smote", "borderline", "adasyn", "jitter"])
def test_resampled_encodes_mixed_rows_for_every_sampler(name):
    rows = mixed_rows()
    resampled = rows.resampled(method(name))
    assert np.isfinite(resampled.X).all() and resampled.X.shape[1] == rows.encoded.X.shape[1]
    assert len(resampled.y) == len(resampled.X) and resampled.source.equals(rows.X.index)
    assert resampled.fallback is None


def test_resampled_gives_synthetic_rows_the_shares_of_real_rows_of_their_class():
    """A share over all rows would count the row in that a synthetic one was made from."""
    rows = mixed_rows()
    resampled = rows.resampled(method("smote", ratio=2))
    np.testing.assert_array_equal(resampled.X[:400], rows.encoded.X)
    shop = rows.encoded.encoder.get_feature_names_out().tolist().index("shop")
    positives, drawn = rows.encoded.X[rows.y == 1, shop], resampled.X[400:, shop]
    assert np.isin(drawn, positives).all()
    over_all = rows.encoded.encoder.transform(rows.X[rows.y == 1])[:, shop]
    assert over_all.mean() > positives.mean() + 0.5


@pytest.mark.parametrize("name", ["smote", "cgan"])
def test_resampled_tells_a_forest_nothing_by_a_category_of_noise(name):
    """A category of many values that has nothing to do with the label stays as useless with synthetic rows."""
    rows = mixed_rows(4000, 100)
    rows.X["shop"] = pd.Categorical(np.random.default_rng(1).integers(0, 800, 4000).astype(str))
    resampled = rows.resampled(method(name, ratio=10, **({"updates": 20} if name == "cgan" else {})))
    shop = rows.encoded.encoder.get_feature_names_out().tolist().index("shop")
    real, drawn = resampled.X[:4000, shop][rows.y == 1], resampled.X[4000:, shop]
    assert roc_auc_score(np.repeat([0, 1], [len(real), len(drawn)]), np.r_[real, drawn]) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("name", ["arf", "copula"])
@pytest.mark.parametrize("encoder", [TableEncoder(), StandardScaler()], ids=["mixed", "numbers"])
def test_resampled_gives_generators_of_other_projects_the_table_as_it_is(name, encoder, monkeypatch):
    """Also a table of numbers, whose whole numbers scaling would hide."""
    given = []

    def copy_rows(module, sent, task, packages):
        given.append(request := pickle.loads(sent))
        rows = request.rows.sample(request.n_rows, replace=True, random_state=0).reset_index(drop=True)
        return pickle.dumps(DrawnRows(rows, 0.0, 0.0))

    monkeypatch.setattr(table_peers, "require_packages", lambda *_, **__: None)
    monkeypatch.setattr(table_peers, "ask_worker", copy_rows)
    mixed = mixed_rows()
    numbers = pd.DataFrame({"sum": np.arange(400.0), "few": np.arange(400.0) % 4})
    X = mixed.X if isinstance(encoder, TableEncoder) else numbers
    rows = TrainingRows(X, mixed.y, mixed.groups, 0, encoder)
    few, many = (rows.resampled(method(name, ratio=ratio)) for ratio in (1, 5))
    assert len(given) == 1 and given[0].n_rows == 20 * 60  # one fit of a generator serves all ratios
    assert (few.y.sum(), many.y.sum()) == (120, 360) and np.isfinite(many.X).all()
    np.testing.assert_array_equal(many.X[: len(few.X)], few.X)
    assert ("shop" in given[0].categories) if "shop" in X else (given[0].discrete == ["few"])


@pytest.mark.parametrize("n_positives", [4, 20])
def test_resampled_falls_back_where_a_generator_of_another_project_fails(n_positives, monkeypatch):
    failed = pickle.dumps("LinAlgError: singular matrix")
    monkeypatch.setattr(table_peers, "require_packages", lambda *_, **__: None)
    monkeypatch.setattr(table_peers, "ask_worker", lambda *_: failed)
    resampled = mixed_rows(n_positives=n_positives).resampled(method("arf", ratio=5))
    reason = "has 4 rows and ARFSampler needs at least 10" if n_positives == 4 else "failed with 'LinAlgError: singular"
    assert resampled.fallback.startswith("ros: ") and reason in resampled.fallback
    assert resampled.y.sum() == 6 * n_positives


@pytest.mark.parametrize(("name", "n_positives"), [("smote", 4), ("borderline", 4), ("jitter", 1)])
def test_resampled_falls_back_where_a_sampler_cannot_work_and_says_so(name, n_positives):
    rows = mixed_rows(n_positives=n_positives)
    resampled = rows.resampled(method(name, ratio=5))
    assert resampled.fallback.startswith("ros: ")
    assert resampled.y.sum() == 6 * n_positives


def test_resampled_falls_back_where_classes_are_separated():
    """Borderline-SMOTE finds no row in danger, and ADASYN no neighbour of the other class."""
    X = pd.DataFrame({"a": np.r_[np.linspace(0, 1, 200), np.linspace(90, 91, 40)]})
    rows = TrainingRows(X, pd.Series(np.repeat([0, 1], [200, 40])), np.arange(240), 0)
    resampled = rows.resampled(method("adasyn"))
    assert resampled.fallback.startswith("ros: ") and resampled.y.sum() == 200


def test_sampler_entries_name_a_fallback_that_always_works():
    fallbacks = {entry.fallback for entry in SAMPLERS.values()} - {""}
    assert fallbacks <= {"ros", "rus"}
    assert all(not SAMPLERS[name].fallback for name in fallbacks)
    needs_one = {name for name, entry in SAMPLERS.items() if entry.family in ("over", "generator")} - {"ros"}
    assert all(SAMPLERS[name].fallback == "ros" for name in needs_one)
