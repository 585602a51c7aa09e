"""The saved model: a loaded model scores like the saved one, or is refused with the reason."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.preprocessing import StandardScaler

from tests import small_app
from utils import metrics
from utils.benchmark.records import to_json
from utils.config import DatasetConfig
from utils.data.errors import DataError
from utils.data.features import build_features
from utils.models import registry as models
from utils.models.ensembles import OutlierClassifier
from utils.models.registry import MODELS
from utils.serving import bundle
from utils.serving.bundle import BundleError, FraudModel
from utils.serving.card import Card, MethodCard

SCHEMA = DatasetConfig(Path("somewhere/own.csv"), label="Class", time="Time", amount="Amount")
COLUMNS = ("V1", "V2", "Amount", "hour_sin", "hour_cos")
PARAMETERS = {"lr": {}, "rf": {"n_estimators": 20}, "xgb": {"n_estimators": 20}, "ann": {"updates": 20}}
CARD = Card(ledger_key="abc", sampler=MethodCard("smote"), profile="quick")


class Unknown(BaseEstimator):
    """A type that is not trusted."""

    def transform(self, X):
        return X


def make_rows(n_rows: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    label = (rng.random(n_rows) < 0.2).astype(int)
    return pd.DataFrame(
        {
            "Time": np.sort(rng.uniform(0, 172_800, n_rows)),
            "V1": rng.normal(size=n_rows) + 2 * label,
            "V2": rng.normal(size=n_rows),
            "Amount": rng.exponential(80, n_rows),
            "Class": label,
        }
    )


ROWS = make_rows()
SCORES_BEFORE = [0.21133178605132424, 0.288593085343205, 0.17854189724379912, 0.22614079233670692]


def make_model(name: str = "lr") -> FraudModel:
    X, y = build_features(ROWS, SCHEMA, COLUMNS), ROWS["Class"]
    scaler = StandardScaler().fit(X)
    entry = MODELS[name]
    classifier = entry.build(0, 2.0, 1, **{**entry.defaults, **PARAMETERS[name]}).fit(scaler.transform(X), y)
    calibrator = bundle.fit_calibrator(y, classifier.predict_proba(scaler.transform(X))[:, 1] * 0.9)
    return FraudModel(scaler, classifier, calibrator, 0.25, SCHEMA, COLUMNS, CARD)


@pytest.fixture(scope="module", params=PARAMETERS)
def pair(request, tmp_path_factory):
    """A model of each kind, and itself saved and loaded."""
    model = make_model(request.param)
    return model, bundle.load(bundle.save(model, tmp_path_factory.mktemp(request.param)))


@pytest.fixture
def saved(tmp_path):
    return bundle.save(make_model(), tmp_path / "model")


def change_card(folder: Path, change) -> None:
    card = json.loads((folder / bundle.CARD).read_text())
    change(card)
    (folder / bundle.CARD).write_text(json.dumps(card))


def sign(folder: Path, name: str) -> None:
    """Write a file's current hash into the card, as its author would."""
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    change_card(folder, lambda card: card["files"].update({name: digest}))


def test_load_gives_a_model_that_scores_like_the_saved_one(pair):
    model, loaded = pair
    np.testing.assert_allclose(loaded.predict_proba(ROWS), model.predict_proba(ROWS), atol=1e-6)
    assert np.ptp(loaded.predict_proba(ROWS)) > 0.1


def test_load_gives_the_description_of_the_saved_model(pair):
    _, loaded = pair
    assert (loaded.threshold, loaded.columns, loaded.card) == (0.25, COLUMNS, CARD)
    assert loaded.schema == DatasetConfig(Path("own.csv"), label="Class", time="Time", amount="Amount")
    assert loaded.raw_columns == ("Time", "V1", "V2", "Amount")


def test_load_gives_a_forest_of_plain_scikit_learn(tmp_path):
    loaded = bundle.load(bundle.save(make_model("rf"), tmp_path / "model")).classifier
    assert type(getattr(loaded, "forest", loaded)) is RandomForestClassifier


def test_fraud_model_probabilities_are_those_of_its_steps_in_turn():
    model = make_model()
    X = model.scaler.transform(build_features(ROWS, SCHEMA, COLUMNS))
    score = model.classifier.predict_proba(X)[:, 1]
    odds = model.calibrator.coef_[0, 0] * np.log(score / (1 - score)) + model.calibrator.intercept_[0]
    np.testing.assert_allclose(model.predict_proba(ROWS), 1 / (1 + np.exp(-odds)), atol=1e-9)


def test_fraud_model_alerts_from_the_threshold_on():
    model = make_model()
    probability = model.predict_proba(ROWS)
    at_a_row = FraudModel(**{**vars(model), "threshold": float(probability[7])})
    np.testing.assert_array_equal(at_a_row.decide(ROWS), probability >= probability[7])
    assert at_a_row.decide(ROWS)[7]


def test_fraud_model_takes_columns_in_any_order_and_ignores_others():
    model = make_model()
    mixed = ROWS[ROWS.columns[::-1]].assign(note="text").drop(columns="Class")
    np.testing.assert_array_equal(model.predict_proba(mixed), model.predict_proba(ROWS))


def test_fraud_model_names_missing_columns():
    with pytest.raises(DataError, match="V2, Amount"):
        make_model().predict_proba(ROWS[["Time", "V1"]])


def test_fraud_model_refuses_a_row_without_a_number():
    with pytest.raises(DataError, match="V2"):
        make_model().predict_proba(ROWS.assign(V2=np.nan))


def test_fraud_model_takes_a_users_column_that_begins_like_the_hour():
    model = FraudModel(**{**vars(make_model()), "columns": ("V1", "hour_of_call", "hour_sin", "hour_cos")})
    assert model.raw_columns == ("Time", "V1", "hour_of_call")


def test_fraud_model_needs_no_time_without_a_time_column():
    schema = DatasetConfig(Path("own.csv"), time=None, amount=None)
    model = FraudModel(**{**vars(make_model()), "columns": ("V1", "V2"), "schema": schema})
    assert model.raw_columns == ("V1", "V2")


def test_fit_calibrator_gives_the_frequency_of_what_it_saw():
    rng = np.random.default_rng(0)
    probability = rng.random(20_000)
    y_true = rng.random(20_000) < 1 / (1 + np.exp(-(0.5 * np.log(probability / (1 - probability)) - 2)))
    calibrator = bundle.fit_calibrator(y_true, probability)
    assert (calibrator.coef_[0, 0], calibrator.intercept_[0]) == pytest.approx((0.5, -2), abs=0.1)
    assert bundle.apply_calibrator(calibrator, probability).mean() == pytest.approx(y_true.mean(), abs=1e-4)


def test_log_odds_of_certain_scores_are_finite():
    odds = metrics.log_odds([0.0, 0.5, 1.0])
    assert odds.shape == (3,) and np.isfinite(odds).all()
    assert odds.ravel().tolist() == pytest.approx([-16.118, 0, 16.118], abs=1e-3)


def test_save_lists_every_file_with_its_hash_in_the_card(saved):
    card = json.loads((saved / bundle.CARD).read_text())
    files = {path.name for path in saved.iterdir()} - {bundle.CARD}
    assert set(card["files"]) == files == {"scaler.json", "calibrator.json", "classifier.json"}
    assert all(card["files"][name] == hashlib.sha256((saved / name).read_bytes()).hexdigest() for name in files)
    assert (card["threshold"], card["columns"], card["card"]) == (0.25, list(COLUMNS), to_json(CARD))
    roles = {"label": "Class", "time": "Time", "amount": "Amount"}
    defaults = {"sha256": None, "source": None, "columns": None, "drop": [], "duplicates": "keep", "raw_time": False}
    defaults |= {"variant": ""}
    assert card["schema"] == {"path": "own.csv", **roles, **defaults}


def test_load_reads_a_card_with_roles_of_another_release(saved):
    card = json.loads((saved / bundle.CARD).read_text())
    del card["schema"]["duplicates"], card["schema"]["variant"]
    card["schema"]["keep_duplicates"] = False
    (saved / bundle.CARD).write_text(json.dumps(card))
    assert bundle.load(saved).schema == DatasetConfig(Path("own.csv"))


def test_save_leaves_nothing_of_the_old_model(saved):
    (saved / "card.json.part-1").mkdir()  # of a process that was killed
    (saved / "card.json.part-1" / "card.json").write_text("{}")
    bundle.save(make_model("xgb"), saved)
    assert {path.name for path in saved.iterdir()} == {
        "card.json",
        "scaler.json",
        "calibrator.json",
        "classifier.ubj",
    }


@pytest.mark.parametrize("name", ["scaler.json", "calibrator.json", "classifier.json"])
def test_load_refuses_a_changed_file(saved, name):
    path = saved / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(BundleError, match=f"{name} is missing or was changed"):
        bundle.load(saved)


@pytest.mark.parametrize("name", ["scaler.json", "calibrator.json", "classifier.json"])
def test_load_refuses_a_missing_file(saved, name):
    (saved / name).unlink()
    with pytest.raises(BundleError, match=f"{name} is missing or was changed"):
        bundle.load(saved)


@pytest.mark.parametrize("content", [None, "", "{", "[]", "null", "{}"])
def test_load_refuses_a_folder_without_a_readable_card(saved, content):
    (saved / bundle.CARD).unlink()
    if content is not None:
        (saved / bundle.CARD).write_text(content)
    with pytest.raises(BundleError, match=r"card\.json"):
        bundle.load(saved)


@pytest.mark.parametrize("name", ["threshold", "columns", "schema", "card"])
def test_load_refuses_a_card_that_lacks_a_field(saved, name):
    change_card(saved, lambda card: card.pop(name))
    with pytest.raises(BundleError, match=r"card\.json"):
        bundle.load(saved)


NEVER = 1.0000000000000002  # the next number after 1


@pytest.mark.parametrize("threshold", [float("nan"), -0.1, 0, 1.1, 2, float("inf"), "0.5", None, True, [0.5], {}])
def test_load_refuses_a_threshold_that_is_no_probability(saved, threshold):
    change_card(saved, lambda card: card.update(threshold=threshold))
    with pytest.raises(BundleError) as refused:
        bundle.load(saved)
    expected = "model/card.json: threshold must be a number above 0 and not above 1; save the model again."
    assert str(refused.value) == expected


@pytest.mark.parametrize("threshold", [1e-300, 0.25, 1, 1.0, NEVER])
def test_load_accepts_every_valid_threshold(saved, threshold):
    change_card(saved, lambda card: card.update(threshold=threshold))
    assert bundle.load(saved).threshold == threshold


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("columns", []),
        ("columns", "V1"),
        ("columns", {"V1": 1}),
        ("columns", ["V1", "V1", "Amount", "hour_sin", "hour_cos"]),
        ("columns", ["V1", "", "Amount", "hour_sin", "hour_cos"]),
        ("columns", ["V1", 2, "Amount", "hour_sin", "hour_cos"]),
        ("columns", ["V1", "V2"]),
        ("schema", []),
        ("schema", {}),
        ("schema", {"path": "own.csv", "label": None}),
        ("schema", {"path": "own.csv", "label": "Class", "time": 3}),
        ("schema", {"path": "own.csv", "label": "Class", "amount": ""}),
        ("schema", {"path": 1, "label": "Class"}),
        ("files", []),
        ("files", {"scaler.json": None}),
        ("files", {"scaler.json": "abc"}),
        ("files", {"../scaler.json": "0" * 64}),
        ("files", {"..": "0" * 64}),
        ("card", []),
        ("card", None),
        ("card", "text"),
    ],
)
def test_load_names_an_invalid_field_with_its_file(saved, field, value):
    change_card(saved, lambda card: card.update({field: value}))
    with pytest.raises(BundleError, match=rf"^model/card\.json: {field} must be .*; save the model again\.$"):
        bundle.load(saved)


@pytest.mark.parametrize("roles", [{"duplicates": "no"}, {"time": "Class"}, {"sha256": "abc"}, {"drop": ["Class"]}])
def test_load_refuses_invalid_roles_with_the_name_of_the_card(saved, roles):
    change_card(saved, lambda card: card["schema"].update(roles))
    with pytest.raises(BundleError, match=rf"^model/card\.json: .*DatasetConfig\.{next(iter(roles))} is .*; save the"):
        bundle.load(saved)


@pytest.mark.parametrize(
    ("name", "value"), [("sampler", "smote"), ("model", {}), ("test", [0.8]), ("fold", {"repeat": 0}), ("label", 1)]
)
def test_load_refuses_an_invalid_description_with_the_name_of_its_field(saved, name, value):
    change_card(saved, lambda card: card["card"].update({name: value}))
    with pytest.raises(BundleError, match=rf"^model/card\.json: card\.{name}.*; save the model again\.$"):
        bundle.load(saved)


def test_save_and_load_keep_every_field_of_the_description(tmp_path):
    fields = {
        "ledger_key": "abc",
        "profile": "full",
        "sampler": {"name": "none", "params": {}, "library": "scikit-learn 1.9", "revision": 1},
        "model": {
            "name": "lr",
            "params": {"C": 1, "nested": {"depth": 2}},
            "library": "scikit-learn 1.9",
            "revision": 2,
        },
        "label": "Logistic regression",
        "test": {"average precision": 0.8, "ROC AUC": None},
        "test_interval": [0.7, 0.9],
        "fold": {"repeat": 0, "fold": 0, "average_precision": 0.8, "ledger_average_precision": None, "remark": "None."},
    }
    folder = bundle.save(make_model(), tmp_path / "model")
    change_card(folder, lambda card: card.update(card=fields))
    again = bundle.save(bundle.load(folder), tmp_path / "again")
    assert json.dumps(json.loads((again / bundle.CARD).read_text())["card"]) == json.dumps(fields)


def test_load_ignores_roles_of_other_versions_and_reads_nan_as_none(saved):
    change_card(saved, lambda card: card["schema"].update(of_another_version=True))
    change_card(saved, lambda card: card["card"].update(test={"precision": float("nan")}, of_another_version=1))
    loaded = bundle.load(saved)
    assert loaded.schema == DatasetConfig(Path("own.csv"), label="Class", time="Time", amount="Amount")
    assert loaded.card.test == {"precision": None}


def test_seal_lists_files_beside_the_model_and_load_checks_their_hash(saved):
    assert bundle.read_beside(saved, "notes.json") is None
    (saved / "notes.json").write_text("{}")
    with pytest.raises(BundleError, match=r"model/notes\.json is not listed in card\.json"):
        bundle.read_beside(saved, "notes.json")
    bundle.seal(saved)
    assert bundle.read_beside(saved, "notes.json") == b"{}"
    np.testing.assert_array_equal(bundle.load(saved).predict_proba(ROWS), make_model().predict_proba(ROWS))
    (saved / "notes.json").write_text("{} ")
    for read in (bundle.load, lambda folder: bundle.read_beside(folder, "notes.json")):
        with pytest.raises(BundleError, match=r"model/notes\.json is missing or was changed"):
            read(saved)
    (saved / "notes.json").unlink()
    with pytest.raises(BundleError, match=r"model/notes\.json is missing or was changed"):
        bundle.read_beside(saved, "notes.json")


@pytest.mark.parametrize("name", ["scaler.json", "calibrator.json", "classifier.json"])
def test_load_refuses_a_file_that_is_not_in_the_card(saved, name):
    change_card(saved, lambda card: card["files"].pop(name))
    with pytest.raises(BundleError, match="exactly one scaler, calibrator and classifier"):
        bundle.load(saved)


@pytest.mark.parametrize("part", ["scaler", "calibrator", "classifier"])
def test_load_refuses_a_type_that_is_not_trusted(saved, part):
    (saved / f"{part}.json").unlink()
    skops.io.dump(Unknown(), saved / f"{part}.skops")
    change_card(saved, lambda card: card["files"].pop(f"{part}.json"))
    sign(saved, f"{part}.skops")
    with pytest.raises(BundleError, match=r"not trusted.*Unknown"):
        bundle.load(saved)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"type": "SVC", "n_features_in_": 5}', "not trusted: 'SVC'"),
        ('{"n_features_in_": 5}', "cannot be read"),
        ('{"type": "StandardScaler"}', "cannot be read"),
        ('{"type": "StandardScaler", "n_features_in_": 5, "mean_": ["x"]}', "cannot be read"),
        ('{"type": ["StandardScaler"]}', "cannot be read"),
        ("[]", "cannot be read"),
        ("{", "cannot be read"),
    ],
)
def test_load_refuses_arrays_of_an_unknown_type_or_none(saved, content, words):
    (saved / "scaler.json").write_text(content)
    sign(saved, "scaler.json")
    with pytest.raises(BundleError, match=words):
        bundle.load(saved)


def test_load_still_reads_a_model_with_estimators_saved_by_skops(saved):
    for part in ("scaler", "calibrator", "classifier"):
        (saved / f"{part}.json").unlink()
        change_card(saved, lambda card, part=part: card["files"].pop(f"{part}.json"))
        skops.io.dump(getattr(make_model(), part), saved / f"{part}.skops")
        sign(saved, f"{part}.skops")
    np.testing.assert_array_equal(bundle.load(saved).predict_proba(ROWS), make_model().predict_proba(ROWS))


def test_load_still_reads_a_bundle_with_types_of_former_modules():
    model = bundle.load(Path(__file__).with_name("bundle_of_flat_modules"))
    assert isinstance(model.classifier, OutlierClassifier)
    np.testing.assert_allclose(model.predict_proba(ROWS)[[0, 10, 100, -1]], SCORES_BEFORE, rtol=1e-6)


def test_load_refuses_an_interrupted_save(saved, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(bundle, "_save_classifier", interrupt)
    with pytest.raises(KeyboardInterrupt):
        bundle.save(make_model(), saved)
    with pytest.raises(BundleError):
        bundle.load(saved)


@pytest.mark.parametrize("name", models.models_without_sampler())
def test_load_serves_models_without_sampler_too(name, tmp_path):
    fitted, rows = small_app.fit(name), small_app.transactions(100, seed=5)
    loaded = bundle.load(bundle.save(fitted, tmp_path / "model"))
    np.testing.assert_allclose(loaded.predict_proba(rows), fitted.predict_proba(rows), rtol=0, atol=1e-6)


def test_load_refuses_an_ensemble_without_one_of_its_members(tmp_path):
    folder = bundle.save(small_app.fit("blend"), tmp_path / "model")
    (folder / "classifier-0.ubj").unlink()
    with pytest.raises(BundleError, match=r"classifier-0\.ubj is missing or was changed"):
        bundle.load(folder)
