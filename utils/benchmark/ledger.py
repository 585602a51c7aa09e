"""The record of finished tasks: one JSON line each, keyed by everything that determines the result."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

RESULTS = ("ranks", "fidelity")  # what a finished task holds: a model's ranks, or a generator's fidelity
TEST = "test.jsonl"  # every scoring of the test set
SAME_SCORE = 0.005  # what average precision may differ by from machine to machine
KEY_FIELDS = ("dataset", "split", "repeat", "fold", "seed", "sampler", "model", "search")


class LedgerError(ValueError):
    """A ledger file holds something that is not a finished task."""


def key_of(task: dict[str, Any]) -> str:
    """Hash of the fields that determine a task's result (`KEY_FIELDS`); what its dataset is called does not."""
    fields = {name: task[name] for name in KEY_FIELDS}
    fields["dataset"] = {name: value for name, value in task["dataset"].items() if name != "name"}
    content = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()[:20]


def line_of(row: dict[str, Any]) -> bytes:
    """A row as the ledger writes it."""
    return (json.dumps(row, sort_keys=True, separators=(",", ":")) + "\n").encode()


def _has_key(lines: bytes, row: dict[str, Any]) -> bool:
    return f'"key":"{row["key"]}"'.encode() in lines


def append(path: Path, row: dict[str, Any], known: Callable[[bytes, dict[str, Any]], bool] = _has_key) -> bool:
    """Append one finished task with a single write, flushed to disk; False if it is there already.

    A lock keeps writers apart. A line that a killed writer left unfinished is cut off first, so that
    the file never holds a broken line in its middle.

    Parameters
    ----------
    known : callable
        Whether the file's complete lines hold the row already; by default they do if they hold its key.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        content = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        complete = content[: content.rfind(b"\n") + 1]
        os.ftruncate(descriptor, len(complete))
        if known(complete, row):
            return False
        os.write(descriptor, line_of(row))
        os.fsync(descriptor)
        return True
    finally:
        os.close(descriptor)


def append_scoring(folder: Path, row: dict[str, Any]) -> bool:
    """Append a scoring of the test set to the folder's `test.jsonl`, whose lines are never replaced or removed.

    Scoring the same model again is no new look at the test set: a row is not appended if one of the same key has the
    same average precision, but for what machines differ by (`SAME_SCORE`). A model that scores otherwise under the
    same key is another model, and is appended.
    """
    return append(folder / TEST, row, _is_scored)


def _is_scored(lines: bytes, row: dict[str, Any]) -> bool:
    scored = (json.loads(line) for line in lines.splitlines() if _has_key(line, row))
    return any(abs(other["average_precision"] - row["average_precision"]) <= SAME_SCORE for other in scored)


def scorings(folder: Path) -> pd.DataFrame:
    """Every scoring of the test set that the ledger in `folder` records, the first one first.

    Returns
    -------
    DataFrame
        Columns number (from 1), finished, sampler, model, average_precision, n_alerts and key.
    """
    path = folder / TEST
    rows = sorted(read_file(path), key=lambda row: row["finished"]) if path.exists() else []
    table = frame(rows).reindex(columns=["finished", "sampler", "model", "average_precision", "n_alerts", "key"])
    table.insert(0, "number", range(1, 1 + len(table)))
    return table


def read(folder: Path) -> list[dict[str, Any]]:
    """All finished tasks below `folder`, first line first, each key once.

    Raises
    ------
    LedgerError
        Names file and line of anything unreadable; only an unfinished last line is passed over.
    """
    rows: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for row in read_file(path):
            rows.setdefault(row["key"], row)
    return list(rows.values())


def read_file(path: Path) -> Iterable[dict[str, Any]]:
    """Finished tasks of one file in its order; LedgerError as in `read`."""
    *lines, _unfinished = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            row["key"], next(row[name] for name in RESULTS if name in row)
        except (ValueError, KeyError, TypeError, StopIteration) as error:
            raise LedgerError(
                f"{path.name}, line {number}: not a finished task ({error!r}); delete this line to run it again."
            ) from None
        yield row


def frame(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """One row per task, ready to group: sampler and model by name, their objects under `*_config`."""
    table = pd.DataFrame(list(rows))
    if table.empty:
        return table
    for part in ("sampler", "model"):
        table[f"{part}_config"] = table[part]
        table[part] = [config["name"] for config in table[part]]
    return table
