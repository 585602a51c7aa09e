"""The record of finished tasks: one JSON line each, keyed by everything that determines the result."""

from __future__ import annotations

import errno
import fcntl
import gzip
import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, fields
from functools import partial
from pathlib import Path

import pandas as pd

from utils.benchmark.records import (
    FoldResult,
    Provenance,
    Result,
    Row,
    ScoringResult,
    Task,
    TaskType,
    from_json,
    to_json,
)
from utils.files import replacing

TEST = "test.jsonl"  # every scoring of the test set
PACKED = ".gz"  # added to the name of a file that is compressed
SAME_SCORE = 0.005  # largest difference of average precision between machines


class LedgerError(ValueError):
    """A ledger file holds something that is not a finished task, or lacks a task that may not be run."""


def require_complete(path: Path, missing: Sequence[str]) -> None:
    """Refuse to run what a ledger lacks if the environment variable STUDY_COMPLETE is set, as it is in tests.

    Otherwise a test of the notebooks would compute what it should read, for hours and without a word.

    Parameters
    ----------
    path : Path
        The ledger's file or folder.
    missing : sequence of str
        Labels of the tasks to run; empty if there are none.

    Raises
    ------
    LedgerError
    """
    if missing and os.environ.get("STUDY_COMPLETE"):
        raise LedgerError(
            f"{path} lacks {len(missing)} tasks, the first '{missing[0]}', and STUDY_COMPLETE is set: run them with "
            "'make notebooks', and commit the ledger."
        )


def line_of(row: Row) -> bytes:
    """A row as a line of the ledger."""
    content = {"key": row.key, **to_json(row.task), **to_json(row.result), **to_json(row.provenance)}
    return (json.dumps(content, sort_keys=True, separators=(",", ":")) + "\n").encode()


def append(path: Path, row: Row) -> bool:
    """Append one finished task with a single write, flushed to disk; False if its key is there already.

    Raises
    ------
    OSError
        If the line does not fit on the disk; it names the file, which is left as it was.
    """
    return _append_line(path, line_of(row), partial(_has_key, row.key))


def append_scoring(folder: Path, row: Row[Task, ScoringResult]) -> bool:
    """Append a scoring of the test set to the folder's `test.jsonl`, whose lines are never replaced or removed.

    Scoring the same model again adds nothing: a row is not appended if a row with the same key has the same average
    precision, up to the difference between machines (`SAME_SCORE`). A model with another score under the same key is
    another model, and its row is appended.
    """
    return _append_line(folder / TEST, line_of(row), partial(_is_scored, row))


def _append_line(path: Path, line: bytes, is_known: Callable[[bytes], bool]) -> bool:
    """Append a line unless `is_known` finds it among the file's complete lines.

    A lock excludes other writers. A line that a killed writer left unfinished is removed first, so that no broken line
    is ever in the middle of the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path) as descriptor:
        content = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        complete = content[: content.rfind(b"\n") + 1]
        os.ftruncate(descriptor, len(complete))
        if is_known(complete):
            return False
        try:
            _write_whole(descriptor, line)
        except OSError as error:
            os.ftruncate(descriptor, len(complete))
            raise OSError(error.errno, error.strerror, str(path)) from None
        return True


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Descriptor of a file, made if there is none, that no other writer has open in this way."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:  # else another process has removed or replaced the file meanwhile
                yield descriptor
                return
        finally:
            os.close(descriptor)


def _write_whole(descriptor: int, line: bytes) -> None:
    """Write a line to disk; a disk that is nearly full takes a part of it without an error."""
    if os.write(descriptor, line) < len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(descriptor)


def _has_key(key: str, lines: bytes) -> bool:
    return f'"key":"{key}"'.encode() in lines


def _is_scored(row: Row[Task, ScoringResult], lines: bytes) -> bool:
    scored = (json.loads(line)["average_precision"] for line in lines.splitlines() if _has_key(row.key, line))
    return any(abs(score - row.result.average_precision) <= SAME_SCORE for score in scored)


def scorings(folder: Path) -> pd.DataFrame:
    """Every scoring of the test set in the ledger of `folder`, oldest first.

    Returns
    -------
    DataFrame
        Columns number (from 1), finished, sampler, model, average_precision, n_alerts and key.
    """
    rows = sorted(read_file(folder / TEST, ScoringResult), key=lambda row: row.provenance.finished)
    table = frame(rows).reindex(columns=["finished", "sampler", "model", "average_precision", "n_alerts", "key"])
    table.insert(0, "number", range(1, 1 + len(table)))
    return table


def read(folder: Path, result: type[Result] = FoldResult) -> list[Row[Task, Result]]:
    """All finished tasks in the files of `folder`, in order and each key once, without scorings of the test set.

    Raises
    ------
    LedgerError
        As `read_file`.
    """
    rows: dict[str, Row[Task, Result]] = {}
    for path in sorted([*folder.glob("*.jsonl"), *folder.glob(f"*.jsonl{PACKED}")]):
        if path.name != TEST:
            for row in read_file(path, result):
                rows.setdefault(row.key, row)
    return list(rows.values())


def read_file(
    path: Path, result: type[Result] = FoldResult, task: type[TaskType] = Task
) -> Iterator[Row[TaskType, Result]]:
    """Finished tasks of one file in its order, none if there is no such file.

    Parameters
    ----------
    path : Path
    result, task : type
        Classes of the result and of the task in a line.

    Raises
    ------
    LedgerError
        If a line cannot be read; the message names file and line. An unfinished last line is skipped.
    """
    *lines, _unfinished = _content(path).split(b"\n")
    for number, line in enumerate(lines, 1):
        try:
            yield _parse(line, result, task)
        except (ValueError, KeyError, TypeError) as error:
            raise _unreadable(path, number, error) from None


def read_keys(path: Path) -> set[str]:
    """Keys of the complete lines of a file, whatever results they hold; none if there is no such file.

    Raises
    ------
    LedgerError
        As `read_file` does, about a line without a key.
    """
    return {key for key, _ in _keyed_lines(path)}


def _keyed_lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """Key and bytes of each complete line of a file."""
    *lines, _unfinished = _content(path).split(b"\n")
    for number, line in enumerate(lines, 1):
        try:
            yield json.loads(line)["key"], line
        except (ValueError, KeyError, TypeError) as error:
            raise _unreadable(path, number, error) from None


def _unreadable(path: Path, number: int, error: Exception) -> LedgerError:
    return LedgerError(
        f"{path.name}, line {number}: not a finished task ({_reason(error)}); delete this line to run it again."
    )


def remove(path: Path, keys: Collection[str]) -> None:
    """Remove the lines with these keys, and an unfinished last line, so that the tasks are run again.

    A process that appends meanwhile waits, and appends to the new file.
    """
    with _locked(path):
        kept = [line + b"\n" for key, line in _keyed_lines(path) if key not in keys]
        with replacing(path) as temporary:
            temporary.write_bytes(b"".join(kept))


def _content(path: Path) -> bytes:
    """Bytes of a file, compressed or not; none if there is no such file."""
    if not path.exists():
        return b""
    return gzip.decompress(path.read_bytes()) if path.suffix == PACKED else path.read_bytes()


def pack(path: Path) -> None:
    """Compress a file to which no task will be added soon; what was compressed before stays in front.

    A thousand rows take some two megabytes, and compressed a tenth of that. Rows that are appended later are in a file
    of their own until it is compressed, too.

    Parameters
    ----------
    path : Path
        File of the ledger; `path` with the suffix PACKED takes its place.
    """
    if not path.exists():
        return
    packed = path.with_name(path.name + PACKED)
    with _locked(path):
        *lines, _unfinished = _content(path).split(b"\n")
        if not lines:
            return
        *earlier, _end = _content(packed).split(b"\n")
        content = b"".join(line + b"\n" for line in dict.fromkeys([*earlier, *lines]))
        with replacing(packed) as temporary:
            temporary.write_bytes(gzip.compress(content, mtime=0))  # without the time, the same rows are the same file
        path.unlink()


def _parse(line: bytes, result: type[Result], task: type[TaskType]) -> Row[TaskType, Result]:
    content = json.loads(line)
    row = Row(from_json(task, content), from_json(result, content), from_json(Provenance, content))
    if row.key != content["key"]:
        raise ValueError(f"the key is {content['key']}, but the content has the key {row.key}")
    return row


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, ValueError) else repr(error)


def frame(rows: Iterable[Row]) -> pd.DataFrame:
    """Finished tasks as a table with one row per task.

    Columns are the key and the fields of task, result and provenance. Columns `sampler` and `model` hold names;
    `sampler_config` and `model_config` hold the `records.Method`.
    """
    table = pd.DataFrame(
        [{"key": row.key, **_cells(row.task), **_cells(row.result), **_cells(row.provenance)} for row in rows]
    )
    for role in {"sampler", "model"} & set(table):
        table[f"{role}_config"] = table[role]
        table[role] = [method.name for method in table[role]]
    return table


def _cells(record: object) -> dict[str, object]:
    """Fields by name, without optional ones that are None."""
    values = {field: getattr(record, field.name) for field in fields(record)}
    return {field.name: value for field, value in values.items() if value is not None or field.default is MISSING}
