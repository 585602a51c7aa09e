"""Where a sampler is used at all: the folds on which it changes rows, and tables that leave it room."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from utils.analysis.over_datasets.families import PAIR, RULES, differences_to, family_groups, family_scores
from utils.benchmark.records import Chosen

FOLD = ["dataset", "model", "repeat", "fold"]  # what a sampler and the baseline share
SIZES = ["n_fit", "n_fit_positives"]  # of the rows that a model was fitted on
WEIGHTED = ("class_weight",)  # samplers that weigh rows; their ratio 0 gives both classes the weight 1
EASY = 0.99
NOT_USED = "not used"
MOSTLY = 0.5  # share of the searches


def changes_rows(table: pd.DataFrame) -> pd.Series:
    """Whether the sampler of a row added, dropped or weighed any training row.

    The number of rows is compared with that of no resampling on the same fold, because a ratio alone does not tell: an
    undersampler that may keep more legitimate rows than there are drops none.

    Parameters
    ----------
    table : DataFrame
        Ledger rows of samplers and of no resampling.

    Raises
    ------
    KeyError
        If a fold has no row of no resampling.
    """
    baseline = table[table["sampler"] == RULES.baseline].set_index(FOLD)[SIZES]
    unchanged = baseline.loc[pd.MultiIndex.from_frame(table[FOLD])].to_numpy()
    resized = (table[SIZES].to_numpy() != unchanged).any(axis=1)
    weighs = table["sampler"].isin(WEIGHTED) & (table["chosen"].map(_ratio) != 0)
    return resized | weighs


def _ratio(chosen: Chosen) -> object:
    """The chosen ratio; None of a sampler without one."""
    return chosen.sampler.get("ratio")


def share_unused(table: pd.DataFrame) -> pd.Series:
    """Share of the folds of all datasets on which a sampler changed nothing, by model and sampler.

    Parameters
    ----------
    table : DataFrame
        See `changes_rows`.
    """
    unused = ~changes_rows(table)[table["sampler"] != RULES.baseline]
    return unused.groupby([table.loc[unused.index, name] for name in PAIR], sort=False).mean()


def mask_unused(verdicts: pd.Series, share: pd.Series) -> pd.Series:
    """'Not used' for what is equivalent or undecided where a sampler mostly changed nothing; both of shape (n_pairs,).

    A sampler that helps or harms keeps its verdict: the few folds on which it changed rows were enough to decide.
    """
    return verdicts.mask((share > MOSTLY) & verdicts.isin(["equivalent", "undecided"]), NOT_USED)


def share_replaced(table: pd.DataFrame) -> pd.Series:
    """Share of the tasks in which something else took the place of a sampler that could not work, by sampler."""
    fallback = table.get("fallback", pd.Series(None, table.index, dtype=object))  # no column without any fallback
    return fallback.notna().groupby(table["sampler"], sort=False).mean()


def used_differences(table: pd.DataFrame, families: Mapping[str, str]) -> pd.DataFrame:
    """Differences from no resampling over the folds on which the sampler changes rows.

    Parameters
    ----------
    table : DataFrame
        Ledger rows of one kind of ratio: columns dataset (its name), model, sampler, repeat, fold, chosen, n_fit,
        n_fit_positives and the metric of the plan.
    families : mapping of str to str
        Family of each dataset.

    Returns
    -------
    DataFrame of shape (n_families, n_pairs)
        The mean over a family's tables that have such a fold; NaN where none has. Columns: (model, sampler).
    """
    is_baseline = table["sampler"] == RULES.baseline
    baseline = table[is_baseline].set_index(FOLD)[RULES.metric]
    used = table[~is_baseline & changes_rows(table)]
    reference = baseline.reindex(pd.MultiIndex.from_frame(used[FOLD])).to_numpy()
    compared = used.assign(difference=used[RULES.metric] - reference)
    per_table = compared.groupby(["dataset", *PAIR], sort=False)["difference"].mean().unstack(PAIR)
    return family_groups(per_table, families).mean().rename_axis("family")


def hard_differences(table: pd.DataFrame, families: Mapping[str, str]) -> pd.DataFrame:
    """Differences from no resampling over tables that leave their model room for a gain; see `hard_scores`."""
    return differences_to(hard_scores(table, families))


def hard_scores(table: pd.DataFrame, families: Mapping[str, str]) -> pd.DataFrame:
    """Mean scores by family over the tables on which their model alone stays below `EASY`.

    A family keeps its other tables; one of which a pair lacks a result is left out for this pair, as everywhere.

    Parameters
    ----------
    table, families
        As for `used_differences`.

    Returns
    -------
    DataFrame of shape (n_families, n_pairs)
        Columns: (model, sampler).
    """
    hard = without_easy_tables(table)
    of_models = [family_scores(rows, families) for _, rows in hard.groupby("model", sort=False)]
    return pd.concat(of_models, axis=1) if of_models else family_scores(hard, families)


def without_easy_tables(table: pd.DataFrame, limit: float = EASY) -> pd.DataFrame:
    """Rows of the tables on which their model stays below the limit without resampling, so that something can help."""
    scores = table[table["sampler"] == RULES.baseline].groupby(["dataset", "model"])[RULES.metric].mean()
    own = scores.reindex(pd.MultiIndex.from_frame(table[["dataset", "model"]])).to_numpy()
    return table[own < limit]
