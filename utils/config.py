"""Paths, the dataset that is studied, and the size of a run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data"
NOTEBOOKS = ROOT / "notebooks"
DUPLICATES = ("keep", "drop")
SHA256 = re.compile("[0-9a-f]{64}")
MARGIN = 0.01  # differences of average precision below this do not matter to a fraud desk; fixed beforehand


class ConfigError(ValueError):
    """A setting is wrong; the message is one sentence that says what to change."""


@dataclass(frozen=True)
class Roles:
    """Roles of a dataset's columns, and how copies of rows are handled; see `DatasetConfig`."""

    label: str = "Class"
    time: str | None = "Time"
    amount: str | None = "Amount"
    drop: tuple[str, ...] = ()
    duplicates: str = "keep"
    raw_time: bool = False


@dataclass(frozen=True)
class DatasetConfig:
    """A table with a binary label; the one place to change to study your own file.

    Creating one checks nothing, because that happens on import; code that uses one calls `check` first.

    Attributes
    ----------
    path : Path
        CSV or Parquet file; a relative path starts at the project's root, wherever the caller runs.
    label : str
        Column that holds 1 for the rare class and 0 otherwise.
    time : str or None
        Column in seconds from the first transaction; it orders the rows, which decides the test set,
        and becomes the hour of day. Without it the file's own order decides.
    amount : str or None
        Column with the amount of each row, used for costs.
    sha256 : str or None
        Expected hash of the file; None accepts any content.
    source : str or None
        Where the file is fetched from when it is missing: 'ulb', see `utils.data.fetching`; None for a file of your
        own, which is never fetched.
    columns : tuple of str or None
        All raw columns that the file must have, including the label; None accepts any columns.
    drop : tuple of str
        Columns to leave out, such as one that numbers the rows.
    duplicates : {'keep', 'drop'}
        What to do with exact copies of a row. Copies that are kept share a fold; they are counted in either case.
    raw_time : bool
        Use the seconds from the first transaction as a feature instead of the hour of day, to see their effect.
    variant : str
        Suffix of the name, for studies that change the dataset to see the effect of a choice.
    """

    path: Path
    label: str = "Class"
    time: str | None = "Time"
    amount: str | None = "Amount"
    sha256: str | None = None
    source: str | None = None
    columns: tuple[str, ...] | None = None
    drop: tuple[str, ...] = ()
    duplicates: str = "keep"
    raw_time: bool = False
    variant: str = ""

    def __post_init__(self) -> None:
        if self.path and isinstance(self.path, (str, os.PathLike)):
            path = Path(self.path)
            with suppress(RuntimeError):  # there is no such user
                path = path.expanduser()
            object.__setattr__(self, "path", ROOT / path)
        object.__setattr__(self, "drop", () if self.drop is None else _as_tuple(self.drop))
        object.__setattr__(self, "columns", _as_tuple(self.columns))

    def check(self) -> None:
        """Raise a `ConfigError` for the first field with an invalid value."""
        for name, remedy in self._problems():
            raise ConfigError(f"DatasetConfig.{name} is {getattr(self, name)!r}; {remedy}.")

    def _problems(self) -> Iterator[tuple[str, str]]:
        """Fields with invalid values, and what to write instead."""
        if not isinstance(self.path, Path) or self.path == ROOT:
            yield "path", "give the path of a CSV or Parquet file"
        if not _is_name(self.label):
            yield "label", "name the column that holds 1 for the rare class and 0 otherwise"
        for role in ("time", "amount"):
            if getattr(self, role) is not None and not _is_name(getattr(self, role)):
                yield role, "name a column, or write None if the table has none"
        yield from self._shared_columns()
        if self.sha256 is not None and not (isinstance(self.sha256, str) and SHA256.fullmatch(self.sha256)):
            yield "sha256", "write the 64 digits of the file's SHA-256, in lower case, or None to accept any content"
        if self.duplicates not in DUPLICATES:
            yield "duplicates", f"use one of {DUPLICATES}"
        if not isinstance(self.variant, str) or not set(self.variant).isdisjoint("/\\"):
            yield "variant", "write a word that can be part of a file name"

    def _shared_columns(self) -> Iterator[tuple[str, str]]:
        """Columns whose roles exclude each other, and what to write instead."""
        roles = {role: getattr(self, role) for role in ("label", "time", "amount")}
        for role, other in (("time", "label"), ("amount", "label"), ("amount", "time")):
            if roles[role] is not None and roles[role] == roles[other]:
                yield role, f"name a column other than the {other} column, or write None if the table has none"
        names = [name for name in roles.values() if name is not None]
        for field_name in ("drop", "columns"):
            columns = getattr(self, field_name)
            if columns is not None and not (isinstance(columns, tuple) and all(map(_is_name, columns))):
                yield field_name, "list names of columns"
        if dropped := [name for name in names if name in self.drop]:
            yield "drop", f"leave {', '.join(map(repr, dropped))} out of it, which is also label, time or amount"
        if self.columns is not None and (missing := [name for name in names if name not in self.columns]):
            yield "columns", f"list {', '.join(map(repr, missing))}, too, or write None to accept any columns"

    @property
    def name(self) -> str:
        """Short name used in ledger rows and file names."""
        return "-".join(filter(None, (self.path.stem, self.variant)))

    @property
    def roles(self) -> Roles:
        """Roles of the columns, and the handling of copies."""
        return Roles(**{role.name: getattr(self, role.name) for role in fields(Roles)})


def _as_tuple(names: object) -> object:
    """A name or a list of names as a tuple; `DatasetConfig.check` rejects anything else."""
    if isinstance(names, str):
        return (names,)
    return tuple(names) if isinstance(names, (list, set, tuple)) else names


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


ULB_COLUMNS = ("Time", *(f"V{number}" for number in range(1, 29)), "Amount", "Class")
ULB = DatasetConfig(
    path=DATA / "creditcard.csv",
    source="ulb",
    columns=ULB_COLUMNS,
    sha256="76274b691b16a6c49d3f159c883398e03ccd6d1ee12d9d8ee38f4b4b98551a89",
    duplicates="drop",
)


@dataclass(frozen=True)
class Protocol:
    """How rows are divided: the last `test_fraction` by time is the test set, folds divide the rest."""

    test_fraction: float = 0.2
    n_splits: int = 5
    seed: int = 0


@dataclass(frozen=True)
class Search:
    """How parameters and ratio are chosen on training rows, with the same budget for every sampler.

    Attributes
    ----------
    trials, folds : int
        Settings tried for a classical model (the first are the defaults), and inner folds that score each.
    deep_trials, held_out : int
        Settings tried for a network; 1 / `held_out` of the training rows stops its training and scores each setting.
    margin : float
        The first setting within this of the best average precision is chosen, so that chance decides less often.
    """

    trials: int = 4
    folds: int = 2
    deep_trials: int = 2
    held_out: int = 7
    margin: float = MARGIN


@dataclass(frozen=True)
class Profile:
    """How much of the study a run does, and where its outputs go.

    Attributes
    ----------
    name : str
        'quick' or 'full'.
    folds, deep_folds : tuple of (int, int)
        Pairs (repeat, fold) that the classical models and the networks are measured on.
    ablation_folds : tuple of (int, int)
        Pairs that the variants of the GAN are evaluated on.
    ablation : tuple of str
        Names of the variants; empty for all there are, see `utils.experiments.cgan_ablation`.
    results, figures, notebooks, paper : Path
        Folders of the ledger, the figures, the executed notebooks, and the numbers with the PDF.
    protocol : Protocol
        How rows are divided.
    dataset : DatasetConfig
        What is studied.
    parameters : dict of str to dict
        Values that replace a registry entry's defaults, by entry name; 'original' replaces those of `protocol.Recipe`
        in the fit that chapter 7 audits, and 'judge' those of `fidelity.JUDGE`.
    search : Search
        How parameters are chosen.
    samplers, models, deep_samplers : tuple of str
        What is compared: names from the registries, empty for all there are; networks with fewer samplers.
    sensitivity_folds, sensitivity_models : tuple
        Pairs (repeat, fold) and models for the sensitivity studies.
    column_orders : int
        Random orders in which networks read the columns.
    two_sample_repeats : int
        Repetitions of the two-sample test of a generator; see `fidelity.two_sample_auc`.
    drift_rows, drift_divisions : int
        Rows drawn from each period for the model that distinguishes periods, and random divisions that show how far
        a feature differs by chance; see `utils.experiments.drift`.
    explained_rows : int
        Test rows that chapter 8 explains with Shapley values.
    """

    name: str
    folds: tuple[tuple[int, int], ...]
    deep_folds: tuple[tuple[int, int], ...]
    ablation_folds: tuple[tuple[int, int], ...]
    results: Path
    figures: Path
    notebooks: Path
    paper: Path
    protocol: Protocol = Protocol()
    dataset: DatasetConfig = ULB
    ablation: tuple[str, ...] = ()
    parameters: dict[str, dict] = field(default_factory=dict)
    search: Search = Search()
    samplers: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    deep_samplers: tuple[str, ...] = ("none", "class_weight", "rus", "smote", "cgan", "ctgan")
    sensitivity_folds: tuple[tuple[int, int], ...] = ((0, 0), (0, 1))
    sensitivity_models: tuple[str, ...] = ("lr", "rf", "xgb", "ann", "cnn1d", "lstm")
    column_orders: int = 2
    two_sample_repeats: int = 5
    drift_rows: int = 15_000
    drift_divisions: int = 20
    explained_rows: int = 40

    @property
    def summary(self) -> str:
        """One line on the run, for notebooks to print."""
        classical, deep = len(self.folds), len(self.deep_folds)
        return f"profile {self.name}: {classical} folds for classical models, {deep} for networks"

    @property
    def n_repeats(self) -> int:
        """Number of repeats that the profile's folds come from."""
        used = (*self.folds, *self.deep_folds, *self.ablation_folds, *self.sensitivity_folds)
        return 1 + max(repeat for repeat, _ in used)

    @property
    def numbers(self) -> Path:
        """File with every number that the paper and the README print."""
        return self.paper / "numbers.json"

    @property
    def model(self) -> Path:
        """Folder of the final model's files; below `build`, because they can be made again."""
        return ROOT / (os.environ.get("STUDY_OUTPUT") or f"build/{self.name}") / "model"

    @property
    def failures(self) -> Path:
        """Folder for notebooks as they were when a cell failed."""
        return ROOT / "build" / self.name / "failed"


def _pairs(n_repeats: int, n_folds: int) -> tuple[tuple[int, int], ...]:
    return tuple((repeat, fold) for repeat in range(n_repeats) for fold in range(n_folds))


QUICK_PARAMETERS = {
    "smote": {"ratio": 5},  # a balanced ratio doubles the rows, and so the time of every model
    "cgan": {"ratio": 5, "updates": 100},
    "rf": {"n_estimators": 10},
    "xgb": {"n_estimators": 25},
    "spe": {"n_estimators": 5},
    "iforest": {"n_estimators": 25},
    "ann": {"updates": 100, "rounds": 5},  # scoring the held-out rows takes longer than so few updates
    "cnn1d": {"updates": 50, "rounds": 5},
    "lstm": {"updates": 50, "rounds": 5},
    "judge": {"n_estimators": 50, "learning_rate": 0.3},
    "original": {"batches": 200},
    "blend": {"boosted": {"n_estimators": 25}, "random": {"n_estimators": 10}},
}
QUICK_SAMPLERS = ("none", "class_weight", "rus", "smote", "cgan")
QUICK_DEEP_SAMPLERS = ("none", "smote", "cgan")
QUICK_MODELS = ("lr", "rf", "xgb", "ann", "cnn1d", "lstm", "spe", "blend", "iforest")
QUICK_ABLATION = ("default", "original_loss")


def load_profile(name: str, dataset: DatasetConfig = ULB) -> Profile:
    """Return the profile called `name`; a ConfigError lists the profiles, or says what is wrong with the dataset.

    The environment variable STUDY_OUTPUT moves every output of the full profile to another folder, including the
    ledger, so that tests can rerun notebooks without changing committed files. Copy `data/results` there first, or
    everything is run again.
    """
    dataset.check()
    if name == "quick":
        build = ROOT / "build" / "quick"
        folders = {"figures": build / "figures", "notebooks": build / "notebooks", "paper": build}
        size = {"folds": _pairs(1, 2), "deep_folds": _pairs(1, 1), "parameters": QUICK_PARAMETERS}
        size |= {"ablation_folds": _pairs(1, 2), "ablation": QUICK_ABLATION}
        size |= {"samplers": QUICK_SAMPLERS, "models": QUICK_MODELS, "deep_samplers": QUICK_DEEP_SAMPLERS}
        size |= {"sensitivity_folds": _pairs(1, 2), "sensitivity_models": ("lr", "cnn1d"), "column_orders": 1}
        size |= {"search": Search(trials=2, folds=2, deep_trials=1), "two_sample_repeats": 1}
        size |= {"drift_rows": 3000, "drift_divisions": 5, "explained_rows": 10}
        return Profile(name, results=build / "results", dataset=dataset, **size, **folders)
    if name == "full":
        output = os.environ.get("STUDY_OUTPUT")
        base = ROOT / (output or "")
        folders = {"figures": base / "figures", "notebooks": base / "notebooks", "paper": base / "paper"}
        size = {"folds": _pairs(2, 5), "deep_folds": _pairs(1, 5), "ablation_folds": _pairs(1, 3)}
        results = base / "results" if output else DATA / "results"
        return Profile(name, results=results, dataset=dataset, **size, **folders)
    raise ConfigError(f"There is no profile {name!r}; choose 'quick' or 'full'.")
