"""What was found, in sentences that follow from the recorded numbers of a study and use its words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from utils.analysis.verdicts import recommended
from utils.config import Words
from utils.reporting.tables import TOO_WIDE, phrase, plural, searches_without_effect
from utils.wording import capitalised

Row = Mapping[str, Any]  # as `numbers.record` writes it
EFFECTS = {  # of a sampler whose gain is not credible, by its verdict; see `_unused` for another one
    "equivalent": "is too small to matter",
    "undecided": "is undecided",
    "harms": "is credibly a loss",
}
MAX_NAMED = 4  # comparisons that a sentence names one by one
SPECIAL = re.compile(r"[\\`*_<>#&~|$]")  # in Markdown or a formula, where a word or the name of a column holds it


@dataclass(frozen=True)
class Findings:
    """Sentences on the comparison, on the final model, and on what to use.

    Attributes
    ----------
    comparison, final, advice : list of str
        Empty where the numbers are not recorded yet.
    """

    comparison: list[str] = field(default_factory=list)
    final: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)

    def _repr_markdown_(self) -> str:
        """The list that a notebook shows, with every character as it is."""
        return SPECIAL.sub(r"\\\g<0>", repr(self))

    def __repr__(self) -> str:
        return "\n".join(f"- {sentence}" for sentence in (*self.comparison, *self.final, *self.advice))


def findings(numbers: Mapping[str, Row], words: Words, chapters: Sequence[str] = ()) -> Findings:
    """Sentences on the chapters 7 and 8 that follow from recorded numbers.

    Parameters
    ----------
    numbers : mapping of str to mapping
        Sections of a `numbers.json`.
    words : Words
        Words of the study.
    chapters : sequence of str
        Sections to write about; by default all that there are. The others still give the numbers to compare with.
    """
    known = {name: section for name, section in numbers.items() if not chapters or name in chapters}
    comparison, final = known.get("07_comparison"), known.get("08_final_model")
    return Findings(
        _on_comparison(comparison, numbers.get("01_eda", {})) if comparison else [],
        [_on_score(final, numbers), *_on_use(final, words)] if final else [],
        _advice(comparison) if comparison else [],
    )


def _on_comparison(section: Row, eda: Row) -> list[str]:
    """The best pair, what the verdicts say of samplers, and the claim."""
    best = _mean_of(section, *section["claim"]["best"])
    chance = f"; chance is {eda['prevalence']:.3f}" if "prevalence" in eda else ""
    folds = f"{best['n_folds']} fold{'s' * (best['n_folds'] != 1)}"
    return [
        f"The highest mean average precision over {folds} at the searched ratio is that of {_pair(section, best)}: "
        f"{best['mean']:.3f} [{best['low']:.3f}, {best['high']:.3f}]{chance}.",
        *_on_verdicts(section),
        *_on_equal_classes(section),
        *_on_replacements(section),
        _on_claim(section),
    ]


def _on_replacements(section: Row) -> list[str]:
    """Samplers that could not work on the rows of some folds; what counts as theirs is partly another one's."""
    return [
        f"{capitalised(phrase(section['samplers'][row['sampler']]))} could not work on the training rows of "
        f"{row['n_replaced']} of {row['n_folds']} folds, where {phrase(section['samplers'][row['by']])} took its place."
        for row in section.get("replaced", [])
    ]


def _on_claim(section: Row) -> str:
    claim = "The claim that a random forest with CGAN oversampling is the best model"
    if any(row["sampler"] == "cgan" for row in section.get("replaced", [])):
        return f"{claim} cannot be judged here, as the CGAN could not be trained everywhere."
    tuned, equal = (section[name]["verdict"] for name in ("claim", "equal_claim"))
    return f"{claim} is {tuned} here with a tuned ratio, and {equal} with equal classes."


def _on_verdicts(section: Row) -> list[str]:
    rows = section["differences"]
    helps, harms = ([row for row in rows if row["verdict"] == verdict] for verdict in ("helps", "harms"))
    n_undecided, n_unused = (sum(row["verdict"] == verdict for row in rows) for verdict in ("undecided", "not used"))
    sentences = [
        f"Credibly better than no resampling with the same model: {_named(section, helps)}."
        if helps
        else "No way of handling the imbalance is credibly better than none with the same model."
    ]
    if harms:
        sentences.append(f"Credibly worse: {_named(section, harms)}.")
    if n_undecided:
        are = plural(n_undecided, "is", "are")
        sentences.append(f"{n_undecided} of {len(rows)} such comparisons {are} undecided{_detectable(rows)}.")
    if n_unused:
        sentences.append(f"In {n_unused} of {len(rows)}, the sampler left the rows as they are on most folds.")
    return sentences


def _on_equal_classes(section: Row) -> list[str]:
    """What equal classes do, where a sampler has such a ratio."""
    rows = section["equal_differences"]
    helps, harms = ([row for row in rows if row["verdict"] == verdict] for verdict in ("helps", "harms"))
    if not helps and not harms:
        return ["With equal classes, no sampler is credibly better or worse than no resampling."]
    return [
        f"With equal classes, credibly {direction}: {_named(section, decided)}."
        for direction, decided in (("better", helps), ("worse", harms))
        if decided
    ]


def _detectable(rows: Sequence[Row]) -> str:
    """The median of the smallest differences that could have been detected, if there is one."""
    sizes = [row["detectable"] for row in rows if row.get("detectable") is not None]
    if not sizes:
        return ""
    size = float(np.median(sizes))
    if size >= TOO_WIDE:
        return ", and with so few folds hardly any difference could have been detected"
    return f"; half of the comparisons could have detected only a difference of more than {size:.3f}"


def _on_score(section: Row, numbers: Mapping[str, Row]) -> str:
    """Average precision of the final model on the test set, beside chance and the mean of the development folds."""
    test, label = section["test"], phrase(section["choice"]["label"])
    low, high = test["interval"]
    development = section["development"]
    side = "inside" if low <= development <= high else "below" if development < low else "above"
    overlap = "" if side == "inside" else _overlap(section, numbers)
    return (
        f"The final model is {label}. Its average precision on the test set is {test['average_precision']:.3f} "
        f"[{low:.3f}, {high:.3f}]{_beside_chance(test)}; that on the development folds, "
        f"{development:.3f}, lies {side} this interval{overlap}."
    )


def _beside_chance(test: Row) -> str:
    """That the interval on the test set is not above chance, where it is not and the prevalence is recorded."""
    (low, high), chance = test["interval"], test.get("chance")
    if chance is None or low > chance:
        return ""
    relation = "includes" if chance <= high else "lies below"
    return f", which {relation} chance (the prevalence of the test set, {chance:.3f})"


def _overlap(section: Row, numbers: Mapping[str, Row]) -> str:
    """Whether the mean of the development folds has an interval, and this overlaps with that on the test set."""
    choice, (low, high) = section["choice"], section["test"]["interval"]
    means = numbers.get("07_comparison", {}).get("means", [])
    row = next((row for row in means if (row["model"], row["sampler"]) == (choice["model"], choice["sampler"])), None)
    if row is None:
        return ""
    verb = "overlaps" if row["low"] <= high and low <= row["high"] else "does not overlap"
    return f", and its own interval, [{row['low']:.3f}, {row['high']:.3f}], {verb} with this one"


def _on_use(section: Row, words: Words) -> list[str]:
    """Alerts of the final model on the test set, its score on unseen entities, and what moves it."""
    card, sentences = section["card"], []
    if "precision at the threshold" in card:
        sentences.append(_on_alerts(card, section["threshold"], words))
    if card.get("average precision on unseen entities") is not None:
        sentences.append(
            f"On {words.rows} of entities that the development set does not know, the average precision is "
            f"{card['average precision on unseen entities']:.3f}."
        )
    if section["attributions"]:
        first = section["attributions"][0]
        sentences.append(f"The column that moves the score most is {first['feature']}, with {first['share']:.0%}.")
    return sentences


def _on_alerts(card: Row, threshold: float, words: Words) -> str:
    """How many alerts on the test set are right; the number of alerts is recorded if they are few."""
    n_alerts, precision = card.get("alerts at the threshold"), card["precision at the threshold"]
    start = f"With an alert threshold of {threshold:.3f}"
    if n_alerts == 0:
        costs = "The costs can be changed under [costs] in the file of the study."
        if threshold >= 1:  # of a model that never raises one; see `final_model.recorded_threshold`
            return f"At these costs, alerts do not pay on the development set, so the model never raises one. {costs}"
        return f"{start}, no {words.row} of the test set raises an alert. {costs}"
    share = f"{precision:.0%} of the alerts on the test set are {words.positives}"
    if n_alerts is not None:
        n_right = round(precision * n_alerts)
        alerts, are = plural(n_alerts, "alert", "alerts"), plural(n_right, "is", "are")
        share = f"{n_right} of {n_alerts:.0f} {alerts} on the test set {are} right"
    return f"{start}, {share}, and {card['recall at the threshold']:.0%} of the {words.positives} raise an alert."


def _advice(section: Row) -> list[str]:
    """What to use, as chapter 8 chooses, and how far a reduced run can be trusted."""
    model, sampler = _recommended(section)
    alone = {row["model"]: row for row in section["alone"]}
    if model in alone:
        advice = f"Use {_model(section, model)}{_beside_xgboost(alone[model])}."
    elif sampler == "none":
        advice = f"Use {_model(section, model)} without resampling{_beside_best(section)}."
    else:
        gain = next(row for row in section["differences"] if (row["model"], row["sampler"]) == (model, sampler))
        advice = f"Use {_pair(section, gain)}: the gain over no resampling, {_difference(gain)}, is credible."
    if section["profile"] == "full":
        return [advice]
    return [advice, f"These are figures of the {section['profile']} profile; run the full one before you rely on them."]


def _recommended(section: Row) -> tuple[str, str]:
    """Model and sampler to use, of those measured on the most folds."""
    n_folds = max(row["n_folds"] for row in section["means"])
    means = {(row["model"], row["sampler"]): row["mean"] for row in section["means"] if row["n_folds"] == n_folds}
    helpful = [(row["model"], row["sampler"]) for row in section["differences"] if row["verdict"] == "helps"]
    return recommended(means, helpful)


def _beside_best(section: Row) -> str:
    """Why a pair with a higher mean is not recommended, if its sampler was compared with none."""
    model, sampler = section["claim"]["best"]
    row = next((row for row in section["differences"] if (row["model"], row["sampler"]) == (model, sampler)), None)
    if row is None:
        return ""
    name = phrase(section["samplers"][sampler])
    effect = EFFECTS.get(row["verdict"]) or _unused(row["share_unused"])
    effect = f"{effect} ({_difference(row)})"
    return f"; the mean of {_pair(section, row)} is higher, but the effect of {name} {effect}"


def _unused(share: float) -> str:
    measured = "could not be measured" if share == 1 else "could hardly be measured"
    return f"{measured}, because {searches_without_effect(share)}"


def _beside_xgboost(row: Row) -> str:
    if row["verdict"] == "helps":
        return ", which is credibly better than XGBoost without resampling"
    return "; it has not been shown to be better than XGBoost without resampling, which is simpler"


def _named(section: Row, rows: Sequence[Row]) -> str:
    """Comparisons one by one; of many, those with the largest differences."""
    ordered = sorted(rows, key=lambda row: -abs(row["mean"]))
    names = [f"{_pair(section, row)} ({_difference(row)})" for row in ordered[:MAX_NAMED]]
    more = f", and {len(rows) - MAX_NAMED} more" if len(rows) > MAX_NAMED else ""
    return ", ".join(names) + more


def _difference(row: Row) -> str:
    if row["high"] - row["low"] >= TOO_WIDE:
        return f"{row['mean']:+.3f}, with an interval too wide to say anything"
    return f"{row['mean']:+.3f} [{row['low']:.3f}, {row['high']:.3f}]"


def _mean_of(section: Row, model: str, sampler: str) -> Row:
    return next(row for row in section["means"] if (row["model"], row["sampler"]) == (model, sampler))


def _pair(section: Row, row: Row) -> str:
    model = _model(section, row["model"])
    if row["model"] in {other["model"] for other in section["alone"]}:
        return model
    handling = phrase(section["samplers"][row["sampler"]])
    return f"{model} without resampling" if row["sampler"] == "none" else f"{model} with {handling}"


def _model(section: Row, name: str) -> str:
    return phrase(section["models"][name])
