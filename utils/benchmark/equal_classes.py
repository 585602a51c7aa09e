"""The usual practice, equal classes, beside the ratio that a search chooses.

For the samplers that a profile names, the model is searched anew with equal classes. For the others it is fitted anew
with the settings that the search chose for it with a ratio of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from utils.benchmark.records import FoldResult, Row, Task
from utils.benchmark.tasks import grid
from utils.config import Profile
from utils.data.identity import DatasetIdentity
from utils.models.registry import MODELS
from utils.samplers.registry import SAMPLERS

BALANCED = "balanced"
EQUAL, SEARCHED = "equal classes", "searched"


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
        if task.sampler.name in profile.search.equal_classes
    ]


def refitted_tasks(profile: Profile, rows: Iterable[Row[Task, FoldResult]]) -> list[Task]:
    """Tasks that fit a model with equal classes and the settings that its search chose.

    The training of a network ends on held-out rows, as in the search.

    Parameters
    ----------
    profile : Profile
    rows : iterable of Row
        Finished tasks with a search. Rows of samplers without a ratio, or that are searched anew, are passed over.
    """
    return [
        replace(
            row.task,
            sampler=row.task.sampler.with_params({"ratio": BALANCED}),
            model=row.task.model.with_params(row.result.chosen.model),
            search=row.task.search.of_one_fit(),
        )
        for row in rows
        if row.task.search and is_refitted(profile, row.task)
    ]


def label_ratios(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of `ledger.frame` with a column `ratio`: 'equal classes' or 'searched'.

    Equal classes that a search chose are searched, and so is a sampler without a ratio.
    """
    tried = [
        (search.space.sampler if search else {}).get("ratio", [sampler.params.get("ratio")])
        for search, sampler in zip(table["search"], table["sampler_config"], strict=True)
    ]
    return table.assign(ratio=[EQUAL if ratios == [BALANCED] else SEARCHED for ratios in tried])


def is_refitted(profile: Profile, task: Task) -> bool:
    """Whether a task with a search is fitted anew with equal classes, instead of searched anew."""
    entry, searched = SAMPLERS[task.sampler.name], profile.search.equal_classes
    return BALANCED in entry.ratios and entry.name not in searched and not MODELS[task.model.name].alone
