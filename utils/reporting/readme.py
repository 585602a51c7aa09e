"""The results in README and docs: text and tables from the recorded numbers, written between markers."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import pandas as pd

from utils.config import ROOT
from utils.files import write_text
from utils.reporting import claims, few_frauds
from utils.reporting.other_tables import counts_in_brief, in_brief, verdict_grid
from utils.reporting.recorded import Comparison, Estimate, Final, Numbers, NumbersError, OtherTables, Scarcity
from utils.reporting.tables import (
    alone_grid,
    changed_by_ties,
    if_unused,
    markdown_table,
    pair_label,
    phrase,
    plural,
    refuted_by,
    score_grid,
    verdict_counts,
    with_interval,
)

README, RESULTS = ROOT / "README.md", ROOT / "docs" / "results.md"
README_START, README_END = "<!-- results:start -->", "<!-- results:end -->"
AGAINST_NONE = "comparisons of a sampler against no resampling with the same model"
TUNED = f"{AGAINST_NONE}, at the ratio that the search chose"
EQUAL = "such comparisons with equal classes"
SCARCITY_CLAIMS = (
    "scarcity_boosting",
    "scarcity_wide",
    "scarcity_frauds",
    "scarcity_copies",
    "scarcity_trend",
    "scarcity_generators",
    "scarcity_cgan",
)
TABLE_CLAIMS = ("tables_equivalent", "tables_hard_losses", "tables_undersampling", "tables_claim")
REASONS = {
    "refuted": "At least one rival is credibly better",
    "supported": "It is credibly better than every rival",
    "not supported": "No rival is credibly better, but it is not credibly better than all of them either",
}


def answer(numbers: Numbers) -> str:
    """The README's answer as a sentence and a short list, from the recorded numbers of chapters 7 to 10.

    Raises
    ------
    claims.ClaimError
        If these are the numbers of the full study and one of its claims is false.
    """
    claims.stated(numbers)
    comparison, final = numbers.comparison, numbers.final
    verdict, test, n_scorings = comparison.claim.verdict, final.test, len(final.scorings)
    reason = REASONS[verdict][0].lower() + REASONS[verdict][1:]
    sentences = {
        "Tuning": "What searched settings add to the mean average precision of the defaults, without resampling: "
        f"{_gains_of_tuning(comparison)}.",
        "Credit-card data": f"{verdict_counts(comparison.differences, TUNED)} "
        f"{verdict_counts(comparison.equal_differences, EQUAL)}",
        "Few frauds": few_frauds.in_brief(numbers.scarcity),
        "Other tables": in_brief(numbers.other_tables),
        "The final model": f"{final.choice.label} reaches an average precision of "
        f"{with_interval(test.average_precision, *test.interval)} on the chronological test set, on which "
        f"{n_scorings} final {plural(n_scorings, 'model has', 'models have')} been scored.",
    }
    return "\n".join(
        [
            f"*Random forest with CGAN is best:* **{verdict}**{refuted_by(comparison)}; {reason}. With equal classes, "
            f"as in the original study, the claim is **{comparison.equal_claim.verdict}**.\n",
            *(f"- **{subject}.** {text}" for subject, text in sentences.items() if text),
        ]
    )


def headline(numbers: Numbers) -> str:
    """The results as Markdown, from the recorded numbers of chapters 7 to 10.

    Raises
    ------
    claims.ClaimError
        If these are the numbers of the full study and one of its claims is false.
    """
    stated = claims.stated(numbers)
    comparison, final = numbers.comparison, numbers.final
    paragraphs = (
        _verdict_text(comparison),
        _comparison_text(comparison, stated),
        *_tables(comparison),
        _tuning_text(comparison),
        _equal_text(comparison),
        _ratio_text(numbers, stated),
        _test_score_text(final, stated),
        *(_on_few_frauds(numbers.scarcity, stated) if numbers.scarcity else ()),
        *(_on_tables(numbers.other_tables, stated) if numbers.other_tables else ()),
    )
    return "\n\n".join(paragraphs)


def update_pages(numbers: Numbers) -> None:
    """Write the answer into the README and the results into their page; nothing is written if a claim is false."""
    texts = {README: answer(numbers), RESULTS: headline(numbers)}
    for path, text in texts.items():
        put_between_markers(text, path)


def put_between_markers(text: str, path: Path) -> None:
    """Write generated text between a page's result markers; NumbersError if they are missing."""
    page = path.read_text(encoding="utf-8")
    if not 0 <= page.find(README_START) < page.rfind(README_END):
        raise NumbersError(f"{path.name} lacks the markers {README_START} and {README_END}; put them back.")
    before, after_start = page.split(README_START, 1)
    after = after_start.split(README_END, 1)[1]
    write_text(path, f"{before}{README_START}\n{text.strip()}\n{README_END}{after}")


def _verdict_text(comparison: Comparison) -> str:
    """Verdict on the claim, its reason, and the difference to the best mean."""
    claim = comparison.claim
    best = pair_label(comparison, *claim.best)
    text = (
        f"*Random forest with CGAN is best:* **{claim.verdict}**{refuted_by(comparison)}. "
        f"{REASONS[claim.verdict]}. "
        f"Highest mean average precision on the development folds with a tuned ratio: {best}{if_unused(comparison)}."
    )
    if claim.best == claim.against_best.pair:
        return text
    return f"{text} Random forest with CGAN differs from it by {_interval(claim.against_best)}."


def _comparison_text(comparison: Comparison, stated: dict[str, str]) -> str:
    """Counts of the verdicts on comparisons against no resampling, and the detectable difference."""
    detectable = median(row.detectable for row in comparison.differences)
    return " ".join(
        [
            *_sentences(stated, "no_gain", "two_losses", "undecided"),
            verdict_counts(comparison.differences, AGAINST_NONE),
            *_not_empty(changed_by_ties(comparison, comparison.differences)),
            f"Half of the comparisons could have detected only a difference of more than {detectable:.3f}.",
            *_sentences(stated, "seeds_matter"),
            "Gains and losses are adjusted for their number, except over other tables; equivalence verdicts are not "
            "adjusted.",
        ]
    )


def _tables(comparison: Comparison) -> list[str]:
    """Mean average precision of every pair, and of the models without sampler, each with a heading."""
    models, means = comparison.models, pd.DataFrame(comparison.means)
    standalone = pd.DataFrame(comparison.alone)
    heading = f"Mean average precision with 95 % interval (profile {comparison.profile}; {_folds(comparison)}):"
    if standalone.empty:
        return [heading, markdown_table(score_grid(means, comparison.samplers, models))]
    resampled = {name: label for name, label in models.items() if name not in set(standalone["model"])}
    return [
        heading,
        markdown_table(score_grid(means, comparison.samplers, resampled)),
        "Models that take no sampler, with the difference from XGBoost without resampling:",
        markdown_table(alone_grid(means, standalone, models)),
    ]


def _tuning_text(comparison: Comparison) -> str:
    """What searched settings are worth without resampling, model by model."""
    return (
        "**What tuning is worth.** Searched settings against the defaults of a model, both without resampling: "
        f"{_gains_of_tuning(comparison)}. Every sampler of a model is searched over the same settings."
    )


def _gains_of_tuning(comparison: Comparison) -> str:
    return "; ".join(
        f"{phrase(comparison.models[row.model])}, {_interval(row)}"
        for row in comparison.tuned
        if row.against.endswith(" + defaults")
    )


def _equal_text(comparison: Comparison) -> str:
    """Verdicts with equal classes, and on the claim as it was made."""
    return " ".join(
        [
            "**Equal classes**, the usual practice.",
            verdict_counts(comparison.equal_differences, AGAINST_NONE),
            *_not_empty(changed_by_ties(comparison, comparison.equal_differences)),
            f"With equal classes, as in the original study, the claim is {comparison.equal_claim.verdict}.",
        ]
    )


def _ratio_text(numbers: Numbers, stated: dict[str, str]) -> str:
    """Ratios chosen for the pair of the claim, and the cost of equal classes."""
    claimed = [row for row in numbers.comparison.ratios if (row.model, row.sampler) == ("rf", "cgan") and row.n_folds]
    counts = ", ".join(
        f"{'equal classes' if row.ratio == 'balanced' else row.ratio} on "
        f"{row.n_folds} {plural(row.n_folds, 'fold', 'folds')}"
        for row in sorted(claimed, key=lambda row: -row.n_folds)
    )
    text = f"Synthetic frauds per real one that the search chose for random forest with CGAN: {counts}."
    differences = [
        f"With equal classes it differs from no resampling by {_interval(row)} ({row.verdict})."
        for row in numbers.comparison.equal_differences
        if (row.model, row.sampler) == ("rf", "cgan")
    ]
    few_settings = (
        "Each ratio was tried with only a few settings, so these counts do not show a preference for the ratio itself."
    )
    return " ".join([*_sentences(stated, "never_equal", "equal_classes_cost"), text, few_settings, *differences])


def _test_score_text(final: Final, stated: dict[str, str]) -> str:
    """The final model's score on the test set, and all scorings of the test set."""
    test = final.test
    scorings = "; ".join(
        f"{phrase(row.label)}, {row.average_precision:.3f} ({row.finished[:10]})" for row in final.scorings
    )
    return " ".join(
        [
            f"The final model ({phrase(final.choice.label)}) reaches an average precision of "
            f"{with_interval(test.average_precision, *test.interval)} on the chronological test set.",
            *_sentences(stated, "three_scorings"),
            f"All scorings, oldest first: {scorings}.",
        ]
    )


def _on_few_frauds(section: Scarcity, stated: dict[str, str]) -> list[str]:
    """The verdicts with few training frauds: counts, claims, and a table of all pairs."""
    return [
        " ".join(
            [
                "**Few frauds.**",
                few_frauds.in_brief(section),
                few_frauds.before_adjustment(section),
                *_sentences(stated, *SCARCITY_CLAIMS),
            ]
        ),
        "Mean difference from no resampling, and verdict, by the number of frauds to train on:",
        markdown_table(few_frauds.difference_grid(section)),
    ]


def _on_tables(section: OtherTables, stated: dict[str, str]) -> list[str]:
    """The verdicts over other tables: counts, claims, and a table of all pairs."""
    return [
        " ".join(["**Other tables.**", counts_in_brief(section), *_sentences(stated, *TABLE_CLAIMS)]),
        "Verdict over the families, and mean difference from no resampling, which a few can move. *Equivalent* "
        "means that averages of two families lie mostly within the margin; single ones may lie beyond:",
        markdown_table(verdict_grid(section)),
    ]


def _sentences(stated: dict[str, str], *names: str) -> list[str]:
    return [stated[name] for name in names if name in stated]


def _not_empty(*sentences: str) -> list[str]:
    return [sentence for sentence in sentences if sentence]


def _interval(estimate: Estimate) -> str:
    return with_interval(estimate.mean, estimate.low, estimate.high)


def _folds(comparison: Comparison) -> str:
    """Number of folds per model: the most common number, then the exceptions."""
    counts: dict[int, list[str]] = {}
    for name, count in comparison.folds.items():
        counts.setdefault(count, []).append(comparison.models[name])
    most_common, *others = sorted(counts, key=lambda count: -len(counts[count]))
    exceptions = "".join(f"; {count} for {', '.join(counts[count])}" for count in others)
    return f"{most_common} {plural(most_common, 'fold', 'folds')}{exceptions}"
