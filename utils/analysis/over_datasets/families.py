"""From ledger rows to one value per pair and family: scores, and differences of scores."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from utils.plan_file import read_plan

RULES = read_plan().comparison
PAIR = ["model", "sampler"]


def with_ratio(table: pd.DataFrame, ratio: str) -> pd.DataFrame:
    """Rows of one kind of ratio, and those of samplers that have no other.

    Parameters
    ----------
    table : DataFrame
        Ledger rows with a column `ratio`; see `benchmark.equal_classes.label_ratios`.
    ratio : {'searched', 'equal classes'}
    """
    n_kinds = table.groupby("sampler")["ratio"].transform("nunique")
    return table[(table["ratio"] == ratio) | (n_kinds == 1)]


def table_scores(table: pd.DataFrame, metric: str = RULES.metric) -> pd.DataFrame:
    """Mean score of every pair on every dataset, over its folds.

    Parameters
    ----------
    table : DataFrame
        Ledger rows; columns dataset (its name), model, sampler, and the metric. One kind of ratio; see `with_ratio`.
    metric : str

    Returns
    -------
    DataFrame of shape (n_datasets, n_pairs)
        Columns: (model, sampler).
    """
    return table.groupby(["dataset", *PAIR], sort=False)[metric].mean().unstack(PAIR)


def family_scores(table: pd.DataFrame, families: Mapping[str, str], metric: str = RULES.metric) -> pd.DataFrame:
    """Mean score of every pair on every family: over the folds of a table, then over the tables of a family.

    Parameters
    ----------
    table, metric
        As for `table_scores`.
    families : mapping of str to str
        Family of each dataset.

    Returns
    -------
    DataFrame of shape (n_families, n_pairs)
        Columns: (model, sampler). A pair that lacks a table of a family has NaN there.

    Raises
    ------
    KeyError
        If a dataset has no family.
    """
    return complete_means(table_scores(table, metric), families)


def complete_means(per_table: pd.DataFrame, families: Mapping[str, str]) -> pd.DataFrame:
    """Means over the tables of each family; NaN where a table of the family has none."""
    return family_groups(per_table, families).agg(lambda column: column.mean(skipna=False)).rename_axis("family")


def family_groups(per_table: pd.DataFrame, families: Mapping[str, str]) -> pd.api.typing.DataFrameGroupBy:
    """Rows of a frame with the datasets as index, grouped by family; a KeyError names a dataset without one."""
    if unknown := sorted(set(per_table.index) - set(families)):
        raise KeyError(f"No family is given for {', '.join(unknown)}.")
    return per_table.groupby(per_table.index.map(families), sort=False)


def differences_to(scores: pd.DataFrame, baseline: str = RULES.baseline) -> pd.DataFrame:
    """Differences of every sampler from the baseline with the same model.

    Parameters
    ----------
    scores : DataFrame of shape (n_families, n_pairs)
        From `family_scores`; rows may as well be tables.
    baseline : str

    Returns
    -------
    DataFrame of shape (n_families, n_pairs)
        Columns (model, sampler) without the baseline.
    """
    pairs = [pair for pair in scores.columns if pair[1] != baseline]
    return _differences(scores, [(pair, (pair[0], baseline)) for pair in pairs], pairs)


def leads_of(scores: pd.DataFrame, pair: tuple[str, str]) -> pd.DataFrame:
    """Differences of one pair from every other, in whose column they stand: positive where it is better."""
    rivals = [rival for rival in scores.columns if rival != pair]
    return _differences(scores, [(pair, rival) for rival in rivals], rivals)


def _differences(
    scores: pd.DataFrame, compared: list[tuple[tuple[str, str], tuple[str, str]]], names: list[tuple[str, str]]
) -> pd.DataFrame:
    """First minus second of each pair of pairs, in a column of this name."""
    if not compared:
        return pd.DataFrame(index=scores.index, columns=pd.MultiIndex.from_tuples([], names=PAIR), dtype=float)
    values = [scores[first] - scores[second] for first, second in compared]
    return pd.concat(values, axis=1, keys=names, names=PAIR)
