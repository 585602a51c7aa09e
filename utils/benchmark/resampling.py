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
    if isinstance(encoded.encoder, TableEncoder):
        real, own_seed = (X, labels), child_seed(seed, "shares")
        synthetic = encoded.encoder.transform_synthetic(drawn, drawn_labels, real, encoded.X, seed=own_seed)
    else:
        synthetic = encoded.encoder.transform(drawn)
    return np.concatenate([encoded.X, synthetic]), resampled_labels
