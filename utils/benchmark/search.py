"""Which parameters a search tries: the defaults first, then others drawn from the registries' spaces."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from utils.benchmark import equal_search
from utils.benchmark.records import Chosen, Method, SearchPlan, SearchSpace, Task
from utils.config import Search
from utils.models.registry import MODELS
from utils.registry import Entry
from utils.samplers.registry import SAMPLERS
from utils.seeding import child_seed


@dataclass(frozen=True)
class Trial:
    """Sampler and model with the parameters that are tried."""

    sampler: Method
    model: Method

    @property
    def chosen(self) -> Chosen:
        """The parameters alone."""
        return Chosen(self.sampler.params, self.model.params)


def plan_search(sampler: str, model: str, settings: Search) -> SearchPlan | None:
    """Plan of the parameter search for a pair; None if there is nothing to choose.

    Parameters
    ----------
    sampler, model : str
        Names in the registries.
    settings : config.Search
    """
    if settings.equal:
        return equal_search.plan(sampler, model, settings)
    sampler_entry, model_entry = SAMPLERS[sampler], MODELS[model]
    space = SearchSpace(sampler_entry.space, model_entry.space)
    if model_entry.deep:
        return SearchPlan(settings.deep_trials, settings.margin, space, held_out=settings.held_out)
    if settings.trials < 2 or not (space.sampler or space.model):
        return None
    reduced = {**sampler_entry.in_search, **model_entry.in_search}
    return SearchPlan(settings.trials, settings.margin, space, folds=settings.folds, reduced=reduced)


def sample_trials(task: Task, y: ArrayLike | None = None) -> list[Trial]:
    """The trials of a task: its own parameters, then distinct ones drawn at random from the space.

    Parameters
    ----------
    y : array of labels, optional
        Labels of the training rows; ratios with the same effect on them are one trial (see `SamplerEntry.effect`).
    """
    default = Trial(task.sampler, task.model)
    if task.search is None:
        return [default]
    if task.search.settings:
        return [Trial(task.sampler.with_params(s), task.model.with_params(m)) for s, m in equal_search.settings(task)]
    candidates = list(product(_settings(task.search.space.sampler), _settings(task.search.space.model)))
    rng = np.random.default_rng(child_seed(task.seed, "trials"))
    trials, effects = [default], [_effect(default, y)]
    for number in rng.permutation(len(candidates)):
        sampler_params, model_params = candidates[number]
        trial = Trial(default.sampler.with_params(sampler_params), default.model.with_params(model_params))
        if len(trials) < task.search.trials and (effect := _effect(trial, y)) not in effects:
            trials.append(trial)
            effects.append(effect)
    return trials


def _settings(space: dict[str, list]) -> list[dict[str, object]]:
    """Every combination of the values in a space."""
    return [dict(zip(space, values, strict=True)) for values in product(*space.values())]


def _effect(trial: Trial, y: ArrayLike | None) -> Chosen:
    """A trial's parameters, with the ratio replaced by its effect on the rows."""
    params = trial.sampler.params
    if y is None or "ratio" not in params:
        return trial.chosen
    effect = SAMPLERS[trial.sampler.name].effect(params["ratio"], y)
    return replace(trial.chosen, sampler={**params, "ratio": effect})


def select_trial(scores: list[float], margin: float) -> int:
    """Position of the selected trial: prefer earlier settings unless a later one is better by more than `margin`."""
    return int(np.argmax(np.asarray(scores) >= max(scores) - margin))


def chosen_trial(task: Task, chosen: Chosen) -> Trial:
    """The trial of a task that has these parameters."""
    return Trial(replace(task.sampler, params=chosen.sampler), replace(task.model, params=chosen.model))


def reduced_trial(trial: Trial) -> Trial:
    """A trial as the search fits it, with fewer trees or updates than the final fit; see `Entry.in_search`."""
    return Trial(_reduced(trial.sampler, SAMPLERS[trial.sampler.name]), _reduced(trial.model, MODELS[trial.model.name]))


def _reduced(method: Method, entry: Entry) -> Method:
    params = method.params
    return method.with_params({name: min(limit, params.get(name, limit)) for name, limit in entry.in_search.items()})
