"""The verdicts with few training frauds in words and as a table, from the recorded numbers of chapter 9."""

from __future__ import annotations

import pandas as pd

from utils.reporting.recorded import Scarcity
from utils.reporting.tables import phrase, verdict_counts


def in_brief(section: Scarcity | None) -> str:
    """Two sentences on the verdicts; none where nothing was measured."""
    if section is None:
        return ""
    *numbers, all_of_them = section.size.levels
    levels = f"{', '.join(numbers)} or {all_of_them} frauds to train on"
    generators = " and ".join(
        section.labels.samplers[name] for name in dict.fromkeys(row.sampler for row in section.generators)
    )
    return (
        f"{verdict_counts(section.differences, f'comparisons of a sampler with no resampling, with {levels}')} "
        f"{verdict_counts(section.generators, f'such comparisons of {generators} with SMOTE')}"
    )


def difference_grid(section: Scarcity) -> pd.DataFrame:
    """Mean difference to no resampling with its verdict as text: a row per pair, a column per number of frauds."""
    cells = {(row.model, row.sampler, row.level): f"{row.mean:+.3f} ({row.verdict})" for row in section.differences}
    grid = pd.Series(cells).unstack()
    samplers, models = section.labels.samplers, section.labels.models
    pairs = [(model, sampler) for sampler in samplers for model in models if (model, sampler) in grid.index]
    grid = grid.reindex(pairs)[[level for level in section.size.levels if level in grid]].fillna("–")
    names = [f"{models[model]}, {phrase(samplers[sampler])}" for model, sampler in pairs]
    return grid.set_axis(pd.Index(names, name="Pair"))
