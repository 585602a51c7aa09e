"""Tasks: one fold, one sampler and one model, with everything that determines the result."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import TypeVar

from utils.benchmark.records import Method, Split, Task
from utils.benchmark.search import plan_search
from utils.config import Profile, Search
from utils.data.identity import DatasetIdentity
from utils.data.loading import ENTITIES, GROUPS
from utils.data.splits import RANDOM_TEST
from utils.models.registry import MODELS
from utils.registry import Entry
from utils.samplers.registry import SAMPLERS, STANDARD
from utils.seeding import child_seed

Named = str | tuple[str, dict[str, object]]  # a method by name, with changes of its parameters
EntryType = TypeVar("EntryType", bound=Entry)
DISTRIBUTIONS = {"tensorflow": ("tensorflow", "tensorflow-cpu"), "xgboost": ("xgboost", "xgboost-cpu")}
# Releases behind the committed results; used if the library is not installed.
OPTIONAL = {"ctgan": "0.12.1", "arfpy": "0.1.1", "copulas": "0.14.1"}


@lru_cache
def library_version(library: str) -> str:
    """Installed version of a library, from whichever of its distributions is installed."""
    for distribution in DISTRIBUTIONS.get(library, (library,)):
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    if library in OPTIONAL:
        return OPTIONAL[library]
    raise PackageNotFoundError(library)


def describe(entry: Entry, profile: Profile, changes: dict[str, object] | None = None) -> Method:
    """A sampler or model with the profile's parameters, some of them changed, and the version of its library."""
    params = {**entry.defaults, **profile.parameters.get(entry.name, {}), **(changes or {})}
    return Method(entry.name, params, minor_version(entry.library), entry.revision)


def minor_version(library: str) -> str:
    """A library with major and minor version, such as 'xgboost 3.2'."""
    return f"{library} {'.'.join(library_version(library).split('.')[:2])}"


def split_of(kind: str, profile: Profile) -> Split:
    """The profile's division of rows; with the seed it determines the rows of every fold."""
    protocol, dataset = profile.protocol, profile.dataset
    groups = GROUPS if dataset.group is None else ENTITIES
    test = RANDOM_TEST if dataset.time is None and protocol.test_fraction else None
    return Split(kind, protocol.test_fraction, groups, n_splits=protocol.n_splits, test=test)


def make_task(
    profile: Profile,
    dataset: DatasetIdentity,
    fold_id: tuple[int, int],
    sampler: Named,
    model: Named,
    *,
    search: Search | None = None,
) -> Task:
    """The task of a pair on one fold of the development set.

    Parameters
    ----------
    profile : Profile
        Provides protocol and parameters.
    dataset : DatasetIdentity
    fold_id : (int, int)
        Repeat and fold.
    sampler, model : str or (str, dict)
        Name in the registry, optionally with parameters that replace the profile's.
    search : Search, optional
        How parameters are chosen; by default they are not searched.
    """
    (sampler_name, sampler_changes), (model_name, model_changes) = map(_split_changes, (sampler, model))
    repeat, fold = fold_id
    return Task(
        dataset=dataset,
        split=split_of("development", profile),
        repeat=repeat,
        fold=fold,
        seed=child_seed(profile.protocol.seed, "task", repeat, fold),
        sampler=describe(_entry(SAMPLERS, sampler_name, "sampler"), profile, sampler_changes),
        model=describe(_entry(MODELS, model_name, "model"), profile, model_changes),
        search=search and plan_search(sampler_name, model_name, search),
    )


def _split_changes(method: Named) -> tuple[str, dict[str, object]]:
    return (method, {}) if isinstance(method, str) else method


def grid(
    profile: Profile,
    dataset: DatasetIdentity,
    *,
    samplers: Iterable[str] | None = None,
    models: Iterable[str] | None = None,
) -> list[Task]:
    """Every task of the profile for these samplers and models; all that the profile compares by default.

    Networks are measured on the profile's `deep_folds` and with its `deep_samplers` or `sequence_samplers`, models that
    handle imbalance themselves with no sampler.
    """
    samplers = list(samplers or profile.samplers or STANDARD)
    for name in samplers:
        _entry(SAMPLERS, name, "sampler")
    return [
        make_task(profile, dataset, fold_id, sampler, model, search=profile.search)
        for model in models or profile.models or MODELS
        for fold_id in (profile.deep_folds if _entry(MODELS, model, "model").deep else profile.folds)
        for sampler in samplers
        if sampler in _samplers_of(model, profile)
    ]


def _samplers_of(model: str, profile: Profile) -> Iterable[str]:
    if MODELS[model].alone:
        return ("none",)
    if MODELS[model].ordered and profile.sequence_samplers:
        return profile.sequence_samplers
    return profile.deep_samplers if MODELS[model].deep else SAMPLERS


def _entry(registry: dict[str, EntryType], name: str, kind: str) -> EntryType:
    if name not in registry:
        raise ValueError(f"There is no {kind} {name!r} in the registry; choose one of {', '.join(registry)}.")
    return registry[name]


def label(task: Task) -> str:
    """Short text for a progress bar."""
    method = task.variant or f"{task.sampler.name}+{task.model.name}"
    thinned = task.split.thinned
    rows = f" with {thinned.n_positives} positives, draw {thinned.draw}" if thinned else ""
    return f"{method} fold {task.repeat}.{task.fold}{rows}"


def cost(task: Task) -> float:
    """Approximate seconds of a task and its share of the sampler's fit, for the progress bar."""
    return MODELS[task.model.name].cost * (2 if task.search else 1) + SAMPLERS[task.sampler.name].cost / 3
