"""Where a sampler is used at all: the folds on which the chosen ratio changes rows, and tables that leave it room."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from utils.analysis.over_datasets.families import PAIR, RULES, differences_to, family_groups, family_scores

FOLD = ["dataset", "model", "repeat", "fold"]  # what a sampler and the baseline share
EASY = 0.99


def changes_rows(table: pd.DataFrame) -> pd.Series:
    """Whether the sampler of a row adds, drops or weighs any row at the ratio that its search chose.

    Parameters
    ----------
    table : DataFrame
        Ledger rows. The first of several ratios of an equal search changes nothing; see
        `samplers.registry.SamplerEntry.ratios`.
    """
    changed = [
        not search
        or search.settings is None
        or len(ratios := search.space.sampler.get("ratio", [])) < 2
        or chosen.sampler["ratio"] != ratios[0]
        for search, chosen in zip(table["search"], table["chosen"], strict=True)
    ]
    return pd.Series(changed, table.index, dtype=bool)


def share_unused(table: pd.DataFrame) -> pd.Series:
    """Share of the folds of all datasets on which the search chose to change nothing, by model and sampler."""
    resampled = table[table["sampler"] != RULES.baseline]
    return (~changes_rows(resampled)).groupby([resampled[name] for name in PAIR], sort=False).mean()


def share_replaced(table: pd.DataFrame) -> pd.Series:
    """Share of the tasks in which something else took the place of a sampler that could not work, by sampler."""
    fallback = table.get("fallback", pd.Series(None, table.index, dtype=object))  # no column without any fallback
    return fallback.notna().groupby(table["sampler"], sort=False).mean()


def used_differences(table: pd.DataFrame, families: Mapping[str, str]) -> pd.DataFrame:
    """Differences from no resampling over the folds on which the sampler changes rows.

    Parameters
    ----------
    table : DataFrame
        Ledger rows of one kind of ratio: columns dataset (its name), model, sampler, repeat, fold, search, chosen and
        the metric of the plan.
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
    """Differences from no resampling over the tables on which their model alone stays below `EASY`.

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
    of_models = [differences_to(family_scores(rows, families)) for _, rows in hard.groupby("model", sort=False)]
    return pd.concat(of_models, axis=1) if of_models else differences_to(family_scores(hard, families))


def without_easy_tables(table: pd.DataFrame, limit: float = EASY) -> pd.DataFrame:
    """Rows of the tables on which their model stays below the limit without resampling, so that something can help."""
    scores = table[table["sampler"] == RULES.baseline].groupby(["dataset", "model"])[RULES.metric].mean()
    own = scores.reindex(pd.MultiIndex.from_frame(table[["dataset", "model"]])).to_numpy()
    return table[own < limit]
