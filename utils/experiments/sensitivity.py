"""What the study's own choices do: ratios, column order, losses and batches, duplicates, time.

python -m utils.experiments.sensitivity --profile quick

Each choice is a set of tasks in a ledger of its own, `sensitivity/` beside the benchmark's. All are measured on a few
of the study's folds; `describe_folds` says which.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pandas as pd

from utils.analysis import summaries
from utils.benchmark import ledger, runner
from utils.benchmark.errors import exit_with_a_sentence
from utils.benchmark.tasks import Task, describe, make_task
from utils.config import Profile, Search, load_profile
from utils.data import loading
from utils.models.registry import CLASSICAL, MODELS
from utils.samplers.registry import SAMPLERS

TasksOf = Callable[[Profile], list[Task]]

RATIOS = {"x1": 1, "x5": 5, "x20": 20, "balanced": "balanced"}
SMALLER = {"rf": {"n_estimators": 50}, "xgb": {"n_estimators": 100}}  # fewer trees, as each ratio is one more fit
LOSSES = {
    "cross-entropy": {},
    "focal loss": {"loss": "focal"},
    "batches of 256": {"batch_size": 256},
    "batches of 4,096": {"batch_size": 4096},
}


def ratio_tasks(profile: Profile) -> list[Task]:
    """Every sampler that has a ratio, at each ratio, and none beside it; default models, but fewer trees."""
    names = [name for name in profile.samplers or SAMPLERS if SAMPLERS[name].space.get("ratio")]
    settings = [(name, value, {"ratio": ratio}) for name in names for value, ratio in _ratios(name).items()]
    models = [name for name in CLASSICAL if name in profile.sensitivity_models]
    return [
        _task(profile, place, (sampler, params), (model, SMALLER.get(model, {})), None, setting)
        for place in profile.sensitivity_folds
        for sampler, setting, params in [("none", "none", {}), *settings]
        for model in models
    ]


def _ratios(sampler: str) -> dict[str, Any]:
    """Names and values of the ratios; an undersampler keeps, and does not add, so many rows per fraud."""
    allowed = SAMPLERS[sampler].space["ratio"]
    if SAMPLERS[sampler].family == "under":
        return {str(value) if value == "balanced" else f"x{value}": value for value in allowed}
    return {name: value for name, value in RATIOS.items() if value in allowed}


def network_tasks(profile: Profile) -> list[Task]:
    """Networks without resampling that read the columns in other orders, with other losses and batches."""
    orders = {"columns as they come": {}} | {
        f"columns shuffled, {seed}": {"column_order": seed} for seed in range(1, 1 + profile.column_orders)
    }
    changes = [(model, setting, params) for model in ("cnn1d", "lstm") for setting, params in orders.items()]
    changes += [(model, setting, params) for model in ("ann", "cnn1d", "lstm") for setting, params in LOSSES.items()]
    search = replace(profile.search, deep_trials=1)
    return [
        _task(profile, place, ("none", {}), (model, params), search, setting)
        for place in profile.sensitivity_folds
        if place in profile.deep_folds
        for model, setting, params in changes
        if model in profile.sensitivity_models
    ]


def time_tasks(profile: Profile) -> list[Task]:
    """Models without resampling on the rows and features of the profile's dataset."""
    places = profile.sensitivity_folds
    models = [name for name in CLASSICAL if name in profile.sensitivity_models]
    return [_task(profile, place, ("none", {}), (model, {}), None, "") for place in places for model in models]


def boosted_tasks(profile: Profile) -> list[Task]:
    """XGBoost without resampling on every fold, with the setting that the blend gives to its boosted trees."""
    params = describe(MODELS["blend"], profile, {})["params"]["boosted"]
    return [
        _task(profile, place, ("none", {}), ("xgb", params), None, "boosted as in the blend") for place in profile.folds
    ]


def copies_tasks(profile: Profile) -> list[Task]:
    """`time_tasks` on a dataset that keeps its duplicates: every copy stands where its original does.

    Folds drawn anew among all rows would divide them otherwise, and a difference to the study would be that of two
    divisions.
    """
    tasks = [{**task, "split": {**task["split"], "copies": "with their originals"}} for task in time_tasks(profile)]
    return [{**task, "key": ledger.key_of(task)} for task in tasks]


def _task(
    profile: Profile,
    place: tuple[int, int],
    sampler: tuple[str, dict],
    model: tuple[str, dict],
    search: Search | None,
    setting: str,
) -> Task:
    identity = loading.identity(profile.dataset)
    return {**make_task(profile, identity, place, sampler, model, search=search), "setting": setting}


def ratios(profile: Profile, n_jobs: int = -1) -> pd.DataFrame:
    """Ledger frame of `ratio_tasks` with the ratio's name in column `setting`."""
    return _run(profile, ratio_tasks, n_jobs)


def networks(profile: Profile, n_jobs: int = -1) -> pd.DataFrame:
    """Ledger frame of `network_tasks`; `setting` says what is changed."""
    return _run(profile, network_tasks, n_jobs)


OTHER_DUPLICATES = {  # what a dataset does not do with its duplicates, and the tasks that show it
    "drop": {"duplicates kept": ({"duplicates": "keep", "variant": "with-duplicates"}, copies_tasks)},
    "keep": {"duplicates dropped": ({"duplicates": "drop", "variant": "without-duplicates"}, time_tasks)},
}


def views(profile: Profile, n_jobs: int = -1) -> pd.DataFrame:
    """Ledger frame of models without resampling, with `setting` for what is done to the rows or to the time.

    All settings have the same folds, so that they are paired, but for 'duplicates dropped', whose folds are drawn among
    the rows that are left.
    """
    parts = [
        _run(other, tasks_of, n_jobs).assign(setting=setting)
        for setting, (other, tasks_of) in _departures(profile).items()
    ]
    return pd.concat(parts, ignore_index=True)


def _departures(profile: Profile) -> dict[str, tuple[Profile, TasksOf]]:
    """Profiles with what is done to the rows or to the time, and the tasks that show it."""
    departures = {
        "as in the protocol": ({}, time_tasks),
        **OTHER_DUPLICATES[profile.dataset.duplicates],
        "raw time as a feature": ({"raw_time": True, "variant": "raw-time"}, time_tasks),
    }
    return {
        setting: (replace(profile, dataset=replace(profile.dataset, **changes)), tasks_of)
        for setting, (changes, tasks_of) in departures.items()
    }


def boosted(profile: Profile, n_jobs: int = -1) -> pd.DataFrame:
    """Ledger frame of `boosted_tasks`: what a better setting of XGBoost does without any sampler."""
    return _run(profile, boosted_tasks, n_jobs)


def spread(table: pd.DataFrame) -> pd.DataFrame:
    """Mean average precision per model and setting, with the lowest and the highest fold; columns mean, low, high."""
    grouped = table.groupby(["model", "setting"], sort=False)["average_precision"]
    return grouped.agg(mean="mean", low="min", high="max").reset_index()


def describe_folds(table: pd.DataFrame, folds: Iterable[tuple[int, int]]) -> str:
    """Which of the study's folds these are, such as 'the 2 easiest of 10 folds'.

    Parameters
    ----------
    table : DataFrame
        Ledger rows of the benchmark. A fold is easy if models without resampling have a high mean average precision.
    folds : iterable of (repeat, fold)
    """
    scores = summaries.paired_scores(table[table["sampler"] == "none"]).dropna(axis="columns").mean(axis="columns")
    chosen, others = scores[list(folds)], scores.drop(list(folds))
    if others.empty:
        return f"all {len(scores)} folds"
    if chosen.min() > others.max():
        return f"the {len(chosen)} easiest of {len(scores)} folds"
    if chosen.max() < others.min():
        return f"the {len(chosen)} hardest of {len(scores)} folds"
    return f"{len(chosen)} of {len(scores)} folds, neither the easiest nor the hardest"


def _run(profile: Profile, tasks_of: TasksOf, n_jobs: int) -> pd.DataFrame:
    tasks = tasks_of(profile)
    rows = runner.run_tasks(_beside(profile), list(_unique(tasks).values()), n_jobs=n_jobs).set_index("key")
    return rows.loc[[task["key"] for task in tasks]].reset_index().assign(setting=[task["setting"] for task in tasks])


def _beside(profile: Profile) -> Profile:
    """The profile with the ledger of these choices."""
    return replace(profile, results=profile.results / "sensitivity")


def _unique(tasks: list[Task]) -> dict[str, Task]:
    """Tasks by key, as the ledger has them: one may stand for several settings."""
    return {task["key"]: {name: part for name, part in task.items() if name != "setting"} for task in tasks}


def missing_batches(profile: Profile) -> list[runner.Batch]:
    """What the ledger lacks of all these choices, each task once."""
    asked = [(profile, tasks_of) for tasks_of in (ratio_tasks, network_tasks, boosted_tasks)]
    by_file: dict[str, tuple[Profile, dict[str, Task]]] = {}
    for other, tasks_of in [*asked, *_departures(profile).values()]:
        by_file.setdefault(other.dataset.name, (_beside(other), {}))[1].update(_unique(tasks_of(other)))
    known = {row["key"] for row in ledger.read(_beside(profile).results)}
    batches = [runner.missing_batch(place, list(tasks.values()), known) for place, tasks in by_file.values()]
    return [batch for batch in batches if batch]


STUDIES = (ratios, networks, views, boosted)


def main() -> None:
    """Fill the ledger of these choices from the command line."""
    parser = argparse.ArgumentParser(description="Run what the study's own choices are judged by.")
    parser.add_argument("--profile", default="quick", choices=("quick", "full"))
    parser.add_argument("--jobs", type=int, default=-1, help="processes (default: one per core)")
    options = parser.parse_args()
    with exit_with_a_sentence():
        profile = load_profile(options.profile)
        for study in STUDIES:
            table = study(profile, options.jobs)
            means = table.groupby(["setting", "sampler", "model"], sort=False)["average_precision"].mean()
            print(f"{study.__name__}: {len(table)} tasks.\n{means.unstack('model').round(3).to_string()}")


if __name__ == "__main__":
    main()
