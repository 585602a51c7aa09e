"""From training rows to the rows that a classifier is fitted on: encode, resample."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone

from utils.benchmark.records import Method
from utils.data.features.encoding import TableEncoder
from utils.samplers.peers import PeerError
from utils.samplers.registry import SAMPLERS, SamplerEntry
from utils.seeding import child_seed


@dataclass(frozen=True, eq=False)
class Resampled:
    """Rows that a classifier is fitted on.

    Attributes
    ----------
    X, y : arrays of shape (n_rows, n_features) and (n_rows,)
        Encoded, real and synthetic.
    seconds : float
        Time of encoding and sampling.
    source : Index
        Index labels in the dataset of the rows that encoder and sampler were fitted on.
    fallback : str or None
        The sampler that was used because the chosen one cannot work on these rows, and the reason.
    """

    X: np.ndarray
    y: np.ndarray
    seconds: float
    source: pd.Index
    fallback: str | None = None


@dataclass(frozen=True, eq=False)
class Encoded:
    """Training rows as numbers.

    Attributes
    ----------
    encoder : fitted transformer
        Fitted on these rows alone.
    X : ndarray of shape (n_rows, n_features)
        The rows as `fit_transform` encodes them: a table encoder encodes training rows by cross-fitting.
    seconds : float
        Time of the fit.
    """

    encoder: BaseEstimator
    X: np.ndarray
    seconds: float


def fit_encoder(encoder: BaseEstimator, X: pd.DataFrame, y: pd.Series, groups: np.ndarray) -> Encoded:
    """Fit a copy of an encoder to training rows."""
    start = time.perf_counter()
    fitted = clone(encoder)
    options = {"groups": groups} if isinstance(fitted, TableEncoder) else {}
    return Encoded(fitted, fitted.fit_transform(X, y, **options), time.perf_counter() - start)


def resample(sampler: Method, encoded: Encoded, X: pd.DataFrame, y: pd.Series, seed: int) -> Resampled:
    """Resample training rows; where the sampler cannot work on them, its entry's fallback does.

    Parameters
    ----------
    sampler : Method
    encoded : Encoded
        The rows of `X` as numbers.
    X, y : DataFrame and Series
        Training rows before any fitted step.
    seed : int
    """
    start = time.perf_counter()
    entry, fallback = SAMPLERS[sampler.name], None
    try:
        rows = _resample(entry, sampler.params, encoded, X, y, seed)
    except PeerError:  # the process of a generator died
        raise
    except (ValueError, RuntimeError) as error:  # ADASYN raises the latter
        if not entry.fallback:
            raise
        substitute = SAMPLERS[entry.fallback]
        rows = _resample(substitute, {"ratio": sampler.params["ratio"]}, encoded, X, y, seed)
        fallback = f"{substitute.name}: {' '.join(str(error).split())[:200]}"
    return Resampled(*rows, encoded.seconds + time.perf_counter() - start, X.index, fallback)


def _resample(
    entry: SamplerEntry, params: dict[str, object], encoded: Encoded, X: pd.DataFrame, y: pd.Series, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Encoded rows after a sampler, and their labels."""
    labels = y.to_numpy()
    takes_table = entry.build_table is not None and (entry.raw or isinstance(encoded.encoder, TableEncoder))
    build = entry.build_table if takes_table else entry.build
    sampler = build(child_seed(seed, entry.name), **params)
    if sampler is None:
        return encoded.X, labels
    with warnings.catch_warnings():
        # A ratio may ask for more frauds than there are legitimate rows.
        warnings.filterwarnings("ignore", "After over-sampling")
        if not takes_table:
            return sampler.fit_resample(encoded.X, labels)
        table, resampled_labels = sampler.fit_resample(X, labels)
    drawn, drawn_labels = table.iloc[len(X) :], resampled_labels[len(X) :]  # the original rows come first
    synthetic = encoded.encoder.transform(drawn)
    if isinstance(encoded.encoder, TableEncoder):
        rng = np.random.default_rng(child_seed(seed, "shares"))
        _take_cross_fitted_shares(synthetic, (drawn, drawn_labels), (X, labels), encoded, rng)
    return np.concatenate([encoded.X, synthetic]), resampled_labels


def _take_cross_fitted_shares(
    encoded_rows: np.ndarray,
    synthetic: tuple[pd.DataFrame, np.ndarray],
    real: tuple[pd.DataFrame, np.ndarray],
    encoded: Encoded,
    rng: np.random.Generator,
) -> None:
    """Give synthetic rows, in place, the shares of positives that real rows of their class with the same value have.

    The share of a real row comes from other rows. That of `transform` is over all rows, and so counts the row in that a
    synthetic one was made from: it would tell the classes apart in training and nowhere else. Where no real row of the
    class has the value, the share over all rows stays.

    Parameters
    ----------
    encoded_rows : array of shape (n_synthetic, n_features)
        The synthetic rows as `transform` encodes them.
    synthetic, real : pairs of a table before it is encoded, and of its labels
    encoded : Encoded
        The real rows as numbers.
    rng : Generator
        Draws one of the real rows.
    """
    names = encoded.encoder.get_feature_names_out().tolist()
    for column in encoded.encoder.cross_fitted:
        own, theirs = (pd.DataFrame({"y": y, "value": X[column].astype(object)}) for X, y in (synthetic, real))
        source = random_equal_rows(own, theirs, rng)
        found, position = source >= 0, names.index(column)
        encoded_rows[found, position] = encoded.X[source[found], position]


def random_equal_rows(rows: pd.DataFrame, among: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Position in `among` of a random row that equals each of `rows`; -1 where none does, and gaps equal gaps."""
    both = pd.concat([among, rows], ignore_index=True)
    codes = both.groupby(list(both), sort=False, dropna=False).ngroup().to_numpy()
    theirs, own = codes[: len(among)], codes[len(among) :]
    counts = np.bincount(theirs, minlength=len(codes))[own]
    first = np.searchsorted(np.sort(theirs), own)
    drawn = first + (rng.random(len(own)) * counts).astype(np.int64)
    positions = np.argsort(theirs, kind="stable")[np.minimum(drawn, len(among) - 1)]
    return np.where(counts > 0, positions, -1)
