"""What a task is: one fold, one sampler, one model, with everything that determines the result."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from utils.benchmark import ledger
from utils.benchmark.search import search_of
from utils.config import Profile, Protocol, Search
from utils.data.loading import GROUPS
from utils.models.registry import MODELS
from utils.registry import Entry
from utils.samplers.registry import SAMPLERS
from utils.seeding import child_seed

Task = dict[str, Any]
DISTRIBUTIONS = {"tensorflow": ("tensorflow", "tensorflow-cpu"), "xgboost": ("xgboost", "xgboost-cpu")}
OPTIONAL = {"ctgan": "0.12.1"}  # the release that the committed results come from, where it is not installed


@lru_cache
def library_version(library: str) -> str:
    """Installed version of a library, whichever of its distributions is there."""
    for distribution in DISTRIBUTIONS.get(library, (library,)):
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    if library in OPTIONAL:
        return OPTIONAL[library]
    raise PackageNotFoundError(library)


def describe(entry: Entry, profile: Profile, parameters: dict[str, Any]) -> dict[str, Any]:
    """A sampler or model as the ledger writes it: name, all parameters, and the versions behind it."""
    release = ".".join(library_version(entry.library).split(".")[:2])
    return {
        "name": entry.name,
        "params": {**entry.defaults, **profile.parameters.get(entry.name, {}), **parameters},
        "library": f"{entry.library} {release}",
        "revision": entry.revision,
    }


def split(kind: str, protocol: Protocol) -> dict[str, Any]:
    """How rows are divided, as the ledger writes it: what decides, with the seed, which rows are in which fold."""
    sizes = {"n_splits": protocol.n_splits, "test_fraction": protocol.test_fraction}
    return {"kind": kind, **sizes, "groups": GROUPS}


def make_task(
    profile: Profile,
    dataset_id: dict[str, Any],
    place: tuple[int, int],
    sampler: tuple[str, dict[str, Any]],
    model: tuple[str, dict[str, Any]],
    *,
    search: Search | None = None,
) -> Task:
    """One task with its key.

    Parameters
    ----------
    profile : Profile
        Gives protocol and parameters.
    dataset_id : dict
        Name, hash and roles of the data; see `data.Dataset.identity`.
    place : (int, int)
        Repeat and fold.
    sampler, model : (str, dict)
        Name in the registry, and parameters that differ from the profile's.
    search : Search, optional
        How parameters are chosen; without it they are taken as they are.
    """
    protocol = profile.protocol
    repeat, fold = place
    task = {
        "dataset": dataset_id,
        "split": split("development", protocol),
        "repeat": repeat,
        "fold": fold,
        "seed": child_seed(protocol.seed, "task", repeat, fold),
        "sampler": describe(_entry(SAMPLERS, sampler[0], "sampler"), profile, sampler[1]),
        "model": describe(_entry(MODELS, model[0], "model"), profile, model[1]),
        "search": search and search_of(sampler[0], model[0], search),
    }
    return {"key": ledger.key_of(task), **task}


def grid(
    profile: Profile,
    dataset_id: dict[str, Any],
    *,
    samplers: Iterable[str] | None = None,
    models: Iterable[str] | None = None,
) -> list[Task]:
    """Every task of the profile for these samplers and models; all that the profile compares by default.

    Networks are measured with the profile's `deep_samplers`, models that handle imbalance themselves with none.
    """
    samplers = list(samplers or profile.samplers or SAMPLERS)
    for name in samplers:
        _entry(SAMPLERS, name, "sampler")
    return [
        make_task(profile, dataset_id, place, (sampler, {}), (model, {}), search=profile.search)
        for model in models or profile.models or MODELS
        for place in (profile.deep_folds if _entry(MODELS, model, "model").deep else profile.folds)
        for sampler in samplers
        if sampler in _samplers_of(model, profile)
    ]


def _samplers_of(model: str, profile: Profile) -> Iterable[str]:
    if MODELS[model].alone:
        return ("none",)
    return profile.deep_samplers if MODELS[model].deep else SAMPLERS


def _entry(registry: dict[str, Any], name: str, kind: str) -> Any:
    if name not in registry:
        raise ValueError(f"There is no {kind} {name!r} in the registry; choose one of {', '.join(registry)}.")
    return registry[name]


def label(task: Task) -> str:
    """Short text for a progress bar."""
    return f"{task['sampler']['name']}+{task['model']['name']} fold {task['repeat']}.{task['fold']}"


def cost(task: Task) -> float:
    """Rough seconds of a task and its share of the sampler's fit, to weigh progress."""
    fit = MODELS[task["model"]["name"]].cost * (2 if task["search"] else 1)
    return fit + SAMPLERS[task["sampler"]["name"]].cost / 3
