"""Settings of the models in the scarcity experiment: one of each model's list, chosen on other tables.

python -m utils.experiments.scarcity_settings

A search at every number of positives would cost too much. Instead each model has one setting, the same for every
sampler and every number of positives. It is the one of the first settings of the equal search (`equal_search`) with the
highest mean average precision on design tables of numbers alone, thinned to a few positives, with and without SMOTE.
Only tables on which these positives are rare count: how much data a leaf of boosting needs, for example, depends on the
share of positives. The folds of the experiment play no part in the choice.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from utils.benchmark import ledger, runner
from utils.benchmark.equal_search import model_settings
from utils.benchmark.errors import exit_with_a_sentence
from utils.benchmark.executors import add_jobs_argument, run_batches
from utils.benchmark.records import Task, Thinning
from utils.benchmark.tasks import Named, make_task
from utils.config import Profile, load_profile
from utils.data.identity import DatasetIdentity, identify
from utils.data.tables import Table
from utils.experiments import many_tables
from utils.paths import ROOT
from utils.plan_file import read_plan
from utils.seeding import child_seed

RESULTS = ROOT / "build" / "scarcity"
CHOSEN = read_plan().scarcity.settings  # positions in the lists of the models; what `choose` gives
MODELS = tuple(CHOSEN)
N_SETTINGS = 8  # of each model's list
SAMPLERS: tuple[Named, ...] = ("none", ("smote", {"ratio": 5}))
FOLDS = many_tables.FOLDS[:2]
THINNING = Thinning(n_positives=40, draw=0)
MIN_NEGATIVES = 50  # in the training part of a fold, for each positive that is kept


def setting_of(model: str) -> dict[str, object]:
    """Parameters of a model in the scarcity experiment."""
    return model_settings(model, N_SETTINGS)[CHOSEN[model]]


def thinned_task(
    profile: Profile,
    dataset: DatasetIdentity,
    fold_id: tuple[int, int],
    thinning: Thinning | None,
    sampler: Named,
    model: Named,
) -> Task:
    """The task of a pair on a fold with some of its training positives, without a search.

    All methods have the seed of the draw. Without thinning it is the usual task of the fold.
    """
    task = make_task(profile, dataset, fold_id, sampler, model)
    if thinning is None:
        return task
    seed = child_seed(task.seed, "draw", thinning.draw)
    return replace(task, split=replace(task.split, thinned=thinning), seed=seed)


def design_tables() -> list[Table]:
    """Design tables of numbers alone on which the positives are rare when they are thinned."""
    train_share = 1 - 1 / many_tables.PROTOCOL.n_splits
    n_negatives = MIN_NEGATIVES * THINNING.n_positives / train_share
    return [
        table
        for table in many_tables.tables_of("design")
        if not table.categories and table.rows - table.minority >= n_negatives
    ]


def mean_scores(profile: Profile, tables: Iterable[Table], *, n_jobs: int = -1) -> pd.DataFrame:
    """Mean average precision of every setting: a row per model, a column per position in its list.

    Finished tasks are in a ledger below `build` and are not run again.
    """
    profiles = [replace(many_tables.profile_of(table, profile), results=RESULTS) for table in tables]
    groups = [_tasks(own) for own in profiles]
    known = {row.key for row in ledger.read(RESULTS)}
    batches = [
        runner.missing_batch(own, [task for _, task in group], known)
        for own, group in zip(profiles, groups, strict=True)
    ]
    if any(batches):
        run_batches([batch for batch in batches if batch], n_jobs=n_jobs)
    scores = {row.key: row.result.average_precision for row in ledger.read(RESULTS)}
    table = pd.DataFrame(
        {"model": task.model.name, "position": position, "score": scores[task.key]}
        for group in groups
        for position, task in group
    )
    return table.pivot_table("score", "model", "position", sort=False)


def _tasks(profile: Profile) -> list[tuple[int, Task]]:
    """Tasks of a table, each after the position of its model's setting."""
    identity = identify(profile.dataset)
    return [
        (position, thinned_task(profile, identity, fold_id, THINNING, sampler, (model, setting)))
        for fold_id in FOLDS
        for sampler in SAMPLERS
        for model in MODELS
        for position, setting in enumerate(model_settings(model, N_SETTINGS))
    ]


def choose(scores: pd.DataFrame) -> dict[str, int]:
    """Position of the best setting of each model; see `mean_scores`."""
    return scores.idxmax(axis=1).to_dict()


def main() -> None:
    """Score the settings on design tables and print them with the choice."""
    parser = argparse.ArgumentParser(description="Choose the models' settings on thinned design tables.")
    add_jobs_argument(parser)
    options = parser.parse_args()
    with exit_with_a_sentence():
        scores = mean_scores(load_profile("full"), design_tables(), n_jobs=options.jobs)
    print(f"{scores.round(4).to_string()}\nBest: {choose(scores)}")


if __name__ == "__main__":
    main()
