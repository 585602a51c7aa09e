"""The protocol, and the size of a run."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from utils.dataset_config import ConfigError, DatasetConfig, Roles
from utils.paths import DATA, NOTEBOOKS, ROOT, STUDIES, STUDY_OUTPUTS
from utils.plan_file import read_plan
from utils.study_file import CREDITCARD, REGISTERED_MODEL, ULB, ULB_COLUMNS, Costs, Study, Words, read_study

__all__ = [
    "CREDITCARD",
    "DATA",
    "MARGIN",
    "NOTEBOOKS",
    "REGISTERED_MODEL",
    "ROOT",
    "STUDIES",
    "ULB",
    "ULB_COLUMNS",
    "ConfigError",
    "Costs",
    "DatasetConfig",
    "Profile",
    "Protocol",
    "Roles",
    "Search",
    "Study",
    "Words",
    "load_profile",
    "measured_of",
]
MARGIN = 0.01  # differences of average precision below this do not matter to a fraud desk; fixed beforehand


@dataclass(frozen=True)
class Protocol:
    """How rows are divided: the last `test_fraction` by time is the test set, folds divide the rest.

    Without a test set, a fraction of 0, folds divide all rows.
    """

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
    equal : bool
        Whether every sampler of a model tries the same settings, drawn from wide ranges, of which the best one is
        selected; see `utils.benchmark.equal_search`.
    ratios : tuple
        Ratios that an equal search tries; empty for the grid of the sampler.
    equal_classes : tuple of str
        Samplers with which an equal search is made again with equal classes; see `utils.benchmark.equal_classes`.
    """

    trials: int = 4
    folds: int = 2
    deep_trials: int = 2
    held_out: int = 7
    margin: float = MARGIN
    equal: bool = False
    ratios: tuple[float | str, ...] = ()
    equal_classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Profile:
    """How much of the study a run does, and where its outputs go.

    Attributes
    ----------
    name : str
        'quick', or 'full', which is sized by `plan_file.read_plan`.
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
    study : str
        Name of the study; see `study_file.Study`.
    words : Words
        What the study calls its rows and classes.
    costs : Costs
        What alerts and missed positives cost.
    parameters : dict of str to dict
        Values that replace a registry entry's defaults, by entry name; 'original' replaces those of
        `protocol.TrainingSizes` in the fit that chapter 7 audits, and 'judge' those of `fidelity.JUDGE`.
    search : Search
        How parameters are chosen.
    samplers, models, deep_samplers : tuple of str
        What is compared: names from the registries, empty for all there are; networks with fewer samplers.
    sequence_samplers : tuple of str
        Samplers of the networks that read the columns in an order; empty for those of all networks.
    sensitivity_folds, sensitivity_models : tuple
        Pairs (repeat, fold) for ratio curves and other settings of networks; models of all sensitivity studies.
    tables : tuple of str
        Tables of the benchmark over many datasets; empty for all of the plan.
    scarcity_levels : tuple of int
        Numbers of training frauds in the scarcity experiment, beside all of them.
    scarcity_draws : int
        Random draws per fold of each number of frauds.
    seeds : int
        Seeds that the pairs of the claim are searched with, the benchmark's among them.
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
    study: str = CREDITCARD.name
    words: Words = CREDITCARD.words
    costs: Costs = CREDITCARD.costs
    ablation: tuple[str, ...] = ()
    parameters: dict[str, dict] = field(default_factory=dict)
    search: Search = Search()
    samplers: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    deep_samplers: tuple[str, ...] = ("none", "class_weight", "rus", "smote", "cgan", "ctgan")
    sequence_samplers: tuple[str, ...] = ()
    sensitivity_folds: tuple[tuple[int, int], ...] = ((0, 0), (0, 1))
    sensitivity_models: tuple[str, ...] = ("lr", "rf", "xgb", "ann", "cnn1d", "lstm")
    tables: tuple[str, ...] = ()
    scarcity_levels: tuple[int, ...] = (20,)
    scarcity_draws: int = 1
    seeds: int = 2
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
    def is_foreign(self) -> bool:
        """Whether this is the study of a table of the user's own, whose outputs stay below `build/studies`."""
        return self.study != CREDITCARD.name

    @property
    def folder(self) -> Path:
        """Folder of outputs that can be made again."""
        return _study_folder(self.study, self.name) if self.is_foreign else ROOT / "build" / self.name

    @property
    def model(self) -> Path:
        """Folder of the final model's files; below `build`, because they can be made again."""
        output = os.environ.get("STUDY_OUTPUT") if self.name == "full" and not self.is_foreign else None
        return (ROOT / output if output else self.folder) / "model"

    @property
    def failures(self) -> Path:
        """Folder for notebooks as they were when a cell failed."""
        return self.folder / "failed"


def _pairs(n_repeats: int, n_folds: int) -> tuple[tuple[int, int], ...]:
    return tuple((repeat, fold) for repeat in range(n_repeats) for fold in range(n_folds))


CGAN = {"majority_share": 0.25, "critic": "projection", "match_values": True}  # the plan's, for every profile
QUICK_PARAMETERS = {
    "smote": {"ratio": 5},  # a balanced ratio doubles the rows, and so the time of every model
    "cgan": {**CGAN, "ratio": 5, "updates": 100},
    "rf": {"n_estimators": 10},
    "xgb": {"n_estimators": 25},
    "spe": {"n_estimators": 5},
    "iforest": {"n_estimators": 25},
    "ann": {"updates": 100, "rounds": 5},  # scoring the held-out rows takes longer than so few updates
    "cnn1d": {"updates": 50, "rounds": 5},
    "lstm": {"updates": 50, "rounds": 5},
    "judge": {"n_estimators": 50, "learning_rate": 0.3},
    "original": {"batches": 200},
    "blend": {"boosted": {"n_estimators": 25}},  # a strong fixed setting of XGBoost
}
QUICK_SAMPLERS = ("none", "class_weight", "rus", "smote", "cgan")
QUICK_DEEP_SAMPLERS = ("none", "smote", "cgan")
QUICK_MODELS = ("lr", "rf", "xgb", "ann", "cnn1d", "lstm", "spe", "iforest")
QUICK_ABLATION = ("default", "original_loss")


def load_profile(name: str, study: str | Study | DatasetConfig = CREDITCARD) -> Profile:
    """Return the profile called `name`; a ConfigError says which to choose, or what is wrong with the study.

    Parameters
    ----------
    name : {'quick', 'full'}
    study : str, Study or DatasetConfig
        A study, its name or the path of its file; or a dataset, with the folders of the credit-card study.

    Notes
    -----
    The environment variable STUDY_OUTPUT moves every output of the full profile to another folder, including the
    ledger, so that tests can rerun notebooks without changing committed files. Copy `data/results` there first, or
    everything is run again.
    """
    if isinstance(study, DatasetConfig):
        study = Study(CREDITCARD.name, study)
    elif isinstance(study, str):
        study = read_study(study)
    study.dataset.check()
    require_profile(name)
    options = {"dataset": study.dataset, "study": study.name, "words": study.words, "costs": study.costs}
    size = _planned_size() if name == "full" else QUICK_SIZE
    if name == "full" and study.name != CREDITCARD.name:
        size |= FOREIGN
    return Profile(name, **_folders(name, study.name), **size, **options)


QUICK_SIZE = {
    "folds": _pairs(1, 2),
    "deep_folds": _pairs(1, 1),
    "ablation_folds": _pairs(1, 2),
    "ablation": QUICK_ABLATION,
    "parameters": QUICK_PARAMETERS,
    "samplers": QUICK_SAMPLERS,
    "models": QUICK_MODELS,
    "deep_samplers": QUICK_DEEP_SAMPLERS,
    "sensitivity_folds": _pairs(1, 2),
    "sensitivity_models": ("lr", "cnn1d"),
    "seeds": 1,
    "tables": ("new-thyroid2", "kr-vs-k-zero_vs_eight"),  # numbers alone, and with columns of text
    "column_orders": 1,
    "search": Search(trials=2, folds=2, deep_trials=1),
    "two_sample_repeats": 1,
    "drift_rows": 3000,
    "drift_divisions": 5,
    "explained_rows": 10,
}
FOREIGN = {"samplers": ()}  # all of the registry but those that need the dependency group `peers`
PROFILES = ("quick", "full")


def require_profile(name: str) -> None:
    """Raise a ConfigError unless there is a profile of this name."""
    if name not in PROFILES:
        raise ConfigError(f"There is no profile {name!r}; choose 'quick' or 'full'.")


def measured_of(names: Iterable[str], measured: Collection[str]) -> tuple[str, ...]:
    """Those of the names that a profile measures; a profile that names nothing measures all."""
    return tuple(name for name in names if not measured or name in measured)


def _planned_size() -> dict[str, object]:
    """Size of the full profile, as the plan says."""
    plan = read_plan()
    creditcard, rules = plan.creditcard, plan.search
    folds = _pairs(creditcard.repeats, rules.folds)
    return {
        "folds": folds,
        "deep_folds": folds,
        "ablation_folds": _pairs(1, 3),
        "sensitivity_folds": folds,
        "protocol": Protocol(n_splits=rules.folds),
        "search": Search(
            trials=creditcard.trials,
            folds=rules.inner_folds,
            deep_trials=creditcard.network_trials,
            held_out=rules.held_out,
            margin=0.0,
            equal=True,
            equal_classes=creditcard.equal_classes,
        ),
        "parameters": plan.parameters,
        "samplers": creditcard.samplers,
        "models": creditcard.models,
        "deep_samplers": creditcard.network_samplers,
        "sequence_samplers": creditcard.sequence_samplers,
        "scarcity_levels": plan.scarcity.levels,
        "scarcity_draws": plan.scarcity.draws,
        "seeds": plan.seeds.number,
    }


def _study_folder(study: str, profile: str) -> Path:
    return STUDY_OUTPUTS / study / profile


def _folders(profile: str, study: str) -> dict[str, Path]:
    """Folders of the ledger, the figures, the executed notebooks, and the numbers with the PDF."""
    is_foreign = study != CREDITCARD.name
    if profile == "full" and not is_foreign:
        output = os.environ.get("STUDY_OUTPUT")
        base = ROOT / (output or "")
        folders = {name: base / name for name in ("figures", "notebooks", "paper")}
        return {**folders, "results": base / "results" if output else DATA / "results"}
    build = _study_folder(study, profile) if is_foreign else ROOT / "build" / profile
    return {
        "results": build / "results",
        "figures": build / "figures",
        "notebooks": build / "notebooks",
        "paper": build,
    }
