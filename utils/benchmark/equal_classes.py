"""The usual practice, equal classes, beside the ratio that a search chooses.

For some samplers the model is searched anew with equal classes. For the others it is fitted anew with the settings that
the search chose for it with a ratio of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from utils.benchmark.records import FoldResult, Row, Task
from utils.benchmark.tasks import grid
from utils.config import Profile
from utils.data.identity import DatasetIdentity
from utils.models.registry import MODELS
from utils.samplers.registry import SAMPLERS

BALANCED = "balanced"
SEARCHED = ("ros", "smote", "cgan")  # with equal classes: what advice is about, and the claim under test


def searched_tasks(profile: Profile, dataset: DatasetIdentity, **names: Iterable[str] | None) -> list[Task]:
    """Tasks that search the model's settings with equal classes.

    Parameters
    ----------
    profile : Profile
    dataset : DatasetIdentity
    **names
        Samplers and models, as for `tasks.grid`.
    """
    equal = replace(profile, search=replace(profile.search, ratios=(BALANCED,)))
    return [
        replace(task, sampler=task.sampler.with_params({"ratio": BALANCED}))
        for task in grid(equal, dataset, **names)
        if task.sampler.name in SEARCHED
    ]


def refitted_tasks(rows: Iterable[Row[Task, FoldResult]]) -> list[Task]:
    """Tasks that fit a model with equal classes and the settings that its search chose.

    Parameters
    ----------
    rows : iterable of Row
        Finished tasks with a search. Rows of samplers without a ratio, or that are searched anew, are passed over.
    """
    return [
        replace(
            row.task,
            sampler=row.task.sampler.with_params({"ratio": BALANCED}),
            model=row.task.model.with_params(row.result.chosen.model),
            search=None,
        )
        for row in rows
        if row.task.search and _is_refitted(row.task)
    ]


def _is_refitted(task: Task) -> bool:
    entry = SAMPLERS[task.sampler.name]
    return BALANCED in entry.ratios and entry.name not in SEARCHED and not MODELS[task.model.name].alone
