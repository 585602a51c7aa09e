"""Which parameters a search tries: the defaults first, then others drawn from the registries' spaces."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from utils.models.registry import MODELS
from utils.samplers.registry import SAMPLERS
from utils.seeding import child_seed

Part = dict[str, Any]
REGISTRIES = {"sampler": SAMPLERS, "model": MODELS}


@dataclass(frozen=True)
class Trial:
    """Sampler and model, each as a task describes it: a dict with `name` and `params`."""

    sampler: Part
    model: Part

    @property
    def parameters(self) -> dict[str, Part]:
        """What the ledger keeps of a choice."""
        return {"sampler": self.sampler["params"], "model": self.model["params"]}

    @property
    def described(self) -> dict[str, Part]:
        """What a model's card says of it."""
        return {"sampler": self.sampler, "model": self.model}


def search_of(sampler: str, model: str, settings: Any) -> Part | None:
    """How the parameters of a pair are chosen, as its task says; None where there is nothing to choose.

    Parameters
    ----------
    sampler, model : str
        Names in the registries.
    settings : config.Search
    """
    spaces = {"sampler": SAMPLERS[sampler].space, "model": MODELS[model].space}
    if MODELS[model].deep:
        return {
            "trials": settings.deep_trials,
            "held_out": settings.held_out,
            "margin": settings.margin,
            "space": spaces,
        }
    if settings.trials < 2 or not any(spaces.values()):
        return None
    budget = {name: getattr(settings, name) for name in ("trials", "folds", "margin")}
    return {**budget, "space": spaces, "reduced": {**SAMPLERS[sampler].in_search, **MODELS[model].in_search}}


def sample_trials(task: Part, y: ArrayLike | None = None) -> list[Trial]:
    """The trials of a task: its own parameters, then distinct ones drawn at random from the space.

    Parameters
    ----------
    y : array of labels, optional
        Of the training rows; on them, ratios that come to the same are one trial (see `SamplerEntry.effect`).
    """
    own = Trial(task["sampler"], task["model"])
    if not task["search"]:
        return [own]
    names, values = [], []
    for part, space in task["search"]["space"].items():
        names += [(part, name) for name in space]
        values += space.values()
    combinations = [dict(zip(names, chosen, strict=True)) for chosen in product(*values)]
    rng = np.random.default_rng(child_seed(task["seed"], "trials"))
    trials, effects = [own], [_effect(own, y)]
    for number in rng.permutation(len(combinations)):
        trial = _changed(own, combinations[number])
        if len(trials) < task["search"]["trials"] and (effect := _effect(trial, y)) not in effects:
            trials.append(trial)
            effects.append(effect)
    return trials


def _effect(trial: Trial, y: ArrayLike | None) -> dict[str, Part]:
    """A trial's parameters, with what the ratio comes to in the ratio's place."""
    params = trial.sampler["params"]
    if y is None or "ratio" not in params:
        return trial.parameters
    effect = SAMPLERS[trial.sampler["name"]].effect(params["ratio"], y)
    return {**trial.parameters, "sampler": {**params, "ratio": effect}}


def select_trial(scores: list[float], margin: float) -> int:
    """Position of the selected trial: prefer earlier settings unless a later one is better by more than `margin`."""
    return int(np.argmax(np.asarray(scores) >= max(scores) - margin))


def _changed(own: Trial, values: dict[tuple[str, str], Any]) -> Trial:
    parts = {}
    for part in ("sampler", "model"):
        given = getattr(own, part)
        changes = {name: value for (of, name), value in values.items() if of == part}
        parts[part] = {**given, "params": {**given["params"], **changes}}
    return Trial(**parts)


def chosen_trial(task: Part, parameters: dict[str, Part]) -> Trial:
    """The trial that a ledger row's `chosen` stands for."""
    return Trial(*({**task[part], "params": parameters[part]} for part in ("sampler", "model")))


def in_search(trial: Trial) -> Trial:
    """A trial as it is tried, with fewer trees or updates than what is chosen gets; see `Entry.in_search`."""
    parts = {}
    for part, registry in REGISTRIES.items():
        given = getattr(trial, part)
        reduced = registry[given["name"]].in_search
        params = given["params"] | {name: min(most, given["params"].get(name, most)) for name, most in reduced.items()}
        parts[part] = {**given, "params": params}
    return Trial(**parts)
