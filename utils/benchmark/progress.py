"""A progress bar over tasks that run in other processes."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm.auto import tqdm

from utils.benchmark import ledger


class Board:
    """A folder in which each worker says what it is doing; readable from any process that sees the folder."""

    def __init__(self, folder: Path):
        self.folder = folder

    def write(self, text: str) -> None:
        """Say what this process is doing now."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / str(os.getpid())).write_text(text)

    def wipe(self) -> None:
        """Say that this process is done."""
        (self.folder / str(os.getpid())).unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget everybody, as killed workers leave their notes behind."""
        for note in self.folder.glob("*"):
            note.unlink(missing_ok=True)

    def read(self) -> list[str]:
        """What everybody is doing."""
        notes = []
        for note in sorted(self.folder.glob("*")):
            try:
                notes.append(note.read_text())
            except FileNotFoundError:
                continue
        return notes


@contextmanager
def watching(path: Path, weights: dict[str, float], board: Board) -> Iterator[None]:
    """Show a bar that follows the ledger file at `path` until the tasks of `weights` are done.

    Parameters
    ----------
    path : Path
        Ledger file that the workers append to.
    weights : dict of str to float
        Expected seconds per task key; the time left follows from these, as tasks differ a hundredfold.
    board : Board
        Where workers say what they are doing.
    """
    done = threading.Event()
    layout = "{percentage:3.0f}% |{bar:24}| {elapsed} elapsed, {remaining} left{postfix}"
    with tqdm(total=sum(weights.values()), bar_format=layout) as bar:
        watcher = threading.Thread(target=_follow, args=(path, weights, board, bar, done), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()


def _follow(path: Path, weights: dict[str, float], board: Board, bar: tqdm, done: threading.Event) -> None:
    finished: set[str] = set()
    last = False
    while not last:
        last = done.wait(1.0)
        keys = {row["key"] for row in ledger.read_file(path)} & weights.keys() if path.exists() else set()
        finished |= keys
        bar.update(min(sum(weights[key] for key in finished), bar.total) - bar.n)
        running = "; ".join(board.read())
        bar.set_postfix_str(f"{len(finished)} of {len(weights)} tasks" + (f"; running {running}" if running else ""))
