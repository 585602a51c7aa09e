"""What samplers are worth at each number of training frauds, from ledger frames of `utils.experiments.scarcity`."""

from __future__ import annotations

import pandas as pd

from utils.analysis.corrected_tests import corrected_difference, holm, require_finite
from utils.analysis.summaries import SCORE
from utils.analysis.verdicts import detectable_difference, verdict

ROWS = ["model", "level", "repeat", "fold", "draw"]  # what a sampler and its reference share


def scarcity_differences(table: pd.DataFrame, reference: str = "none") -> pd.DataFrame:
    """Compare every sampler with the reference under the same model, at every number of training frauds.

    Differences are paired by fold and draw, and averaged over the draws of a fold, because draws of one fold share its
    test rows: the fold is the unit.

    Parameters
    ----------
    table : DataFrame
        Columns model, sampler, ratio, level, repeat, fold, draw, split and average_precision, as
        `utils.experiments.scarcity.run` gives them.
    reference : str
        Sampler that the others are compared with, at the same ratio if it has one.

    Returns
    -------
    DataFrame
        Columns model, sampler, ratio, level, mean, low, high, p_value, n_folds (see `corrected_difference`), adjusted_p
        (Holm, all rows are one family), detectable (see `detectable_difference`) and verdict. Comparisons with fewer
        than two folds are left out.

    Raises
    ------
    ValueError
        If no comparison has two folds, or a score is NaN or infinite.
    """
    require_finite(table[SCORE], f"values of {SCORE}")
    is_reference = table["sampler"] == reference
    ratios = table.loc[is_reference, "ratio"]
    shared = ROWS if (ratios == "none").all() else [*ROWS, "ratio"]
    paired = table[~is_reference].merge(
        table.loc[is_reference, [*shared, SCORE]], on=shared, suffixes=("", "_reference"), validate="many_to_one"
    )
    paired["difference"] = paired[SCORE] - paired[f"{SCORE}_reference"]
    compared = _over_folds(paired, ["model", "sampler", "ratio", "level"], _test_share(table))
    if compared.empty:
        raise ValueError(f"No sampler has two folds in common with {reference!r}; run more folds before comparing.")
    compared = compared.assign(adjusted_p=holm(compared["p_value"]), detectable=detectable_difference(compared))
    verdicts = [verdict(row.low, row.high, row.adjusted_p) for row in compared.itertuples()]
    return compared.assign(verdict=verdicts)


def gains_of_frauds(table: pd.DataFrame, sampler: str = "none") -> pd.DataFrame:
    """What more training frauds are worth: the difference of each number of them to the number before.

    Parameters
    ----------
    table : DataFrame
        As for `scarcity_differences`; numbers of frauds in ascending order.
    sampler : str
        Of the rows that are compared.

    Returns
    -------
    DataFrame
        Columns model, level, before (the level that it is compared with), mean, low, high, p_value, n_folds; without
        adjustment, because these are no verdicts.
    """
    rows = table[table["sampler"] == sampler]
    levels = list(rows["level"].unique())
    of_fold = rows.groupby(["model", "level", "repeat", "fold"], sort=False)[SCORE].mean().reset_index()
    before = of_fold.rename(columns={"level": "before", SCORE: "earlier"})
    paired = of_fold.assign(before=of_fold["level"].map(dict(zip(levels[1:], levels[:-1], strict=True))))
    paired = paired.merge(before, on=["model", "before", "repeat", "fold"])
    paired["difference"] = paired[SCORE] - paired["earlier"]
    return _over_folds(paired, ["model", "level", "before"], _test_share(table))


def _test_share(table: pd.DataFrame) -> float:
    return 1 / (table["split"].iloc[0].n_splits - 1)


def _over_folds(paired: pd.DataFrame, method: list[str], test_share: float) -> pd.DataFrame:
    """Corrected mean difference of every group with two folds or more, after the mean over the draws of a fold."""
    of_fold = paired.groupby([*method, "repeat", "fold"], sort=False)["difference"].mean()
    return pd.DataFrame(
        dict(zip(method, names, strict=True)) | vars(corrected_difference(values, test_share))
        for names, values in of_fold.groupby(method, sort=False)
        if len(values) > 1
    )
