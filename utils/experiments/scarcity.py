"""Scarcity: what samplers are worth when few frauds are known.

python -m utils.experiments.scarcity --folds 5 --draws 2 --jobs 2
python -m utils.experiments.scarcity --estimate

Test folds are the benchmark's. Of a fold's training frauds 20, 40, 80, 160 or all are kept, in several random draws,
which are nested and the same for all methods. Every model has one setting, which was chosen on other tables; see
`scarcity_settings`. Networks train for a fixed number of updates: of few frauds none is held out to stop them, so
that a sampler is fitted once for all models. The ledger is in `scarcity/`, beside the benchmark's.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby

import numpy as np
import pandas as pd

from utils.benchmark import ledger, runner
from utils.benchmark.errors import exit_with_a_sentence
from utils.benchmark.executors import Batch, add_jobs_argument
from utils.benchmark.records import Method, Split, Task, Thinning
from utils.benchmark.run_task import fold_of, fold_parts, load_dataset, prepare_fold
from utils.benchmark.tasks import Named
from utils.benchmark.training import fit, positive_scores
from utils.config import Profile, load_profile, measured_of
from utils.data.identity import identify
from utils.experiments.scarcity_settings import MODELS, setting_of, thinned_task
from utils.plan_file import read_plan
from utils.samplers.registry import Ratio

FOLDER = "scarcity"
PLAN = read_plan().scarcity
Ratios = Sequence[Ratio]
SAMPLERS = PLAN.samplers
RATIOS: Ratios = PLAN.ratios


def run(profile: Profile, *, ratios: Ratios = RATIOS, n_jobs: int = -1) -> pd.DataFrame:
    """Make sure that the ledger holds every task of the experiment, and return their rows; the ledger is compressed.

    Parameters
    ----------
    profile : Profile
        Gives folds, numbers of frauds and draws, and of the plan's models and samplers those that it has; the full
        profile has all of the plan.
    ratios : sequence of float or 'balanced'
        Ratios of every sampler; a generator is fitted once for all of them.
    n_jobs : int
        Processes on this machine; a Dask cluster uses all of its workers.

    Returns
    -------
    DataFrame
        One row per task, as `ledger.frame` gives it, with the columns level ('20' to 'all'), draw (0 where all frauds
        are kept) and ratio ('x5', 'balanced', or 'none' without resampling).
    """
    own = _with_ledger(profile)
    table = runner.run(own, tasks=make_tasks(own, ratios), n_jobs=n_jobs)
    ledger.pack(runner.ledger_of(own))
    return label_rows(table)


def missing_batch(profile: Profile) -> Batch | None:
    """The tasks of the experiment that the ledger lacks; None if it has all."""
    own = _with_ledger(profile)
    return runner.missing_batch(own, make_tasks(own), {row.key for row in ledger.read(own.results)})


def _with_ledger(profile: Profile) -> Profile:
    """The profile in the size of the experiment, with the folder of its ledger."""
    return replace(profile, results=profile.results / FOLDER)


def make_tasks(profile: Profile, ratios: Ratios = RATIOS) -> list[Task]:
    """Tasks on the profile's folds: every model after every sampler, at every number of frauds and draw."""
    dataset = identify(profile.dataset)
    settings = {
        model: setting_of(model) | profile.parameters.get(model, {}) for model in measured_of(MODELS, profile.models)
    }
    return [
        thinned_task(profile, dataset, fold_id, thinning, sampler, model)
        for fold_id in profile.folds
        for thinning in _thinnings(profile)
        for sampler in _samplers(profile, ratios)
        for model in settings.items()
    ]


def _thinnings(profile: Profile) -> Iterator[Thinning | None]:
    """Every draw of every number of frauds; all frauds can be drawn in one way only."""
    for level in profile.scarcity_levels:
        yield from (Thinning(level, draw) for draw in range(profile.scarcity_draws))
    yield None


def _samplers(profile: Profile, ratios: Ratios) -> Iterator[Named]:
    for name in measured_of(SAMPLERS, profile.samplers):
        yield from [name] if name == "none" else ((name, {"ratio": ratio}) for ratio in ratios)


def label_rows(table: pd.DataFrame) -> pd.DataFrame:
    """A ledger frame of the experiment with the columns level, draw and ratio; see `run`."""
    return table.assign(
        level=table["split"].map(_level_of),
        draw=[split.thinned.draw if split.thinned else 0 for split in table["split"]],
        ratio=table["sampler_config"].map(_ratio_of),
    )


def _level_of(split: Split) -> str:
    return _level_name(split.thinned and split.thinned.n_positives)


def _level_name(n_positives: int | None) -> str:
    return "all" if n_positives is None else str(n_positives)


def _ratio_of(sampler: Method) -> str:
    ratio = sampler.params.get("ratio", "none")
    return ratio if isinstance(ratio, str) else f"x{ratio:g}"  # a plan has 5.0


@dataclass(frozen=True)
class Cost:
    """Seconds of a task on one thread.

    Attributes
    ----------
    level : str
        See `run`.
    sampler, ratio, model : str
    sampler_seconds : float
        Encoding and sampling, which the models share.
    model_seconds : float
        Fit and scores of the model.
    own_seconds : float
        What the task takes in a run, in which the first model of a sampler also waits for the rows and the sampler.
    """

    level: str
    sampler: str
    ratio: str
    model: str
    sampler_seconds: float
    model_seconds: float
    own_seconds: float


def measure_costs(profile: Profile, ratios: Ratios = RATIOS) -> pd.DataFrame:
    """Fit every pair once at the smallest number of frauds and at all, on the first fold, and measure the seconds.

    No score is computed or recorded. Columns are those of `Cost`.
    """
    least = min(profile.scarcity_levels)
    tasks = make_tasks(replace(profile, folds=profile.folds[:1], scarcity_levels=(least,), scarcity_draws=1), ratios)
    groups = groupby(tasks, key=lambda task: (task.split, task.sampler.name))
    return pd.DataFrame(asdict(cost) for _, group in groups for cost in _group_costs(profile, list(group)))


def _group_costs(profile: Profile, tasks: list[Task]) -> Iterator[Cost]:
    """Costs of tasks that share training rows and sampler."""
    dataset = load_dataset(profile.dataset)
    start = time.perf_counter()
    fold = fold_of(profile, tasks[0])
    rows = prepare_fold(dataset, fold, tasks[0].seed)
    for task in tasks:
        fitted = fit(task, rows)
        scored = time.perf_counter()
        positive_scores(fitted.classifier, fitted.encoder.transform(fold_parts(dataset, fold.test)[0]))
        end = time.perf_counter()
        yield Cost(
            _level_of(task.split),
            task.sampler.name,
            _ratio_of(task.sampler),
            task.model.name,
            fitted.seconds.sampler,
            fitted.seconds.fit + end - scored,
            end - start,
        )
        start = end


def estimate_hours(profile: Profile, costs: pd.DataFrame) -> float:
    """Hours that the experiment takes on one thread.

    Parameters
    ----------
    profile : Profile
    costs : DataFrame
        From `measure_costs`; levels that were not measured are interpolated.
    """
    measured = costs.groupby("level")["own_seconds"].sum()
    levels = (*profile.scarcity_levels, None)
    names = [_level_name(level) for level in levels]
    positions = [position for position, name in enumerate(names) if name in measured]
    seconds = np.interp(range(len(names)), positions, [measured[names[position]] for position in positions])
    draws = [1 if level is None else profile.scarcity_draws for level in levels]
    return float(len(profile.folds) * np.dot(draws, seconds) / 3600)


def main() -> None:
    """Fill the ledger of the experiment from the command line, or print what that costs."""
    parser = argparse.ArgumentParser(description="Measure samplers on folds with few training frauds.")
    few = {"type": int, "choices": range(1, 11), "metavar": "N"}
    parser.add_argument("--folds", **few, help="the first folds of the benchmark (default: all)")
    parser.add_argument("--draws", **few, default=PLAN.draws, help="draws per number of frauds (default: %(default)s)")
    add_jobs_argument(parser)
    parser.add_argument("--equal-classes", action="store_true", help="measure every sampler with equal classes, too")
    parser.add_argument("--estimate", action="store_true", help="only fit every pair once, and print what a run costs")
    options = parser.parse_args()
    ratios = (*RATIOS, "balanced") if options.equal_classes else RATIOS
    with exit_with_a_sentence():
        profile = load_profile("full")
        profile = replace(profile, folds=profile.folds[: options.folds], scarcity_draws=options.draws)
        if options.estimate:
            print(describe_costs(profile, measure_costs(profile, ratios)))
            return
        table = run(profile, ratios=ratios, n_jobs=options.jobs)
    means = table.groupby(["model", "sampler", "ratio", "level"], sort=False)["average_precision"].mean()
    print(f"{len(table)} tasks in the ledger. Mean average precision:\n{means.unstack('level').round(3).to_string()}")


def describe_costs(profile: Profile, costs: pd.DataFrame) -> str:
    """Tables of seconds per sampler and per model, and the hours of a run."""
    index = ["sampler", "ratio"]
    samplers = costs.pivot_table("sampler_seconds", index, "level", sort=False)
    models = costs.pivot_table("model_seconds", index, ["model", "level"], sort=False)
    return (
        f"Seconds of a sampler, once for all models, by number of frauds:\n{samplers.round(1).to_string()}\n\n"
        f"Seconds of a model:\n{models.round(1).to_string()}\n\n"
        f"{len(profile.folds)} folds with {profile.scarcity_draws} draws take {estimate_hours(profile, costs):.1f} "
        "hours on one core."
    )


if __name__ == "__main__":
    main()
