"""Numbers and tables for the paper and the README: recorded by notebooks, never typed."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from utils.config import ROOT, Profile

PROPER_NAMES = ("Tomek",)
README_START, README_END = "<!-- results:start -->", "<!-- results:end -->"


def record(profile: Profile, section: str, values: dict[str, Any]) -> dict[str, Any]:
    """Replace one section of the profile's numbers.json and return it; notebooks that run side by side take turns.

    Parameters
    ----------
    profile : Profile
        Whose numbers these are.
    section : str
        The notebook's name, so that every number tells where it comes from.
    values : dict
        Numbers, strings, pairs (low, high), dicts, or frames, which become lists of records; NaN becomes null.

    Raises
    ------
    ValueError, TypeError
        If a value is infinite or has no place in JSON; the file is then as it was.
    """
    plain = {name: _plain(value) for name, value in values.items()}
    profile.numbers.parent.mkdir(parents=True, exist_ok=True)
    with _held(profile.numbers.parent):
        numbers = json.loads(profile.numbers.read_text()) if profile.numbers.exists() else {}
        numbers[section] = plain
        write_text(profile.numbers, json.dumps(dict(sorted(numbers.items())), indent=1, allow_nan=False) + "\n")
    return plain


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Keep other processes that ask for the same folder waiting."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _plain(value: Any) -> Any:
    if isinstance(value, pd.DataFrame):
        return [{name: _plain(cell) for name, cell in row.items()} for row in value.to_dict("records")]
    if isinstance(value, dict):
        return {str(name): _plain(cell) for name, cell in value.items()}
    if isinstance(value, (tuple, list, np.ndarray)):
        return [_plain(cell) for cell in value]
    if isinstance(value, (float, np.floating)):
        if np.isnan(value):
            return None
        return round(float(value), 6) if abs(value) >= 1e-3 else float(f"{value:.4g}")
    return value.item() if isinstance(value, np.generic) else value


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def with_interval(mean: float, low: float, high: float, digits: int = 3) -> str:
    """Text such as '0.853 [0.801, 0.897]'."""
    return f"{mean:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def score_grid(means: pd.DataFrame, samplers: dict[str, str], models: dict[str, str]) -> pd.DataFrame:
    """Mean average precision with its interval as text: a row per sampler, a column per model.

    Parameters
    ----------
    means : DataFrame
        From `stats.bootstrap_means`.
    samplers, models : dict of str to str
        Name to label, in the order to print. Those that were not measured are left out; a dash stands for a pair
        that was not.
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


def alone_grid(means: pd.DataFrame, compared: pd.DataFrame, models: dict[str, str]) -> pd.DataFrame:
    """Models that take no sampler, the best first: mean average precision, difference to another model, verdict.

    Parameters
    ----------
    means : DataFrame
        From `stats.bootstrap_means`.
    compared : DataFrame
        From `stats.compare_pairs`: a row per model, with what it is compared with in `against`.
    models : dict of str to str
        Name to label.
    """
    own = means[means["model"].isin(compared["model"])].sort_values("mean", ascending=False)
    differences = compared.set_index("model")
    rows = [
        [
            with_interval(row.mean, row.low, row.high),
            with_interval(*differences.loc[row.model, ["mean", "low", "high"]]),
            differences.loc[row.model, "verdict"],
        ]
        for row in own.itertuples()
    ]
    index = pd.Index([models[name] for name in own["model"]], name="Model")
    return pd.DataFrame(rows, index=index, columns=["Average precision", "Difference", "Verdict"])


def markdown_table(frame: pd.DataFrame) -> str:
    """A frame with its index as a Markdown table."""
    header = [frame.index.name or "", *map(str, frame.columns)]
    body = [[str(name), *map(str, row)] for name, row in zip(frame.index, frame.to_numpy(), strict=True)]
    rows = [header, ["---"] * len(header), *body]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def headline(numbers: dict[str, Any]) -> str:
    """The README's results as Markdown, from the recorded numbers of notebooks 07 and 08."""
    comparison, final = numbers["07_comparison"], numbers["08_final_model"]
    models, means = comparison["models"], pd.DataFrame(comparison["means"])
    alone = pd.DataFrame(comparison["alone"])
    against = comparison["claim"]["against_best"]
    gap = with_interval(*(against[name] for name in ("mean", "low", "high")))
    test, best = final["test"], _pair_label(comparison, *comparison["claim"]["best"])
    text = (
        f"*Random forest with CGAN is best:* **{comparison['claim']['verdict']}**{refuted_by(comparison)}. The best "
        f"mean average precision on the development folds is that of {best}{_apart(comparison)}; the "
        f"claimed pair differs from it by {gap}. The final model ({final['choice']['label']}) reaches an average "
        f"precision of {with_interval(test['average_precision'], *test['interval'])} on the chronological test set.\n\n"
        f"{_counted(comparison['differences'])}\n\n"
        f"Mean average precision with 95 % interval (profile {comparison['profile']}; {_folds(comparison)}):\n\n"
    )
    if alone.empty:
        return text + markdown_table(score_grid(means, comparison["samplers"], models))
    takers = {name: label for name, label in models.items() if name not in set(alone["model"])}
    return (
        f"{text}{markdown_table(score_grid(means, comparison['samplers'], takers))}\n\n"
        "Models that take no sampler, with the difference to XGBoost without resampling:\n\n"
        f"{markdown_table(alone_grid(means, alone, models))}"
    )


def _apart(comparison: dict[str, Any]) -> str:
    """Why the best pair takes no part in the verdict, if it is the one that was made on the folds of the comparison."""
    if not comparison["claim"].get("set_apart"):
        return ""
    return " and no part in this verdict, as its members were found on these folds"


def refuted_by(comparison: dict[str, Any]) -> str:
    """Which rivals refute the claim, and how far it lies behind them, to follow its verdict; empty if none does.

    Parameters
    ----------
    comparison : dict
        Recorded numbers of notebook 07.
    """
    rivals = [
        f"{_pair_label(comparison, *row['against'].split(' + '))}, from which it differs by "
        f"{with_interval(row['mean'], row['low'], row['high'])} (adjusted p {row['adjusted_p']:.3f})"
        for row in comparison["claim"].get("refuted_by", [])
    ]
    return f" by {', and by '.join(rivals)}" if rivals else ""


def _pair_label(comparison: dict[str, Any], model: str, sampler: str) -> str:
    """A pair in a sentence, without its sampler if it takes none."""
    label = phrase(comparison["models"][model])
    if model in {row["model"] for row in comparison["alone"]}:
        return f"{label}, which takes no sampler"
    return f"{label} with {phrase(comparison['samplers'][sampler])}"


def _counted(differences: list[dict[str, Any]]) -> str:
    """How many comparisons with no resampling came to which verdict."""
    counts = Counter(row["verdict"] for row in differences)
    return (
        f"Of {len(differences)} comparisons of a sampler with no resampling under the same model, {counts['helps']} "
        f"{_agree(counts['helps'], 'is a credible gain', 'are credible gains')}, {counts['harms']} "
        f"{_agree(counts['harms'], 'a credible loss', 'credible losses')}, {counts['equivalent']} practically "
        f"equivalent, and {counts['no evidence']} undecided."
    )


def _agree(count: int, one: str, many: str) -> str:
    return one if count == 1 else many


def _folds(comparison: dict[str, Any]) -> str:
    """On how many folds the models are measured: what most have, then who has another number."""
    counts: dict[int, list[str]] = {}
    for name, count in comparison["folds"].items():
        counts.setdefault(count, []).append(comparison["models"][name])
    usual, *others = sorted(counts, key=lambda count: -len(counts[count]))
    exceptions = "".join(f"; {count} for {', '.join(counts[count])}" for count in others)
    return f"{usual} {_agree(usual, 'fold', 'folds')}{exceptions}"


def phrase(label: str) -> str:
    """A label inside a sentence: names and acronyms stay, words start small."""
    first = label.split()[0]
    return label[0].lower() + label[1:] if first[1:].islower() and first not in PROPER_NAMES else label


def update_readme(text: str, path: Path = ROOT / "README.md") -> None:
    """Put generated text between the README's result markers; ValueError when they are missing."""
    readme = path.read_text(encoding="utf-8")
    if not 0 <= readme.find(README_START) < readme.rfind(README_END):
        raise ValueError(f"{path.name} lacks the markers {README_START} and {README_END}; put them back.")
    head, rest = readme.split(README_START, 1)
    tail = rest.split(README_END, 1)[1]
    write_text(path, f"{head}{README_START}\n{text.strip()}\n{README_END}{tail}")
