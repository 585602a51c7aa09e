"""The original study's protocol: its training and test rows, samplers, forest and areas, and the inputs of an audit.

Source of every choice: the notebook on fraud detection, `utils_fraud.py` and `cgans.py` of the repository "Improving
learning from imbalanced data using CGANs: credit card fraud detection case study". Its training file holds the first
198,365 rows of the dataset and its test set a random 30 % of the whole, so most test rows were trained on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import Pipeline
from imblearn.under_sampling import RandomUnderSampler
from numpy.typing import ArrayLike, NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import auc, average_precision_score, precision_recall_curve
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import RobustScaler

from utils import metrics
from utils.backend import limit_threads
from utils.benchmark.records import Row, Task
from utils.benchmark.run_task import load_dataset, provenance
from utils.config import DatasetConfig, Profile
from utils.data.errors import DataError
from utils.data.loading import Dataset
from utils.experiments.original_study.cgan import OriginalCGAN
from utils.leakage.auditing import Claims
from utils.seeding import child_seed

TRAINING_SHARE = 198_365 / 284_807
TEST_FRACTION = 0.3
FOREST = {"n_estimators": 100, "max_depth": 20, "bootstrap": False}
ALL_COLUMNS = ("Amount", "Time", *(f"V{number}" for number in range(1, 29)))
# Columns that the study selected by a forest's importances for SMOTE and the CGAN.
SELECTED_COLUMNS = ("Amount", *(f"V{number}" for number in (*range(1, 22), 27, 28)))
SMOTE_SHARE = 0.1  # of the legitimate rows; with all frauds they were split 70 to 30, and scored on the 30
THINNED_PREVALENCE = 100 / 2943  # of the test set on which its CGAN reached an area of 1
THINNED_DRAWS = 20
SAMPLERS = {"rus": ALL_COLUMNS, "smote": SELECTED_COLUMNS, "cgan": SELECTED_COLUMNS}


@dataclass(frozen=True)
class TrainingSizes:
    """Sizes of the training in the original study; tests use smaller ones.

    Attributes
    ----------
    batches : int
        Training batches of the CGAN.
    rows_per_class : int
        Rows of each class that the forest is fitted on after the CGAN.
    """

    batches: int = 2000
    rows_per_class: int = 4000

    @classmethod
    def of(cls, profile: Profile) -> TrainingSizes:
        """The study's sizes, or those that a profile replaces them with."""
        return cls(**profile.parameters.get("original", {}))


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted forest with everything that an audit needs.

    Attributes
    ----------
    train, test : ndarray
        Sorted positions of the rows in the file with duplicates.
    preprocessing : ColumnTransformer
        Chooses the columns and scales amount and time; fitted on the training rows.
    X_fit, y_fit : arrays of shape (n_fit, n_features) and (n_fit,)
        Rows that the forest was fitted on, after sampling.
    model : RandomForestClassifier
    y_score : ndarray of shape (n_test,)
        The forest's probability of fraud.
    """

    train: NDArray[np.int64]
    test: NDArray[np.int64]
    preprocessing: ColumnTransformer
    X_fit: NDArray
    y_fit: NDArray
    model: RandomForestClassifier
    y_score: NDArray

    @property
    def pipeline(self) -> Pipeline:
        """Scaler and forest as one fitted pipeline."""
        return Pipeline([("scale", self.preprocessing), ("model", self.model)])


def split(dataset: Dataset, seed: int, *, overlap: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Training and test positions: the study's, or without the overlap.

    Parameters
    ----------
    dataset : Dataset
        With duplicates, in the order of its file.
    seed : int
        Draws the test rows, the same with and without overlap.
    overlap : bool
        Whether to train on the first 69.6 % of the file, including test rows. If False, the training rows are all
        rows that are neither test rows nor copies of one at another time.
    """
    rows = np.arange(len(dataset.frame))
    candidates, test = train_test_split(rows, test_size=TEST_FRACTION, random_state=seed, stratify=dataset.y.to_numpy())
    if overlap:
        return rows[: round(len(rows) * TRAINING_SHARE)], np.sort(test)
    return np.sort(candidates[~np.isin(dataset.groups[candidates], dataset.groups[test])]), np.sort(test)


def fit(dataset: Dataset, sampler: str, seed: int, *, overlap: bool = True, sizes: TrainingSizes | None = None) -> Fit:
    """Train the forest after one of the samplers, and score the test set that the study scored it on.

    Parameters
    ----------
    dataset : Dataset
        With duplicates; see `split`.
    sampler : {'rus', 'smote', 'cgan'}
    seed : int
        Fixes test rows, sampler and forest.
    overlap : bool
        See `split`; SMOTE's test rows come from its own training part, so they never overlap.
    sizes : TrainingSizes, optional
        The study's by default.

    Raises
    ------
    DataError
        If the dataset lacks a column that the study used.
    """
    missing = [name for name in ALL_COLUMNS if name not in dataset.frame]
    if missing:
        raise DataError(
            f"{dataset.name} lacks {', '.join(missing)[:200]}, which the original study's protocol uses; "
            "it can only be run on the study's own dataset."
        )
    sizes = sizes or TrainingSizes()
    train, test = split(dataset, seed, overlap=overlap)
    labels = dataset.y.to_numpy()
    rng = np.random.default_rng(child_seed(seed, "original", sampler))
    if sampler == "smote":
        train, test = _smote_split(train, labels, rng)
    preprocessing = _build_preprocessing(SAMPLERS[sampler])
    X_train = preprocessing.fit_transform(dataset.frame.iloc[train])
    X_fit, y_fit = _resample(sampler, X_train, labels[train], child_seed(seed, sampler), sizes)
    model = RandomForestClassifier(**FOREST, random_state=child_seed(seed, "forest"))
    model.fit(X_fit, y_fit)
    y_score = model.predict_proba(preprocessing.transform(dataset.frame.iloc[test]))[:, 1]
    return Fit(train, test, preprocessing, X_fit, y_fit, model, y_score)


def _smote_split(train: NDArray, labels: NDArray, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
    """Split all frauds and a tenth of the legitimate training rows 70 to 30, as the study did before SMOTE."""
    frauds, legitimate = (train[labels[train] == value] for value in (1, 0))
    chosen = rng.choice(legitimate, round(len(legitimate) * SMOTE_SHARE), replace=False)
    rows = np.concatenate([frauds, chosen])
    seed = int(rng.integers(2**31))
    train, test = train_test_split(rows, test_size=TEST_FRACTION, random_state=seed, stratify=labels[rows])
    return np.sort(train), np.sort(test)


def _build_preprocessing(columns: tuple[str, ...]) -> ColumnTransformer:
    """Scale amount and time by median and quartiles; the anonymous columns stay as they are."""
    scaled = [name for name in columns if name in ("Amount", "Time")]
    rest = [name for name in columns if name not in scaled]
    return ColumnTransformer([("scaled", RobustScaler(), scaled), ("rest", "passthrough", rest)])


def _resample(sampler: str, X: NDArray, y: NDArray, seed: int, sizes: TrainingSizes) -> tuple[NDArray, NDArray]:
    """Training rows after the sampler, with equal classes."""
    if sampler == "rus":
        return RandomUnderSampler(random_state=seed).fit_resample(X, y)
    if sampler == "smote":
        return SMOTE(random_state=seed).fit_resample(X, y)
    n_rows = min(sizes.rows_per_class, int(np.sum(y == 0)))
    frauds, legitimate = X[y == 1], X[y == 0]
    gan = OriginalCGAN(seed, sizes.batches).fit(X, y)
    synthetic = gan.sample(max(0, n_rows - len(frauds)), 1)
    legitimate_subset = np.random.default_rng(seed).choice(legitimate, n_rows, replace=False)
    return np.vstack([frauds, synthetic, legitimate_subset]), np.repeat(
        [1, 1, 0], [len(frauds), len(synthetic), n_rows]
    )


def trapezoid(y_true: ArrayLike, y_score: ArrayLike) -> float:
    """The study's area: straight lines between the points of scikit-learn's precision-recall curve."""
    precision, recall, _ = precision_recall_curve(y_true, y_score)
    return float(auc(recall, precision))


def areas(y_true: NDArray, y_score: NDArray) -> dict[str, float]:
    """Three areas under one precision-recall curve, by name.

    `average_precision` breaks ties against the model, as everywhere in this project; `tied_average_precision` is
    scikit-learn's, which treats rows with the same score together; `trapezoid` is the study's. A forest of 100
    trees gives many rows the same score.
    """
    return {
        "average_precision": metrics.average_precision(metrics.ranks_of_positives(y_true, y_score)[0]),
        "tied_average_precision": float(average_precision_score(y_true, y_score)),
        "trapezoid": trapezoid(y_true, y_score),
    }


def thin(y_true: NDArray, prevalence: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Positions of all positives and of as many negatives as give this prevalence, in ascending order."""
    positives, negatives = np.flatnonzero(y_true == 1), np.flatnonzero(y_true == 0)
    n_kept = min(len(negatives), round(len(positives) * (1 - prevalence) / prevalence))
    return np.sort(np.concatenate([positives, rng.choice(negatives, n_kept, replace=False)]))


def _thinned_areas(y_true: NDArray, y_score: NDArray, seed: int) -> dict[str, float]:
    """Mean areas over test sets subsampled to the study's highest prevalence, on which `fit` never scores."""
    rng = np.random.default_rng(child_seed(seed, "thinned"))
    chosen = (thin(y_true, THINNED_PREVALENCE, rng) for _ in range(THINNED_DRAWS))
    means = pd.DataFrame([areas(y_true[rows], y_score[rows]) for rows in chosen]).mean()
    return {f"thinned_{name}": float(value) for name, value in means.items()}


def audit_inputs(dataset: Dataset, fitted: Fit) -> dict[str, Any]:
    """Arguments of `auditing.audit` for a fit: frames, fitted pipeline and rows, claims."""
    y_true = dataset.y.to_numpy()[fitted.test]
    curve = y_true, fitted.y_score, trapezoid(y_true, fitted.y_score)
    return {
        "train": dataset.frame.iloc[fitted.train],
        "test": dataset.frame.iloc[fitted.test],
        "label": dataset.config.label,
        "pipeline": fitted.pipeline,
        "fitted": (fitted.X_fit, fitted.y_fit),
        "claims": Claims(dataset.y, curve, tolerance=1e-9),  # the study printed all digits
    }


def load(config: DatasetConfig) -> Dataset:
    """The dataset with its duplicates, loaded once per process."""
    return load_dataset(replace(config, duplicates="keep", variant="with-duplicates"))


@dataclass(frozen=True)
class ReplicaResult:
    """Result of a fit by the original study's protocol.

    Attributes
    ----------
    ranks : list of int
        As in `records.Measurement`.
    average_precision, tied_average_precision, trapezoid : float
        See `areas`.
    thinned_average_precision, thinned_tied_average_precision, thinned_trapezoid : float
        The same on test sets that are subsampled to the study's highest prevalence.
    n_rows, n_positives : int
        Size of the test set.
    shared_rows, shared_positives : float
        Share of the test rows, and of the positives among them, that are also training rows.
    n_fit, n_fit_positives : int
        Rows that the forest was fitted on.
    seconds : float
        Time of sampler and fit.
    """

    ranks: list[int]
    average_precision: float
    tied_average_precision: float
    trapezoid: float
    thinned_average_precision: float
    thinned_tied_average_precision: float
    thinned_trapezoid: float
    n_rows: int
    n_positives: int
    shared_rows: float
    shared_positives: float
    n_fit: int
    n_fit_positives: int
    seconds: float


def run_task(config: DatasetConfig, task: Task, sizes: TrainingSizes) -> Row[Task, ReplicaResult]:
    """Fit, score and measure one task; runs in a worker process."""
    limit_threads(1)
    dataset = load(config)
    start = time.perf_counter()
    fitted = fit(dataset, task.sampler.name, task.seed, overlap=task.split.overlap, sizes=sizes)
    seconds = time.perf_counter() - start
    return Row(task, _measure(fitted, dataset.y.to_numpy()[fitted.test], task.seed, seconds), provenance())


def _measure(fitted: Fit, y_true: NDArray, seed: int, seconds: float) -> ReplicaResult:
    in_train = np.isin(fitted.test, fitted.train)
    values = areas(y_true, fitted.y_score) | _thinned_areas(y_true, fitted.y_score, seed)
    return ReplicaResult(
        ranks=metrics.ranks_of_positives(y_true, fitted.y_score)[0].tolist(),
        **{name: round(value, 6) for name, value in values.items()},
        n_rows=len(fitted.test),
        n_positives=int(y_true.sum()),
        shared_rows=round(float(in_train.mean()), 6),
        shared_positives=round(float(in_train[y_true == 1].mean()), 6),
        n_fit=len(fitted.y_fit),
        n_fit_positives=int(fitted.y_fit.sum()),
        seconds=round(seconds, 3),
    )
