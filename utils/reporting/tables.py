"""Tables of results as text: labels, intervals, grids of samplers and models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pandas as pd

from utils.registry import Choice, Range
from utils.reporting.recorded import Comparison, SamplerDifference

TOO_WIDE = 1.0  # an average precision cannot differ by more
PROPER_NAMES = ("Tomek",)
UNUSED = "not used (most searches left the rows as they are)"
SINGLE_MODEL = {"helps": "better", "harms": "worse"}  # what a verdict is called that is not on a sampler
COUNTED = {"Adversarial random forest": "adversarial random forests", "Gaussian copula": "a Gaussian copula"}


def with_interval(mean: float, low: float, high: float, digits: int = 3) -> str:
    """Text such as '0.853 [0.801, 0.897]'."""
    return f"{mean:.{digits}f} {interval_text(low, high, digits)}"


def interval_text(low: float, high: float, digits: int = 3) -> str:
    """Text such as '[0.801, 0.897]'; of an interval over so few folds that it says nothing, that it is too wide."""
    return "[too wide to tell]" if high - low >= TOO_WIDE else f"[{low:.{digits}f}, {high:.{digits}f}]"


def score_grid(means: pd.DataFrame, samplers: dict[str, str], models: dict[str, str]) -> pd.DataFrame:
    """Mean average precision with its interval as text: a row per sampler, a column per model.

    Parameters
    ----------
    means : DataFrame
        From `bootstrap.bootstrap_means`.
    samplers, models : dict of str to str
        Name to label, in the order to print. Those that were not measured are left out; a dash marks a
        missing pair.
    """
    means = means[means["sampler"].isin(samplers) & means["model"].isin(models)]
    cells = {(row.sampler, row.model): with_interval(row.mean, row.low, row.high) for row in means.itertuples()}
    rows = [name for name in samplers if name in set(means["sampler"])]
    columns = [name for name in models if name in set(means["model"])]
    return pd.DataFrame(
        [[cells.get((sampler, model), "–") for model in columns] for sampler in rows],
        index=pd.Index([samplers[name] for name in rows], name="Sampler"),
        columns=[models[name] for name in columns],
    )


def search_spaces(ranges: Mapping[str, Mapping[str, Choice]]) -> pd.DataFrame:
    """What the search of each model chooses from, as text.

    Parameters
    ----------
    ranges : dict of str to dict of str to Range or tuple
        By the name of the model and of its setting.

    Returns
    -------
    DataFrame
        Columns model, setting and values, such as '0.0001 to 100, log': evenly spread in the logarithm.
    """
    rows = [(name, setting, _choice_text(choice)) for name, own in ranges.items() for setting, choice in own.items()]
    return pd.DataFrame(rows, columns=["model", "setting", "values"])


def _choice_text(choice: Choice) -> str:
    if not isinstance(choice, Range):
        return ", ".join(map(str, choice))
    kinds = {"whole": choice.whole, "log": choice.log}
    return ", ".join([f"{choice.low:g} to {choice.high:g}", *(kind for kind, applies in kinds.items() if applies)])


def alone_grid(means: pd.DataFrame, compared: pd.DataFrame, models: dict[str, str]) -> pd.DataFrame:
    """Models without sampler, the best first: mean average precision, difference to another pair, verdict.

    Parameters
    ----------
    means : DataFrame
        From `bootstrap.bootstrap_means`.
    compared : DataFrame
        From `comparisons.compare_pairs`: a row per model; `against` is the pair that it is compared with.
    models : dict of str to str
        Name to label.
    """
    standalone = means[means["model"].isin(compared["model"])].sort_values("mean", ascending=False)
    differences = compared.set_index("model").replace({"verdict": SINGLE_MODEL})
    rows = [
        [
            with_interval(row.mean, row.low, row.high),
            with_interval(*differences.loc[row.model, ["mean", "low", "high"]]),
            differences.loc[row.model, "verdict"],
        ]
        for row in standalone.itertuples()
    ]
    index = pd.Index([models[name] for name in standalone["model"]], name="Model")
    return pd.DataFrame(rows, index=index, columns=["Average precision", "Difference", "Verdict"])


def chosen_ratios(table: pd.DataFrame) -> pd.DataFrame:
    """Number of folds on which the search chose each ratio; a row per model, sampler and ratio in the search space.

    Parameters
    ----------
    table : DataFrame
        Ledger rows; see `ledger.frame`.

    Returns
    -------
    DataFrame
        Columns model, sampler, ratio (a number or 'balanced', as text) and n_folds; samplers without a ratio are left
        out.
    """
    rows = []
    for (model, sampler), pair in table.groupby(["model", "sampler"], sort=False):
        plan = pair["search"].iloc[0]
        ratios = plan.space.sampler.get("ratio", []) if plan else []
        counts = Counter(chosen.sampler["ratio"] for chosen in pair["chosen"]) if ratios else {}
        rows += [
            {"model": model, "sampler": sampler, "ratio": str(ratio), "n_folds": counts[ratio]} for ratio in ratios
        ]
    return pd.DataFrame(rows, columns=["model", "sampler", "ratio", "n_folds"])


def ratio_counts(table: pd.DataFrame, samplers: dict[str, str], models: dict[str, str]) -> pd.DataFrame:
    """On how many folds the search chose which ratio: a row per sampler and model, a column per ratio that was chosen.

    Parameters
    ----------
    table : DataFrame
        Ledger rows; see `ledger.frame`.
    samplers, models : dict of str to str
        Name to label.
    """
    counts = chosen_ratios(table).query("n_folds > 0").replace({"sampler": samplers, "model": models})
    grid = counts.pivot(index=["sampler", "model"], columns="ratio", values="n_folds")
    return grid.fillna(0).astype(int).sort_index().sort_index(axis="columns")


def ratio_grid(ratios: pd.DataFrame, samplers: dict[str, str], models: dict[str, str]) -> pd.DataFrame:
    """Chosen ratios as text such as '1 (4), 5 (4), 20 (2)', folds in brackets: a row per sampler, a column per model.

    Parameters
    ----------
    ratios : DataFrame
        From `chosen_ratios`.
    samplers, models : dict of str to str
        Name to label, in the order to print.
    """
    chosen = ratios[ratios["n_folds"] > 0]
    chosen = chosen.assign(text=chosen["ratio"].replace("balanced", "equal") + chosen["n_folds"].map(" ({})".format))
    grid = chosen.groupby(["sampler", "model"], sort=False)["text"].agg(", ".join).unstack("model")
    grid = grid.reindex(
        index=[name for name in samplers if name in grid.index],
        columns=[name for name in models if name in grid.columns],
    )
    return grid.rename(index=samplers, columns=models).fillna("–").rename_axis(index="Sampler", columns=None)


def markdown_table(frame: pd.DataFrame) -> str:
    """A frame with its index as a Markdown table."""
    header = [frame.index.name or "", *map(str, frame.columns)]
    body = [[str(name), *map(str, row)] for name, row in zip(frame.index, frame.to_numpy(), strict=True)]
    rows = [header, ["---"] * len(header), *body]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def verdict_counts(rows: list[SamplerDifference], what: str) -> str:
    """How often each verdict was reached, such as 'Of 9 comparisons, 1 is a credible gain, 2 are credible losses, ...'.

    Without either: 'Of 9 comparisons, none is a credible gain or loss, 4 are practically equivalent, ...'.
    """
    counts = Counter(row.verdict for row in rows)
    gains = how_many(counts["helps"], "a credible gain", "credible gains")
    decided = f"{gains}, {how_many(counts['harms'], 'a credible loss', 'credible losses')}"
    if not counts["helps"] and not counts["harms"]:
        decided = "none is a credible gain or loss"
    unused = f"{how_many(counts['not used'], UNUSED)}, " if counts["not used"] else ""
    equivalent = how_many(counts["equivalent"], "practically equivalent")
    undecided = how_many(counts["undecided"], "undecided")
    return f"Of {counts.total()} {what}, {decided}, {equivalent}, {unused}and {undecided}."


def how_many(count: int, what: str, several: str | None = None) -> str:
    """Text such as 'none is worse', '1 is a loss' or '2 are losses'."""
    return f"{count or 'none'} {'are' if count > 1 else 'is'} {several if several and count > 1 else what}"


def changed_by_ties(comparison: Comparison, rows: list[SamplerDifference]) -> str:
    """Verdicts that are others if ties of the score are counted neutrally, as a sentence; empty if that is not known.

    'Not used' goes by the ratios that the search chose, not by scores: it changes only into a gain or a loss.

    Parameters
    ----------
    comparison : Comparison
        Names the pairs.
    rows : list of SamplerDifference
    """
    known = [row for row in rows if row.holds_tie_neutral is not None]
    if not known:
        return ""
    changed = [
        f"{pair_label(comparison, *row.pair)} (*{row.verdict_tie_neutral}* instead of *{row.verdict}*)"
        for row in known
        if not row.holds_tie_neutral
    ]
    if not changed:
        return "No verdict changes if ties of the score are counted neutrally."
    return f"If ties of the score are counted neutrally, the verdict changes for {', '.join(changed)}."


def plural(count: int, singular: str, plural: str) -> str:
    """The word that goes with the count."""
    return singular if count == 1 else plural


def if_unused(comparison: Comparison) -> str:
    """What to know of the pair with the highest mean if its sampler was hardly used, as text that follows its name.

    Parameters
    ----------
    comparison : Comparison
    """
    rows = [row for row in comparison.differences if (row.model, row.sampler) == comparison.claim.best]
    if not rows or rows[0].verdict != "not used":
        return ""
    return f", where {searches_without_effect(rows[0].share_unused)}"


def searches_without_effect(share: float) -> str:
    """That most searches, or all, chose to leave the rows as they are."""
    return f"{'every search' if share == 1 else 'most searches'} left the rows as they are"


def refuted_by(comparison: Comparison) -> str:
    """Rivals that refute the claim and the differences to them, as text that follows the verdict; empty without any.

    Parameters
    ----------
    comparison : Comparison
    """
    rivals = [
        f"{pair_label(comparison, *rival.against.split(' + '))}, from which it differs by "
        f"{with_interval(rival.mean, rival.low, rival.high)} (adjusted p {_p_text(rival.adjusted_p)})"
        for rival in comparison.claim.refuted_by
    ]
    return f" by {', and by '.join(rivals)}" if rivals else ""


def _p_text(p: float) -> str:
    return "below 0.001" if p < 0.001 else f"{p:.3f}"


def pair_label(comparison: Comparison, model: str, sampler: str) -> str:
    """A pair inside a sentence; models without sampler are described as such."""
    label = phrase(comparison.models[model])
    if model in {row.model for row in comparison.alone}:
        return f"{label}, which takes no sampler"
    return pair_text(label, comparison.samplers[sampler])


def pair_text(model: str, sampler: str) -> str:
    """Model and sampler by their labels, such as 'XGBoost with class weights'."""
    return f"{model} with {phrase(sampler)}"


def phrase(label: str) -> str:
    """A label inside a sentence: names and acronyms are unchanged, other words start in lower case.

    What one counts is in the plural or has an article.
    """
    if label in COUNTED:
        return COUNTED[label]
    first_word = label.split()[0]
    return label[0].lower() + label[1:] if first_word[1:].islower() and first_word not in PROPER_NAMES else label
