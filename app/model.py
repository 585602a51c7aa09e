"""Write the models that the server answers with: `python -m app.model`, and `--pairs` for the study's pairs."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.catalog import PAIRS
from app.scores import measured_pairs, pair_label
from app.served import EXAMPLES, SCORES, STATISTICS, Served, load_served, version_of
from utils import bundle, data
from utils.bundle import FraudModel
from utils.config import DATA, ROOT, load_profile
from utils.scoring import Scorer

FOLDER = ROOT / "app" / "model"
FALLBACK = ("none", "xgb")
N_BACKGROUND = 40  # rows that estimated explanations are relative to


def champion(target: Path) -> tuple[FraudModel, str]:
    """Fetch and verify the registered champion into `target`; returns it and where it comes from.

    Raises
    ------
    LookupError
        If the registry has no champion.
    BundleError
        If the champion is not as it was saved.
    """
    from utils import tracking

    with tempfile.TemporaryDirectory() as download:
        # Saved again rather than copied: a champion of an older study gets the present format.
        model = bundle.load(tracking.download_champion(Path(download)))
    bundle.save(model, target)
    return model, "the registry's champion"


def train(target: Path) -> tuple[FraudModel, str]:
    """Train the fallback (gradient boosting, no resampling) into `target`; returns it and where it comes from."""
    from utils.final import fit_final

    model = fit_final(load_profile("quick"), FALLBACK)
    bundle.save(model, target)
    return model, "trained for this page; the registry has no champion yet"


def describe(
    model: FraudModel, rows: pd.DataFrame, *, seen: pd.DataFrame | None = None, probability: NDArray | None = None
) -> dict[str, Any]:
    """Label, examples, ranges and background of a model; see `Served.about`.

    The examples are those whose probability is the median of their class, so neither was picked to impress.

    Parameters
    ----------
    rows : DataFrame of shape (n_rows, n_columns)
        Raw rows with the label, of both classes; two of them are the examples.
    seen : DataFrame, optional
        Raw rows that the model was trained on, if these are others.
    probability : array of shape (n_rows,), optional
        The model's own for these rows, if it is there already.
    """
    columns = list(model.raw_columns)
    if probability is None:
        probability = Scorer(model).predict(rows[columns].to_numpy(dtype=float))
    examples = {}
    for kind, value in (("fraud", 1), ("legitimate", 0)):
        of_class = np.flatnonzero(rows[model.schema.label] == value)
        typical = of_class[np.argsort(probability[of_class], kind="stable")[len(of_class) // 2]]
        examples[kind] = rows[columns].iloc[typical].to_dict()
    seen = (rows if seen is None else seen)[columns]
    limits = seen.agg(["min", "max"])
    background = seen.sample(min(N_BACKGROUND, len(seen)), random_state=0)
    return {
        "label": label(model),
        "examples": examples,
        "ranges": {name: limits[name].tolist() for name in columns},
        "background": background.to_numpy().tolist(),
    }


def label(model: FraudModel) -> str:
    """Model and sampler as the study prints them."""
    names = [model.card.get(part, {}).get("name", "unnamed") for part in ("sampler", "model")]
    return pair_label(*names, printed_names())


def printed_names() -> dict[str, str]:
    """How the study prints each sampler and classifier."""
    from utils.models import MODELS
    from utils.samplers import SAMPLERS

    return {name: entry.label for name, entry in (*SAMPLERS.items(), *MODELS.items())}


def development_rows(model: FraudModel) -> pd.DataFrame:
    """Raw rows of the development set of the model's dataset."""
    dataset = data.load(replace(model.schema, path=DATA / model.schema.path.name))
    rows, _ = data.chronological_split(dataset, load_profile("full").protocol.test_fraction)
    return dataset.frame.iloc[rows]


def build(folder: Path) -> Served:
    """Write model, examples and statistics, then put them in place of `folder`; returns what is served now.

    Nothing in `folder` changes before the new content was loaded and scored its examples.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as place:
        staging = Path(place) / "new"
        staging.mkdir()
        try:
            model, source = champion(staging)
        except LookupError as error:
            print(f"{error.args[0]}\nUntil then: training gradient boosting without resampling.", flush=True)
            model, source = train(staging)
        development = development_rows(model)
        about = {"source": source, **describe(model, development)}
        (staging / EXAMPLES).write_text(json.dumps(about, indent=1) + "\n")
        pairs = measured_pairs(model.schema, printed_names())
        (staging / SCORES).write_text(json.dumps(pairs, indent=1) + "\n")
        _write_statistics(staging / STATISTICS, Served(model, version_of(staging), about), development)
        bundle.seal(staging)
        served = load_served(staging)  # which is slow for large forests, and so done once
        exchange(staging, folder)
    return served


def _write_statistics(path: Path, served: Served, development: pd.DataFrame) -> None:
    from app.figures import figures

    path.write_text(json.dumps(figures(served, development, printed_names())) + "\n")


def exchange(new: Path, folder: Path) -> None:
    """Put the folder `new` in the place of `folder`; the old one goes only when the new one stands.

    A reader finds one complete folder or the other; between the two renames, for an instant, none.
    """
    old = new.with_name("old")
    if folder.exists():
        folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise


def main(argv: list[str] | None = None) -> int:
    """Write the champion, or pairs; 1 with a sentence if a model is damaged or the data cannot be had."""
    parser = argparse.ArgumentParser(description="Write the models that `python -m app.app` serves.")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to (default: app/model)")
    parser.add_argument(
        "--pairs",
        nargs="*",
        metavar="SAMPLER+MODEL",
        help="write the study's pairs beside the champion instead; all of them unless some are named",
    )
    options = parser.parse_args(argv)
    start = time.perf_counter()
    try:
        if options.pairs is not None:
            from app.pairs import build_pairs

            print(build_pairs(options.folder.with_name(PAIRS), options.pairs))
            return 0
        served = build(options.folder)
    except ValueError as error:
        print(f"{error}\nWhat was served before is untouched.", file=sys.stderr)
        return 1
    except OSError as error:
        what = f"{error.filename or options.folder}: {error.strerror or error}"
        remedy = "make that place writable or, if it is where the models go, name another one with --folder"
        print(f"A file cannot be read or written ({what}); {remedy}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; what was finished stays, and the same command goes on.", file=sys.stderr)
        return 1
    about = "; ".join(served.about[key] for key in ("label", "source"))
    print(f"Wrote {served.name} ({about}) in {time.perf_counter() - start:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
