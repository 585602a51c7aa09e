"""What a fitted pipeline learned from: the checks of the audit that look at samplers and scalers."""

from __future__ import annotations

from collections.abc import Iterator
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

from utils.leakage.report import FAILED, NOT_CHECKED, PASSED, Finding
from utils.leakage.row_checks import SIGNIFICANCE, Parts, draw, examples, nearest

SCALERS = (StandardScaler, RobustScaler, MinMaxScaler, MaxAbsScaler, QuantileTransformer, PowerTransformer)
BY_SAMPLER = "Make the sampler a step of a pipeline that is fitted on the training part only."
BY_SPLIT = "Train on nothing outside the training part: these test rows stand in train, no sampler brought them there."
MAX_SYNTHETIC = 2_000
DIGITS, NARROW_DIGITS = 9, 5  # after the point, in which rows of float64 and of float32 are compared
NEIGHBOURS = 30  # a SMOTE row's two parents are almost surely among its 30 nearest real rows


def check_fitted_rows(parts: Parts, fitted: tuple[ArrayLike, NDArray[np.bool_]] | None, pipeline: Any) -> Finding:
    """Test rows among those that the model was fitted on, or behind the rows that a sampler made.

    `fitted` holds these rows and which of them are of the rarer class.

    A synthetic row is evidence of a leak if it lies on a straight line between two real rows of its class, one of
    them in the test frame, and between no such pair in train (SMOTE and its relatives); so are synthetic rows whose
    nearest real rows are test rows more often than their number lets expect (a generator that was trained on them).
    """
    name = "sampler rows"
    if fitted is None:
        reason = "The rows that the model was fitted on were not given."
        return Finding(name, NOT_CHECKED, reason, "Pass fitted=(X_fit, y_fit), after scaling and sampling.")
    train, test, made = _in_model_space(parts, fitted[0], pipeline)
    rare_fit = fitted[1]
    if len(rare_fit) != len(made):
        raise ValueError(f"fitted has {len(made)} rows and {len(rare_fit)} labels; give one label per row.")
    keys = _row_keys(train, test, made)
    train, test, made = (rows.astype(np.float64) for rows in (train, test, made))
    equal = np.isin(keys[1], keys[2])
    synthetic = ~np.isin(keys[2], np.concatenate(keys[:2]))
    own = ~np.isin(keys[1], keys[0])  # a test row that is a training row, too, is no evidence against a sampler
    evidence = {"test rows fitted on": int(equal.sum()), "rows that a sampler made": int(synthetic.sum())}
    behind = np.zeros(len(test), dtype=bool)
    p_value = 1.0
    for label in np.unique(rare_fit[synthetic]):
        chosen = draw(np.flatnonzero(synthetic & (rare_fit == label)), MAX_SYNTHETIC, parts.seed)
        of_test = np.flatnonzero(own & (parts.rare_test == label))
        sides = train[parts.rare_train == label], test[of_test]
        if min(map(len, sides)) == 0:
            continue
        traced, p_of_label = _trace(made[chosen], *sides)
        behind[of_test[traced]] = True
        p_value = min(p_value, p_of_label)
    evidence |= {"test rows behind them": int(behind.sum()), "p-value of nearest rows": p_value}
    blameless = not (np.any(equal & own) or behind.any() or p_value < SIGNIFICANCE)
    return _fitted_verdict(name, evidence, equal, behind, BY_SPLIT if blameless else BY_SAMPLER)


def _fitted_verdict(name: str, evidence: dict[str, Any], equal: NDArray, behind: NDArray, advice: str) -> Finding:
    summary = (
        f"{evidence['test rows fitted on']:,} test rows were among those that the model was fitted on; "
        f"{evidence['rows that a sampler made']:,} fitted rows were made by a sampler, "
        f"{evidence['test rows behind them']:,} test rows lie at the end of a line through one, "
        f"and test rows are nearest to them with a p-value of {evidence['p-value of nearest rows']:.2g}."
    )
    if not (equal.any() or behind.any() or evidence["p-value of nearest rows"] < SIGNIFICANCE):
        return Finding(name, PASSED, summary, evidence=evidence)
    return Finding(name, FAILED, summary, advice, evidence, examples(equal | behind))


def _in_model_space(parts: Parts, X_fit: ArrayLike, pipeline: Any) -> tuple[NDArray, NDArray, NDArray]:
    """Train, test and fitted rows as the classifier sees them."""
    sides = [parts.X_train, parts.X_test]
    for _, step in leading_transformers(pipeline):
        sides = [step.transform(rows) for rows in sides]
    if isinstance(X_fit, pd.DataFrame) and isinstance(sides[0], pd.DataFrame) and set(X_fit) == set(sides[0]):
        X_fit = X_fit[list(sides[0])]
    train, test, made = (_as_floats(rows) for rows in (*sides, X_fit))
    if made.ndim != 2 or made.shape[1] != train.shape[1]:
        raise ValueError(
            f"fitted has shape {made.shape} where train has {train.shape[1]} columns after the pipeline's "
            "transformers; give the rows as the classifier saw them."
        )
    return train, test, made


def _as_floats(rows: Any) -> NDArray:
    """Rows as the classifier sees them, as an array of float32 or float64."""
    if not isinstance(rows, pd.DataFrame):
        rows = np.asarray(rows)
        return rows if rows.dtype in (np.float32, np.float64) else rows.astype(np.float64)
    try:
        numbers = rows.astype({name: np.float64 for name in rows if rows[name].dtype != np.float32})
    except (TypeError, ValueError):
        texts = [repr(name) for name in rows if not pd.api.types.is_numeric_dtype(rows[name])]
        raise ValueError(
            f"Columns {', '.join(texts)} are no numbers where the classifier would see them; "
            "give the pipeline that encodes them."
        ) from None
    return numbers.to_numpy()


def _trace(made: NDArray, train: NDArray, test: NDArray) -> tuple[NDArray[np.int64], float]:
    """Test rows that made rows lie on a line with, and how surprising the number of nearest test rows is."""
    real = np.vstack([train, test])
    is_test = np.arange(len(real)) >= len(train)
    found = nearest(real, made, min(NEIGHBOURS, len(real)))
    # Distinct rows are counted: one odd real row can be the nearest to thousands of made ones.
    closest = np.unique(found[:, 0])
    p_value = binomtest(int(is_test[closest].sum()), len(closest), float(is_test.mean()), "greater").pvalue
    arrows = real[found] - made[:, None]
    products = arrows @ arrows.transpose(0, 2, 1)
    lengths = np.sqrt(np.einsum("nii->ni", products))
    opposite = products <= -(1 - 1e-9) * lengths[:, :, None] * lengths[:, None, :]
    opposite &= (lengths[:, :, None] * lengths[:, None, :]) > 0
    ends_in_test = is_test[found]
    by_train = (opposite & ~ends_in_test[:, :, None] & ~ends_in_test[:, None, :]).any(axis=(1, 2))
    guilty = opposite.any(axis=2) & ends_in_test & ~by_train[:, None]
    return np.unique(found[guilty]) - len(train), float(p_value)


def check_scalers(parts: Parts, pipeline: Any) -> Finding:
    """Scalers whose statistics are not those of train, or of a train that holds test rows."""
    name = "scaler"
    if pipeline is None:
        return Finding(name, NOT_CHECKED, "No fitted pipeline was given.", "Pass pipeline=, fitted.")
    outcomes = {step: _fitted_on(*found) for step, *found in _scalers("", pipeline, parts.X_train, parts.X_test)}
    if not outcomes:
        reason = "The pipeline has no scaler that this check knows before its first sampler."
        return Finding(name, NOT_CHECKED, reason, f"Known are {', '.join(kind.__name__ for kind in SCALERS)}.")
    n_shared = int(parts.shared.sum())
    evidence = {**outcomes, "test rows in train": n_shared}
    told = ", ".join(f"{step} on {rows}" for step, rows in outcomes.items())
    summary = f"By their statistics the scalers were fitted: {told}"
    advice = "Fit the scaler on the training part, as a step of the pipeline."
    if "train and test" in outcomes.values():
        return Finding(name, FAILED, f"{summary}.", advice, evidence)
    if "other rows" in outcomes.values():
        reason = f"{summary}, which this check cannot judge."
        return Finding(name, NOT_CHECKED, reason, "Give the very training frame that was fitted on.", evidence)
    if n_shared:
        summary += f"; {n_shared:,} test rows are among these."
        return Finding(name, FAILED, summary, advice, evidence, examples(parts.shared))
    return Finding(name, PASSED, f"{summary}.", evidence=evidence)


def leading_transformers(pipeline: Any) -> list[tuple[str, Any]]:
    """Steps of a pipeline up to the first that samples or predicts; a transformer of its own is one step."""
    if pipeline is None:
        return []
    steps = getattr(pipeline, "steps", [(type(pipeline).__name__, pipeline)])
    kept = []
    for name, step in steps:
        if step is None or step == "passthrough":
            continue
        if hasattr(step, "fit_resample") or not hasattr(step, "transform"):
            break
        kept.append((name, step))
    return kept


def _scalers(prefix: str, step: Any, train: Any, test: Any) -> Iterator[tuple[str, Any, Any, Any]]:
    """Every scaler below a step: name, scaler, and the rows that reached it from train and from test."""
    if isinstance(step, SCALERS):
        yield prefix or type(step).__name__, step, train, test
    elif isinstance(step, ColumnTransformer):
        for name, part, columns in step.transformers_:
            if not isinstance(part, str):
                sides = (_columns(rows, columns) for rows in (train, test))
                yield from _scalers(f"{prefix}.{name}".strip("."), part, *sides)
    elif hasattr(step, "steps"):
        for name, part in leading_transformers(step):
            yield from _scalers(f"{prefix}.{name}".strip("."), part, train, test)
            train, test = part.transform(train), part.transform(test)


def _columns(rows: Any, columns: Any) -> Any:
    if not isinstance(rows, pd.DataFrame):
        return np.asarray(rows)[:, columns]
    return rows.loc[:, columns] if pd.Index(columns).isin(rows.columns).all() else rows.iloc[:, columns]


def _fitted_on(scaler: Any, train: Any, test: Any) -> str:
    """'train', 'train and test' or 'other rows': whose statistics a scaler holds."""
    both = pd.concat([train, test]) if isinstance(train, pd.DataFrame) else np.vstack([train, test])
    seen = np.max(getattr(scaler, "n_samples_seen_", 0))
    for name, rows in (("train", train), ("train and test", both)):
        if seen in (0, len(rows)) and _same_statistics(scaler, clone(scaler).fit(rows)):
            return name
    return "train and test" if seen > len(train) else "other rows"


def _same_statistics(first: Any, second: Any) -> bool:
    """Whether two scalers of one kind learned the same numbers."""
    learned = [name for name, value in vars(second).items() if name.endswith("_") and isinstance(value, np.ndarray)]
    numbers = [name for name in learned if getattr(second, name).dtype.kind == "f"]
    return all(np.allclose(getattr(first, name), getattr(second, name), rtol=1e-6, atol=1e-12) for name in numbers)


def _row_keys(*sides: NDArray) -> list[NDArray[np.uint64]]:
    """One hash per row of each array of numbers, blind to what the last digits of a transformation do.

    Digits are counted from a column's usual size, the median over the first array, and are those of float32 if one
    array has no more.
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
