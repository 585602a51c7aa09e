"""Quality of synthetic rows: similarity to real rows, usefulness in their place, and distance from copies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp, wasserstein_distance
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

from utils.models.registry import BOOSTED
from utils.seeding import child_seed

Table = np.ndarray | pd.DataFrame
# With its default parameters XGBoost stops splitting at a few hundred positives, and scores real rows too low.
JUDGE = BOOSTED
N_REPEATS = 5  # of the two-sample test
MIN_TWO_SAMPLE = 10  # rows on either side, in five folds
N_NEIGHBOURS, MAX_NEIGHBOURS = 5, 2000  # neighbour that a ball reaches to, and most rows whose distances are taken


@dataclass(frozen=True, eq=False)
class RealRows:
    """The real rows around a generator: what it was trained on and what it never saw.

    Generators evaluated with the same object share the classifier that is trained on the real rows.

    Attributes
    ----------
    X_train, y_train : array or frame of shape (n_train, n_features), array of shape (n_train,)
        Rows that the generator was fitted to, of both classes.
    X_holdout, y_holdout : array or frame of shape (n_holdout, n_features), array of shape (n_holdout,)
        Rows of the same population that it did not see.
    minority : object, default=1
        The label that the synthetic rows carry.
    """

    X_train: Table
    y_train: np.ndarray | pd.Series
    X_holdout: Table
    y_holdout: np.ndarray | pd.Series
    minority: object = 1

    def train(self, *, minority: bool) -> np.ndarray:
        """Training rows of the minority, or of everything else."""
        return np.asarray(self.X_train)[(np.asarray(self.y_train) == self.minority) == minority]

    def holdout(self, *, minority: bool) -> np.ndarray:
        """Held-out rows of the minority, or of everything else."""
        return np.asarray(self.X_holdout)[(np.asarray(self.y_holdout) == self.minority) == minority]

    def require_both_classes(self) -> None:
        """Raise ValueError if the training or the held-out rows lack a class."""
        tables = (
            select(minority=is_minority) for select in (self.train, self.holdout) for is_minority in (True, False)
        )
        if not all(map(len, tables)):
            raise ValueError("Training and held-out rows both need the minority and the majority class.")


def marginals(real: Table, synthetic: Table) -> pd.DataFrame:
    """Distance between real and synthetic values, feature by feature.

    Parameters
    ----------
    real, synthetic : array or DataFrame of shape (n_rows, n_features)
        Row counts may differ.

    Returns
    -------
    DataFrame of shape (n_features, 2)
        Index: the features. Columns: ks, the Kolmogorov-Smirnov statistic in [0, 1]; wasserstein, the
        earth mover's distance in standard deviations of the real feature.

    Raises
    ------
    ValueError
        If the tables have different columns, no rows, or values that are missing or infinite.
    """
    names = real.columns if isinstance(real, pd.DataFrame) else pd.RangeIndex(np.shape(real)[1])
    real, synthetic = _validate_tables(real, synthetic)
    scaler = StandardScaler().fit(real)
    pairs = list(zip(scaler.transform(real).T, scaler.transform(synthetic).T, strict=True))
    return pd.DataFrame(
        {
            "ks": [
                ks_2samp(real_values, synthetic_values, method="asymp").statistic
                for real_values, synthetic_values in pairs
            ],
            "wasserstein": [
                wasserstein_distance(real_values, synthetic_values) for real_values, synthetic_values in pairs
            ],
        },
        index=pd.Index(names, name="feature"),
    )


def correlation_difference(real: Table, synthetic: Table) -> float:
    """Mean absolute difference of Pearson correlations over all pairs of different features.

    Columns that are constant in either table are left out, because they have no correlation.

    Parameters
    ----------
    real, synthetic : array or DataFrame of shape (n_rows, n_features)

    Returns
    -------
    float
        In [0, 2]; NaN with fewer than two columns that vary.

    Raises
    ------
    ValueError
        As :func:`marginals`.
    """
    real, synthetic = _validate_tables(real, synthetic)
    varying = (np.ptp(real, axis=0) > 0) & (np.ptp(synthetic, axis=0) > 0)
    if varying.sum() < 2:
        return float("nan")
    difference = np.corrcoef(real[:, varying].T) - np.corrcoef(synthetic[:, varying].T)
    return float(np.abs(difference[np.triu_indices_from(difference, k=1)]).mean())


def density_coverage(real: Table, synthetic: Table, k: int = N_NEIGHBOURS) -> pd.Series:
    """Density and coverage (Naeem et al., 2020) in standard deviations of the real features.

    Around every real row lies a ball that reaches to its k-th real neighbour. Density counts in how many
    balls a synthetic row lies, relative to k: about 1 for rows of the same distribution, more if they crowd
    its middle. Coverage is the share of balls that hold a synthetic row: low if modes are missing, and it
    grows with the number of synthetic rows, so compare equal numbers.

    Parameters
    ----------
    real, synthetic : array or DataFrame of shape (n_rows, n_features)
    k : int, default=5

    Returns
    -------
    Series
        density, coverage.

    Raises
    ------
    ValueError
        As :func:`marginals`, or if there are not more than `k` real rows.
    """
    real, synthetic = _validate_tables(real, synthetic)
    if not 1 <= k < len(real):
        raise ValueError(f"k is {k} with {len(real)} real rows; choose k from 1 to {len(real) - 1}.")
    scaler = StandardScaler().fit(real)
    real, synthetic = scaler.transform(real), scaler.transform(synthetic)
    radius = NearestNeighbors(n_neighbors=k).fit(real).kneighbors()[0][:, -1]
    distance, nearest = NearestNeighbors(n_neighbors=len(real)).fit(real).kneighbors(synthetic)
    in_ball = distance <= radius[nearest]
    covered = np.zeros(len(real), dtype=bool)
    covered[nearest[in_ball]] = True
    return pd.Series({"density": in_ball.sum() / (k * len(synthetic)), "coverage": covered.mean()})


def two_sample_auc(real: Table, synthetic: Table, *, n_repeats: int = N_REPEATS, random_state: int = 0) -> float:
    """ROC AUC of gradient-boosted trees that tell real from synthetic rows (Lopez-Paz and Oquab, 2017).

    The longer table is cut to the shorter one's length, anew in every repeat, so that neither
    class is rarer and the result does not depend on one draw. Use real rows that the generator did not see: among
    the rows that it saw, copies of them look real.

    Parameters
    ----------
    real, synthetic : array or DataFrame of shape (n_rows, n_features)
    n_repeats : int, default=5
        Draws and divisions into five folds.
    random_state : int, default=0

    Returns
    -------
    float
        Mean over repeats and folds: 0.5 if the rows cannot be distinguished, 1 if they always can.

    Raises
    ------
    ValueError
        As :func:`marginals`, or if a table has fewer than ten rows.
    """
    real, synthetic = _validate_tables(real, synthetic)
    n_rows = min(len(real), len(synthetic))
    if n_rows < MIN_TWO_SAMPLE:
        raise ValueError(f"Only {n_rows} rows on one side; a two-sample test in five folds needs {MIN_TWO_SAMPLE}.")
    y = np.repeat([0, 1], n_rows)
    # Rows and columns are subsampled because single trees overfit a few hundred rows.
    model = XGBClassifier(
        max_depth=4, learning_rate=0.1, subsample=0.8, colsample_bytree=0.5, random_state=random_state, n_jobs=1
    )
    areas = []
    for repeat in range(n_repeats):
        rng = np.random.default_rng(child_seed(random_state, "two-sample rows", repeat))
        X = np.vstack([_subsample(real, n_rows, rng), _subsample(synthetic, n_rows, rng)])
        folds = StratifiedKFold(5, shuffle=True, random_state=child_seed(random_state, "two-sample folds", repeat))
        areas.append(cross_val_score(model, X, y, cv=folds, scoring="roc_auc").mean())
    return float(np.mean(areas))


def train_on_synthetic(
    rows: RealRows,
    synthetic: Table,
    *,
    judge: dict[str, object] | None = None,
    random_state: int = 0,
) -> pd.Series:
    """Performance of XGBoost trained on synthetic minority rows instead of real ones (Esteban et al., 2017).

    All figures use the same real majority rows; only the minority rows differ.

    Parameters
    ----------
    rows : RealRows
    synthetic : array or DataFrame of shape (n_synthetic, n_features)
        Minority rows drawn from a generator that was fitted to `rows.X_train`.
    judge : dict, default=None
        Parameters of the XGBoost classifier; None is `JUDGE`, a strong setting. The ratio
        depends on it: a judge that learns too little from the real rows favours the synthetic ones.
    random_state : int, default=0

    Returns
    -------
    Series
        Average precisions: tstr, trained on synthetic and tested on held-out real rows; trtr, trained on
        real rows; trts, trained on real rows and tested on as many synthetic rows as there are held-out
        minority rows. tstr_ratio is tstr / trtr.

    Raises
    ------
    ValueError
        As :func:`marginals`, or if the training or the held-out rows lack a class.
    """
    synthetic = _validate_tables(rows.train(minority=True), synthetic)[1]
    rows.require_both_classes()
    boosting = {**(JUDGE if judge is None else judge), "random_state": random_state}
    from_real = _fit_on_real(rows, tuple(boosting.items()))
    from_synthetic = _fit(synthetic, rows.train(minority=False), boosting)
    rng = np.random.default_rng(child_seed(random_state, "synthetic test rows"))
    holdout_minority, holdout_majority = rows.holdout(minority=True), rows.holdout(minority=False)
    synthetic_test = _subsample(synthetic, len(holdout_minority), rng)
    tstr = _average_precision(from_synthetic, holdout_minority, holdout_majority)
    trtr = _average_precision(from_real, holdout_minority, holdout_majority)
    trts = _average_precision(from_real, synthetic_test, holdout_majority)
    return pd.Series({"tstr": tstr, "trtr": trtr, "trts": trts, "tstr_ratio": tstr / trtr})


def closest_record(real_train: Table, real_holdout: Table, synthetic: Table) -> float:
    """Whether synthetic rows lie closer to the training rows than fresh real rows do, which shows memorisation.

    Parameters
    ----------
    real_train, real_holdout, synthetic : array or DataFrame of shape (n_rows, n_features)
        Rows of one class: real rows that the generator saw, real rows that it did not see, and synthetic rows.

    Returns
    -------
    float
        Median distance of synthetic rows to their closest training row, divided by the same median of
        held-out rows: 0 for copies, about 1 for fresh rows of the same distribution; NaN if the median held-out row
        equals a training row.

    Raises
    ------
    ValueError
        As :func:`marginals`.
    """
    real_train, synthetic = _validate_tables(real_train, synthetic)
    _, real_holdout = _validate_tables(real_train, real_holdout)
    scaler = StandardScaler().fit(real_train)
    index = NearestNeighbors(n_neighbors=1).fit(scaler.transform(real_train))
    synthetic_distance, holdout_distance = (
        float(np.median(index.kneighbors(scaler.transform(table))[0])) for table in (synthetic, real_holdout)
    )
    return synthetic_distance / holdout_distance if holdout_distance else float("nan")


def fidelity_report(
    rows: RealRows,
    synthetic: Table,
    *,
    judge: dict[str, object] | None = None,
    n_repeats: int = N_REPEATS,
    random_state: int = 0,
) -> pd.Series:
    """Every figure of this module for one generator and one fold.

    Similarity is measured against the training minority, which has enough rows; density and coverage, with as many
    synthetic rows. A
    generator that copies rows would score best there; `closest_record` reveals that. Only the two-sample test needs
    rows that the generator did not see; the same test on the training rows is reported beside it.

    Parameters
    ----------
    rows, synthetic, judge, random_state
        As in :func:`train_on_synthetic`.
    n_repeats : int, default=5
        As in :func:`two_sample_auc`.

    Returns
    -------
    Series
        ks and wasserstein (means over features), correlation_difference, density, coverage,
        two_sample_auc (held-out rows), two_sample_auc_seen (training rows), closest_record, tstr, trtr, trts,
        tstr_ratio. Figures for which there are too few real rows are NaN.

    Raises
    ------
    ValueError
        As the functions it calls.
    """
    real, synthetic = _validate_tables(rows.train(minority=True), synthetic)
    held_out = rows.holdout(minority=True)
    test_options = {"n_repeats": n_repeats, "random_state": random_state}
    rng = np.random.default_rng(child_seed(random_state, "report"))
    subset = _subsample(synthetic, min(len(real), MAX_NEIGHBOURS), rng)
    figures = {
        **marginals(real, synthetic).mean(),
        "correlation_difference": correlation_difference(real, synthetic),
        **_density_coverage(real, subset, rng),
        "two_sample_auc": _two_sample_auc(held_out, synthetic, **test_options),
        "two_sample_auc_seen": _two_sample_auc(real, synthetic, **test_options),
        "closest_record": closest_record(real, held_out, synthetic),
        **train_on_synthetic(rows, synthetic, judge=judge, random_state=random_state),
    }
    return pd.Series(figures, dtype=float)


def _density_coverage(real: np.ndarray, synthetic: np.ndarray, rng: np.random.Generator) -> pd.Series:
    """`density_coverage` of at most `MAX_NEIGHBOURS` real rows, or NaN for too few."""
    if len(real) <= N_NEIGHBOURS:
        return pd.Series({"density": np.nan, "coverage": np.nan})
    return density_coverage(_subsample(real, MAX_NEIGHBOURS, rng), synthetic, N_NEIGHBOURS)


def _two_sample_auc(real: np.ndarray, synthetic: np.ndarray, **options: int) -> float:
    """`two_sample_auc`, or NaN for too few rows."""
    if min(len(real), len(synthetic)) < MIN_TWO_SAMPLE:
        return float("nan")
    return two_sample_auc(real, synthetic, **options)


def _validate_tables(real: Table, synthetic: Table) -> tuple[np.ndarray, np.ndarray]:
    """Both tables as float arrays with the same columns; a ValueError says what is wrong."""
    if isinstance(real, pd.DataFrame) and isinstance(synthetic, pd.DataFrame):
        missing = [name for name in real.columns if name not in synthetic.columns]
        if missing or len(real.columns) != len(synthetic.columns):
            raise ValueError(f"Synthetic columns {list(synthetic.columns)} are not the real ones {list(real.columns)}.")
        synthetic = synthetic[real.columns]
    arrays = np.asarray(real, dtype=float), np.asarray(synthetic, dtype=float)
    for name, table in zip(("real", "synthetic"), arrays, strict=True):
        if table.ndim != 2 or not table.size:
            raise ValueError(f"The {name} table has shape {table.shape}; it needs rows and columns.")
        if not np.isfinite(table).all():
            raise ValueError(f"The {name} table has missing or infinite values; drop or impute them first.")
    if arrays[0].shape[1] != arrays[1].shape[1]:
        raise ValueError(f"{arrays[0].shape[1]} real columns against {arrays[1].shape[1]} synthetic ones.")
    return arrays


def _subsample(table: np.ndarray, n_rows: int, rng: np.random.Generator) -> np.ndarray:
    """At most `n_rows` rows, without replacement, in their order."""
    if len(table) <= n_rows:
        return table
    return table[np.sort(rng.choice(len(table), n_rows, replace=False))]


def _fit(minority: np.ndarray, majority: np.ndarray, boosting: dict[str, object]) -> XGBClassifier:
    """Gradient boosting on minority rows against majority rows."""
    X = np.vstack([minority, majority])
    y = np.repeat([1, 0], [len(minority), len(majority)])
    return XGBClassifier(**boosting).fit(X, y)


@lru_cache(maxsize=16)
def _fit_on_real(rows: RealRows, boosting: tuple) -> XGBClassifier:
    """The classifier of TRTR; TSTR shares its majority rows."""
    return _fit(rows.train(minority=True), rows.train(minority=False), dict(boosting))


def _average_precision(model: XGBClassifier, minority: np.ndarray, majority: np.ndarray) -> float:
    """Average precision on held-out rows of both classes."""
    y = np.repeat([1, 0], [len(minority), len(majority)])
    return float(average_precision_score(y, model.predict_proba(np.vstack([minority, majority]))[:, 1]))
