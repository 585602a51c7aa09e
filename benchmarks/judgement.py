"""From results of `benchmarks.generators` to a table of medians and the study's goals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, isnan

import pandas as pd

from utils.benchmark.records import Row


@dataclass(frozen=True)
class Figure:
    """A column of the table, and what would be perfect.

    Attributes
    ----------
    name, label : str
        In the results, and in print.
    ideal : float, str or None
        The best value; infinity where more is better; the name of the figure that it should equal; None where
        the value says nothing of the generator.
    places : int
        Decimals in print.
    speed : bool
        Whether this is about time rather than likeness.
    """

    name: str
    label: str
    ideal: float | str | None
    places: int = 3
    speed: bool = False

    def loss(self, values: pd.Series) -> float:
        """Distance of a generator's value from the ideal, smaller is better; `values` are its figures."""
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
    Figure("two_sample_auc_seen", "two-sample AUC, rows seen", 0.5),
    Figure("closest_record", "closest record", 1),
    Figure("tstr", "TSTR", 1),
    Figure("trtr", "TRTR", None),
    Figure("trts", "TRTS", "trtr"),
    Figure("tstr_ratio", "TSTR / TRTR", inf),
)
LABELS = {figure.name: figure.label[:1].upper() + figure.label[1:] for figure in FIGURES}


def medians(rows: Iterable[Row], n_folds: int) -> pd.DataFrame:
    """Median of every figure over the folds, for generators that have all of them.

    Parameters
    ----------
    rows : iterable of Row
        Of `generators.GeneratorTask` and `generators.GeneratorResult`.
    n_folds : int
        How many folds a generator must have to be in the table.

    Returns
    -------
    DataFrame
        Index: generators in the order of their first result. Columns: those FIGURES that every result has.
    """
    flat = [{"generator": row.task.generator, **vars(row.result), **row.result.figures} for row in rows]
    names = [figure.name for figure in FIGURES if all(figure.name in row for row in flat)]
    table = pd.DataFrame(flat, columns=["generator", *names]).astype(dict.fromkeys(names, float))
    groups = table.groupby("generator", sort=False)
    return groups[names].median()[groups.size() == n_folds]


def figures_in(table: pd.DataFrame) -> list[Figure]:
    """The figures that a table has, in print order."""
    return [figure for figure in FIGURES if figure.name in table.columns]


def best(table: pd.DataFrame, figure: Figure) -> set[str]:
    """Generators with the smallest loss; more than one if they tie, none if the figure has no ideal."""
    if figure.ideal is None:
        return set()
    losses = table.apply(figure.loss, axis=1)
    return set(losses.index[losses == losses.min()])


def table_lines(table: pd.DataFrame) -> list[str]:
    """A Markdown table with one row per generator, aligned for a terminal, the best of every column in bold."""
    figures = figures_in(table)
    columns = [["generator", *table.index]]
    for figure in figures:
        winners = best(table, figure) if len(table) else set()
        cells = []
        for name, value in table[figure.name].items():
            text = "–" if isnan(value) else f"{value:,.{figure.places}f}"
            cells.append(f"**{text}**" if name in winners else text)
        columns.append([figure.label, *cells])
    widths = [max(map(len, column)) for column in columns]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    padded = [
        [cell.ljust(width) if position == 0 else cell.rjust(width) for cell in column]
        for position, (column, width) in enumerate(zip(columns, widths, strict=True))
    ]
    header, *body = zip(*padded, strict=True)
    return [f"| {' | '.join(cells)} |" for cells in (header, rule, *body)]


def goal_lines(table: pd.DataFrame, *, ours: str, ctgans: list[str]) -> list[str]:
    """Whether the study's goals for its generator are met, a line each.

    Parameters
    ----------
    table : DataFrame
        From `medians`.
    ours : str
        Row of the study's generator.
    ctgans : list of str
        Rows that it should beat in everything; the first one also in time.
    """
    if ours not in table.index:
        return [f"not measured: {ours}, so no goal can be judged"]
    mine, peers = table.loc[ours], table.drop(index=ours)
    lines = [
        _line(mine["tstr_ratio"] >= 1, f"TSTR / TRTR is {mine['tstr_ratio']:.3f}, to be at least 1"),
        _line(
            mine["correlation_difference"] <= 0.04,
            f"correlation difference is {mine['correlation_difference']:.3f}, to be at most 0.04",
        ),
        _auc_line(mine, peers),
        _line(mine["closest_record"] >= 0.9, f"closest record is {mine['closest_record']:.3f}, to be at least 0.9"),
    ]
    for position, peer in enumerate(ctgans):
        if peer not in peers.index:
            lines.append(f"not measured: {peer}")
            continue
        other = peers.loc[peer]
        if position == 0:
            seconds = f"fit takes {mine['fit_seconds']:.1f} s, to be at most the {other['fit_seconds']:.1f} s of {peer}"
            lines.append(_line(mine["fit_seconds"] <= other["fit_seconds"], seconds))
        lines.append(_everything_line(table, ours, peer))
    return lines


def ahead_of(table: pd.DataFrame, *, ours: str) -> pd.DataFrame:
    """Which generators are nearer to the ideal than ours, and in which fidelity figures.

    Parameters
    ----------
    table : DataFrame
        From `medians`.
    ours : str
        Row of the study's generator.

    Returns
    -------
    DataFrame
        Columns generator, figures (labels of those in which it is strictly nearer), closest_record; the most figures
        first, without generators that are nearer in none.
    """
    judged = [figure for figure in figures_in(table) if not figure.speed and figure.ideal is not None]
    mine = table.loc[ours]
    rows = [
        {
            "generator": name,
            "figures": [figure.label for figure in judged if figure.loss(values) < figure.loss(mine)],
            "closest_record": values["closest_record"],
        }
        for name, values in table.drop(index=ours).iterrows()
    ]
    ahead = pd.DataFrame([row for row in rows if row["figures"]], columns=["generator", "figures", "closest_record"])
    return ahead.sort_values("figures", key=lambda labels: -labels.map(len), kind="stable", ignore_index=True)


def ahead_lines(table: pd.DataFrame, *, ours: str) -> list[str]:
    """The rows of `ahead_of` as sentences; none if ours was not measured."""
    if ours not in table.index:
        return []
    return [
        f"{row.generator} is nearer to the ideal than {ours} in {', '.join(row.figures)} "
        f"(closest record {row.closest_record:.2f})"
        for row in ahead_of(table, ours=ours).itertuples()
    ]


def _line(met: bool, text: str) -> str:
    return f"{'met' if met else 'NOT met'}: {text}"


def _auc_line(mine: pd.Series, peers: pd.DataFrame) -> str:
    """Whether the two-sample test tells our rows from real ones no better than those of the best peer."""
    if peers.empty:
        return "not measured: a peer's two-sample AUC"
    distance = (peers["two_sample_auc"] - 0.5).abs()
    own = abs(mine["two_sample_auc"] - 0.5)
    text = f"two-sample AUC is {own:.3f} from 0.5, to be at most the {distance.min():.3f} of {distance.idxmin()}"
    return _line(own <= distance.min(), text)


def _everything_line(table: pd.DataFrame, ours: str, peer: str) -> str:
    """Whether our generator is better than a peer on every fidelity figure, and where it isn't."""
    judged = [figure for figure in figures_in(table) if not figure.speed and figure.ideal is not None]
    worse = [figure for figure in judged if not figure.loss(table.loc[ours]) < figure.loss(table.loc[peer])]
    where = f", but not on {', '.join(figure.label for figure in worse)}" if worse else ""
    return _line(
        not worse, f"better than {peer} on {len(judged) - len(worse)} of {len(judged)} fidelity figures{where}"
    )
