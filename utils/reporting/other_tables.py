"""The verdicts over other tables in words and as a table, from the recorded numbers of chapter 10."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from utils.reporting.recorded import OtherTables, TablesVerdict
from utils.reporting.tables import UNUSED, how_many, pair_text


def in_brief(section: OtherTables | None) -> str:
    """Sentences on the verdicts and on the claim; none where nothing was measured."""
    if section is None:
        return ""
    claim = section.claim
    answers = f"{claim.verdict} there, with a tuned ratio and with equal classes"
    if claim.verdict != claim.equal_verdict:
        answers = f"{claim.verdict} there with a tuned ratio, and {claim.equal_verdict} with equal classes"
    return f"{counts_in_brief(section)} The claim is {answers}."


def counts_in_brief(section: OtherTables) -> str:
    """Sentences on what was measured, and how often each verdict was reached."""
    measured = section.tables
    return (
        f"Over {measured.number} other tables{' and the credit-card data' * bool(measured.beside)}, "
        f"{measured.families} families in all, every sampler was tuned over the same settings as its baseline. With a "
        f"tuned ratio, of {len(section.verdicts)} pairs of a model and a sampler, {_tally(section.verdicts)}. With "
        f"equal classes, {_tally(section.equal_verdicts)}. The easiest tables are those on which the model alone "
        "reaches 0.99."
    )


def verdict_grid(section: OtherTables) -> pd.DataFrame:
    """Verdict and mean difference as text: a row per pair, a column per kind of ratio, a dash for what is missing."""
    columns = {"Tuned ratio": section.verdicts, "Equal classes": section.equal_verdicts}
    cells = {
        name: {(row.sampler, row.model): f"{row.verdict} ({row.difference:+.3f})" for row in rows}
        for name, rows in columns.items()
    }
    samplers, models = section.labels.samplers, section.labels.models
    grid = pd.DataFrame(cells).reindex([(sampler, model) for sampler in samplers for model in models])
    grid = grid.dropna(how="all").fillna("–")
    names = [pair_text(models[model], samplers[sampler]) for sampler, model in grid.index]
    return grid.set_axis(pd.Index(names, name="Pair"))


def _tally(rows: list[TablesVerdict]) -> str:
    counts = Counter(row.verdict for row in rows)
    phrases = {"helps": "better than the model alone", "harms": "worse", "equivalent": "equivalent to it"}
    decided = ", ".join(how_many(counts[name], phrase) for name, phrase in phrases.items())
    unused = f" {how_many(counts['not used'], UNUSED)}," if counts["not used"] else ""
    n_hard = sum((row.verdict, row.hard_tables) == ("equivalent", "equivalent") for row in rows)
    n_worse = sum(row.verdict != "harms" and row.hard_tables == "harms" for row in rows)
    more = f", and {how_many(n_worse, 'worse in addition')}" if n_worse else ""
    hard = f"; without the easiest tables, {how_many(n_hard, 'still equivalent')}{more}" if counts["equivalent"] else ""
    return f"{decided},{unused} and {how_many(counts['undecided'], 'undecided')}{hard}"
