"""A progress bar over tasks that run in other processes."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tqdm.auto import tqdm

from utils.benchmark import ledger

LAYOUT = "{percentage:3.0f}% |{bar:24}| {elapsed} elapsed, {remaining} left{postfix}"
T = TypeVar("T")


class Board:
    """A folder in which each worker process writes its current task, for any process that can read the folder."""

    def __init__(self, folder: Path):
        self.folder = folder

    @classmethod
    def for_ledger(cls, path: Path) -> Board:
        """The board of the workers that append to the ledger file at `path`."""
        return cls(path.parent / ".running")

    def write(self, text: str) -> None:
        """Write what this process is doing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / str(os.getpid())).write_text(text)

    def remove(self) -> None:
        """Remove the note of this process."""
        (self.folder / str(os.getpid())).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove all notes, including those of killed workers."""
        for note in self.folder.glob("*"):
            note.unlink(missing_ok=True)

    def read(self) -> list[str]:
        """Notes of all processes."""
        notes = []
        for note in sorted(self.folder.glob("*")):
            try:
                notes.append(note.read_text())
            except FileNotFoundError:
                continue
        return notes


@contextmanager
def progress_bar(weights: dict[Path, dict[str, float]]) -> Iterator[None]:
    """Show a progress bar that follows ledger files while the block runs.

    Parameters
    ----------
    weights : dict of Path to dict
        Expected seconds per task key, for each ledger file that workers append to. The remaining time is estimated
        from these, because tasks differ a hundredfold. The running tasks are read from the boards of the files.
    """
    stopped = threading.Event()
    with tqdm(total=sum(sum(seconds.values()) for seconds in weights.values()), bar_format=LAYOUT) as bar:
        watcher = threading.Thread(target=_update_bar, args=(weights, bar, stopped), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            stopped.set()
            watcher.join()


def follow(results: Iterable[T], n_tasks: int, name: str) -> Iterator[T]:
    """Yield results as they come, with a progress bar that says what is running.

    Parameters
    ----------
    results : iterable
        As a lazy `joblib.Parallel` gives them.
    n_tasks : int
    name : str
        What the tasks are, such as 'final model, out of fold'.
    """
    with tqdm(total=n_tasks, bar_format=LAYOUT) as bar:
        bar.set_postfix_str(f"0 of {n_tasks} tasks; running {name}")
        for number, result in enumerate(results, 1):
            running = f"; running {name}" if number < n_tasks else ""
            bar.set_postfix_str(f"{number} of {n_tasks} tasks{running}", refresh=False)
            bar.update()
            yield result


def _update_bar(weights: dict[Path, dict[str, float]], bar: tqdm, stopped: threading.Event) -> None:
    boards = {board.folder: board for board in map(Board.for_ledger, weights)}
    finished: dict[Path, set[str]] = {path: set() for path in weights}
    is_last, pause = False, 1.0 if sys.stderr.isatty() else 20.0  # a line in a file stays
    while not is_last:
        is_last = stopped.wait(pause)
        for path, keys in finished.items():
            keys |= ledger.read_keys(path) & weights[path].keys()
        seconds = sum(weights[path][key] for path, keys in finished.items() for key in keys)
        bar.update(min(seconds, bar.total) - bar.n)
        running = "; ".join(note for board in boards.values() for note in board.read())
        n_done, n_all = (sum(map(len, by_path.values())) for by_path in (finished, weights))
        bar.set_postfix_str(f"{n_done} of {n_all} tasks" + (f"; running {running}" if running else ""))
