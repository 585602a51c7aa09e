"""Evaluate results of `benchmarks.generators`: a table of medians, and the study's goals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, isnan

import pandas as pd

from utils.benchmark.records import Row
from utils.wording import capitalised


@dataclass(frozen=True)
class Figure:
    """A column of the table, with its ideal value.

    Attributes
    ----------
    name, label : str
        Name in the results, and in tables.
    ideal : float, str or None
        The best value; infinity if larger is better; the name of the figure that it should equal; None if the
        value says nothing about the generator.
    places : int
        Decimals in tables.
    speed : bool
        Whether this is about time rather than similarity.
    """

    name: str
    label: str
    ideal: float | str | None
    places: int = 3
    speed: bool = False

    def loss(self, values: pd.Series) -> float:
        """Distance of a generator's value from the ideal; `values` are the generator's figures."""
        if self.ideal == inf:
            return -values[self.name]
        return abs(values[self.name] - (values[self.ideal] if isinstance(self.ideal, str) else self.ideal))


FIGURES = (
    Figure("fit_seconds", "fit, s", 0, 2, speed=True),
    Figure("rows_per_second", "rows drawn per s", inf, 0, speed=True),
    Figure("ks", "KS", 0),
    Figure("wasserstein", "Wasserstein", 0),
    Figure("correlation_difference", "correlation difference", 0),
    Figure("density", "density", 1),
    Figure("coverage", "coverage", 1),
    Figure("two_sample_auc", "two-sample AUC", 0.5),
    Figure("two_sample_auc_seen", "two-sample AUC, training rows", 0.5),
    Figure("closest_record", "closest record", 1),
    Figure("tstr", "TSTR", 1),
    Figure("trtr", "TRTR", None),
    Figure("trts", "TRTS", "trtr"),
    Figure("tstr_ratio", "TSTR / TRTR", inf),
)
LABELS = {figure.name: capitalised(figure.label) for figure in FIGURES}


def medians(rows: Iterable[Row], n_folds: int) -> pd.DataFrame:
    """Median of every figure over the folds, for generators with results on all folds.

    Parameters
    ----------
    rows : iterable of Row
        Rows with `generators.GeneratorTask` and `generators.GeneratorResult`.
    n_folds : int
        Number of folds that a generator must have to be in the table.

    Returns
    -------
    DataFrame
        Index: generators in the order of their first result. Columns: the FIGURES that every result has.
    """
    flat = [{"generator": row.task.generator, **vars(row.result), **row.result.figures} for row in rows]
    names = [figure.name for figure in FIGURES if all(figure.name in row for row in flat)]
    table = pd.DataFrame(flat, columns=["generator", *names]).astype(dict.fromkeys(names, float))
    groups = table.groupby("generator", sort=False)
    return groups[names].median()[groups.size() == n_folds]


def figures_in(table: pd.DataFrame) -> list[Figure]:
    """Figures in a table, in the order of FIGURES."""
    return [figure for figure in FIGURES if figure.name in table.columns]


def best(table: pd.DataFrame, figure: Figure) -> set[str]:
    """Generators with the smallest loss; several if they tie, none if the figure has no ideal."""
    if figure.ideal is None:
        return set()
    losses = table.apply(figure.loss, axis=1)
    return set(losses.index[losses == losses.min()])


def table_lines(table: pd.DataFrame) -> list[str]:
    """A Markdown table with one row per generator, aligned, with the best value of every column in bold."""
    figures = figures_in(table)
    winners = {figure.name: best(table, figure) if len(table) else set() for figure in figures}
    rows = [["generator", *(figure.label for figure in figures)]]
    for name, values in table.iterrows():
        cells = []
        for figure in figures:
            value = values[figure.name]
            text = "–" if isnan(value) else f"{value:,.{figure.places}f}"
            cells.append(f"**{text}**" if name in winners[figure.name] else text)
        rows.append([name, *cells])
    return markdown(rows)


def markdown(lines: list[list[str]]) -> list[str]:
    """A table in Markdown whose columns are aligned; the first line is its head."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    padded = [
        [cell.ljust(width) if not position else cell.rjust(width) for position, (cell, width) in enumerate(pairs)]
        for pairs in (list(zip(line, widths, strict=True)) for line in (lines[0], rule, *lines[1:]))
    ]
    return [f"| {' | '.join(line)} |" for line in padded]


def machines_text(rows: Iterable[Row]) -> str:
    """The machines that results were measured on."""
    machines = dict.fromkeys(row.provenance.machine for row in rows)
    listed = "; ".join(f"{machine.system}, {machine.cpu}, {machine.cores} cores" for machine in machines)
    return f"Machine: {listed}." if len(machines) == 1 else f"Several machines, so compare seconds roughly: {listed}."


def goal_lines(table: pd.DataFrame, *, ours: str, ctgans: list[str]) -> list[str]:
    """Whether the study's generator meets its goals, one line each.

    Parameters
    ----------
    table : DataFrame
        From `medians`.
    ours : str
        Name of the study's generator.
    ctgans : list of str
        Rows that it should beat in every fidelity figure; the first one also in time.
    """
    if ours not in table.index:
        return [f"not measured: {ours}, so no goal can be judged"]
    values, peers = table.loc[ours], table.drop(index=ours)
    lines = [
        goal_line(values["tstr_ratio"] >= 1, f"TSTR / TRTR at least 1: {values['tstr_ratio']:.3f}"),
        goal_line(
            values["correlation_difference"] <= 0.04,
            f"correlation difference at most 0.04: {values['correlation_difference']:.3f}",
        ),
        _auc_line(values, peers),
        goal_line(values["closest_record"] >= 0.9, f"closest record at least 0.9: {values['closest_record']:.3f}"),
    ]
    for position, peer in enumerate(ctgans):
        if peer not in peers.index:
            lines.append(f"not measured: {peer}")
            continue
        peer_values = peers.loc[peer]
        if position == 0:
            seconds, limit = values["fit_seconds"], peer_values["fit_seconds"]
            text = f"fit no longer than that of {peer}: {seconds:.1f} s against {limit:.1f} s"
            lines.append(goal_line(seconds <= limit, text))
        lines.append(_all_figures_line(table, ours, peer))
    return lines


def ahead_of(table: pd.DataFrame, *, ours: str) -> pd.DataFrame:
    """Generators that are nearer to the ideal than the study's, and in which fidelity figures.

    Parameters
    ----------
    table : DataFrame
        From `medians`.
    ours : str
        Name of the study's generator.

    Returns
    -------
    DataFrame
        Columns generator, figures (labels of those in which it is strictly nearer), closest_record; sorted by the
        number of figures, without generators that are nearer in none.
    """
    compared = [figure for figure in figures_in(table) if not figure.speed and figure.ideal is not None]
    our_values = table.loc[ours]
    rows = [
        {
            "generator": name,
            "figures": [figure.label for figure in compared if figure.loss(values) < figure.loss(our_values)],
            "closest_record": values["closest_record"],
        }
        for name, values in table.drop(index=ours).iterrows()
    ]
    ahead = pd.DataFrame([row for row in rows if row["figures"]], columns=["generator", "figures", "closest_record"])
    return ahead.sort_values("figures", key=lambda labels: -labels.map(len), kind="stable", ignore_index=True)


def ahead_lines(table: pd.DataFrame, *, ours: str) -> list[str]:
    """The rows of `ahead_of` as sentences; none if the study's generator was not measured."""
    if ours not in table.index:
        return []
    return [
        f"{row.generator} is nearer to the ideal than {ours} in {', '.join(row.figures)} "
        f"(closest record {row.closest_record:.2f})"
        for row in ahead_of(table, ours=ours).itertuples()
    ]


def goal_line(met: bool, text: str) -> str:
    """A line that says whether a goal is met."""
    return f"{'met' if met else 'NOT met'}: {text}"


def _auc_line(values: pd.Series, peers: pd.DataFrame) -> str:
    """Whether the two-sample AUC of the study's generator is as near to 0.5 as that of the best peer."""
    if peers.empty:
        return "not measured: a peer's two-sample AUC"
    distance = (peers["two_sample_auc"] - 0.5).abs()
    our_distance = abs(values["two_sample_auc"] - 0.5)
    nearest = f"that of {distance.idxmin()}: {our_distance:.3f} away against {distance.min():.3f}"
    text = f"two-sample AUC as near to 0.5 as {nearest}"
    return goal_line(our_distance <= distance.min(), text)


def _all_figures_line(table: pd.DataFrame, ours: str, peer: str) -> str:
    """Whether the study's generator is better than a peer in every fidelity figure, and where it is not."""
    compared = [figure for figure in figures_in(table) if not figure.speed and figure.ideal is not None]
    worse = [figure for figure in compared if not figure.loss(table.loc[ours]) < figure.loss(table.loc[peer])]
    where = f", but not on {', '.join(figure.label for figure in worse)}" if worse else ""
    return goal_line(
        not worse, f"better than {peer} on {len(compared) - len(worse)} of {len(compared)} fidelity figures{where}"
    )
