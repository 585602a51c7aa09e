"""Effects of the study's own choices: ratios, column order, losses and batches, duplicates, time.

python -m utils.experiments.sensitivity --profile quick

Each choice is a set of tasks in a separate ledger, `sensitivity/` beside the benchmark's. `describe_folds` says on
which of the study's folds it was measured.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import pandas as pd

from utils.analysis import summaries
from utils.benchmark import divisions, ledger, runner
from utils.benchmark.errors import exit_with_a_sentence
from utils.benchmark.executors import Batch, add_jobs_argument
from utils.benchmark.records import Task
from utils.benchmark.run_task import all_folds, load_dataset
from utils.benchmark.tasks import Named, describe, make_task
from utils.config import DatasetConfig, Profile, Search, load_profile
from utils.data.errors import DataError
from utils.data.identity import identify
from utils.models.networks import limited_batch_size
from utils.models.registry import CLASSICAL, MODELS
from utils.samplers.registry import SAMPLERS, STANDARD

FOLDER = "sensitivity"
RATIOS = {"x1": 1, "x5": 5, "x20": 20, "balanced": "balanced"}
SMALLER = {"rf": {"n_estimators": 50}, "xgb": {"n_estimators": 100}}  # fewer trees, as each ratio is one more fit
LOSSES = {
    "cross-entropy": {},
    "focal loss": {"loss": "focal"},
}
NETWORKS = ("ann", "cnn1d", "lstm")
BATCH_FACTOR = 4  # batches are compared with some that many times smaller and larger
SMALLEST_BATCH = 32


@dataclass(frozen=True)
class Setting:
    """A task and the name of the choice that it tests; several choices may lead to the same task."""

    name: str
    task: Task


SettingsBuilder = Callable[[Profile], list[Setting]]


def ratio_settings(profile: Profile) -> list[Setting]:
    """Every sampler with a ratio at each of its ratios, and no resampling; default models, but with fewer trees."""
    names = [name for name in profile.samplers or STANDARD if SAMPLERS[name].space.get("ratio")]
    samplers = [(value, (name, {"ratio": ratio})) for name in names for value, ratio in _ratios(profile, name).items()]
    models = [(name, SMALLER.get(name, {})) for name in CLASSICAL if name in profile.sensitivity_models]
    return [
        _make_setting(profile, name, fold_id, sampler, model)
        for fold_id in profile.sensitivity_folds
        for name, sampler in [("none", "none"), *samplers]
        for model in models
    ]


def _ratios(profile: Profile, sampler: str) -> dict[str, object]:
    """Names and values of the ratios; for an undersampler the number of rows kept per fraud, if there are more."""
    allowed = SAMPLERS[sampler].space["ratio"]
    if SAMPLERS[sampler].family == "under":
        return {
            str(value) if value == "balanced" else f"x{value}": value
            for value in allowed
            if _drops_rows(profile, sampler, value)
        }
    return {name: value for name, value in RATIOS.items() if value in allowed}


def _drops_rows(profile: Profile, sampler: str, ratio: float | str) -> bool:
    """Whether an undersampler drops rows of every fold that is measured."""
    y, folds = load_dataset(profile.dataset).y, all_folds(profile.dataset, profile.protocol, profile.n_repeats)
    parts = [y.iloc[folds[fold_id].train] for fold_id in profile.sensitivity_folds]
    return all(SAMPLERS[sampler].effect(ratio, part) < (part == 0).sum() for part in parts)


def network_settings(profile: Profile) -> list[Setting]:
    """Networks without resampling, with other column orders, losses and batch sizes."""
    return order_settings(profile) + loss_settings(profile)


def order_settings(profile: Profile) -> list[Setting]:
    """Networks that read the columns one after the other, with the columns as they come and in other orders."""
    orders = {"columns as they come": {}} | {
        f"columns shuffled, {seed}": {"column_order": seed} for seed in range(1, 1 + profile.column_orders)
    }
    return _network_settings(profile, ("cnn1d", "lstm"), orders)


def loss_settings(profile: Profile) -> list[Setting]:
    """All networks with other losses, and with batches a quarter as large as usual and four times as large."""
    batches = {f"batches of {size:,}": {"batch_size": size} for size in other_batches(profile)}
    return _network_settings(profile, NETWORKS, LOSSES | batches)


def other_batches(profile: Profile) -> list[int]:
    """Sizes of the batches that the usual ones are compared with, without those that would be the same fit."""
    if not _network_folds(profile):
        return []
    usual, n_rows = _usual_batch(profile)
    wanted = max(SMALLEST_BATCH, usual // BATCH_FACTOR), limited_batch_size(BATCH_FACTOR * usual, n_rows)
    return [size for size in wanted if size != usual]


def describe_batches(profile: Profile) -> str:
    """What batches the networks have and are compared with, such as 'batches have 1,024 rows; others: 256, 4,096'."""
    usual, n_rows = _usual_batch(profile)
    others = other_batches(profile)
    text = f"batches have {usual:,} rows; others: {', '.join(f'{size:,}' for size in others) or 'none'}"
    if max(others, default=0) > usual:
        return text
    limit = f"a sixteenth of the {n_rows:,} training rows" if usual > SMALLEST_BATCH else f"{SMALLEST_BATCH} rows here"
    return f"{text}. Larger ones are the same fit, as no batch has more than {limit}"


def _usual_batch(profile: Profile) -> tuple[int, int]:
    """Rows of a batch by default, and of the smallest training part without what is held out of it."""
    folds = all_folds(profile.dataset, profile.protocol, profile.n_repeats)
    n_rows = min(len(folds[fold_id].train) for fold_id in _network_folds(profile))
    n_rows -= -(-n_rows // profile.search.held_out)
    return limited_batch_size(describe(MODELS["ann"], profile).params["batch_size"], n_rows), n_rows


def _network_folds(profile: Profile) -> list[tuple[int, int]]:
    return [fold_id for fold_id in profile.sensitivity_folds if fold_id in profile.deep_folds]


def _network_settings(profile: Profile, models: Iterable[str], changes: dict[str, dict]) -> list[Setting]:
    """Networks without resampling, with changed parameters under the names of `changes`."""
    search = replace(profile.search, deep_trials=1, equal=False)  # one setting; held-out rows end the training
    return [
        _make_setting(profile, name, fold_id, "none", (model, params), search)
        for fold_id in _network_folds(profile)
        for model in models
        if model in profile.sensitivity_models
        for name, params in changes.items()
    ]


def time_settings(profile: Profile) -> list[Setting]:
    """Models without resampling on every fold, on the rows and features of the profile's dataset."""
    models = [name for name in CLASSICAL if name in profile.sensitivity_models]
    return [_make_setting(profile, "", fold_id, "none", model) for fold_id in profile.folds for model in models]


def boosted_settings(profile: Profile) -> list[Setting]:
    """XGBoost without resampling on every fold, with the parameters of the blend's boosted trees."""
    model = "xgb", describe(MODELS["blend"], profile).params["boosted"]
    return [_make_setting(profile, "boosted as in the blend", fold_id, "none", model) for fold_id in profile.folds]


def copies_settings(profile: Profile) -> list[Setting]:
    """`time_settings` on a dataset that keeps its duplicates: every copy is in its original's fold.

    Folds drawn anew among all rows would be another division, and the difference to the study would include the
    difference between divisions.
    """
    return [
        replace(setting, task=replace(setting.task, split=replace(setting.task.split, copies="with their originals")))
        for setting in time_settings(profile)
    ]


def _make_setting(
    profile: Profile, name: str, fold_id: tuple[int, int], sampler: Named, model: Named, search: Search | None = None
) -> Setting:
    return Setting(name, make_task(profile, identify(profile.dataset), fold_id, sampler, model, search=search))


def ratios(profile: Profile, n_jobs: int = -1) -> pd.DataFrame:
    """Ledger frame of `ratio_settings` with the ratio's name in column `setting`."""
    return _run(profile, ratio_settings, n_jobs)


def networks(profile: Profile, n_jobs: int = -1) -> pd.DataFrame:
    """Ledger frame of `network_settings`; `setting` says what is changed."""
    return _run(profile, network_settings, n_jobs)


def column_orders(profile: Profile, n_jobs: int = -1) -> pd.DataFrame:
    """The part of `networks` that is about the order of the columns."""
    return _run(profile, order_settings, n_jobs)


def losses(profile: Profile, n_jobs: int = -1) -> pd.DataFrame:
    """The part of `networks` that is about losses and batches."""
    return _run(profile, loss_settings, n_jobs)


OTHER_DUPLICATES = {  # the other way to handle duplicates, and its tasks
    "drop": {"duplicates kept": ({"duplicates": "keep", "variant": "with-duplicates"}, copies_settings)},
    "keep": {"duplicates dropped": ({"duplicates": "drop", "variant": "without-duplicates"}, time_settings)},
}


def views(profile: Profile, n_jobs: int = -1) -> pd.DataFrame:
    """Ledger frame of models without resampling; `setting` says what is done to the rows or to the time.

    All settings share their folds and are paired, except 'duplicates dropped', whose folds are drawn among the
    remaining rows.
    """
    frames = [
        _run(changed_profile, build_settings, n_jobs).assign(setting=setting)
        for setting, (changed_profile, build_settings) in _dataset_changes(profile).items()
    ]
    return pd.concat(frames, ignore_index=True)


def left_out_views(profile: Profile) -> dict[str, str]:
    """Settings of `views` that a table of the user's own does not allow, and why: its rows cannot be divided so.

    Without duplicates, a table of few different rows may have too few of them, or no rare class.
    """
    reasons, changes = {}, _wanted_changes(profile)
    for setting in OTHER_DUPLICATES[profile.dataset.duplicates]:  # the others have the rows of the study
        try:
            divisions.check_divisions(changes[setting][0])
        except DataError as error:
            reasons[setting] = str(error)
    return reasons


def _dataset_changes(profile: Profile) -> dict[str, tuple[Profile, SettingsBuilder]]:
    """Profiles whose dataset has other rows or another feature for the time, and their tasks."""
    left_out = left_out_views(profile) if profile.is_foreign else {}
    return {setting: change for setting, change in _wanted_changes(profile).items() if setting not in left_out}


def _wanted_changes(profile: Profile) -> dict[str, tuple[Profile, SettingsBuilder]]:
    changes_by_name = {
        "as in the protocol": ({}, time_settings),
        **OTHER_DUPLICATES[profile.dataset.duplicates],
    }
    if profile.dataset.time is not None:
        changes_by_name["raw time as a feature"] = {"raw_time": True, "variant": "raw-time"}, time_settings
    return {
        setting: (replace(profile, dataset=replace(profile.dataset, **changes)), build_settings)
        for setting, (changes, build_settings) in changes_by_name.items()
    }


def boosted(profile: Profile, n_jobs: int = -1) -> pd.DataFrame:
    """Ledger frame of `boosted_settings`: the effect of better parameters on XGBoost without a sampler."""
    return _run(profile, boosted_settings, n_jobs)


def spread(table: pd.DataFrame) -> pd.DataFrame:
    """Mean average precision per model and setting, with the lowest and the highest fold; columns mean, low, high."""
    grouped = table.groupby(["model", "setting"], sort=False)["average_precision"]
    return grouped.agg(mean="mean", low="min", high="max").reset_index()


def folds_of(table: pd.DataFrame) -> list[tuple[int, int]]:
    """Pairs (repeat, fold) that ledger rows were measured on."""
    return sorted(set(zip(table["repeat"], table["fold"], strict=True)))


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
        return "both folds" if len(scores) == 2 else f"all {len(scores)} folds"
    number = f"{len(chosen)} " if len(chosen) > 1 else ""
    if chosen.min() > others.max():
        return f"the {number}easiest of {len(scores)} folds"
    if chosen.max() < others.min():
        return f"the {number}hardest of {len(scores)} folds"
    return f"{len(chosen)} of {len(scores)} folds, neither the {number}easiest nor the {number}hardest"


def _run(profile: Profile, build_settings: SettingsBuilder, n_jobs: int) -> pd.DataFrame:
    settings = build_settings(profile)
    rows = runner.run(_sensitivity_profile(profile), tasks=_unique_tasks(settings), n_jobs=n_jobs).set_index("key")
    table = rows.loc[[setting.task.key for setting in settings]].reset_index()
    return table.assign(setting=[setting.name for setting in settings])


def _sensitivity_profile(profile: Profile) -> Profile:
    """The profile with the ledger of the sensitivity studies."""
    return replace(profile, results=profile.results / FOLDER)


def _unique_tasks(settings: Iterable[Setting]) -> list[Task]:
    """The tasks of these settings, each once."""
    return list({setting.task.key: setting.task for setting in settings}.values())


def missing_batches(profile: Profile) -> list[Batch]:
    """Tasks of the sensitivity studies that the ledger lacks, each once."""
    studies = [(profile, build_settings) for build_settings in (ratio_settings, network_settings, boosted_settings)]
    settings: dict[DatasetConfig, list[Setting]] = defaultdict(list)
    for changed_profile, build_settings in [*studies, *_dataset_changes(profile).values()]:
        settings[changed_profile.dataset] += build_settings(changed_profile)
    known = {row.key for row in ledger.read(_sensitivity_profile(profile).results)}
    batches = [
        runner.missing_batch(_sensitivity_profile(replace(profile, dataset=dataset)), _unique_tasks(group), known)
        for dataset, group in settings.items()
    ]
    return [batch for batch in batches if batch]


STUDIES = (ratios, networks, views, boosted)


def main() -> None:
    """Fill the ledger of the sensitivity studies from the command line."""
    parser = argparse.ArgumentParser(description="Run the missing tasks of the sensitivity studies.")
    parser.add_argument("--profile", default="quick", choices=("quick", "full"))
    add_jobs_argument(parser)
    options = parser.parse_args()
    with exit_with_a_sentence():
        profile = load_profile(options.profile)
        for study in STUDIES:
            table = study(profile, options.jobs)
            means = table.groupby(["setting", "sampler", "model"], sort=False)["average_precision"].mean()
            print(f"{study.__name__}: {len(table)} tasks.\n{means.unstack('model').round(3).to_string()}")


if __name__ == "__main__":
    main()
