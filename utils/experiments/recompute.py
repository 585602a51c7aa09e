"""Compute a sample of the ledger's rows again, and compare the scores.

python -m utils.experiments.recompute --profile full --rows 20
python -m utils.experiments.recompute --table glass6 --rows 20
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from utils.benchmark import ledger, runner
from utils.benchmark.errors import exit_with_a_sentence
from utils.benchmark.executors import add_jobs_argument, run_batches
from utils.benchmark.ledger import SAME_SCORE, LedgerError
from utils.benchmark.records import FoldResult, Row, Task
from utils.config import PROFILES, Profile, load_profile
from utils.data.identity import identify
from utils.experiments.many_tables import profile_of, tables_of

Rows = list[Row[Task, FoldResult]]


def sample(rows: Iterable[Row[Task, FoldResult]], n_rows: int, seed: int = 0) -> Rows:
    """Draw rows at random, of as many pairs of a sampler and a model as possible."""
    shuffled = list(rows)
    random.Random(seed).shuffle(shuffled)
    drawn, earlier = [], Counter()
    for row in shuffled:
        pair = row.task.sampler.name, row.task.model.name
        drawn.append((earlier[pair], row))
        earlier[pair] += 1
    drawn.sort(key=lambda numbered: numbered[0])
    return [row for _, row in drawn[:n_rows]]


def recompute(profile: Profile, rows: Rows, *, n_jobs: int = -1) -> pd.DataFrame:
    """Run the tasks of these rows from scratch; the ledger is not touched.

    Parameters
    ----------
    profile : Profile
        Its dataset is that of the rows.
    rows : list of Row
    n_jobs : int
        Processes on this machine; a Dask cluster uses all of its workers.

    Returns
    -------
    DataFrame
        One line per row: columns sampler, model, repeat, fold, engine (of the row, with that of this machine behind it
        where that is another), in_ledger and again (average precisions) and difference.
    """
    with TemporaryDirectory() as folder:
        own = replace(profile, results=Path(folder))
        batch = runner.missing_batch(own, [row.task for row in rows], known=())
        computed = {row.key: row for row in run_batches([batch], n_jobs=n_jobs)[batch.path]}
    lines = [
        {
            "sampler": row.task.sampler.name,
            "model": row.task.model.name,
            "repeat": row.task.repeat,
            "fold": row.task.fold,
            "engine": " / ".join(dict.fromkeys([row.result.engine, computed[row.key].result.engine])),
            "in_ledger": row.result.average_precision,
            "again": computed[row.key].result.average_precision,
        }
        for row in rows
    ]
    table = pd.DataFrame(lines)
    return table.assign(difference=table["again"] - table["in_ledger"])


def rows_to_compare(profile: Profile) -> Rows:
    """Rows of the profile's dataset in its ledger.

    Raises
    ------
    LedgerError
        If there is none.
    """
    dataset = identify(profile.dataset)
    rows = [row for row in ledger.read(profile.results) if row.task.dataset == dataset]
    if not rows:
        raise LedgerError(f"{profile.results} has no row of {dataset.name}; run the study first.")
    return rows


def _number_of_rows(text: str) -> int:
    if not re.fullmatch(r"0*[1-9]\d*", text):
        raise argparse.ArgumentTypeError(f"must be a whole number of 1 or more, and not '{text}'")
    return int(text)


def main() -> None:
    """Compare a sample of rows from the command line; the exit status is 1 if one of them differs."""
    parser = argparse.ArgumentParser(description="Compute rows of the ledger again, and compare the scores.")
    parser.add_argument("--profile", default="full", choices=PROFILES)
    parser.add_argument("--table", help="rows of this table of the plan, not of the credit-card data")
    parser.add_argument("--rows", type=_number_of_rows, default=10, help="how many rows (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the draw (default: %(default)s)")
    add_jobs_argument(parser)
    options = parser.parse_args()
    with exit_with_a_sentence():
        profile = load_profile(options.profile)
        if options.table:
            profile = profile_of(*tables_of("verdict", [options.table]), profile)
        compared = recompute(profile, sample(rows_to_compare(profile), options.rows, options.seed), n_jobs=options.jobs)
    print(compared.round(6).to_string(index=False))
    n_others = int((compared["difference"].abs() > SAME_SCORE).sum())
    largest = compared["difference"].abs().max()
    print(
        f"{n_others} of {len(compared)} rows differ by more than {SAME_SCORE}; the largest difference is {largest:.6f}."
    )
    raise SystemExit(int(n_others > 0))


if __name__ == "__main__":
    main()
