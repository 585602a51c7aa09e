"""What each fault of the original study's protocol adds to its score, from the ledger rows of its runs."""

from __future__ import annotations

import pandas as pd

from utils.analysis import corrected_tests
from utils.analysis.corrected_tests import Difference

PUBLISHED = {"rus": 0.9046, "smote": 0.9086, "cgan": 0.9360}  # areas that the study's notebook printed for its forest
# Each condition: whether training and test rows overlap, and whether the area is the trapezoid's. The test set is never
# subsampled: that of the published figure was a random part of the file, with its prevalence.
CONDITIONS = {
    "clean": (False, False),
    "test overlap": (True, False),
    "trapezoid": (False, True),
    "as published": (True, True),
}
# Scikit-learn's average precision, as the trapezoid differs from it by interpolation alone. That of this study, which
# breaks ties against the model, is `average_precision`.
AREA = "tied_average_precision"
FAULTS = ("test overlap", "trapezoid")


def replica_figures(table: pd.DataFrame) -> pd.DataFrame:
    """Areas of the replica beside the published ones, one row per sampler.

    Parameters
    ----------
    table : DataFrame
        From `run.replica`, or `ledger.frame` of its rows.

    Returns
    -------
    DataFrame
        Indexed by sampler: the published trapezoid; the replica's mean, lowest and highest value over seeds; average
        precision; rows and prevalence of the test set; the share of its frauds that are training rows; and the
        trapezoid on test sets of the prevalence at which the study's CGAN reached an area of 1.
    """
    overlap = table[_overlaps(table)]
    grouped = overlap.groupby("sampler", sort=False)
    return pd.DataFrame(
        {
            "published": pd.Series(PUBLISHED),
            "trapezoid": grouped["trapezoid"].mean(),
            "lowest": grouped["trapezoid"].min(),
            "highest": grouped["trapezoid"].max(),
            "average_precision": grouped["tied_average_precision"].mean(),
            "n_rows": grouped["n_rows"].first(),
            "prevalence": (overlap["n_positives"] / overlap["n_rows"]).groupby(overlap["sampler"], sort=False).mean(),
            "shared_positives": grouped["shared_positives"].mean(),
            "thinned_trapezoid": grouped["thinned_trapezoid"].mean(),
        }
    ).loc[list(grouped.groups)]


def conditions(table: pd.DataFrame, sampler: str = "cgan", area: str = AREA) -> pd.DataFrame:
    """Area under every condition: one row per seed, one column per key of `CONDITIONS`; see `effects`.

    Raises
    ------
    ValueError
        If rows with or without overlap are missing.
    """
    chosen = table[table["sampler"] == sampler].assign(overlap=_overlaps(table))
    by_seed = {overlap: group.set_index("seed") for overlap, group in chosen.groupby("overlap")}
    if set(by_seed) != {False, True}:
        raise ValueError(
            f"Rows of {sampler!r} with and without overlap are needed; "
            "run python -m utils.experiments.original_study.run."
        )
    areas = {False: area, True: "trapezoid"}
    columns = {name: by_seed[overlap][areas[by_trapezoid]] for name, (overlap, by_trapezoid) in CONDITIONS.items()}
    return pd.DataFrame(columns).dropna()


def effects(table: pd.DataFrame, sampler: str = "cgan", area: str = AREA) -> pd.DataFrame:
    """Steps from the clean score to the replica's score as published, for `original_study.plot_waterfall`.

    Each fault is switched on alone, so the steps do not add up; the remainder is a step called 'interaction'.

    Parameters
    ----------
    table : DataFrame
        From `run.replica`, or `ledger.frame` of its rows.
    sampler : str
        The sampler whose forest is analysed.
    area : {'tied_average_precision', 'average_precision'}
        What the trapezoid is compared with: scikit-learn's average precision, or that of this study, which breaks ties
        against the model.

    Returns
    -------
    DataFrame
        Columns name, kind ('level' or 'step'), mean, low, high and n_seeds. Intervals are corrected for test sets
        that overlap from seed to seed (Nadeau and Bengio, 2003); steps are paired by seed.
    """
    scores = conditions(table, sampler, area)
    test_fraction = table["split"].iloc[0].test_fraction
    steps = {fault: scores[fault] - scores["clean"] for fault in FAULTS}
    stages = [
        ("clean", "level", scores["clean"]),
        *((fault, "step", values) for fault, values in steps.items()),
        ("interaction", "step", scores["as published"] - scores["clean"] - sum(steps.values())),
        ("as published", "level", scores["as published"]),
    ]
    rows = []
    for name, kind, values in stages:
        difference: Difference = corrected_tests.corrected_difference(values, test_fraction / (1 - test_fraction))
        interval = {
            "mean": difference.mean,
            "low": difference.low,
            "high": difference.high,
            "n_seeds": difference.n_folds,
        }
        rows.append({"name": name, "kind": kind, **interval})
    return pd.DataFrame(rows)


def _overlaps(table: pd.DataFrame) -> pd.Series:
    return pd.Series([split.overlap for split in table["split"]], index=table.index)
