"""The checks of the audit that examine the samplers and scalers of a fitted pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils import _safe_indexing

from utils.leakage import encoder_checks
from utils.leakage.arrays import as_floats, stack
from utils.leakage.encoder_checks import label_dependent
from utils.leakage.report import FAILED, NOT_CHECKED, PASSED, Finding
from utils.leakage.row_checks import SIGNIFICANCE, ComparedSplit, draw, examples, nearest

SCALERS = (StandardScaler, RobustScaler, MinMaxScaler, MaxAbsScaler, QuantileTransformer, PowerTransformer)
BY_SAMPLER = "Make the sampler a step of a pipeline that is fitted on the training part only."
BY_SPLIT = "Train on nothing outside the training part: these test rows stand in train, no sampler brought them there."
OTHER, SAMPLED = "other rows", "a random sample that cannot be drawn again"
UNKNOWN = {  # rows that cannot be judged, and what helps
    OTHER: "Give the very training frame that was fitted on.",
    SAMPLED: "Give QuantileTransformer an integer random_state, or subsample=None, and fit it again.",
}
MAX_SYNTHETIC = 2_000
DIGITS, NARROW_DIGITS = 9, 5  # decimals to which float64 and float32 rows are compared
NEIGHBOURS = 30  # the two parents of a SMOTE row are almost surely among its 30 nearest real rows


def check_fitted_rows(
    split: ComparedSplit, fitted: tuple[ArrayLike, NDArray[np.bool_]] | None, pipeline: Any
) -> Finding:
    """Check for test rows among the rows that the model was fitted on, or among the parents of synthetic rows.

    `fitted` holds the fitted rows and whether each is of the minority class.

    A synthetic row is evidence of a leak if it lies on a straight line between two real rows of its class, one of
    them in the test frame, and on no such line within train (SMOTE and its variants). So are synthetic rows whose
    nearest real rows are test rows more often than expected from their number (a generator trained on test rows).
    """
    name = "sampler rows"
    if fitted is None:
        reason = "The rows that the model was fitted on were not given."
        return Finding(name, NOT_CHECKED, reason, "Pass fitted=(X_fit, y_fit), after scaling and sampling.")
    train, test, X_fit = _in_model_space(split, fitted[0], pipeline)
    rare_fit = fitted[1]
    if len(rare_fit) != len(X_fit):
        raise ValueError(f"fitted has {len(X_fit)} rows and {len(rare_fit)} labels; give one label per row.")
    keys = _row_keys(train, test, X_fit)
    train, test, X_fit = (rows.astype(np.float64) for rows in (train, test, X_fit))
    equal = np.isin(keys[1], keys[2])
    synthetic = ~np.isin(keys[2], np.concatenate(keys[:2]))
    only_in_test = ~np.isin(keys[1], keys[0])  # test rows that are also in train are no evidence against a sampler
    evidence = {"test rows fitted on": int(equal.sum()), "rows that a sampler made": int(synthetic.sum())}
    if _are_coincidences(equal & only_in_test, only_in_test, keys[0]):
        equal &= ~only_in_test
    if synthetic.any() and (n_gaps := sum(int(np.isnan(rows).any(axis=1).sum()) for rows in (train, test, X_fit))):
        return _untraced_verdict(name, evidence, equal, only_in_test, n_gaps)
    is_parent, p_value = _trace_classes(split, (train, test, X_fit), rare_fit, synthetic, only_in_test)
    evidence |= {"test rows behind them": int(is_parent.sum()), "p-value of nearest rows": p_value}
    by_sampler = np.any(equal & only_in_test) or is_parent.any() or p_value < SIGNIFICANCE
    return _fitted_verdict(name, evidence, equal, is_parent, BY_SAMPLER if by_sampler else BY_SPLIT)


def _are_coincidences(equal: NDArray, only_in_test: NDArray, train_keys: NDArray) -> bool:
    """Whether so many test rows equal a fitted row as one expects where values repeat, as in a table of categories.

    A row equals one of another draw about as often as a training row equals another one.
    """
    repeated = float(pd.Series(train_keys).duplicated(keep=False).mean())
    if not equal.any() or not repeated:
        return False
    return binomtest(int(equal.sum()), int(only_in_test.sum()), repeated, "greater").pvalue >= SIGNIFICANCE


def _untraced_verdict(
    name: str, evidence: dict[str, Any], equal: NDArray, only_in_test: NDArray, n_gaps: int
) -> Finding:
    """The verdict where gaps keep the rows of a sampler from being traced."""
    evidence["rows with gaps"] = n_gaps
    summary = (
        f"{evidence['test rows fitted on']:,} test rows were among those that the model was fitted on; "
        f"{evidence['rows that a sampler made']:,} fitted rows are not in train or test, and could not be traced to "
        f"real rows, because {n_gaps:,} rows of train, test and fitted have gaps."
    )
    if equal.any():
        advice = BY_SAMPLER if np.any(equal & only_in_test) else BY_SPLIT
        return Finding(name, FAILED, summary, advice, evidence, examples(equal))
    return Finding(name, NOT_CHECKED, summary, "Give the pipeline that fills the gaps.", evidence)


def _fitted_verdict(name: str, evidence: dict[str, Any], equal: NDArray, is_parent: NDArray, advice: str) -> Finding:
    summary = (
        f"{evidence['test rows fitted on']:,} test rows were among those that the model was fitted on; "
        f"{evidence['rows that a sampler made']:,} fitted rows were made by a sampler, "
        f"{evidence['test rows behind them']:,} test rows lie at the end of a line through one, "
        f"and test rows are nearest to them with a p-value of {evidence['p-value of nearest rows']:.2g}."
    )
    if not (equal.any() or is_parent.any() or evidence["p-value of nearest rows"] < SIGNIFICANCE):
        return Finding(name, PASSED, summary, evidence=evidence)
    return Finding(name, FAILED, summary, advice, evidence, examples(equal | is_parent))


def _in_model_space(split: ComparedSplit, X_fit: ArrayLike, pipeline: Any) -> tuple[NDArray, NDArray, NDArray]:
    """Train, test and fitted rows as input of the classifier."""
    sides, steps = [split.X_train, split.X_test], leading_transformers(pipeline)
    for _, step in steps:
        sides = [step.transform(rows) for rows in sides]
    if isinstance(X_fit, pd.DataFrame) and isinstance(sides[0], pd.DataFrame) and set(X_fit) == set(sides[0]):
        X_fit = X_fit[list(sides[0])]
    train, test, fitted = (as_floats(rows) for rows in (*sides, X_fit))
    if fitted.ndim != 2 or fitted.shape[1] != train.shape[1]:
        raise ValueError(
            f"fitted has shape {fitted.shape} but train has {train.shape[1]} columns after the pipeline's "
            "transformers; give the rows that the classifier was fitted on."
        )
    # Cross-fitting gives a training row other values in columns that depend on labels than a new row has there.
    depends = label_dependent(split, steps, encoder_names(steps)) if encoder_names(steps) else np.zeros(1, dtype=bool)
    if depends.any() and not depends.all():
        train, test, fitted = (rows[:, ~depends] for rows in (train, test, fitted))
    return train, test, fitted


def _trace_classes(
    split: ComparedSplit,
    rows: tuple[NDArray, NDArray, NDArray],
    rare_fit: NDArray[np.bool_],
    synthetic: NDArray[np.bool_],
    only_in_test: NDArray[np.bool_],
) -> tuple[NDArray[np.bool_], float]:
    """Whether each test row is a parent of a synthetic row of its class, and the smallest p-value of `_trace`.

    `rows` are those of train, of test and those that the model was fitted on.
    """
    train, test, X_fit = rows
    is_parent = np.zeros(len(test), dtype=bool)
    p_value = 1.0
    for label in np.unique(rare_fit[synthetic]):
        chosen = draw(np.flatnonzero(synthetic & (rare_fit == label)), MAX_SYNTHETIC, split.seed)
        of_test = np.flatnonzero(only_in_test & (split.rare_test == label))
        sides = train[split.rare_train == label], test[of_test]
        if min(map(len, sides)) == 0:
            continue
        traced, p_of_label = _trace(X_fit[chosen], *sides)
        is_parent[of_test[traced]] = True
        p_value = min(p_value, p_of_label)
    return is_parent, p_value


def _trace(synthetic: NDArray, train: NDArray, test: NDArray) -> tuple[NDArray[np.int64], float]:
    """Test rows that are parents of synthetic rows, and the p-value of the number of nearest rows in test."""
    real = np.vstack([train, test])
    is_test = np.arange(len(real)) >= len(train)
    neighbours = nearest(real, synthetic, min(NEIGHBOURS, len(real)))
    # Distinct rows are counted, because one outlier can be the nearest real row of thousands of synthetic ones.
    closest = np.unique(neighbours[:, 0])
    p_value = binomtest(int(is_test[closest].sum()), len(closest), float(is_test.mean()), "greater").pvalue
    arrows = real[neighbours] - synthetic[:, None]
    products = arrows @ arrows.transpose(0, 2, 1)
    lengths = np.sqrt(np.einsum("nii->ni", products))
    opposite = products <= -(1 - 1e-9) * lengths[:, :, None] * lengths[:, None, :]
    opposite &= (lengths[:, :, None] * lengths[:, None, :]) > 0
    ends_in_test = is_test[neighbours]
    by_train = (opposite & ~ends_in_test[:, :, None] & ~ends_in_test[:, None, :]).any(axis=(1, 2))
    is_parent = opposite.any(axis=2) & ends_in_test & ~by_train[:, None]
    return np.unique(neighbours[is_parent]) - len(train), float(p_value)


def check_encoders(
    split: ComparedSplit, fitted: tuple[ArrayLike, NDArray[np.bool_]] | None, pipeline: Any
) -> list[Finding]:
    """Check the transformers of a pipeline that are no scalers; an empty list if it has none."""
    steps = leading_transformers(pipeline)
    names = encoder_names(steps)
    if not names:
        return []
    rare_fit = None if fitted is None else as_floats(fitted[0])[fitted[1]]
    return [encoder_checks.check_encoders(split, rare_fit, steps, names)]


def encoder_names(steps: list[tuple[str, Any]]) -> list[str]:
    """Names of the transformers that are no scalers and hold none."""
    return [name for name, step in steps if not list(_scaler_kinds(step))]


def _scaler_kinds(step: Any) -> Iterator[type]:
    """Kinds of the scalers within a step."""
    if isinstance(step, SCALERS):
        yield type(step)
    elif isinstance(step, ColumnTransformer):
        for _, transformer, _ in step.transformers_:
            yield from _scaler_kinds(transformer)
    elif hasattr(step, "steps"):
        for _, transformer in step.steps:
            yield from _scaler_kinds(transformer)


def check_scalers(split: ComparedSplit, pipeline: Any) -> Finding:
    """Check whether the statistics of every scaler are those of train, and train holds no test rows."""
    name = "scaler"
    if pipeline is None:
        return Finding(name, NOT_CHECKED, "No fitted pipeline was given.", "Pass pipeline=, fitted.")
    outcomes = {step: _fitted_on(*inputs) for step, *inputs in _scalers("", pipeline, split.X_train, split.X_test)}
    if not outcomes:
        beside = " beside its encoders" if encoder_names(leading_transformers(pipeline)) else ""
        reason = f"The pipeline has no scaler that this check knows{beside} before its first sampler."
        return Finding(name, NOT_CHECKED, reason, f"Known are {', '.join(kind.__name__ for kind in SCALERS)}.")
    n_shared = int(split.shared.sum())
    evidence = {**outcomes, "test rows in train": n_shared}
    outcome_list = ", ".join(f"{step} on {rows}" for step, rows in outcomes.items())
    summary = f"By their statistics the scalers were fitted: {outcome_list}"
    advice = "Fit the scaler on the training part, as a step of the pipeline."
    if "train and test" in outcomes.values():
        return Finding(name, FAILED, f"{summary}.", advice, evidence)
    for unknown, remedy in UNKNOWN.items():
        if unknown in outcomes.values():
            return Finding(name, NOT_CHECKED, f"{summary}, which this check cannot judge.", remedy, evidence)
    if n_shared:
        summary += f"; {n_shared:,} test rows are among these."
        return Finding(name, FAILED, summary, advice, evidence, examples(split.shared))
    return Finding(name, PASSED, f"{summary}.", evidence=evidence)


def leading_transformers(pipeline: Any) -> list[tuple[str, Any]]:
    """Steps of a pipeline before the first that samples or predicts; a single transformer is one step."""
    if pipeline is None:
        return []
    steps = getattr(pipeline, "steps", [(type(pipeline).__name__, pipeline)])
    leading = []
    for name, step in steps:
        if step is None or step == "passthrough":
            continue
        if hasattr(step, "fit_resample") or not hasattr(step, "transform"):
            break
        leading.append((name, step))
    return leading


def _scalers(prefix: str, step: Any, train: Any, test: Any) -> Iterator[tuple[str, Any, Any, Any]]:
    """Every scaler within a step: name, scaler, and its input rows from train and from test."""
    if isinstance(step, SCALERS):
        yield prefix or type(step).__name__, step, train, test
    elif isinstance(step, ColumnTransformer):
        for name, transformer, columns in step.transformers_:
            if not isinstance(transformer, str):
                sides = [_safe_indexing(rows, columns, axis=1) for rows in (train, test)]
                if 0 not in sides[0].shape:  # a transformer of no columns is not fitted
                    yield from _scalers(f"{prefix}.{name}".strip("."), transformer, *sides)
    elif hasattr(step, "steps"):
        for name, transformer in leading_transformers(step):
            yield from _scalers(f"{prefix}.{name}".strip("."), transformer, train, test)
            train, test = transformer.transform(train), transformer.transform(test)


def _fitted_on(scaler: Any, train: Any, test: Any) -> str:
    """Rows that have the statistics of a scaler: 'train', 'train and test', `OTHER` or `SAMPLED` rows."""
    both = stack(train, test)
    refitted = {name: clone(scaler).fit(rows) for name, rows in (("train", train), ("train and test", both))}
    seen = {name: getattr(refit, "n_samples_seen_", 0) for name, refit in refitted.items()}
    own = getattr(scaler, "n_samples_seen_", 0)
    for name, refit in refitted.items():
        if np.array_equal(own, seen[name]) and _same_statistics(scaler, refit):
            return name
    if _draws_rows(scaler, both.shape[0]):
        return SAMPLED
    return "train and test" if np.max(own) > np.max(seen["train"]) else OTHER


def _draws_rows(scaler: Any, n_rows: int) -> bool:
    """Whether a scaler learns from rows that it draws anew in every fit."""
    if not isinstance(scaler, QuantileTransformer) or scaler.subsample is None:
        return False
    return n_rows > scaler.subsample and not isinstance(scaler.random_state, Integral)


def _same_statistics(first: Any, second: Any) -> bool:
    """Whether two scalers of one kind learned the same numbers."""
    learned = [name for name, value in vars(second).items() if name.endswith("_") and isinstance(value, np.ndarray)]
    pairs = [(getattr(first, name), getattr(second, name)) for name in learned]
    return all(
        one.shape == two.shape and np.allclose(one, two, rtol=1e-6, atol=1e-12, equal_nan=True)
        for one, two in pairs
        if two.dtype.kind == "f"
    )


def _row_keys(*sides: NDArray) -> list[NDArray[np.uint64]]:
    """One hash per row of each array of numbers, insensitive to rounding errors of a transformation.

    Columns are divided by their median size in the first array and rounded, to the precision of float32 if one of the
    arrays is float32.
    """
    narrow = any(rows.dtype == np.float32 for rows in sides)
    first = np.abs(sides[0].astype(np.float64))
    first[:, ~(first > 0).any(axis=0)] = 1  # a column of zeros has no size
    sizes = np.nanmedian(np.where(first > 0, first, np.nan), axis=0)
    rounded = (
        np.round(rows.astype(np.float32 if narrow else np.float64) / sizes, NARROW_DIGITS if narrow else DIGITS) + 0.0
        for rows in sides
    )
    return [pd.util.hash_pandas_object(pd.DataFrame(rows), index=False).to_numpy() for rows in rounded]
