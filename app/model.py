"""Write the models that the server answers with: `python -m app.model`, and `--pairs` for the study's pairs."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.catalog import PAIRS
from app.scores import development_rows as study_rows
from app.scores import measured_pairs, pair_label
from app.served import EXAMPLES, SCORES, STATISTICS, Served, load_served, version_of
from app.staging import TemporaryFolder
from utils import bundle, data, final, ledger, stats
from utils.bundle import FraudModel
from utils.config import DATA, ROOT, DatasetConfig, Profile, load_profile
from utils.fitting import load_dataset
from utils.scoring import Scorer
from utils.tabular import MIN_ROWS

FOLDER = ROOT / "app" / "model"
FALLBACK = ("none", "xgb")
N_BACKGROUND = 40  # rows that estimated explanations are relative to


def chosen_model() -> tuple[FraudModel, str]:
    """The model to serve, and where it comes from.

    The registry's champion, unless it comes from the quick run and the full study has a better founded one: that is
    fitted anew then, from what the ledger says was chosen. Where no study of the data is finished, a stand-in.

    Raises
    ------
    BundleError
        If the champion is not as it was saved.
    """
    try:
        registered = registered_champion()
    except LookupError as error:
        print(error.args[0], flush=True)
        registered = None
    if registered and registered.card.get("profile") != "quick":
        return registered, "the registry's champion"
    full = load_profile("full")
    measured = study_rows(full)
    if len(measured):
        return final_model(full, measured), "the full study's choice, fitted on its development set"
    if registered:
        return registered, "the registry's champion, from the quick run"
    print("No study of this data is finished: training gradient boosting without resampling.", flush=True)
    return final.fit_final(
        load_profile("quick"), FALLBACK
    ), "trained as a stand-in, as no study of this data is finished"


def registered_champion() -> FraudModel:
    """Fetch and verify the registered champion; LookupError if the registry has none."""
    from utils import tracking

    with TemporaryFolder("fraud-champion-") as download:
        return bundle.load(tracking.download_champion(Path(download)))


def final_model(profile: Profile, measured: pd.DataFrame) -> FraudModel:
    """The final model of a study, with the scores that the test set's ledger has of it, and none if it has none.

    Parameters
    ----------
    measured : DataFrame
        Ledger rows of the study, of which the final model is chosen.
    """
    choice = final.choose(measured)
    print(f"Fitting the study's final model ({pair_label(*choice, printed_names())}).", flush=True)
    model = final.fit_final(profile, choice)
    scored = profile.results / "test.jsonl"
    rows = ledger.read_file(scored) if scored.exists() else []
    own = [row for row in rows if row["key"] == model.card["ledger_key"]]
    if own:
        interval = stats.interval_of_ranks(own[-1]["ranks"])
        model.card["test"] = final.score_card(own[-1], interval).to_dict()
        model.card["test_interval"] = list(interval)
    return model


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
    dataset = load_dataset(located(model.schema))
    rows, _ = data.chronological_split(dataset, load_profile("full").protocol.test_fraction)
    return dataset.frame.iloc[rows]


def located(schema: DatasetConfig) -> DatasetConfig:
    """A saved model's dataset where this machine has it."""
    return replace(schema, path=DATA / schema.path.name)


def build(folder: Path) -> Served:
    """Write model, examples and statistics, then put them in place of `folder`; returns what is served now.

    Nothing in `folder` changes before the new content was loaded and scored its examples.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryFolder(f".{folder.name}-", folder.parent) as parent:
        staging = Path(parent) / "new"
        staging.mkdir()
        model, source = chosen_model()
        model = bundle.load(bundle.save(model, staging))  # what is described is what will be served
        development = development_rows(model)
        about = {"source": source, **describe(model, development)}
        (staging / EXAMPLES).write_text(json.dumps(about, indent=1) + "\n")
        pairs = measured_pairs(located(model.schema), printed_names())
        (staging / SCORES).write_text(json.dumps(pairs, indent=1) + "\n")
        _write_statistics(staging / STATISTICS, Served(model, version_of(staging), about), development)
        bundle.seal(staging)
        served = load_served(staging)  # which is slow for large forests, and so done once
        exchange(staging, folder)
    return served


def _write_statistics(path: Path, served: Served, development: pd.DataFrame) -> None:
    from app.embedding import study_synthetic
    from app.figures import figures

    schema = located(served.model.schema)
    y = development[schema.label]
    synthetic = None
    if y.sum() >= MIN_ROWS:
        X = data.features(development, schema, served.model.columns)
        synthetic = study_synthetic(load_profile("full", schema), load_dataset(schema), X, y)
    drawn = figures(served, development, printed_names(), synthetic)
    path.write_text(json.dumps(drawn) + "\n")


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
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # which cleans up as Ctrl+C does
    sys.exit(main())
