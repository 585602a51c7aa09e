"""A small mixed table with gaps, categories, dates and entities, and models of it, for tests."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.building.about import describe
from app.serving.model_files import write_about
from tests.small_app import SMALL, key_of
from utils.config import DatasetConfig, Words
from utils.data import loading
from utils.data.features.encoding import TableEncoder
from utils.data.loading import Dataset
from utils.models.registry import MODELS
from utils.serving import bundle
from utils.serving.bundle import FraudModel
from utils.serving.card import Card, MethodCard
from utils.serving.raw_columns import RawColumn, describe_columns

WORDS = Words("claim", "claims", "bad claim", "bad claims", "good")
ROLES = {
    "label": "is_bad",
    "positive": ("yes",),
    "time": "when",
    "amount": "balance",
    "group": "customer",
    "numeric": ("balance", "points", "urgent"),
    "categorical": ("merchant", "channel"),
    "dates": ("when", "opened"),
}
SHOPS = tuple(sorted(f"shop {number}" for number in range(20)))
THRESHOLD = 0.2
FOLDER = TemporaryDirectory(prefix="mixed-")  # removed at the end of the process


def table(n_rows: int = 600, seed: int = 0) -> pd.DataFrame:
    """Claims as a file has them: bad ones come online and have high balances."""
    rng = np.random.default_rng(seed)
    channel = rng.choice(["online", "chip", "phone"], n_rows).astype(object)
    balance = rng.lognormal(3, 1, n_rows).round(2).astype(object)
    score = 1.5 * (channel == "online") + np.log(balance.astype(float) / 20) + rng.logistic(size=n_rows)
    is_bad = score > np.sort(score)[-n_rows // 10]
    channel[rng.random(n_rows) < 0.05], balance[rng.random(n_rows) < 0.1] = None, None
    moments = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 90 * 86400, n_rows)), unit="s")
    opened = pd.Timestamp("2019-01-01") + pd.to_timedelta(rng.integers(0, 1500, n_rows), unit="D")
    return pd.DataFrame(
        {
            "when": moments.strftime("%Y-%m-%d %H:%M:%S"),
            "customer": [f"c{number}" for number in rng.integers(0, 300, n_rows)],
            "merchant": rng.choice(SHOPS, n_rows),
            "channel": channel,
            "balance": balance,
            "opened": opened.strftime("%d/%m/%Y"),
            "points": np.where(rng.random(n_rows) < 0.5, 0, rng.integers(1, 500, n_rows)),
            "urgent": rng.integers(0, 2, n_rows),
            "is_bad": np.where(is_bad, "yes", "no"),
        }
    )


@cache
def dataset() -> Dataset:
    """The table above, read from a file."""
    path = Path(FOLDER.name) / "claims.csv"
    table().to_csv(path, index=False)
    return loading.load(DatasetConfig(path, **ROLES))


def decode_rows(values: NDArray[np.float64], columns: tuple[RawColumn, ...]) -> pd.DataFrame:
    """Rows that `raw_columns.encode_rows` made numbers, as a frame again."""
    return pd.DataFrame({column.name: column.decode(values[:, number]) for number, column in enumerate(columns)})


def write(folder: Path, name: str = "xgb") -> FraudModel:
    """A folder as `app.building` writes it, but for scores and statistics."""
    model = fit(name)
    bundle.save(model, folder)
    write_about(folder, describe(model, "a test", dataset().frame))
    bundle.seal(folder)
    return model


@cache
def fit(name: str = "xgb") -> FraudModel:
    """One of the study's classifiers with its encoder and calibrator."""
    rows = dataset()
    encoder = TableEncoder()
    X = encoder.fit_transform(rows.X, rows.y, rows.groups)
    entry = MODELS[name]
    classifier = entry.build(0, 1.0, 1, **{**entry.defaults, **SMALL.get(name, {})}).fit(X, rows.y)
    calibrator = bundle.fit_calibrator(rows.y, 0.9 * classifier.predict_proba(X)[:, 1])
    methods = {"sampler": MethodCard("none"), "model": MethodCard(name), "ledger_key": key_of("none", name)}
    card = Card(**methods, study="claims", words=WORDS)
    raw = describe_columns(rows, np.arange(len(rows.frame)))
    columns = tuple(rows.X.columns)
    return FraudModel(encoder, classifier, calibrator, THRESHOLD, rows.config, columns, card, raw)
