"""The check of the audit that examines the encoders of a fitted pipeline, and which columns depend on labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from utils.leakage.arrays import as_floats, stack
from utils.leakage.report import FAILED, NOT_CHECKED, PASSED, Finding
from utils.leakage.row_checks import ComparedSplit

ADVICE = "Fit the encoder on the training part, as a step of the pipeline."
OWN_LABEL = (
    "Encode training rows by cross-fitting: fit_transform of scikit-learn's TargetEncoder, not fit and transform."
)
MOST = 0.5  # share of the minority's training rows above which their encoding is called in-sample
TOLERANCE = {"rtol": 1e-6, "atol": 1e-9}


def check_encoders(
    split: ComparedSplit, rare_fit: NDArray[np.float64] | None, steps: list[tuple[str, Any]], encoders: list[str]
) -> Finding:
    """Check whether encoders learned from train alone, and encode training rows without their own label.

    An encoder that was fitted on train gives the rows of both sides the values that a copy of it, fitted on train,
    gives them; how its columns are scaled is left aside where it cross-fits, because the folds are not known. An
    encoder that depends on the labels must not show the classifier a training row as it would show a new row with the
    same values, because its own label is in these.

    Parameters
    ----------
    split : ComparedSplit
    rare_fit : ndarray of shape (n_rare_fitted, n_model_features) or None
        Rows of the minority that the classifier was fitted on. Among rows of both classes, cross-fitted values of one
        category are often those that another one has in-sample.
    steps : list of (str, fitted transformer)
        Steps of the pipeline before its first sampler.
    encoders : list of str
        Names of those to check.
    """
    name, outcomes, is_supervised = "encoder", {}, False
    sides = split.X_train, split.X_test
    for step_name, step in steps:
        if step_name in encoders:
            step_is_supervised = bool(_depends_on_labels(step, sides[0], split.rare_train).any())
            outcomes[step_name] = _fitted_on(step, sides, split, is_supervised=step_is_supervised)
            is_supervised |= step_is_supervised
        sides = tuple(step.transform(rows) for rows in sides)
    evidence: dict[str, Any] = {**outcomes, "depends on labels": is_supervised}
    summary = f"By their output the encoders were fitted: {', '.join(f'{key} on {of}' for key, of in outcomes.items())}"
    if "train and test" in outcomes.values():
        return Finding(name, FAILED, f"{summary}.", ADVICE, evidence)
    if is_supervised and rare_fit is not None:
        share = _share_of_rows(as_floats(sides[0])[split.rare_train], rare_fit)
        evidence["share encoded with their own label"] = share
        summary += f"; {share:.0%} of the minority's training rows were encoded with their own label among others"
        if share > MOST:
            return Finding(name, FAILED, f"{summary}.", OWN_LABEL, evidence)
    if "other rows" in outcomes.values():
        reason = f"{summary}, which this check cannot judge."
        return Finding(name, NOT_CHECKED, reason, "Give the very training frame that was fitted on.", evidence)
    return Finding(name, PASSED, f"{summary}.", evidence=evidence)


def label_dependent(split: ComparedSplit, steps: list[tuple[str, Any]], encoders: list[str]) -> NDArray[np.bool_]:
    """Whether each column that leaves the steps depends on labels, of shape (n_model_features,).

    Only the last step can be told column by column; all columns depend on labels if an earlier one does.
    """
    rows, depends = split.X_train, np.zeros(0, dtype=bool)
    for name, step in steps:
        changed = _depends_on_labels(step, rows, split.rare_train) if name in encoders else np.zeros(1, dtype=bool)
        rows = step.transform(rows)
        is_all, n_columns = depends.any(), rows.shape[1]
        depends = changed if len(changed) == n_columns else np.full(n_columns, changed.any())
        depends = depends | is_all
    return depends


def _fitted_on(step: Any, sides: tuple[Any, Any], split: ComparedSplit, *, is_supervised: bool) -> str:
    """Rows whose encoder gives what a fitted one gives: 'train', 'train and test' or 'other rows'."""
    both = stack(*sides)
    rare_both = np.concatenate([split.rare_train, split.rare_test])
    given = as_floats(step.transform(both))
    for name, rows, rare in (("train", sides[0], split.rare_train), ("train and test", both, rare_both)):
        for labels in (rare, ~rare)[: 1 + is_supervised]:  # the positive class may be the more common one
            if _agree(given, as_floats(clone(step).fit(rows, labels.astype(int)).transform(both)), is_supervised):
                return name
    return "other rows"


def _depends_on_labels(step: Any, rows: Any, rare: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether each encoded column changes when an encoder is fitted to shuffled labels."""
    shuffled = np.random.default_rng(0).permutation(rare)
    first, second = (as_floats(clone(step).fit(rows, y.astype(int)).transform(rows)) for y in (rare, shuffled))
    if first.shape != second.shape:
        return np.ones(1, dtype=bool)
    return ~_close_columns(_standardised(first), _standardised(second))


def _agree(first: NDArray, second: NDArray, up_to_scale: bool) -> bool:
    if first.shape != second.shape:
        return False
    if up_to_scale:
        first, second = _standardised(first), _standardised(second)
    return bool(_close_columns(first, second).all())


def _close_columns(first: NDArray, second: NDArray) -> NDArray[np.bool_]:
    return np.isclose(first, second, equal_nan=True, **TOLERANCE).all(axis=0)


def _standardised(rows: NDArray) -> NDArray:
    columns = pd.DataFrame(rows.astype(np.float64))  # whose statistics leave gaps out
    spread = columns.std(ddof=0)
    return ((columns - columns.mean()) / spread.where(spread > 1e-12, 1)).to_numpy()


def _share_of_rows(rows: NDArray, among: NDArray) -> float:
    """Share of the rows that stand in another table, to 9 digits."""
    keys = [
        pd.util.hash_pandas_object(pd.DataFrame(np.round(np.asarray(side, dtype=float), 9) + 0.0), index=False)
        for side in (rows, among)
    ]
    return float(keys[0].isin(keys[1]).mean()) if len(rows) else 0.0
