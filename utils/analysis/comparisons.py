"""Comparisons of samplers, pairs and variants over the same folds, from ledger frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from utils.analysis.bootstrap import bootstrap_differences
from utils.analysis.corrected_tests import PRACTICAL, Difference, corrected_difference, holm, practical_probabilities
from utils.analysis.over_datasets import usage
from utils.analysis.summaries import SCORE, TIE_NEUTRAL_SCORE, Pair, paired_scores
from utils.analysis.verdicts import LARGEST, verdict

UNKNOWN = dict.fromkeys(("mean", "low", "high", "p_value", "n_folds"), np.nan)  # difference of too few folds


def compare_samplers(table: pd.DataFrame, reference: str = "none") -> pd.DataFrame:
    """Compare every sampler with the reference with the same model, as one Holm family.

    Parameters
    ----------
    table : DataFrame of shape (n_tasks, n_columns)
        Ledger rows, one per model, sampler, repeat and fold, as `ledger.frame` gives them.
    reference : str, default="none"
        Sampler that the others are compared with.

    Returns
    -------
    DataFrame
        Columns model, sampler, against, mean, low, high, p_value, n_folds; p_harms, p_equivalent, p_helps from
        `practical_probabilities`; boot_low, boot_high from `bootstrap_differences`, NaN if the table has no ranks;
        adjusted_p, verdict; mean_tie_neutral and verdict_tie_neutral, of the average precision with ties neutral, and
        holds_tie_neutral, whether that verdict is the same, NaN and None where a row of the pair lacks that score.
        Pairs with fewer than two folds in common are left out, because they allow no interval. Means and bounds are
        differences in average precision, sampler minus reference; bounds end at -1 and 1, beyond which no difference
        can be.

    Raises
    ------
    ValueError
        If no pair has two folds in common, or a score is NaN or infinite.

    See Also
    --------
    compare_pairs : The same for chosen pairs of model and sampler.
    utils.analysis.corrected_tests.corrected_difference : The test behind `low`, `high` and `p_value`.
    utils.analysis.verdicts.verdict : How an interval and an adjusted p-value become a word.

    References
    ----------
    Nadeau, C. and Bengio, Y. (2003). Inference for the generalization error.
    Holm, S. (1979). A simple sequentially rejective multiple test procedure.
    Corani, G. and Benavoli, A. (2015). A Bayesian approach for comparing cross-validated algorithms on multiple data
    sets.

    Examples
    --------
    Five folds on which SMOTE is better by about 0.02 every time:

    >>> import pandas as pd
    >>> from utils.analysis import compare_samplers
    >>> from utils.benchmark.records import Split
    >>> scores = {"none": [0.80, 0.78, 0.82, 0.79, 0.81], "smote": [0.82, 0.80, 0.84, 0.812, 0.828]}
    >>> rows = [
    ...     {"model": "lr", "sampler": sampler, "repeat": 0, "fold": fold, "average_precision": score}
    ...     for sampler, values in scores.items()
    ...     for fold, score in enumerate(values)
    ... ]
    >>> split = Split("development", test_fraction=0.2, groups="none", n_splits=5)
    >>> table = pd.DataFrame(rows).assign(split=[split] * len(rows))
    >>> compared = compare_samplers(table)
    >>> columns = ["model", "sampler", "mean", "low", "high", "n_folds", "verdict"]
    >>> print(compared[columns].round(3).to_string(index=False))
    model sampler mean   low  high n_folds verdict
       lr   smote 0.02 0.017 0.023       5   helps
    """
    return compare_pairs(table, _pairs_against(table, reference))


def _pairs_against(table: pd.DataFrame, reference: str) -> list[tuple[Pair, Pair]]:
    """Every sampler and the reference with the same model."""
    return [((model, sampler), (model, reference)) for model, sampler in paired_scores(table) if sampler != reference]


def with_usage(compared: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Whether the samplers of these comparisons were used at all, after a search that may also change nothing.

    Parameters
    ----------
    compared : DataFrame
        From `compare_samplers`.
    table : DataFrame
        The ledger rows behind it; see `usage.changes_rows`.

    Returns
    -------
    DataFrame
        The comparisons with two more columns: share_unused, the share of the folds on which the sampler changed no row,
        and where_used, the verdict over the other folds, None where these are fewer than two. See
        `usage.mask_unused` for `verdict` and `verdict_tie_neutral`.
    """
    pairs = pd.MultiIndex.from_frame(compared[["model", "sampler"]])
    unused = usage.share_unused(table).reindex(pairs).to_numpy()
    where_used = _verdicts(table[(table["sampler"] == "none") | usage.changes_rows(table)]).reindex(pairs)
    share = pd.Series(unused, compared.index)
    masked = {name: usage.mask_unused(compared[name], share) for name in ("verdict", "verdict_tie_neutral")}
    return compared.assign(
        share_unused=unused,
        where_used=where_used.astype(object).where(where_used.notna(), None).to_numpy(),
        **masked,
        holds_tie_neutral=pd.Series(_agreement(masked["verdict_tie_neutral"], masked["verdict"]), share.index, object),
    )


def _agreement(tie_neutral: Iterable[str | None], verdicts: Iterable[str]) -> list[bool | None]:
    """Whether the verdicts with ties neutral are the same; None where they are not known."""
    pairs = zip(tie_neutral, verdicts, strict=True)
    return [None if alternative is None else alternative == label for alternative, label in pairs]


def _verdicts(table: pd.DataFrame) -> pd.Series:
    """Verdict on every sampler by (model, sampler), empty if no pair has two folds in common."""
    pairs = _pairs_against(table, "none")
    if not _paired_differences(table, pairs):
        return pd.Series(index=pd.MultiIndex.from_tuples([], names=["model", "sampler"]), dtype=object)
    return compare_pairs(table, pairs).set_index(["model", "sampler"])["verdict"]


def compare_pairs(table: pd.DataFrame, pairs: list[Pair]) -> pd.DataFrame:
    """Compare first with second of each pair of (model, sampler), paired by fold, as one Holm family.

    See `compare_samplers` for the columns.
    """
    test_share = 1 / (table["split"].iloc[0].n_splits - 1)
    differences = _paired_differences(table, pairs)
    if not differences:
        raise ValueError("No pair has two folds in common; run more folds before comparing.")
    rows = []
    for (first, second), values in differences.items():
        test = vars(corrected_difference(values, test_share))
        practical = dict(zip(PRACTICAL, practical_probabilities(values, test_share), strict=True))
        rows.append({"model": first[0], "sampler": first[1], "against": " + ".join(second), **test, **practical})
    compared = pd.DataFrame(rows)
    compared[["boot_low", "boot_high"]] = (
        bootstrap_differences(table, list(differences)) if {"ranks", "positives"} <= set(table) else np.nan
    )
    compared["adjusted_p"] = holm(compared["p_value"])
    compared["verdict"] = [verdict(row.low, row.high, row.adjusted_p) for row in compared.itertuples()]
    compared[["low", "high"]] = compared[["low", "high"]].clip(-LARGEST, LARGEST)  # wider over few folds
    tests = _tie_neutral_tests(table, differences, test_share)
    tie_neutral = _tie_neutral_verdicts(tests)
    holds = _agreement(tie_neutral, compared["verdict"])
    return compared.assign(
        mean_tie_neutral=[np.nan if test is None else test.mean for test in tests],
        verdict_tie_neutral=pd.Series(tie_neutral, dtype=object),
        holds_tie_neutral=pd.Series(holds, dtype=object),
    )


def _paired_differences(table: pd.DataFrame, pairs: list[Pair], metric: str = SCORE) -> dict[Pair, NDArray]:
    """Differences over the folds that both members of a pair have, for pairs with at least two such folds."""
    scores = paired_scores(table, metric)
    known = [(first, second) for first, second in pairs if first in scores and second in scores]
    differences = {pair: (scores[pair[0]] - scores[pair[1]]).dropna().to_numpy() for pair in known}
    return {pair: values for pair, values in differences.items() if len(values) > 1}


def _tie_neutral_tests(
    table: pd.DataFrame, differences: dict[Pair, NDArray], test_share: float
) -> list[Difference | None]:
    """Test of each pair by the average precision with ties neutral; None if one of its rows lacks that score."""
    if TIE_NEUTRAL_SCORE not in table:
        return [None] * len(differences)
    scored = table[table[TIE_NEUTRAL_SCORE].notna()]
    neutral = _paired_differences(scored, list(differences), TIE_NEUTRAL_SCORE)
    return [
        corrected_difference(neutral[pair], test_share) if len(neutral.get(pair, ())) == len(values) else None
        for pair, values in differences.items()
    ]


def _tie_neutral_verdicts(tests: list[Difference | None]) -> list[str | None]:
    """Verdicts on the pairs; one without a test enters Holm's family with a p-value of 1, and eases no other."""
    adjusted = holm([1.0 if test is None else test.p_value for test in tests])
    return [
        None if test is None else verdict(test.low, test.high, p_value)
        for test, p_value in zip(tests, adjusted, strict=True)
    ]


def select_verdicts(family: pd.DataFrame, samplers: Iterable[str], models: Iterable[str]) -> pd.DataFrame:
    """What the comparisons of one family say of some samplers and models.

    Parameters
    ----------
    family : DataFrame
        From `compare_samplers`. P-values stay adjusted over all of it.

    Returns
    -------
    DataFrame
        Columns model, sampler, mean, low, high, adjusted_p, verdict.
    """
    chosen = family["sampler"].isin(list(samplers)) & family["model"].isin(list(models))
    return family.loc[chosen, ["model", "sampler", "mean", "low", "high", "adjusted_p", "verdict"]]


def ratio_differences(table: pd.DataFrame, ratios: Sequence[str] = ()) -> pd.DataFrame:
    """Compare every sampler at every ratio with no resampling with the same model.

    Parameters
    ----------
    table : DataFrame
        From `sensitivity.ratios`: ledger rows whose `setting` names the ratio.
    ratios : sequence of str
        All ratios in the order of the result; that of the table by default.

    Returns
    -------
    DataFrame
        Columns model, sampler, ratio, mean, low, high. The interval is the paired bootstrap's
        over the positives. The curves are descriptive; no verdict is based on them.
    """
    is_reference = table["sampler"] == "none"
    labelled = table.assign(sampler=table["sampler"].where(is_reference, table["sampler"] + " " + table["setting"]))
    compared = compare_samplers(labelled)
    names = compared["sampler"].str.split(" ", n=1, expand=True)
    compared = compared.assign(sampler=names[0], ratio=names[1], low=compared["boot_low"], high=compared["boot_high"])
    if ratios:
        compared = compared.sort_values("ratio", key=lambda names: names.map(list(ratios).index), kind="stable")
    return compared[["model", "sampler", "ratio", "mean", "low", "high"]]


def compare_variants(table: pd.DataFrame, figures: list[str], reference: str = "default") -> pd.DataFrame:
    """Compare every variant of a generator with the reference, paired by fold, for every figure of fidelity.

    Parameters
    ----------
    table : DataFrame
        From `cgan_ablation.run`: one row per variant and fold.
    figures : list of str
        Columns to compare.
    reference : str
        Variant that the others are compared with.

    Returns
    -------
    DataFrame
        Columns variant, figure, median (of the variant), mean, low, high, p_value, n_folds; the difference and
        its corrected interval are NaN for the reference, and for a figure that is defined on fewer than two folds.
        Folds in which a figure is not defined are left out of it, and n_folds says how many remain. Intervals are not
        adjusted for their number: they are descriptive, and no verdict is based on them.

    Raises
    ------
    ValueError
        If the reference is missing, or there are fewer than two folds.
    """
    if reference not in set(table["variant"]):
        raise ValueError(f"There is no variant {reference!r} to compare with; run it too.")
    test_share = 1 / (table["split"].iloc[0].n_splits - 1)
    rows = []
    for figure in figures:
        scores = table.pivot(index=["repeat", "fold"], columns="variant", values=figure)
        for variant in table["variant"].unique():
            row = {"variant": variant, "figure": figure, "median": scores[variant].median()}
            if variant != reference:
                values = (scores[variant] - scores[reference]).dropna()
                row |= vars(corrected_difference(values, test_share)) if len(values) > 1 else UNKNOWN
            rows.append(row)
    return pd.DataFrame(rows)
