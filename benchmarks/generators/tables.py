"""Tables on which generators are compared: design tables of KEEL and simulated payments, some with added gaps.

Only tables that `benchmarks/tables.toml` assigns to design are read. Many of KEEL's tables had gaps once; the rows with
gaps were removed there, so gaps are put into some of them here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from utils.data import keel
from utils.data.errors import DataError
from utils.data.fold_numbers import fold_numbers
from utils.data.simulator import simulate
from utils.data.tables import load_table, read_tables
from utils.seeding import child_seed

PAYMENTS = "payments"
PAYMENT_ROWS = 10_000
MAX_POSITIVES, MAX_NEGATIVES = 300, 2200
FOLDS = 5
GAP_RATE = 0.15
AT_RANDOM, BY_VALUE = "at random", "by value"


@dataclass(frozen=True)
class TableSpec:
    """A table, with everything that determines its rows.

    Attributes
    ----------
    name : str
    kind : {'mixed', 'numeric'}
        'mixed' if it has categories or gaps.
    source : str
        Name of a design table, or 'payments' for simulated ones.
    gaps : {'', 'at random', 'by value'}
        How gaps are added; see `add_gaps`.
    prevalence : float or None
        Of simulated payments.
    seed : int
        Of the simulation, of the gaps and of the rows that are drawn from a long table.
    """

    name: str
    kind: str
    source: str
    gaps: str = ""
    prevalence: float | None = None
    seed: int = 0


SPECS = {
    spec.name: spec
    for spec in (
        TableSpec("car-good", "mixed", "car-good"),
        TableSpec("crx, gaps at random", "mixed", "crx", AT_RANDOM),
        TableSpec("flare-F", "mixed", "flare-F"),
        TableSpec("german", "mixed", "german"),
        TableSpec("housevotes, gaps at random", "mixed", "housevotes", AT_RANDOM),
        TableSpec("saheart, gaps by value", "mixed", "saheart", BY_VALUE),
        TableSpec("payments, 2 %", "mixed", PAYMENTS, prevalence=0.02, seed=1),
        TableSpec("payments, 5 %, gaps by value", "mixed", PAYMENTS, BY_VALUE, prevalence=0.05, seed=2),
        TableSpec("banana", "numeric", "banana"),
        TableSpec("haberman", "numeric", "haberman"),
        TableSpec("ionosphere", "numeric", "ionosphere"),
        TableSpec("magic", "numeric", "magic"),
        TableSpec("pima", "numeric", "pima"),
        TableSpec("sonar", "numeric", "sonar"),
        TableSpec("twonorm", "numeric", "twonorm"),
        TableSpec("vehicle1", "numeric", "vehicle1"),
    )
}


@dataclass(frozen=True, eq=False)
class LabelledRows:
    """Rows with labels: numbers as float64, categories as text in columns of type `category`; gaps are missing values.

    Attributes
    ----------
    X : DataFrame of shape (n_rows, n_columns)
    y : ndarray of shape (n_rows,)
        1 for the positive class, 0 for the other.
    groups : ndarray of shape (n_rows,)
        Rows of one group share a fold.
    """

    X: pd.DataFrame
    y: np.ndarray
    groups: np.ndarray

    def take(self, positions: np.ndarray) -> LabelledRows:
        """The rows at these positions."""
        return LabelledRows(self.X.iloc[positions].reset_index(drop=True), self.y[positions], self.groups[positions])

    @property
    def positives(self) -> pd.DataFrame:
        """The rows of the positive class."""
        return self.X[self.y == 1].reset_index(drop=True)


@lru_cache(maxsize=4)
def load(spec: TableSpec) -> LabelledRows:
    """Rows of a table, thinned to at most `MAX_POSITIVES` and `MAX_NEGATIVES`, with the gaps that it asks for.

    Columns with a single value are left out. Rows that are equal share a group, and so do the payments of a customer.

    Raises
    ------
    DataError
        If the table's role is not design.
    """
    rows = _simulated(spec) if spec.source == PAYMENTS else _design_rows(spec.source)
    rows = rows.take(_thinned(rows.y, child_seed(spec.seed, "rows")))
    if spec.gaps:
        X = add_gaps(rows.X, by_value=spec.gaps == BY_VALUE, seed=child_seed(spec.seed, "gaps"))
        rows = LabelledRows(X, rows.y, rows.groups)
    varying = [name for name in rows.X if rows.X[name].nunique() > 1]
    return LabelledRows(_typed(rows.X[varying]), rows.y, rows.groups)


def split(rows: LabelledRows, fold: int) -> tuple[LabelledRows, LabelledRows]:
    """Training and held-out rows of one of the stratified folds, which never divide a group."""
    groups = np.unique(rows.groups, return_inverse=True)[1]
    numbers = fold_numbers(rows.y, groups, FOLDS, child_seed(0, "folds"))
    return rows.take(np.flatnonzero(numbers != fold)), rows.take(np.flatnonzero(numbers == fold))


def add_gaps(frame: pd.DataFrame, *, by_value: bool, seed: int) -> pd.DataFrame:
    """The frame with gaps in every second column.

    Parameters
    ----------
    frame : DataFrame
    by_value : bool
        False: a value is missing with probability `GAP_RATE`. True: the probability rises from 0 to twice that rate
        with the rank of the value in the column before, so gaps depend on another column.
    seed : int
    """
    rng = np.random.default_rng(seed)
    columns = {name: frame[name] for name in frame}
    names = list(frame)
    for position, name in enumerate(names[1::2], 1):
        before = frame[names[2 * position - 2]]
        ranks = before.rank(pct=True).fillna(0.5).to_numpy() if by_value else 0.5
        columns[name] = frame[name].where(rng.random(len(frame)) >= 2 * GAP_RATE * ranks)
    return pd.DataFrame(columns, index=frame.index)


def _design_rows(name: str) -> LabelledRows:
    table = read_tables().get(name)
    if table is None or table.role != "design":
        raise DataError(f"{name!r} is no design table, so no generator may be compared on it.")
    frame = load_table(name)
    features = frame.drop(columns=keel.LABEL)
    groups = features.groupby(list(features), sort=False, dropna=False).ngroup().to_numpy()
    return LabelledRows(features, (frame[keel.LABEL] == table.positive).to_numpy(int), groups)


def _simulated(spec: TableSpec) -> LabelledRows:
    """Payments without identifiers; times become the hour, and the account's age in days."""
    frame = simulate(PAYMENT_ROWS, seed=spec.seed, prevalence=spec.prevalence).frame
    time, opened = pd.to_datetime(frame["timestamp"]), pd.to_datetime(frame["account_opened"])
    dropped = ["payment_id", "timestamp", "customer_id", "terminal_id", "account_opened", "label"]
    features = frame.drop(columns=dropped).assign(
        hour=(time - time.dt.normalize()).dt.total_seconds().floordiv(36) / 100,
        account_age=(time - opened).dt.days,
        card_present=frame["card_present"].map({True: "yes", False: "no"}),
    )
    return LabelledRows(
        features, (frame["label"] == "fraud").to_numpy(int), frame["customer_id"].factorize()[0].astype(np.int64)
    )


def _thinned(y: np.ndarray, seed: int) -> np.ndarray:
    """Sorted positions of at most `MAX_POSITIVES` and `MAX_NEGATIVES` rows."""
    rng = np.random.default_rng(seed)
    kept = []
    for label, limit in ((1, MAX_POSITIVES), (0, MAX_NEGATIVES)):
        positions = np.flatnonzero(y == label)
        kept.append(rng.permutation(positions)[:limit])
    return np.sort(np.concatenate(kept))


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Numbers as float64, text as categories."""
    return frame.assign(
        **{
            name: frame[name].astype("float64" if pd.api.types.is_numeric_dtype(frame[name]) else "category")
            for name in frame
        }
    )
