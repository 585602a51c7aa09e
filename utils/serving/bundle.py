"""The served model: scaler, classifier, calibrator, threshold and card, saved without pickle.

The card lists the SHA-256 of every file in the folder, including those that `seal` adds; a file that has changed is not
loaded.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from utils.backend import limit_threads
from utils.benchmark.records import Record, RecordError, from_json, to_json
from utils.config import ConfigError, DatasetConfig
from utils.data import features
from utils.data.features import build_features
from utils.data.features.calendar import HOUR_FEATURES
from utils.data.features.encoding import TableEncoder
from utils.dataset_config import LISTS
from utils.files import write_text
from utils.metrics import log_odds
from utils.models import ensembles
from utils.models.ensembles import LogOddsMean, SelfPacedEnsemble
from utils.serving.card import Card
from utils.serving.raw_columns import RawColumn

TABLE_TYPES = ["numpy.dtype", "utils.data.features.encoding.TableEncoder"]  # of the encoder of a mixed table
TRUSTED_TYPES = [  # beside skops' own list
    "imblearn.ensemble._easy_ensemble.EasyEnsembleClassifier",
    "imblearn.ensemble._forest.BalancedRandomForestClassifier",
    "imblearn.ensemble._weight_boosting.RUSBoostClassifier",
    "imblearn.pipeline.Pipeline",
    "imblearn.under_sampling._prototype_selection._random_under_sampler.RandomUnderSampler",
    "sklearn.tree._tree.Tree",
    *TABLE_TYPES,
    "utils.ensembles.OutlierClassifier",  # its module before `utils` had packages
    "utils.models.ensembles.OutlierClassifier",
]
sys.modules.setdefault("utils.ensembles", ensembles)
# Estimators with a few arrays are saved as these arrays in JSON, because skops takes seconds to import.
ARRAY_ESTIMATORS = {
    "StandardScaler": (StandardScaler, {"mean_": float, "var_": float, "scale_": float, "feature_names_in_": object}),
    "LogisticRegression": (LogisticRegression, {"coef_": float, "intercept_": float, "classes_": int}),
}
ENSEMBLES = {"LogOddsMean": LogOddsMean, "SelfPacedEnsemble": SelfPacedEnsemble}  # saved member by member
CLASSIFIERS = {"classifier.ubj", "classifier.keras", "classifier.json", "classifier.skops"}
CARD = "card.json"
NEVER = float(np.nextafter(1, 2))  # the threshold of a model that raises no alert
SHA256 = re.compile("[0-9a-f]{64}")


class BundleError(ValueError):
    """A saved model is incomplete, has been changed, or holds types that are not trusted."""


@dataclass(frozen=True)
class FraudModel:
    """Everything that turns raw rows into a decision.

    Attributes
    ----------
    scaler : StandardScaler or TableEncoder
        First step, fitted; takes the features of the protocol.
    classifier : fitted classifier
        Gives scores for scaled features.
    calibrator : LogisticRegression
        Turns the log odds of a score into a calibrated probability (Platt, 1999).
    threshold : float
        Calibrated probability from which a transaction is an alert.
    card : Card
        Description of the model.
    schema : DatasetConfig
        Roles of the raw columns.
    columns : tuple of str
        Features in the order that the scaler takes them.
    raw : tuple of RawColumn
        Description of each raw column of a mixed table; empty for a table of numbers.
    """

    scaler: BaseEstimator
    classifier: BaseEstimator
    calibrator: LogisticRegression
    threshold: float
    schema: DatasetConfig
    columns: tuple[str, ...]
    card: Card = field(default_factory=Card)
    raw: tuple[RawColumn, ...] = ()

    def with_card(self, **changes: object) -> FraudModel:
        """The model with some fields of its card changed."""
        return replace(self, card=replace(self.card, **changes))

    @property
    def hour_features(self) -> tuple[str, ...]:
        """Features derived from the time; none without a time column or with the raw time."""
        if self.schema.time is None or self.schema.raw_time:
            return ()
        return tuple(name for name in self.columns if name in HOUR_FEATURES)

    @property
    def raw_columns(self) -> tuple[str, ...]:
        """Columns that a row must have, each once; the time comes first if a feature is derived from it."""
        if self.schema.is_mixed:
            return features.raw_columns(self.schema)
        hours = self.hour_features
        time = (self.schema.time,) if hours or self.schema.time in self.columns else ()
        return tuple(dict.fromkeys((*time, *(name for name in self.columns if name not in hours))))

    def predict_proba(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Calibrated probability of fraud per raw transaction, of shape (n_rows,).

        Raises
        ------
        DataError
            If columns are missing or a value is not a finite number; the message names the columns or the first row.
        """
        X = self.scaler.transform(build_features(frame, self.schema, self.columns))
        return apply_calibrator(self.calibrator, self.classifier.predict_proba(X)[:, 1])

    def decide(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Whether each raw transaction is an alert."""
        return self.predict_proba(frame) >= self.threshold


def fit_calibrator(y_true: ArrayLike, probability: ArrayLike) -> LogisticRegression:
    """Platt's (1999) calibrator, fitted on out-of-fold probabilities of rows that were never resampled."""
    return LogisticRegression(C=np.inf, max_iter=1000).fit(log_odds(probability)[:, None], np.asarray(y_true))


def apply_calibrator(calibrator: LogisticRegression, probability: ArrayLike) -> NDArray[np.float64]:
    """Calibrated probabilities of shape (n_rows,)."""
    return calibrator.predict_proba(log_odds(probability)[:, None])[:, 1]


def save(model: FraudModel, folder: Path) -> Path:
    """Write a model's files, then its card with the hash of each file; returns the folder.

    All that is in the folder is deleted first, and the card before the files that it lists.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for stale in sorted(folder.iterdir(), key=lambda path: path.name != CARD):
        shutil.rmtree(stale) if stale.is_dir() else stale.unlink()  # a killed process may have left a folder
    _save_estimator(model.scaler, folder, "scaler")
    _save_estimator(model.calibrator, folder, "calibrator")
    _save_classifier(model.classifier, folder)
    card = {
        "threshold": model.threshold,
        "columns": model.columns,
        "schema": _saved_roles(model.schema),
        **({"raw_columns": [to_json(column) for column in model.raw]} if model.raw else {}),
        "files": _hashes(folder),
        "card": to_json(model.card),
    }
    _write_card(folder, card)
    return folder


def _saved_roles(schema: DatasetConfig) -> dict[str, object]:
    """Roles of the columns; those of mixed tables and a unit are left out if they are not set."""
    roles = {name: value for name, value in asdict(schema).items() if name != "copies"} | {"path": schema.path.name}
    of_mixed = {"group", "decimal", *LISTS} - {"drop"}
    if schema.time_unit == "seconds":
        del roles["time_unit"]
    return {name: value for name, value in roles.items() if value or name not in of_mixed}


def seal(folder: Path) -> None:
    """Add the hashes of all files in a saved model's folder to its card, which changes the card's own hash."""
    _write_card(folder, {**_read_fields(folder), "files": _hashes(folder)})


def _write_card(folder: Path, fields: dict[str, object]) -> None:
    write_text(folder / CARD, json.dumps(fields, indent=1) + "\n")


def _hashes(folder: Path) -> dict[str, str]:
    return {path.name: _sha256(path.read_bytes()) for path in sorted(folder.iterdir()) if path.name != CARD}


def _save_classifier(classifier: BaseEstimator, folder: Path, name: str = "classifier") -> None:
    if hasattr(classifier, "get_booster"):
        classifier.get_booster().save_model(folder / f"{name}.ubj")
    elif hasattr(classifier, "network"):
        classifier.save(folder / f"{name}.keras")
    elif ENSEMBLES.get(type(classifier).__name__) is type(classifier):
        for number, member in enumerate(classifier.estimators_):
            _save_classifier(member, folder, f"{name}-{number}")
        content = {"type": type(classifier).__name__, "members": len(classifier.estimators_)}
        (folder / f"{name}.json").write_text(json.dumps(content) + "\n")
    else:
        from utils.models.forest import portable

        _save_estimator(portable(classifier), folder, name)


def _save_estimator(estimator: BaseEstimator, folder: Path, name: str) -> None:
    kind = type(estimator).__name__
    if ARRAY_ESTIMATORS.get(kind, (None,))[0] is type(estimator):
        attributes = {
            key: getattr(estimator, key).tolist() for key in ARRAY_ESTIMATORS[kind][1] if hasattr(estimator, key)
        }
        content = {"type": kind, "n_features_in_": estimator.n_features_in_, **attributes}
        (folder / f"{name}.json").write_text(json.dumps(content) + "\n")
    else:
        import skops.io

        skops.io.dump(estimator, folder / f"{name}.skops")


@dataclass(frozen=True)
class CardFile:
    """The card of a saved model as its file has it.

    Attributes
    ----------
    threshold : float
    columns : tuple of str
    schema : DatasetConfig
        With the name of the dataset's file as its path.
    files : dict of str to str
        SHA-256 of every other file in the folder, by name.
    card : Card
    raw : tuple of RawColumn
    """

    threshold: float
    columns: tuple[str, ...]
    schema: DatasetConfig
    files: dict[str, str]
    card: Card
    raw: tuple[RawColumn, ...]


def read_card(folder: Path) -> CardFile:
    """The card of a saved model.

    Raises
    ------
    BundleError
        If the card cannot be read, or a field is missing or invalid; the message names card and field.
    """
    content, source = _read_fields(folder), f"{folder.name}/{CARD}"
    schema = _schema(content["schema"], source)
    return CardFile(
        threshold=content["threshold"],
        columns=tuple(content["columns"]),
        schema=schema,
        files=content["files"],
        card=_record(Card, content["card"], f"{source}: card"),
        raw=_raw_columns(content.get("raw_columns", []), schema, source),
    )


def verify_files(saved: CardFile, folder: Path) -> None:
    """Raise a BundleError that names the first file of a card that is missing or was changed."""
    for name, expected in saved.files.items():
        _read_verified(folder, name, expected)


def _read_fields(folder: Path) -> dict[str, object]:
    """The fields of a card, each of the kind that `FIELDS` requires."""
    try:
        # NaN is not part of JSON; it is read as a missing figure.
        card = json.loads((folder / CARD).read_text(), parse_constant=lambda name: None)
    except (OSError, ValueError) as error:
        raise BundleError(f"{folder.name} has no readable {CARD} ({error!r}); save the model again.") from None
    for name, (is_sound, requirement) in FIELDS.items():
        if not isinstance(card, dict) or name not in card or not is_sound(card[name]):
            raise BundleError(f"{folder.name}/{CARD}: {name} must be {requirement}; save the model again.")
    return card


def _raw_columns(content: object, schema: DatasetConfig, source: str) -> tuple[RawColumn, ...]:
    """The raw columns of a mixed table, which must be those of the schema."""
    expected = features.raw_columns(schema) if schema.is_mixed else ()
    if not isinstance(content, list):
        raise BundleError(f"{source}: raw_columns must be a list; save the model again.")
    columns = tuple(
        _record(RawColumn, column, f"{source}: raw_columns.{number}") for number, column in enumerate(content)
    )
    if tuple(column.name for column in columns) != expected:
        raise BundleError(f"{source}: raw_columns must be those of the schema; save the model again.")
    return columns


def _record(kind: type[Record], content: object, source: str) -> Record:
    """A part of the card; fields that this version does not know are ignored. `source` is for messages."""
    try:
        return from_json(kind, content)
    except RecordError as error:
        name = ".".join(map(str, (source, *error.path)))
        raise BundleError(f"{name}: {error.reason}; save the model again.") from None


def _is_threshold(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value <= NEVER


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _are_columns(value: Any) -> bool:
    return isinstance(value, list) and 0 < len(value) == len(set(map(str, value))) and all(map(_is_name, value))


def _are_roles(value: Any) -> bool:
    if not isinstance(value, dict) or not all(_is_name(value.get(role)) for role in ("path", "label")):
        return False
    return all(value.get(role) is None or _is_name(value[role]) for role in ("time", "amount"))


def _are_hashes(value: Any) -> bool:
    """Whether the value maps names of files in the folder, and none outside it, to a SHA-256."""
    return isinstance(value, dict) and all(
        _is_name(name) and Path(name).name == name != ".." and isinstance(digest, str) and SHA256.fullmatch(digest)
        for name, digest in value.items()
    )


FIELDS = {
    "threshold": (_is_threshold, "a number above 0 and not above 1"),
    "columns": (_are_columns, "a list of different names"),
    "schema": (_are_roles, "an object with path, label, time and amount"),
    "files": (_are_hashes, "an object with the SHA-256 of each file of the folder"),
    "card": (lambda value: isinstance(value, dict), "an object"),
}


def read_beside(folder: Path, name: str) -> bytes | None:
    """Content of a file beside a saved model, checked against its hash; None if there is no such file.

    Raises
    ------
    BundleError
        If the file is missing, was changed, or is not listed in the card.
    """
    expected = read_card(folder).files.get(name)
    if expected is not None:
        return _read_verified(folder, name, expected)
    if (folder / name).exists():
        raise BundleError(
            f"{folder.name}/{name} is not listed in {CARD}, so it may have been changed; write the model again."
        )
    return None


def _read_verified(folder: Path, name: str, expected: str) -> bytes:
    path = folder / name
    content = path.read_bytes() if path.is_file() else None
    if content is None or _sha256(content) != expected:
        raise BundleError(f"{folder.name}/{name} is missing or was changed; save the model again.")
    return content


def load(folder: Path) -> FraudModel:
    """Load a saved model.

    Raises
    ------
    BundleError
        If the card is invalid, a file is missing, its hash is not that of the card, or it holds a type that is not
        trusted.
    """
    saved = read_card(folder)
    files = saved.files
    n_saved = [len({f"{step}.json", f"{step}.skops"} & set(files)) for step in ("scaler", "calibrator")]
    if n_saved != [1, 1] or len(CLASSIFIERS & set(files)) != 1:
        missing = "exactly one scaler, calibrator and classifier"
        raise BundleError(f"{folder.name}/{CARD} does not list {missing}; save the model again.")
    verify_files(saved, folder)
    scaler = _load_estimator(folder, "scaler", files)
    if getattr(scaler, "n_features_in_", None) != len(saved.columns):
        raise BundleError(f"{folder.name}/{CARD}: columns must be those of the scaler; save the model again.")
    if isinstance(scaler, TableEncoder) != saved.schema.is_mixed:
        raise BundleError(f"{folder.name}/{CARD}: schema must be that of the scaler; save the model again.")
    return FraudModel(
        scaler=scaler,
        classifier=_load_classifier(folder, files),
        calibrator=_load_estimator(folder, "calibrator", files),
        threshold=saved.threshold,
        schema=saved.schema,
        columns=saved.columns,
        card=saved.card,
        raw=saved.raw,
    )


def _schema(saved: dict[str, object], source: str) -> DatasetConfig:
    """Roles of the columns; roles that this version does not know are ignored. `source` is for messages."""
    known = {role.name: saved[role.name] for role in fields(DatasetConfig) if role.name in saved}
    lists = {name: tuple(value) for name, value in known.items() if isinstance(value, list)}
    schema = DatasetConfig(**{**known, **lists, "path": Path(known["path"])})
    try:
        schema.check()
    except ConfigError as error:
        raise BundleError(f"{source}: schema is invalid: {str(error)[:-1]}; save the model again.") from None
    return schema


def _load_estimator(folder: Path, name: str, files: Iterable[str]) -> Any:
    return _load_arrays(folder / f"{name}.json") if f"{name}.json" in files else _load_skops(folder / f"{name}.skops")


def _load_arrays(path: Path) -> BaseEstimator:
    """Build an estimator from arrays in a JSON file; only types in `ARRAY_ESTIMATORS` are accepted.

    Their constructors run without the arrays.
    """
    content = _read_json(path)
    try:
        if content["type"] not in ARRAY_ESTIMATORS:
            raise BundleError(f"{path.name} holds a type that is not trusted: {content['type']!r}.")
        kind, attributes = ARRAY_ESTIMATORS[content["type"]]
        estimator = kind()
        estimator.n_features_in_ = int(content["n_features_in_"])
        for key, dtype in attributes.items():
            if key in content:
                setattr(estimator, key, np.array(content[key], dtype=dtype))
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, BundleError):
            raise
        raise BundleError(f"{path.name} cannot be read ({error!r}); save the model again.") from None
    return estimator


def _read_json(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BundleError(f"{path.name} cannot be read ({error!r}); save the model again.") from None
    return content if isinstance(content, dict) else {}


def _load_skops(path: Path) -> Any:
    import skops.io

    unknown = set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED_TYPES)
    if unknown:
        raise BundleError(f"{path.name} holds types that are not trusted: {', '.join(sorted(unknown))}.")
    return skops.io.load(path, trusted=TRUSTED_TYPES)


def _load_classifier(folder: Path, names: Iterable[str], name: str = "classifier") -> BaseEstimator:
    if f"{name}.ubj" in names:
        from xgboost import XGBClassifier

        classifier = XGBClassifier()
        classifier.load_model(folder / f"{name}.ubj")
        return classifier
    if f"{name}.keras" in names:
        from utils.models.networks import NetworkClassifier

        limit_threads(1)
        return NetworkClassifier.load(folder / f"{name}.keras")
    if f"{name}.json" in names and (content := _read_json(folder / f"{name}.json")).get("type") in ENSEMBLES:
        ensemble = ENSEMBLES[content["type"]]()
        members = [_load_classifier(folder, names, f"{name}-{number}") for number in range(int(content["members"]))]
        ensemble.estimators_ = members
        ensemble.classes_, ensemble.n_features_in_ = np.array([0, 1]), members[0].n_features_in_
        return ensemble
    return _load_estimator(folder, name, names)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
