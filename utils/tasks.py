"""What a task is: one fold, one sampler, one model, with everything that determines the result."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from utils import ledger
from utils.config import Profile
from utils.models import MODELS
from utils.registry import Entry
from utils.samplers import SAMPLERS
from utils.seeding import child_seed

Task = dict[str, Any]
DISTRIBUTIONS = {"tensorflow": ("tensorflow", "tensorflow-cpu"), "xgboost": ("xgboost", "xgboost-cpu")}


@lru_cache
def library_version(library: str) -> str:
    """Installed version of a library, whichever of its distributions is there."""
    for distribution in DISTRIBUTIONS.get(library, (library,)):
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
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


def make_task(
    profile: Profile,
    dataset_id: dict[str, str],
    place: tuple[int, int],
    sampler: tuple[str, dict[str, Any]],
    model: tuple[str, dict[str, Any]],
) -> Task:
    """One task with its key.

    Parameters
    ----------
    profile : Profile
        Gives protocol and parameters.
    dataset_id : dict
        Name and SHA-256 of the data.
    place : (int, int)
        Repeat and fold.
    sampler, model : (str, dict)
        Name in the registry, and parameters that differ from the profile's.
    """
    protocol = profile.protocol
    repeat, fold = place
    task = {
        "dataset": dataset_id,
        "split": {"kind": "development", "n_splits": protocol.n_splits, "test_fraction": protocol.test_fraction},
        "repeat": repeat,
        "fold": fold,
        "seed": child_seed(protocol.seed, "task", repeat, fold),
        "sampler": describe(_entry(SAMPLERS, sampler[0], "sampler"), profile, sampler[1]),
        "model": describe(_entry(MODELS, model[0], "model"), profile, model[1]),
        "search": None,
    }
    return {"key": ledger.key_of(task), **task}


def grid(
    profile: Profile,
    dataset_id: dict[str, str],
    *,
    samplers: Iterable[str] | None = None,
    models: Iterable[str] | None = None,
) -> list[Task]:
    """Every task of the profile for these samplers and models; all of the registry by default."""
    samplers = list(SAMPLERS if samplers is None else samplers)
    return [
        make_task(profile, dataset_id, place, (sampler, {}), (model, {}))
        for model in (MODELS if models is None else models)
        for place in (profile.deep_folds if _entry(MODELS, model, "model").deep else profile.folds)
        for sampler in samplers
    ]


def _entry(registry: dict[str, Any], name: str, kind: str) -> Any:
    if name not in registry:
        raise ValueError(f"There is no {kind} {name!r} in the registry; choose one of {', '.join(registry)}.")
    return registry[name]


def label(task: Task) -> str:
    """Short text for a progress bar."""
    return f"{task['sampler']['name']}+{task['model']['name']} fold {task['repeat']}.{task['fold']}"


def cost(task: Task) -> float:
    """Rough seconds of a task and its share of the sampler's fit, to weigh progress."""
    return MODELS[task["model"]["name"]].cost + SAMPLERS[task["sampler"]["name"]].cost / len(MODELS)
