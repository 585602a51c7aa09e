"""How synthetic positives of a mixed table compare with real ones: usefulness, likeness, and distance from copies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp

from benchmarks.generators.tables import LabelledRows
from utils.data.features.encoding import TableEncoder
from utils.experiments.fidelity import RealRows, correlation_difference, train_on_synthetic

NO_LIMIT = 10**6


@dataclass(frozen=True, eq=False)
class JudgedFold:
    """Training and held-out rows of a fold, and the same rows as numbers for the judge.

    Categories are encoded one-hot, rare ones together, however many there are: an encoding by the label would have to
    be cross-fitted, which it cannot be for synthetic rows.
    """

    train: LabelledRows
    test: LabelledRows

    @cached_property
    def encoder(self) -> TableEncoder:
        """Fitted to the training rows of both classes."""
        return TableEncoder(max_one_hot=NO_LIMIT).fit(self.train.X, self.train.y)

    @cached_property
    def numbers(self) -> RealRows:
        """The fold as numbers."""
        return RealRows(self.encode(self.train.X), self.train.y, self.encode(self.test.X), self.test.y)

    def encode(self, frame: pd.DataFrame) -> np.ndarray:
        """Rows as numbers."""
        return self.encoder.transform(frame)


def figures_of(fold: JudgedFold, synthetic: pd.DataFrame, *, judge: dict[str, object], seed: int) -> dict[str, float]:
    """Figures of synthetic positives.

    Parameters
    ----------
    fold : JudgedFold
    synthetic : DataFrame
        Rows with the columns and types of `fold.train.X`.
    judge : dict
        Parameters of XGBoost, see `fidelity.train_on_synthetic`.
    seed : int
        Of the judge.

    Returns
    -------
    dict
        tstr and trtr, the average precision on held-out rows of a judge that is trained on synthetic and on real
        positives; column_distance; correlation_difference of the encoded columns; closest_record.
    """
    encoded = fold.encode(synthetic)
    usefulness = train_on_synthetic(fold.numbers, encoded, judge=judge, random_state=seed)
    real = fold.train.positives
    return {
        "tstr": float(usefulness["tstr"]),
        "trtr": float(usefulness["trtr"]),
        "column_distance": float(column_distances(real, synthetic).mean()),
        "correlation_difference": correlation_difference(fold.numbers.train(minority=True), encoded),
        "closest_record": closest_record(real, fold.test.positives, synthetic),
    }


def column_distances(real: pd.DataFrame, synthetic: pd.DataFrame) -> pd.Series:
    """Distance between the real and the synthetic values of each column, from 0 to 1.

    For numbers it is the Kolmogorov-Smirnov statistic, for categories the total variation. A gap is a value of its own,
    below all numbers.
    """
    return pd.Series({name: _column_distance(real[name], synthetic[name]) for name in real})


def _column_distance(real: pd.Series, synthetic: pd.Series) -> float:
    if pd.api.types.is_numeric_dtype(real):
        return float(ks_2samp(real.fillna(-np.inf), synthetic.fillna(-np.inf), method="asymp").statistic)
    rates = [column.astype(object).value_counts(normalize=True, dropna=False) for column in (real, synthetic)]
    return float(rates[0].sub(rates[1], fill_value=0).abs().sum() / 2)


def closest_record(train: pd.DataFrame, held_out: pd.DataFrame, synthetic: pd.DataFrame) -> float:
    """Median distance of synthetic rows to the closest training row, over the same median of held-out rows.

    0 for copies, about 1 for fresh rows of the same distribution; NaN if the median held-out row equals a training row.
    Distances are those of Gower (1971), the mean over columns: for numbers the difference over the range of the
    training rows, for categories 0 if equal and 1 if not, and 1 if only one of the two values is a gap.
    """
    medians = [np.median(_gower(table, train).min(axis=1)) for table in (synthetic, held_out)]
    return float(medians[0] / medians[1]) if medians[1] > 0 else float("nan")


def _gower(rows: pd.DataFrame, train: pd.DataFrame) -> np.ndarray:
    """Distances of shape (len(rows), len(train))."""
    total = np.zeros((len(rows), len(train)))
    for name in train:
        pair = rows[name], train[name]
        total += _number_distances(*pair) if pd.api.types.is_numeric_dtype(train[name]) else _differences(*pair)
    return total / train.shape[1]


def _number_distances(values: pd.Series, train: pd.Series) -> np.ndarray:
    span = train.max() - train.min()
    gaps = [column.isna().to_numpy() for column in (values, train)]
    filled = [column.fillna(0.0).to_numpy(float) for column in (values, train)]
    distances = np.abs(np.subtract.outer(*filled)) / (span if span > 0 else 1.0)
    distances[np.logical_or.outer(*gaps)] = 1.0
    distances[np.logical_and.outer(*gaps)] = 0.0
    return distances


def _differences(values: pd.Series, train: pd.Series) -> np.ndarray:
    codes = pd.concat([values.astype(object), train.astype(object)]).factorize()[0]
    return np.not_equal.outer(codes[: len(values)], codes[len(values) :])
