"""What samplers are worth at each number of training frauds, from ledger frames of `utils.experiments.scarcity`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from utils.analysis.corrected_tests import corrected_difference, holm, require_finite
from utils.analysis.summaries import SCORE
from utils.analysis.verdicts import detectable_difference, verdict

METHOD = ["model", "sampler", "ratio"]
ROWS = ["model", "level", "repeat", "fold", "draw"]  # what a sampler and its reference share


def scarcity_differences(table: pd.DataFrame) -> pd.DataFrame:
    """Compare every sampler with no resampling with the same model, at every number of training frauds.

    Differences are paired by fold and draw, and averaged over the draws of a fold, because draws of one fold share its
    test rows: the fold is the unit.

    Parameters
    ----------
    table : DataFrame
        Columns model, sampler, ratio, level, repeat, fold, draw, split and average_precision, as
        `utils.experiments.scarcity.run` gives them.

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
    return _judged(_differences(table, "none"))


def generator_differences(table: pd.DataFrame, generators: Sequence[str], references: Sequence[str]) -> pd.DataFrame:
    """Compare generators with simpler samplers at the same ratio, with the same model and number of training frauds.

    Parameters
    ----------
    table : DataFrame
        As for `scarcity_differences`.
    generators, references : sequence of str
        Samplers that are compared, and those that each of them is compared with.

    Returns
    -------
    DataFrame
        Columns as of `scarcity_differences`, with which all rows are one family, and reference.
    """
    parts = [
        _differences(table[table["sampler"].isin([*generators, reference])], reference).assign(reference=reference)
        for reference in references
    ]
    return _judged(pd.concat(parts, ignore_index=True))


def _differences(table: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Differences of all other samplers from the reference, without an adjustment."""
    compared = _over_folds(_paired(table, reference), [*METHOD, "level"], _test_share(table))
    if compared.empty:
        raise ValueError(f"No sampler has two folds in common with {reference!r}; run more folds before comparing.")
    return compared


def _judged(compared: pd.DataFrame) -> pd.DataFrame:
    """Comparisons of one family with adjusted p-values and verdicts."""
    compared = compared.assign(adjusted_p=holm(compared["p_value"]), detectable=detectable_difference(compared))
    verdicts = [verdict(row.low, row.high, row.adjusted_p) for row in compared.itertuples()]
    return compared.assign(verdict=verdicts)


def scarcity_trends(table: pd.DataFrame) -> pd.DataFrame:
    """How the difference of every sampler from no resampling changes when the training frauds are doubled.

    In every fold it is the slope of a straight line through the differences, means over the draws, against the binary
    logarithm of the number of training frauds. A sampler that is worth more where frauds are fewer has a negative one.

    Parameters
    ----------
    table : DataFrame
        As for `scarcity_differences`, with n_fit_positives, which without resampling is the number of training frauds.

    Returns
    -------
    DataFrame
        Columns model, sampler, ratio, mean (change per doubling), low, high, p_value, n_folds (see
        `corrected_difference`) and adjusted_p (Holm, all rows are one family). Pairs with fewer than two folds or two
        numbers of frauds are left out.
    """
    paired = _paired(table, "none", "n_fit_positives").assign(
        doublings=lambda rows: np.log2(rows["n_fit_positives_reference"])
    )
    of_fold = [*METHOD, "repeat", "fold"]
    points = paired.groupby([*of_fold, "level"], sort=False)[["doublings", "difference"]].mean().reset_index()
    slopes = [
        dict(zip(of_fold, names, strict=True)) | {"difference": np.polyfit(line["doublings"], line["difference"], 1)[0]}
        for names, line in points.groupby(of_fold, sort=False)
        if len(line) > 1
    ]
    trends = _over_folds(pd.DataFrame(slopes, columns=[*of_fold, "difference"]), METHOD, _test_share(table))
    return trends if trends.empty else trends.assign(adjusted_p=holm(trends["p_value"]))


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


def _paired(table: pd.DataFrame, reference: str, *others: str) -> pd.DataFrame:
    """Rows of every other sampler, and beside them score and others of the reference on the same fold and draw."""
    require_finite(table[SCORE], f"values of {SCORE}")
    is_reference = table["sampler"] == reference
    ratios = table.loc[is_reference, "ratio"]
    shared = ROWS if (ratios == "none").all() else [*ROWS, "ratio"]
    paired = table[~is_reference].merge(
        table.loc[is_reference, [*shared, SCORE, *others]],
        on=shared,
        suffixes=("", "_reference"),
        validate="many_to_one",
    )
    return paired.assign(difference=paired[SCORE] - paired[f"{SCORE}_reference"])


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
