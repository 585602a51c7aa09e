"""An equal search: every sampler of a model tries the same list of settings of that model.

The settings of a model are drawn once, from the ranges of its entry, whatever the sampler, the fold and the dataset. A
sampler with a ratio tries each setting with one ratio of a fixed grid, the same for all samplers of its kind; the grid
includes the ratio that changes nothing. The setting with the best inner score is selected.
"""

from __future__ import annotations

import hashlib
import json
from itertools import cycle, islice

import numpy as np
from scipy.stats import qmc

from utils.benchmark.records import SearchPlan, SearchSpace, Task
from utils.config import Search
from utils.models.registry import MODELS
from utils.registry import Choice, Range
from utils.samplers.registry import SAMPLERS
from utils.seeding import child_seed

SEED = 0  # of the list of settings


class SettingsError(RuntimeError):
    """The list of settings is not the one that a task was made for."""


def plan(sampler: str, model: str, search: Search) -> SearchPlan | None:
    """Plan of an equal search for a pair; None if there is nothing to choose.

    Parameters
    ----------
    sampler, model : str
        Names in the registries.
    search : config.Search
    """
    entry, ratios = MODELS[model], SAMPLERS[sampler].ratios and (search.ratios or SAMPLERS[sampler].ratios)
    n_trials = search.deep_trials if entry.deep else search.trials
    if n_trials < 2 or not (ratios or entry.ranges):
        return None
    space = SearchSpace({"ratio": list(ratios)} if ratios else {}, {})
    inner = {"held_out": search.held_out} if entry.deep else {"folds": search.folds}
    return SearchPlan(n_trials, 0.0, space, **inner, settings=fingerprint(model_settings(model, n_trials)))


def settings(task: Task) -> list[tuple[dict[str, object], dict[str, object]]]:
    """Parameters of sampler and model that a task tries, in order.

    Raises
    ------
    SettingsError
        If the registry's ranges no longer give the list that the task was made for.
    """
    n_trials = task.search.trials
    models = model_settings(task.model.name, n_trials)
    if fingerprint(models) != task.search.settings:
        raise SettingsError(
            f"The settings of {task.model.name} are no longer those that the task was made for; "
            "make the tasks again, or restore the ranges in utils/models/registry.py."
        )
    ratios = task.search.space.sampler.get("ratio")
    samplers = [{"ratio": ratio} for ratio in spread(ratios, n_trials)] if ratios else [{}] * n_trials
    return list(zip(samplers, models, strict=True))


def model_settings(model: str, n_trials: int) -> list[dict[str, object]]:
    """The first settings of a model: points of a Sobol sequence in the ranges of its entry."""
    ranges = MODELS[model].ranges
    if not ranges:
        return [{}] * n_trials
    sequence = qmc.Sobol(len(ranges), rng=np.random.default_rng(child_seed(SEED, "settings", model)))
    points = sequence.random_base2(int(np.ceil(np.log2(n_trials))))[:n_trials]
    return [{name: _value(ranges[name], share) for name, share in zip(ranges, point, strict=True)} for point in points]


def spread(values: list, n: int) -> list:
    """The values in a random order, repeated until there are `n`: each as often as any other, give or take one."""
    order = np.random.default_rng(child_seed(SEED, "ratios", len(values))).permutation(len(values))
    return list(islice(cycle([values[position] for position in order]), n))


def fingerprint(content: list[dict[str, object]]) -> str:
    """Hash of a list of settings."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def _value(choice: Choice, share: float) -> object:
    return choice.at(share) if isinstance(choice, Range) else choice[int(share * len(choice))]
