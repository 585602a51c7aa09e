"""Ablation of the conditional GAN: one choice is changed at a time, all on the same folds.

python -m utils.experiments.cgan_ablation --profile full
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from utils.benchmark import ledger
from utils.benchmark.errors import exit_with_a_sentence
from utils.benchmark.executors import Batch, add_jobs_argument, run_batches
from utils.benchmark.records import Method, Row, Task
from utils.benchmark.run_task import all_folds, load_dataset
from utils.benchmark.tasks import make_task, minor_version
from utils.config import Profile, Words, load_profile
from utils.data.identity import DatasetIdentity, identify
from utils.experiments.cgan_variant import VariantResult, gan_config, report_options, run_variants
from utils.samplers.cgan.config import GANConfig
from utils.samplers.cgan.scaler import MIN_ROWS
from utils.wording import reword

N_SYNTHETIC = 5000
REVISION = 1  # raised by hand when `utils.experiments.fidelity` measures something else
MIXED_REVISION = 2  # the same for mixed tables, whose columns `JudgedColumns` makes
MIN_TESTED = 3  # positives of a test part, of which chapter 4 trains on two
UPDATES_PER_SECOND = 120
DIRECTIONS = {
    "tstr_ratio": 1,
    "correlation_difference": -1,
    "two_sample_auc_seen": -1,
    "coverage": 1,
}  # 1: larger is better


@dataclass(frozen=True)
class Variant:
    """The default GAN with one choice changed.

    Attributes
    ----------
    name : str
        Short name, which the ledger keeps.
    choice, label : str
        Which design choice is changed, and to what.
    changes : dict
        Fields of `GANConfig` that differ from the default.
    frauds_only : bool
        Whether the GAN is trained on the frauds alone.
    """

    name: str
    choice: str
    label: str
    changes: dict[str, object] = field(default_factory=dict)
    frauds_only: bool = False

    @property
    def title(self) -> str:
        """Choice and what it is changed to, as one label."""
        return f"{self.choice}: {self.label}" if self.choice else self.label


VARIANTS: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        Variant("default", "", "as configured"),
        Variant("unconditional", "Conditioning", "networks not told the class", {"conditional": False}),
        Variant("concatenated", "Conditioning", "class as an input of the critic", {"critic": "concatenated"}),
        Variant("even_batches", "Conditioning", "as many rows of each class in a batch", {"majority_share": None}),
        Variant("frauds_only", "Conditioning", "trained on frauds alone", frauds_only=True),
        Variant("shared_scaling", "Scaling", "one scaling for both classes", {"scaling": "shared"}),
        Variant("decorrelated", "Scaling", "scores decorrelated before training", {"decorrelate": True}),
        Variant("no_moments", "Scaling", "moments of the draws not matched", {"match_moments": False}),
        Variant("match_scores", "Scaling", "moments matched for normal scores", {"match_values": False}),
        Variant("packed", "Packing", "critic judges 4 rows together", {"pack": 4}),
        Variant("auxiliary", "Auxiliary classifier", "with weight 1", {"auxiliary": 1.0}),
        Variant("last_weights", "Weight averaging", "last weights used", {"average_decay": 0.0}),
        Variant("updates_1000", "Updates", "1,000", {"updates": 1000}),
        Variant("updates_5000", "Updates", "5,000", {"updates": 5000}),
        Variant("cross_entropy", "Loss", "cross-entropy, with the penalty", {"loss": "cross_entropy"}),
        Variant(
            "original_loss",
            "Loss",
            "cross-entropy, no penalty, one critic step",
            {"loss": "cross_entropy", "gradient_penalty": 0.0, "critic_steps": 1},
        ),
        Variant("penalty_1", "Gradient penalty", "weight 1", {"gradient_penalty": 1.0}),
        Variant("critic_steps_1", "Critic steps", "1", {"critic_steps": 1}),
        Variant("latent_16", "Latent dimensions", "16", {"latent_dim": 16}),
        Variant("hidden_64", "Hidden layers", "64, 64", {"hidden": (64, 64)}),
        Variant("batch_64", "Batch", "64 rows", {"batch_size": 64}),
        Variant("rate_2e-4", "Learning rate", "0.0002", {"learning_rate": 2e-4}),
        Variant("betas", "Adam", "betas 0 and 0.9", {"betas": (0.0, 0.9)}),
        Variant("majority_400", "Legitimate rows", "400 instead of 4,000", {"majority_rows": 400}),
    )
}
LABELS = {name: variant.title for name, variant in VARIANTS.items()}


def labels(words: Words) -> dict[str, str]:
    """Titles of the variants by name, in the words of a study."""
    return {name: reword(title, words) for name, title in LABELS.items()}


def run(profile: Profile, *, variants: Iterable[str] | None = None, n_jobs: int = -1) -> pd.DataFrame:
    """Make sure that the ledger holds every variant on every fold of the profile's ablation, and return them.

    Finished tasks are not run again. Interrupting is safe: finished tasks are in the ledger.

    Parameters
    ----------
    profile : Profile
        Gives folds (`ablation_folds`), variants (`ablation`) and the folder of the ledger.
    variants : iterable of str
        Names from `VARIANTS`; by default those of the profile.
    n_jobs : int
        Processes, each with one thread.

    Returns
    -------
    DataFrame
        One row per variant and fold: variant, repeat, fold, fit_seconds, rows_per_second and every figure of
        `fidelity.fidelity_report`. Empty if the folds have too few positives; see `has_positives`.
    """
    tasks = _tasks(profile, variants)
    rows = {row.key: row for row in ledger.read(_path(profile).parent, VariantResult)}
    batch = _batch_missing(profile, tasks, rows)
    if batch:
        rows |= {row.key: row for row in run_batches([batch], n_jobs=n_jobs)[batch.path]}
    return _frame([rows[task.key] for task in tasks if task.key in rows])


def has_positives(profile: Profile) -> bool:
    """Whether each fold that a chapter shows has enough positives to train a CGAN, and to divide its test part."""
    y, folds = load_dataset(profile.dataset).y, all_folds(profile.dataset, profile.protocol, profile.n_repeats)
    used = [folds[fold_id] for fold_id in {(0, 0), *profile.folds, *profile.ablation_folds}]
    return all(y.iloc[fold.train].sum() >= MIN_ROWS and y.iloc[fold.test].sum() >= MIN_TESTED for fold in used)


def missing_batch(profile: Profile) -> Batch | None:
    """Batch of the profile's variants that the ledger lacks; None if it lacks none."""
    return _batch_missing(profile, _tasks(profile), ledger.read_keys(_path(profile)))


def _path(profile: Profile) -> Path:
    return profile.results / "generators" / f"{profile.dataset.name}.jsonl"


def _tasks(profile: Profile, variants: Iterable[str] | None = None) -> list[Task]:
    dataset = identify(profile.dataset)
    names = list(variants or profile.ablation or VARIANTS)
    return [_task(profile, dataset, fold_id, VARIANTS[name]) for fold_id in profile.ablation_folds for name in names]


def _batch_missing(profile: Profile, tasks: list[Task], known: Collection[str]) -> Batch | None:
    """Batch of the tasks whose keys are not known; None if all are, or the folds have too few positives.

    The folds of a variant form one group, so that its networks are compiled once.
    """
    groups = defaultdict(list)
    for task in tasks:
        if task.key not in known:
            groups[task.variant].append(task)
    if not groups or not has_positives(profile):
        return None
    weights = {task.key: _seconds(task) for group in groups.values() for task in group}
    return Batch(run_variants, profile, list(groups.values()), _path(profile), weights)


def _task(profile: Profile, dataset: DatasetIdentity, fold_id: tuple[int, int], variant: Variant) -> Task:
    """A variant on a fold, as a task of the benchmark whose model is the judge."""
    task = make_task(profile, dataset, fold_id, "cgan", "xgb")
    params = {**_json_params(gan_config(profile, variant.changes)), "frauds_only": variant.frauds_only}
    judge = Method(
        "fidelity",
        {"n_synthetic": N_SYNTHETIC, **report_options(profile)},
        minor_version("xgboost"),
        MIXED_REVISION if profile.dataset.is_mixed else REVISION,
    )
    return replace(task, sampler=replace(task.sampler, params=params), model=judge, variant=variant.name)


def _json_params(config: GANConfig) -> dict[str, object]:
    """A configuration as JSON values: lists instead of tuples."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in config.settings().items()}


def _seconds(task: Task) -> float:
    """Approximate seconds of a variant on one thread."""
    params = task.sampler.params
    return 15 + params["updates"] * (1 + params["critic_steps"]) / 4 / UPDATES_PER_SECOND


def _frame(rows: list[Row[Task, VariantResult]]) -> pd.DataFrame:
    if not rows:
        return pd.DataFrame()
    table = ledger.frame(rows)
    columns = table[["variant", "repeat", "fold", "split", "fit_seconds", "rows_per_second"]]
    return columns.join(pd.DataFrame(list(table["fidelity"])))


def sides(effects: pd.DataFrame) -> pd.DataFrame:
    """Whether a change makes each figure better or worse than the default's, as a table of variants by figures.

    Parameters
    ----------
    effects : DataFrame
        From `comparisons.compare_variants`, for figures of `DIRECTIONS`.

    Returns
    -------
    DataFrame of str
        'better' or 'worse' if the interval excludes zero, else 'unclear'; without the default.
    """
    changed = effects.dropna(subset="mean")
    sign = changed["figure"].map(DIRECTIONS)
    low, high = changed["low"] * sign, changed["high"] * sign
    side = np.select([low.where(sign > 0, high) > 0, high.where(sign > 0, low) < 0], ["better", "worse"], "unclear")
    table = changed.assign(side=side).pivot(index="variant", columns="figure", values="side")
    return table.loc[changed["variant"].unique(), changed["figure"].unique()]


def main() -> None:
    """Run the ablation of a profile from the command line."""
    parser = argparse.ArgumentParser(description="Evaluate the conditional GAN with one choice changed at a time.")
    parser.add_argument("--profile", default="quick", choices=("quick", "full"))
    parser.add_argument("--variants", nargs="+", choices=VARIANTS)
    add_jobs_argument(parser)
    options = parser.parse_args()
    with exit_with_a_sentence():
        table = run(load_profile(options.profile), variants=options.variants, n_jobs=options.jobs)
    figures = ["tstr_ratio", "correlation_difference", "two_sample_auc", "closest_record"]
    print(table.groupby("variant", sort=False)[figures].median().round(3).to_string())


if __name__ == "__main__":
    main()
