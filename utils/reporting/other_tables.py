"""The verdicts over other tables in words and as a table, from the recorded numbers of chapter 10."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from utils.reporting.recorded import OtherTables, TablesVerdict
from utils.reporting.tables import phrase


def in_brief(section: OtherTables | None) -> str:
    """Two sentences on the verdicts and on the claim; none where nothing was measured."""
    if section is None:
        return ""
    measured, claim = section.tables, section.claim
    answers = f"{claim.verdict}, with the ratio searched and with equal classes"
    if claim.verdict != claim.equal_verdict:
        answers = f"{claim.verdict} with the ratio searched, and {claim.equal_verdict} with equal classes"
    return (
        f"Over {measured.number} other tables of {measured.families} families, every sampler was searched as hard as "
        f"its baseline: of {len(section.verdicts)} pairs of a model and a sampler, {_tally(section.verdicts)}; with "
        f"equal classes, {_tally(section.equal_verdicts)}. There the claim is {answers}."
    )


def verdict_grid(section: OtherTables) -> pd.DataFrame:
    """Verdict and mean difference as text: a row per pair, a column per kind of ratio, a dash for what is missing."""
    columns = {"Ratio searched": section.verdicts, "Equal classes": section.equal_verdicts}
    cells = {
        name: {(row.sampler, row.model): f"{row.verdict} ({row.difference:+.3f})" for row in rows}
        for name, rows in columns.items()
    }
    samplers, models = section.labels.samplers, section.labels.models
    grid = pd.DataFrame(cells).reindex([(sampler, model) for sampler in samplers for model in models])
    grid = grid.dropna(how="all").fillna("–")
    names = [f"{models[model]}, {phrase(samplers[sampler])}" for sampler, model in grid.index]
    return grid.set_axis(pd.Index(names, name="Pair"))


def _tally(rows: list[TablesVerdict]) -> str:
    counts = Counter(row.verdict for row in rows)
    n_hard = sum((row.verdict, row.hard_tables) == ("equivalent", "equivalent") for row in rows)
    unused = f", {counts['not used']} mostly left unused" if counts["not used"] else ""
    return (
        f"{counts['helps']} are better than the model alone, {counts['equivalent']} equivalent to it ({n_hard} also "
        f"without the easiest tables), {counts['harms']} worse{unused}, and {counts['no evidence']} undecided"
    )
