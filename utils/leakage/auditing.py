"""The audit: every check for leaks over one split, and the report of what it found."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from utils.data.labels import Classes
from utils.leakage import pipeline_checks, row_checks
from utils.leakage.report import Report


@dataclass(frozen=True, eq=False)
class Claims:
    """What is said of the data and of the scores, for an audit to hold against them.

    Parameters
    ----------
    population : float or array of labels, optional
        Share of the rarer class (0 to 1), or all labels, before any resampling.
    curve : (y_true, y_score, reported_area), optional
        A ranking, as two arrays of shape (n_scored,), and the area under the precision-recall curve that was
        reported for it.
    tolerance : float, default=5e-5
        Largest difference that rounding of the reported area explains; the default fits four decimals.

    Raises
    ------
    ValueError
        If `curve` does not hold three values.
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
    """Look for faults that make a result on a test set look better than it is.

    Works for any two frames with a binary label. What is not given is reported as not checked.

    Parameters
    ----------
    train, test : DataFrame of shape (n_train, n_columns) and (n_test, n_columns)
        Rows before scaling and sampling, with the label. Values are compared, whatever the types that they were
        read with (see `column_values.common_codes`); distances need numeric columns and leave the others out.
    label : hashable
        Name of the label's column.
    pipeline : fitted Pipeline or transformer, optional
        What is to be judged; its scalers are fitted anew on train, and on train and test, and compared.
    fitted : (array of shape (n_fitted, n_model_features), array of shape (n_fitted,)), optional
        Rows and labels that the classifier was fitted on: after the pipeline's transformers, if there is one,
        and after the sampler.
    claims : Claims, optional
        The prevalence of the population, and a reported area with its scores.
    seed : int, default=0
        Fixes the rows whose neighbours are searched where there are more than five thousand.

    Returns
    -------
    Report
        With the findings 'shared rows', 'near-shared rows', 'sampler rows', 'scaler', 'prevalence', 'area'.

    Raises
    ------
    TypeError
        If a side of the split is no DataFrame, or `label` no name.
    ValueError
        If a frame has no row, lacks the label, has a column twice or other columns than the other frame; if
        columns of the two frames cannot be compared by value (they are named); if the label is not binary, or a
        label is missing or is not among those of train; if `fitted` does not hold rows and labels of one length.

    See Also
    --------
    utils.leakage.guards : The checks that every task of the study passes before it is fitted.
    utils.data.splits.folds : Folds that keep equal rows on one side.

    References
    ----------
    Kaufman, S., Rosset, S. and Perlich, C. (2012). Leakage in data mining: formulation, detection, and avoidance.
    Davis, J. and Goadrich, M. (2006). The relationship between precision-recall and ROC curves.

    Examples
    --------
    Three rows of train stand in test, too:

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
    parts = row_checks.compare(*sides, seed)
    return Report(
        (
            row_checks.check_shared_rows(parts),
            row_checks.check_near_rows(parts),
            pipeline_checks.check_fitted_rows(parts, fitted, pipeline),
            pipeline_checks.check_scalers(parts, pipeline),
            row_checks.check_prevalence(parts, population),
            row_checks.check_area(curve, claims.tolerance),
        )
    )


def _by_class(claims: Claims, classes: Classes) -> tuple[float | None, tuple | None]:
    """The population's share of the rarer class, and the curve with its labels as bools."""
    population, curve = claims.population, claims.curve
    if population is not None and np.ndim(population):
        population = float(classes.is_rare(population, "population").mean())
    if curve is not None:
        curve = classes.is_positive(curve[0], "curve"), *curve[1:]
    return population, curve


def _require_tuple(name: str, values: Any, members: tuple[str, ...]) -> None:
    """ValueError unless `values` is None or holds what `members` name."""
    if values is None or (isinstance(values, (tuple, list)) and len(values) == len(members)):
        return
    held = f"{len(values)} of them" if isinstance(values, (tuple, list)) else f"one {type(values).__name__}"
    raise ValueError(f"{name} takes {len(members)} values and was given {held}; give ({', '.join(members)}).")


def _require_frames(train: Any, test: Any, label: Any) -> None:
    """TypeError, with what to do, unless two frames and the name of a column are given."""
    if not isinstance(label, Hashable):
        raise TypeError(f"label is {type(label).__name__}; give the name of the label's column in both frames.")
    for name, side in (("train", train), ("test", test)):
        if not isinstance(side, pd.DataFrame):
            raise TypeError(
                f"The {name} side is {type(side).__name__}; columns are compared by name, so give a pandas DataFrame "
                f"with the label as a column, such as pd.DataFrame(X_{name}).assign(label=y_{name}) and label='label'."
            )


def _common_columns(train: pd.DataFrame, test: pd.DataFrame, label: Hashable) -> list[Hashable]:
    """Feature columns in the order of train; an error if the two frames cannot be compared."""
    _require_frames(train, test, label)
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
