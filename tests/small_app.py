"""A served model small enough for tests: real classifiers over made-up rows, written as `app.building` writes them."""

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import StandardScaler

from app.building import about as about_module
from app.building import figures
from app.serving.catalog import PAIRS
from app.serving.model_files import MeasuredPair, Score, write_about, write_scores, write_statistics
from utils.config import ULB, ULB_COLUMNS, DatasetConfig
from utils.data.features import build_features
from utils.models.registry import MODELS
from utils.serving import bundle
from utils.serving.bundle import FraudModel
from utils.serving.card import Card, MethodCard

SCHEMA = DatasetConfig(path=ULB.path)
COLUMNS = ULB_COLUMNS[:-1]
THRESHOLD = 0.2
SMALL = {
    "xgb": {"n_estimators": 20, "max_depth": 2},
    "rf": {"n_estimators": 10},
    "ann": {"updates": 20},
    "brf": {"n_estimators": 5},
    "easy": {"n_estimators": 2},
    "rusboost": {"n_estimators": 5},
    "spe": {"n_estimators": 3},
    "blend": {"boosted": {"n_estimators": 10}, "random": {"n_estimators": 10}},
    "iforest": {"n_estimators": 5, "max_samples": 100},
}


def transactions(n_rows: int = 600, seed: int = 0) -> pd.DataFrame:
    """Rows with the columns of the real file whose frauds lie apart in V1 to V4."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(n_rows, 30)), columns=list(COLUMNS))
    frame["Time"] = np.sort(rng.uniform(0, 172_800, n_rows)).round()
    frame["Amount"] = rng.gamma(1, 80, n_rows).round(2)
    frame["Class"] = (np.arange(n_rows) % 20 == 0).astype(int)
    frame.loc[frame["Class"] == 1, ["V1", "V2", "V3", "V4"]] += 3
    return frame


def zipped(*contents: bytes, names: tuple[str, ...] = ("rows.csv", "more.csv")) -> bytes:
    """A ZIP archive of some files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in zip(names, contents, strict=False):
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def as_workbook(*sheets: list[list]) -> bytes:
    """An Excel workbook (.xlsx) with these rows on its sheets."""
    book, stream = openpyxl.Workbook(), io.BytesIO()
    for rows in sheets:
        sheet = book.create_sheet() if rows is not sheets[0] else book.active
        for row in rows:
            sheet.append(row)
    book.save(stream)
    return stream.getvalue()


def with_changed_sheet(content: bytes, pattern: bytes, replacement: bytes) -> bytes:
    """A workbook with another text in the XML of its first sheet."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(stream, "w") as target:
        for name in source.namelist():
            part = source.read(name)
            target.writestr(name, re.sub(pattern, replacement, part) if name.endswith("sheet1.xml") else part)
    return stream.getvalue()


def fit(
    name: str = "xgb",
    sampler: str = "none",
    seed: int = 0,
    *,
    schema: DatasetConfig = SCHEMA,
    frame: pd.DataFrame | None = None,
) -> FraudModel:
    """One of the study's classifiers, fitted with its calibrator on `frame`, by default the rows above."""
    frame = transactions() if frame is None else frame
    X = build_features(frame, schema)
    scaler = StandardScaler().fit(X)
    entry = MODELS[name]
    classifier: ClassifierMixin = entry.build(seed, 1.0, 1, **{**entry.defaults, **SMALL.get(name, {})})
    classifier.fit(scaler.transform(X), frame["Class"])
    calibrator = bundle.fit_calibrator(frame["Class"], 0.9 * classifier.predict_proba(scaler.transform(X))[:, 1])
    card = Card(sampler=MethodCard(sampler), model=MethodCard(name), ledger_key=key_of(sampler, name))
    return FraudModel(scaler, classifier, calibrator, THRESHOLD, schema, tuple(X.columns), card)


def key_of(sampler: str, name: str) -> str:
    """What stands for a ledger key here."""
    return f"{sampler}-{name}".ljust(20, "0")


def write(folder: Path, fitted: FraudModel) -> FraudModel:
    """A folder as `app.building.champion` writes it, but for the statistics."""
    bundle.save(fitted, folder)
    write_about(folder, about_module.describe(fitted, "a test", transactions()))
    bundle.seal(folder)
    return fitted


def write_champion(folder: Path) -> FraudModel:
    """A champion with figures and scores, and the pair none+lr beside it."""
    fitted = write(folder, fit())
    write_statistics(folder, [figures.class_balance(transactions()["Class"].to_numpy())])
    scores = Score(0.8, (0.7, 0.9), 10, "full")
    pairs = [("none", "lr", "Logistic regression"), ("none", "xgb", "XGBoost"), ("none", "rf", "Random forest")]
    measured = [
        MeasuredPair(sampler, name, f"{printed} with no resampling", [key_of(sampler, name)], scores)
        for sampler, name, printed in pairs
    ]
    write_scores(folder, measured)
    bundle.seal(folder)
    write(folder.with_name(PAIRS) / "none+lr", fit("lr"))
    return fitted
