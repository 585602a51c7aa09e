"""Gives the rows of older ledgers the keys of today, which cover the roles of columns and the rule of the folds.

Days of business, which older rows counted by the share of a dataset's rows, are counted by the clock.

python -m utils.benchmark.migrate --profile full

Nothing is computed or scored again. Rows that have such a key stay as they are, so it can be run at any time while
nothing else writes to the ledger. It is taken for granted that a row's dataset had the profile's columns.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from utils.benchmark import ledger
from utils.benchmark.errors import exit_with_a_sentence
from utils.benchmark.ledger import LedgerError
from utils.benchmark.out_of_fold import write_out_of_fold
from utils.benchmark.run_task import all_folds, days_covered, load_dataset
from utils.config import ROOT, DatasetConfig, Profile, load_profile
from utils.data.fetching import replacing
from utils.data.loading import GROUPS
from utils.data.splits import chronological_split

GENERATORS = ROOT / "benchmarks" / "generators.jsonl"
SUFFIXES = {"-with-duplicates": {"duplicates": "keep"}, "-raw-time": {"raw_time": True}}  # of older datasets' names
MEASURED = ("key", "figures", "fit_seconds", "rows_per_second", "versions", "machine", "finished")

Row = dict[str, Any]


def migrate(profile: Profile, others: tuple[Path, ...] = ()) -> str:
    """Give every row below the profile's results its present key; returns a sentence about what was done.

    Parameters
    ----------
    others : tuple of Path
        Further files of rows, in the form of `benchmarks/generators.py`.

    Raises
    ------
    LedgerError
        Names the first row whose key is neither the former nor the present one of its content; that file stays as
        it is.
    """
    files = [*sorted(profile.results.rglob("*.jsonl")), *(path for path in others if path.exists())]
    counts = [_migrate_file(path, profile) for path in files]
    n_moved, n_counted = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
    n_files = _migrate_out_of_fold(profile)
    return (
        f"{n_moved:,} rows and {n_files} out-of-fold files got the keys of today, and {n_counted:,} rows their days by "
        "the clock; the others had them."
    )


def _migrate_file(path: Path, profile: Profile) -> tuple[int, int]:
    """Number of rows that got another key, and other days; the file is replaced in one step."""
    *lines, _unfinished = path.read_bytes().split(b"\n")
    rows: dict[Any, bytes] = {}
    n_moved = n_counted = 0
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            present = _with_days(present_row(row, profile), profile)
        except (ValueError, KeyError, TypeError) as error:
            raise LedgerError(f"{path.name}, line {number}: {error}; correct or delete this line.") from None
        n_moved += present["key"] != row["key"]
        n_counted += present.get("days") != row.get("days")
        # Every scoring of the test set is recorded; of a task that was finished under both keys, the first row counts.
        rows.setdefault(number if path.name == ledger.TEST else present["key"], ledger.line_of(present))
    if n_moved or n_counted:
        with replacing(path) as temporary:
            temporary.write_bytes(b"".join(rows.values()))
    return n_moved, n_counted


def _with_days(row: Row, profile: Profile) -> Row:
    """A row with the days that its scored rows cover by the clock; one without days as it is."""
    if row.get("days") is None:
        return row
    roles = row["dataset"]["roles"]
    changes = {"duplicates": roles.get("duplicates", "keep"), "raw_time": roles.get("raw_time", False)}
    config, protocol = replace(profile.dataset, **changes), profile.protocol
    dataset = load_dataset(config)
    if row["fold"] is None:
        scored = chronological_split(dataset, protocol.test_fraction)[1]
    else:
        folds = all_folds(config, protocol, 1 + row["repeat"], "copies" in row["split"])
        scored = folds[row["repeat"], row["fold"]].test
    return {**row, "days": days_covered(dataset, scored)}


def present_row(row: Row, profile: Profile) -> Row:
    """A row with today's key and what belongs to it; ValueError if its key is not that of its content."""
    form, key_of = ("split", ledger.key_of) if "split" in row else ("protocol", _measurement_key)
    former_key_of = _former_key if form == "split" else _measurement_key
    is_present = "roles" in row["dataset"]
    if row["key"] != (key_of if is_present else former_key_of)(row):
        raise ValueError(f"the key {row['key']} is not that of the row's content")
    if is_present:
        return row
    division = {**row[form], "groups": GROUPS}
    if row[form].get("kind") == "test":
        division["n_splits"] = profile.protocol.n_splits  # of the folds behind calibrator and threshold
    dataset = {**row["dataset"], "roles": _roles(row["dataset"]["name"], profile.dataset)}
    present = {**row, "dataset": dataset, form: division}
    return {**present, "key": key_of(present)}


def _former_key(row: Row) -> str:
    content = json.dumps({name: row[name] for name in ledger.KEY_FIELDS}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()[:20]


def _measurement_key(row: Row) -> str:
    """As `benchmarks/generators.py` has it: the hash of all that was known before measuring."""
    task = {name: value for name, value in row.items() if name not in MEASURED}
    return hashlib.sha256(json.dumps(task, sort_keys=True).encode()).hexdigest()[:20]


def _roles(name: str, config: DatasetConfig) -> dict[str, Any]:
    """Roles of an older row's dataset, whose name told how it departed from the protocol."""
    roles = {role: value for role, value in config.roles.items() if role not in ("duplicates", "raw_time")}
    chosen = {"duplicates": "drop"}
    for suffix, departure in SUFFIXES.items():
        if suffix in name.removeprefix(config.path.stem):
            chosen |= departure
    return {**roles, **{role: value for role, value in chosen.items() if value != "keep"}}


def _migrate_out_of_fold(profile: Profile) -> int:
    """Number of out-of-fold files that got the present key of their model, and say now which rows they are about."""
    scored = profile.results / ledger.TEST
    n_moved = 0
    for row in ledger.read_file(scored) if scored.exists() else ():
        paths = [profile.results / "out_of_fold" / f"{key}.parquet" for key in (_key_before(row), row["key"])]
        if paths[0].exists():
            folds = all_folds(profile.dataset, profile.protocol, 1).values()
            probability = pd.read_parquet(paths[0])["probability"].to_numpy()
            write_out_of_fold(paths[1], np.concatenate([fold.test for fold in folds]), probability)
            paths[0].unlink()
            n_moved += 1
    return n_moved


def _key_before(row: Row) -> str:
    """The former key of a row of `test.jsonl` that has its present one."""
    dataset = {name: value for name, value in row["dataset"].items() if name != "roles"}
    division = {name: value for name, value in row["split"].items() if name not in ("groups", "n_splits")}
    return _former_key({**row, "dataset": dataset, "split": division})


def main() -> None:
    """Migrate the ledger of a profile from the command line."""
    parser = argparse.ArgumentParser(description="Give the rows of an older ledger the keys of today.")
    parser.add_argument("--profile", default="full", choices=("quick", "full"))
    options = parser.parse_args()
    with exit_with_a_sentence():
        profile = load_profile(options.profile)
        print(migrate(profile, (GENERATORS,) if profile.name == "full" else ()))


if __name__ == "__main__":
    main()
