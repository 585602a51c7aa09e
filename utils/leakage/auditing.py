"""The audit: every check for leaks over one split, and the report of what it found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from utils.data.labels import Classes
from utils.leakage import pipeline_checks, row_checks
from utils.leakage.report import Report


def audit(
    train: pd.DataFrame,
    test: pd.DataFrame,
    *,
    label: str,
    pipeline: Any = None,
    fitted: tuple[ArrayLike, ArrayLike] | None = None,
    population: float | ArrayLike | None = None,
    curve: tuple[ArrayLike, ArrayLike, float] | None = None,
    tolerance: float = 5e-5,
    seed: int = 0,
) -> Report:
    """Look for faults that make a result on a test set look better than it is.

    Works for any two frames with a binary label. What is not given is reported as not checked.

    Parameters
    ----------
    train, test : DataFrame of shape (n_train, n_columns) and (n_test, n_columns)
        Rows before scaling and sampling, with the label. Values are compared, whatever the types that they were
        read with (see `column_values.common_codes`); distances need numeric columns and leave the others out.
    label : str
        Name of the label's column.
    pipeline : fitted Pipeline or transformer, optional
        What is to be judged; its scalers are fitted anew on train, and on train and test, and compared.
    fitted : (array of shape (n_fitted, n_model_features), array of shape (n_fitted,)), optional
        Rows and labels that the classifier was fitted on: after the pipeline's transformers, if there is one,
        and after the sampler.
    population : float or array of labels, optional
        Share of the rarer class, or all labels, before any resampling.
    curve : (y_true, y_score, reported_area), optional
        A ranking and the area under the precision-recall curve that was reported for it.
    tolerance : float
        Largest difference that rounding of the reported area explains; the default fits four decimals.
    seed : int
        Fixes the rows whose neighbours are searched where there are more than five thousand.

    Returns
    -------
    Report
        With the findings 'shared rows', 'near-shared rows', 'sampler rows', 'scaler', 'prevalence', 'area'.

    Raises
    ------
    ValueError
        If a frame has no row, lacks the label, has a column twice or other columns than the other frame; if
        columns of the two frames cannot be compared by value (they are named); if the label is not binary, or a
        label is missing or is not among those of train.
    """
    columns = _common_columns(train, test, label)
    classes = Classes(train[label], test[label])
    sides = [
        (frame[columns], classes.is_rare(frame[label], f"the {name} frame"))
        for name, frame in (("train", train), ("test", test))
    ]
    if fitted is not None:
        fitted = fitted[0], classes.is_rare(fitted[1], "fitted")
    if population is not None and np.ndim(population):
        population = float(classes.is_rare(population, "population").mean())
    if curve is not None:
        curve = classes.is_positive(curve[0], "curve"), *curve[1:]
    parts = row_checks.compare(*sides, seed)
    return Report(
        (
            row_checks.check_shared_rows(parts),
            row_checks.check_near_rows(parts),
            pipeline_checks.check_fitted_rows(parts, fitted, pipeline),
            pipeline_checks.check_scalers(parts, pipeline),
            row_checks.check_prevalence(parts, population),
            row_checks.check_area(curve, tolerance),
        )
    )


def _common_columns(train: pd.DataFrame, test: pd.DataFrame, label: str) -> list[str]:
    """Feature columns in the order of train; ValueError if the two frames cannot be compared."""
    for name, frame in (("train", train), ("test", test)):
        if label not in frame:
            raise ValueError(f"The {name} frame has no column {label!r}; name the label's column.")
        if frame.empty:
            raise ValueError(f"The {name} frame has no row; give both sides of the split.")
        twice = frame.columns[frame.columns.duplicated()]
        if len(twice):
            raise ValueError(f"The {name} frame has more than one column {twice[0]!r}; give each a name of its own.")
    columns = [name for name in train if name != label]
    if set(columns) != set(test) - {label}:
        only = sorted(map(repr, set(train) ^ set(test)))
        raise ValueError(f"Only one of train and test has the columns {', '.join(only)}; give both the same.")
    if not columns:
        raise ValueError(f"The frames have no column beside {label!r}; give the features, too.")
    return columns
