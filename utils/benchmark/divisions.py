"""Check before anything long runs that every part into which the tasks divide a table has both classes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from utils.benchmark.run_task import all_folds, fold_parts, load_dataset, training_rows
from utils.benchmark.tasks import make_task
from utils.config import DatasetConfig, Profile
from utils.data.errors import DataError
from utils.data.identity import identify
from utils.models.registry import MODELS

ENOUGH_GROUPS = 100  # with a positive; if there are as many, every part gets some
BALANCED = 0.4  # prevalence from which positives may be the more frequent class of a part


def check_divisions(profile: Profile) -> None:
    """Divide the rows as the tasks of a profile will.

    Folds, inner folds and the rows that are held out of a network's training are stratified, but the rows of a group
    stay together: where few groups hold all positives, a part may have none.

    Raises
    ------
    DataError
        If a part has only one class, or if positives are not the rarer class of one that a model learns from.
    """
    dataset, folds = load_dataset(profile.dataset), all_folds(profile.dataset, profile.protocol, profile.n_repeats)
    first = next(iter(folds.values()))
    development = np.concatenate([first.train, first.test])
    is_positive = dataset.y.to_numpy()[development] == 1
    n_groups = len(np.unique(dataset.groups[development][is_positive]))
    if n_groups >= ENOUGH_GROUPS and is_positive.mean() < BALANCED:
        return
    for fold_id in dict.fromkeys((*profile.folds, *profile.deep_folds)):
        for part, y, is_learned_from in _parts(profile, fold_id):
            if not 0 < y.sum() < len(y):
                raise DataError(_one_class(profile.dataset, part, n_groups))
            if is_learned_from and 2 * y.sum() >= len(y):
                raise DataError(_not_rarer(profile.dataset, part, y))


def _parts(profile: Profile, fold_id: tuple[int, int]) -> Iterator[tuple[str, pd.Series, bool]]:
    """Name and labels of each part of a fold, and whether a model learns from it."""
    dataset, search = load_dataset(profile.dataset), profile.search
    fold = all_folds(profile.dataset, profile.protocol, profile.n_repeats)[fold_id]
    seed = make_task(profile, identify(profile.dataset), fold_id, "none", "lr").seed
    rows, name = training_rows(dataset, fold.train, seed), f"of fold {fold.number + 1}"
    yield f"training rows {name}", rows.y, True
    yield f"test rows {name}", fold_parts(dataset, fold.test)[1], False
    if fold_id in profile.folds and search.trials > 1:
        for train, test in rows.inner_folds(search.folds):
            yield f"training rows of an inner fold {name}", train.y, True
            yield f"test rows of an inner fold {name}", test.y, False
    if fold_id in profile.deep_folds and any(MODELS[model].deep for model in profile.models or MODELS):
        train, stopping = rows.held_out(search.held_out)
        yield f"training rows of a network {name}", train.y, True
        yield f"rows that stop the training of a network {name}", stopping.y, False


def _one_class(config: DatasetConfig, part: str, n_groups: int) -> str:
    holders, advice = f"{n_groups} different rows hold", "use a longer file"
    if config.group:
        holders = f"{n_groups} values of '{config.group}' hold"
        advice = "choose another column as `group`, or none"
    return (
        f"{config.path.name} cannot be divided: the {part} have only one class, as {holders} all labels 1 of the "
        f"development set; {advice}."
    )


def _not_rarer(config: DatasetConfig, part: str, y: pd.Series) -> str:
    advice = "exchange the classes"
    if config.time:
        advice += ", or leave out `time`, by which the latest rows become the test set"
    return (
        f"{config.path.name}: {y.sum():,} of the {len(y):,} {part} have the label 1, which must be the rarer class "
        f"wherever a model learns; {advice}."
    )
