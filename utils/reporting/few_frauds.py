"""The verdicts with few training frauds in words and as a table, from the recorded numbers of chapter 9."""

from __future__ import annotations

import pandas as pd

from utils.reporting.recorded import Scarcity
from utils.reporting.tables import pair_text, phrase, verdict_counts


def in_brief(section: Scarcity | None) -> str:
    """Two sentences on the verdicts; none where nothing was measured."""
    if section is None:
        return ""
    *numbers, all_of_them = section.size.levels
    levels = f"{', '.join(numbers)} or {all_of_them} frauds to train on"
    labels, rows = section.labels.samplers, section.generators
    generators, rivals = (
        " and ".join(phrase(labels[name]) for name in dict.fromkeys(names))
        for names in ([row.sampler for row in rows], [row.reference for row in rows])
    )
    return (
        f"{verdict_counts(section.differences, f'comparisons of a sampler against no resampling, with {levels}')} "
        f"{verdict_counts(rows, f'such comparisons of {generators} against {rivals}')}"
    )


def before_adjustment(section: Scarcity) -> str:
    """How many intervals exclude zero, which adjusted p-values need not bear out."""
    n_clear = sum(row.low > 0 or row.high < 0 for row in section.differences)
    return f"Before the adjustment, {n_clear} of the {len(section.differences)} intervals exclude zero."


def difference_grid(section: Scarcity) -> pd.DataFrame:
    """Mean difference from no resampling with its verdict as text: a row per pair, a column per number of frauds."""
    cells = {(row.model, row.sampler, row.level): f"{row.mean:+.3f} ({row.verdict})" for row in section.differences}
    grid = pd.Series(cells).unstack()
    samplers, models = section.labels.samplers, section.labels.models
    pairs = [(model, sampler) for sampler in samplers for model in models if (model, sampler) in grid.index]
    grid = grid.reindex(pairs)[[level for level in section.size.levels if level in grid]].fillna("–")
    names = [pair_text(models[model], samplers[sampler]) for model, sampler in pairs]
    return grid.set_axis(pd.Index(names, name="Pair"))
