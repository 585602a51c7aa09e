"""The audit: all checks for leakage on one split, and the report of their findings."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from utils.leakage import pipeline_checks, row_checks
from utils.leakage.labels import Classes
from utils.leakage.report import Report


@dataclass(frozen=True, eq=False)
class Claims:
    """Claims about the data and the scores, which an audit checks.

    Parameters
    ----------
    population : float or array of labels, optional
        Share of the minority class (0 to 1), or all labels, before any resampling.
    curve : (y_true, y_score, reported_area), optional
        Labels and scores of shape (n_scored,), and the area under the precision-recall curve reported for them.
    tolerance : float, default=5e-5
        Largest rounding error of the reported area; the default is that of four decimals.

    Raises
    ------
    ValueError
        If `curve` does not have three values.
    """

    population: float | ArrayLike | None = None
    curve: tuple[ArrayLike, ArrayLike, float] | None = None
    tolerance: float = 5e-5

    def __post_init__(self) -> None:
        _require_tuple("curve", self.curve, ("y_true", "y_score", "reported_area"))


def audit(
    train: pd.DataFrame,
    test: pd.DataFrame,
    *,
    label: Hashable,
    pipeline: Any = None,
    fitted: tuple[ArrayLike, ArrayLike] | None = None,
    claims: Claims | None = None,
    seed: int = 0,
) -> Report:
    """Check a split for faults that make the result on the test set too good.

    Any two frames with a binary label can be audited. Checks whose inputs are missing are reported as not checked.

    Parameters
    ----------
    train, test : DataFrame of shape (n_train, n_columns) and (n_test, n_columns)
        Rows before scaling and sampling, with the label. Columns are compared by value, even if they were read with
        different types (see `column_values.common_codes`); distances use the numeric columns only.
    label : hashable
        Name of the label column.
    pipeline : fitted Pipeline or transformer, optional
        The pipeline to check; its scalers and encoders are compared with ones fitted on train, and on train and test.
    fitted : (array of shape (n_fitted, n_model_features), array of shape (n_fitted,)), optional
        Rows and labels that the classifier was fitted on, after the transformers of the pipeline, if there is one,
        and after the sampler.
    claims : Claims, optional
        The prevalence of the population, and a reported area with its scores.
    seed : int, default=0
        Seed of the sample of rows whose neighbours are searched if there are more than five thousand.

    Returns
    -------
    Report
        With the findings 'shared rows', 'near-shared rows', 'sampler rows', 'scaler', 'encoder', 'prevalence', 'area'.

    Raises
    ------
    TypeError
        If a side of the split is not a DataFrame, or `label` is not a column name.
    ValueError
        If a frame has no rows, lacks the label, has a column twice or other columns than the other frame; if columns
        of the two frames cannot be compared by value (the message names them); if the label is not binary, or a label
        is missing or not among those of train; if `fitted` does not have rows and labels of the same length.

    See Also
    --------
    utils.leakage.guards : Checks of every task of the study before anything is fitted.
    utils.data.splits.folds : Folds that keep equal rows on the same side.

    References
    ----------
    Kaufman, S., Rosset, S. and Perlich, C. (2012). Leakage in data mining: formulation, detection, and avoidance.
    Davis, J. and Goadrich, M. (2006). The relationship between precision-recall and ROC curves.

    Examples
    --------
    Three rows of train are also in test:

    >>> import numpy as np, pandas as pd
    >>> from utils.leakage import Claims, audit
    >>> rng = np.random.default_rng(0)
    >>> frame = pd.DataFrame(rng.normal(size=(300, 4)), columns=list("abcd")).assign(fraud=np.arange(300) % 10 == 0)
    >>> report = audit(frame[:203], frame[200:], label="fraud", claims=Claims(population=0.1))
    >>> report.failed, report.passed
    (['shared rows'], ['near-shared rows', 'prevalence'])
    >>> report["shared rows"].rows
    (0, 1, 2)
    """
    claims = claims or Claims()
    columns = _common_columns(train, test, label)
    _require_tuple("fitted", fitted, ("X_fit", "y_fit"))
    classes = Classes(train[label], test[label])
    sides = [
        (frame[columns], classes.is_rare(frame[label], f"the {name} frame"))
        for name, frame in (("train", train), ("test", test))
    ]
    if fitted is not None:
        fitted = fitted[0], classes.is_rare(fitted[1], "fitted")
    population, curve = _by_class(claims, classes)
    split = row_checks.compare(*sides, seed)
    return Report(
        (
            row_checks.check_shared_rows(split),
            row_checks.check_near_rows(split),
            pipeline_checks.check_fitted_rows(split, fitted, pipeline),
            pipeline_checks.check_scalers(split, pipeline),
            *pipeline_checks.check_encoders(split, fitted, pipeline),
            row_checks.check_prevalence(split, population),
            row_checks.check_area(curve, claims.tolerance),
        )
    )


def _by_class(claims: Claims, classes: Classes) -> tuple[float | None, tuple | None]:
    """The population's share of the minority class, and the curve with its labels as bools."""
    population, curve = claims.population, claims.curve
    if population is not None and np.ndim(population):
        population = float(classes.is_rare(population, "population").mean())
    if curve is not None:
        curve = classes.is_positive(curve[0], "curve"), *curve[1:]
    return population, curve


def _require_tuple(name: str, values: Any, members: tuple[str, ...]) -> None:
    """Raise a ValueError unless `values` is None or a tuple or list of `members`."""
    if values is None or (isinstance(values, (tuple, list)) and len(values) == len(members)):
        return
    actual = f"has {len(values)}" if isinstance(values, (tuple, list)) else f"is a single {type(values).__name__}"
    raise ValueError(f"{name} must have {len(members)} values but {actual}; give ({', '.join(members)}).")


def _require_frames(train: Any, test: Any, label: Any) -> None:
    """Raise a TypeError that says what to do unless both sides are frames and `label` is a column name."""
    if not isinstance(label, Hashable):
        raise TypeError(f"label is {type(label).__name__}; give the name of the label column, the same in both frames.")
    for name, side in (("train", train), ("test", test)):
        if not isinstance(side, pd.DataFrame):
            raise TypeError(
                f"The {name} side is {type(side).__name__}; columns are compared by name, so give a pandas DataFrame "
                f"with the label as a column, such as pd.DataFrame(X_{name}).assign(label=y_{name}) and label='label'."
            )


def _common_columns(train: pd.DataFrame, test: pd.DataFrame, label: Hashable) -> list[Hashable]:
    """Feature columns in the order of train; raises an error if the two frames cannot be compared."""
    _require_frames(train, test, label)
    for name, frame in (("train", train), ("test", test)):
        if label not in frame:
            raise ValueError(f"The {name} frame has no column {label!r}; give the name of the label column.")
        if frame.empty:
            raise ValueError(f"The {name} frame has no rows; give both sides of the split.")
        twice = frame.columns[frame.columns.duplicated()]
        if len(twice):
            raise ValueError(
                f"The {name} frame has more than one column {twice[0]!r}; give every column a unique name."
            )
    columns = [name for name in train if name != label]
    if set(columns) != set(test) - {label}:
        only = sorted(map(repr, set(train) ^ set(test)))
        raise ValueError(f"Only one of train and test has the columns {', '.join(only)}; give both the same columns.")
    if not columns:
        raise ValueError(f"The frames have no column besides {label!r}; add the features.")
    return columns
