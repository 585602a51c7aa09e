"""The command that writes the models: `python -m app.building`, and `--pairs` for the study's pairs."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from app.building.champion import build
from app.building.pairs import PairError, build_pairs
from app.building.scores import measured_rows
from app.serving.catalog import PAIRS
from app.settings import model_folder
from utils.benchmark.errors import EXPECTED
from utils.config import CREDITCARD, Profile, Study
from utils.reporting.recorded import NumbersError
from utils.serving.bundle import BundleError
from utils.study_file import read_study

REPORTED = (*EXPECTED, BundleError, NumbersError, PairError)  # their messages say what to do


def own_study(name: str | None) -> Study | None:
    """The study of this name, or of the file at this path; None if it is the credit-card study."""
    study = read_study(name or CREDITCARD.name)
    return None if study.name == CREDITCARD.name else study


def measured_profile(study: Study | None) -> Profile | None:
    """The run whose pairs are written: of a study of the user's own as in `measured_rows`; else None, the full one."""
    return None if study is None else measured_rows(study)[0]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Write the models that `python -m app.app` serves.")
    parser.add_argument("--study", help="name of a study of your own, or path of its file (default: creditcard)")
    parser.add_argument("--folder", type=Path, help="where to (default: app/model, or a folder of the study)")
    parser.add_argument(
        "--pairs",
        nargs="*",
        metavar="SAMPLER+MODEL",
        help="write the study's pairs beside the champion instead; all of them unless some are named",
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Write the champion, or pairs; 1 with a sentence for what a user can mend, such as a damaged model."""
    options = _parser().parse_args(argv)
    folder = options.folder or model_folder(options.study)
    start = time.perf_counter()
    try:
        if options.pairs is not None:
            print(build_pairs(folder.with_name(PAIRS), options.pairs, measured_profile(own_study(options.study))))
            return 0
        served = build(folder, own_study(options.study))
    except REPORTED as error:
        print(f"{error}\nThe model that was served before is unchanged.", file=sys.stderr)
        return 1
    except OSError as error:
        problem = f"{error.filename or folder}: {error.strerror or error}"
        remedy = "make that folder writable or, if it is the one for the models, name another with --folder"
        print(f"A file cannot be read or written ({problem}); {remedy}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; finished models are kept, and the same command continues.", file=sys.stderr)
        return 1
    about = served.about
    print(f"Wrote {served.name} ({about.label}; {about.source}) in {time.perf_counter() - start:.0f} s.")
    return 0
