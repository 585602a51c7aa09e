"""Verdicts over datasets, by the Bayesian signed-rank test."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from utils.analysis.over_datasets.families import PAIR, RULES, differences_to, family_scores
from utils.analysis.over_datasets.usage import EASY, hard_differences, mask_unused, share_unused, used_differences
from utils.analysis.summaries import TIE_NEUTRAL_SCORE

OUTCOMES = ("harms", "equivalent", "helps")
UNDECIDED = "undecided"
FEWEST = 5  # families that a verdict needs: on fewer, a test without distribution decides nothing at 5 %
BISECTIONS = 10  # of an interval of length 1: finer steps would be lost in the draws from the posterior
DIGITS = 12  # of a difference; sums of the same numbers in another order are the same difference


def verdicts(table: pd.DataFrame, families: Mapping[str, str], *, seed: int = 0) -> pd.DataFrame:
    """Verdict on every sampler against no resampling, and whether it holds on other folds and tables.

    Parameters
    ----------
    table : DataFrame
        Ledger rows of one kind of ratio; see `family_scores` and `usage.used_differences` for the columns.
    families : mapping of str to str
        Family of each dataset.
    seed : int
        Of the draws from the posterior.

    Returns
    -------
    DataFrame
        Columns of `effects`; detectable, see `smallest_detectable`; n_deciding, the number of `deciding_families`, 0
        where the verdict is 'not used'; share_unused, see `usage.share_unused`; and three more verdicts: where_used,
        over the folds on which the sampler changes rows, hard_tables, without tables where nothing can help, and, if
        the rows have it, tie_neutral, by the average precision that counts ties neutrally. Where the sampler mostly
        changed nothing, `verdict` and tie_neutral are 'not used' instead of 'equivalent' or 'undecided'.
    """
    scores = family_scores(table, families)
    differences = differences_to(scores)
    own = effects(differences, seed=seed)
    pairs = pd.MultiIndex.from_frame(own[PAIR])
    has_room = scores.xs(RULES.baseline, axis=1, level="sampler") < EASY
    own["detectable"] = [
        smallest_detectable(differences[pair].dropna(), has_room=has_room[pair[0]], seed=seed) for pair in pairs
    ]
    own["share_unused"] = share_unused(table).reindex(pairs).to_numpy()
    n_deciding = [len(deciding_families(differences[pair].dropna(), seed=seed)) for pair in pairs]
    masked = mask_unused(own["verdict"], own["share_unused"])
    own["n_deciding"] = pd.Series(n_deciding, own.index).where(masked == own["verdict"], 0)
    analyses = {"where_used": used_differences(table, families), "hard_tables": hard_differences(table, families)}
    if TIE_NEUTRAL_SCORE in table:
        analyses["tie_neutral"] = differences_to(family_scores(table, families, TIE_NEUTRAL_SCORE))
    for name, others in analyses.items():
        own[name] = effects(others, seed=seed).set_index(PAIR)["verdict"].reindex(pairs).to_numpy()
    if "tie_neutral" in own:
        own["tie_neutral"] = mask_unused(own["tie_neutral"], own["share_unused"])
    return own.assign(verdict=masked)


def effects(differences: pd.DataFrame, *, margin: float = RULES.margin, seed: int = 0) -> pd.DataFrame:
    """Verdict on the differences of every pair.

    Parameters
    ----------
    differences : DataFrame of shape (n_families, n_pairs)
        From `families.differences_to` or `leads_of`; a pair is judged without the families where it has NaN.
    margin : float
        Differences within it do not matter.
    seed : int
        Of the draws from the posterior.

    Returns
    -------
    DataFrame
        Columns model, sampler, n_families, difference (mean over families), median, harms, equivalent, helps
        (posterior probabilities) and verdict: the outcome whose probability reaches the plan's threshold, or
        'undecided', also on fewer than five families. A pair with fewer than two families is left out.
    """
    rows = []
    for (model, sampler), column in differences.items():
        values = column.dropna().to_numpy()
        if len(values) < 2:
            continue
        probabilities = posterior(values, margin=margin, seed=seed)
        rows.append(
            {
                "model": model,
                "sampler": sampler,
                "n_families": len(values),
                "difference": values.mean(),
                "median": np.median(values),
                **dict(zip(OUTCOMES, probabilities, strict=True)),
                "verdict": decide(probabilities) if len(values) >= FEWEST else UNDECIDED,
            }
        )
    return pd.DataFrame(rows, columns=[*PAIR, "n_families", "difference", "median", *OUTCOMES, "verdict"])


def posterior(differences: NDArray, *, margin: float = RULES.margin, seed: int = 0) -> tuple[float, ...]:
    """Probabilities of OUTCOMES: that averages of two differences are mostly below the margin, within it, above it."""
    from utils.analysis.over_datasets.signed_rank import SignedRank  # imports matplotlib, which takes a second

    values = np.round(differences, DIGITS)
    options = {"rope": margin, "prior": RULES.prior, "nsamples": RULES.draws, "random_state": seed}
    return tuple(map(float, SignedRank.probs(np.zeros(len(values)), values, **options)))


def decide(probabilities: tuple[float, ...]) -> str:
    """Of OUTCOMES, the one whose posterior probability reaches the plan's threshold, or 'undecided'."""
    likeliest = int(np.argmax(probabilities))
    return OUTCOMES[likeliest] if probabilities[likeliest] >= RULES.threshold else UNDECIDED


def deciding_families(differences: pd.Series, *, margin: float = RULES.margin, seed: int = 0) -> list[str]:
    """Families without any single one of which the verdict would be another; none where nothing is decided.

    With exactly as many families as a verdict needs, these are all of them.

    Parameters
    ----------
    differences : Series
        One difference per family, its index.
    margin, seed
        As for `effects`.
    """
    own = decide(posterior(differences.to_numpy(), margin=margin, seed=seed))
    if own == UNDECIDED or len(differences) < FEWEST:
        return []
    return [
        family
        for family in differences.index
        if len(differences) == FEWEST
        or decide(posterior(differences.drop(family).to_numpy(), margin=margin, seed=seed)) != own
    ]


def smallest_detectable(
    differences: pd.Series, *, has_room: pd.Series, margin: float = RULES.margin, seed: int = 0
) -> float:
    """Smallest gain that would have been decided to help, if every family that has room for one had gained as much.

    The observed differences of these families are moved by a constant, so that they vary as they do; those of the
    others stay. Draws from the posterior make it uncertain: where the probability of a gain stays near the threshold
    over a range of constants, another seed may give another one of them. It is 1, the largest difference that there
    can be, where the families differ too much for any verdict, too few of them have room, or there are fewer than
    five.

    Parameters
    ----------
    differences : Series
        One difference per family, its index.
    has_room : Series of bool
        By family: whether a score can rise, because the model alone is not almost perfect there.
    margin, seed
        As for `effects`.
    """
    moving = has_room.reindex(differences.index).to_numpy(dtype=bool)
    if len(differences) < FEWEST or not moving.any():
        return 1.0
    values = differences.to_numpy()
    centred = np.where(moving, values - values[moving].mean(), values)
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        helps = posterior(centred + middle * moving, margin=margin, seed=seed)[-1]
        low, high = (low, middle) if helps >= RULES.threshold else (middle, high)
    return high
