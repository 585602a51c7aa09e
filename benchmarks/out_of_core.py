"""XGBoost on rows that stay on disk, compared with the same rows in memory: peak memory, time, average precision.

    python -m benchmarks.out_of_core [--rows 10000000] [--rounds 30] [--output benchmarks/out_of_core.md]

Draws batches of transactions with 0.17 % frauds, writes each to a temporary folder before it draws the next, and
trains on them in three ways, each in a separate process to measure its peak memory. The folder needs 2.4 GB
for 10 million rows; TMPDIR moves it, and it is removed at the end, also after Ctrl-C. `--rows 200000` takes seconds.
Needs Linux, because peak memory is read from /proc.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xgboost
from tqdm import tqdm

from utils import metrics
from utils.config import ROOT

SEED = 0
PREVALENCE = 0.0017
N_COLUMNS = 30
KINDS_OF_FRAUD = 3
COLUMNS_PER_KIND = 6
MEAN_SHIFT = (
    2.6  # in standard deviations, per shifted column; chosen so that frauds are about as difficult as real ones
)
HELD_OUT_ROWS = 250_000
HELD_OUT = 2**32 - 1  # a batch number that is not used for training
PARAMETERS = {"objective": "binary:logistic", "tree_method": "hist", "max_depth": 6, "learning_rate": 0.1, "seed": SEED}
BYTES_PER_ROW = 4 * N_COLUMNS + 1
DISK_PER_ROW = 2 * BYTES_PER_ROW  # the batches, and XGBoost's binned copy with a margin
TOLERANCE = 0.01
WAYS = {
    "external": "on disk: `ExtMemQuantileDMatrix`",
    "binned": "batches on disk, bins in memory: `QuantileDMatrix` of an iterator",
    "memory": "everything in memory: `QuantileDMatrix` of an array",
}
NOTE = """Every way is trained in a process of its own and sees the same rows in the same order. `peak memory` is the
largest resident memory of that process (VmHWM), of which `imports` was there before the first row was read; pages of a
mapped file count, although the system may drop them. `matrix` is the time to read and bin the rows, `training` that of
all rounds. A load above the number of cores means that other programs took their part, so that times compare only
roughly. Files were read through the system's page cache: with less memory the disk decides. Average precision is
measured on {held_out:,} rows that no way has trained on."""


def main() -> None:
    """Generate the data, train in every way, and print the table."""
    options = parse_arguments()
    if options.train:
        signal.signal(
            signal.SIGINT, signal.SIG_DFL
        )  # else XGBoost's threads would continue; the parent process reports the interruption
        print(json.dumps(train(options.train, options.folder, options.rounds)))
        return
    needed_bytes = options.rows * DISK_PER_ROW
    try:
        with tempfile.TemporaryDirectory(prefix="out_of_core-") as folder:
            if shutil.disk_usage(folder).free < needed_bytes:
                sys.exit(
                    f"{folder} has less than the {needed_bytes / 1e9:.1f} GB of free space that this needs; set TMPDIR."
                )
            results = measure(Path(folder), options)
    except KeyboardInterrupt:
        sys.exit("Interrupted; the temporary folder is removed and nothing was written.")
    text = report(results, options)
    print(text)
    if options.output:
        options.output.write_text(text + "\n")


def parse_arguments() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000, help="to train on")
    parser.add_argument("--rounds", type=int, default=30, help="of boosting, a tree each")
    parser.add_argument("--batch-rows", type=int, default=250_000, help="rows of a file, which are in memory at once")
    parser.add_argument("--output", type=Path, help="Markdown file to write the table to")
    parser.add_argument("--train", choices=WAYS, help=argparse.SUPPRESS)  # used to start the processes
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if min(options.rows, options.rounds, options.batch_rows) < 1:
        parser.error("--rows, --rounds and --batch-rows are counts, at least 1")
    return options


def draw_batch(number: int, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Transactions that depend only on the seed and the number of the batch.

    Returns
    -------
    X : float32 array of shape (n_rows, 30)
    y : bool array of shape (n_rows,)
        True for a fraud.
    """
    directions = np.zeros((KINDS_OF_FRAUD, N_COLUMNS), dtype=np.float32)
    fixed = np.random.default_rng(SEED)
    for direction in directions:
        shifted = fixed.choice(N_COLUMNS, COLUMNS_PER_KIND, replace=False)
        direction[shifted] = MEAN_SHIFT * fixed.choice((-1, 1), COLUMNS_PER_KIND)
    rng = np.random.default_rng([SEED, number])
    X = rng.standard_normal((n_rows, N_COLUMNS), dtype=np.float32)
    y = rng.random(n_rows) < PREVALENCE
    n_frauds = np.count_nonzero(y)
    amount = rng.gamma(4, 1 / 4, size=(n_frauds, 1)).astype(np.float32)  # mean 1, standard deviation 1/2
    X[y] += amount * directions[rng.integers(KINDS_OF_FRAUD, size=n_frauds)]
    return X, y


def write_batches(folder: Path, n_rows: int, batch_rows: int) -> None:
    """Draw `n_rows` in batches, and the held-out rows, and save them one after the other."""
    starts = range(0, n_rows, batch_rows)
    for number, start in enumerate(tqdm(starts, desc="batches written", leave=False)):
        save(folder, f"{number:06}", *draw_batch(number, min(batch_rows, n_rows - start)))
    save(folder, "held_out", *draw_batch(HELD_OUT, HELD_OUT_ROWS))


def save(folder: Path, name: str, X: np.ndarray, y: np.ndarray) -> None:
    """Write a batch to two files."""
    np.save(folder / f"X_{name}.npy", X)
    np.save(folder / f"y_{name}.npy", y)


def load(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Read a batch."""
    return np.load(folder / f"X_{name}.npy"), np.load(folder / f"y_{name}.npy")


def batch_names(folder: Path) -> list[str]:
    """Names of the training batches, in order."""
    return sorted(path.stem.removeprefix("X_") for path in folder.glob("X_[0-9]*.npy"))


class Batches(xgboost.DataIter):
    """Passes batches to XGBoost one at a time; it reads all of them several times to find and fill its bins."""

    def __init__(self, folder: Path, show: Callable[[str], None], cache_prefix: str | None = None):
        super().__init__(cache_prefix=cache_prefix)
        self.folder, self.names, self.show = folder, batch_names(folder), show
        self.position = 0

    def reset(self) -> None:
        """Go back to the first batch."""
        self.position = 0

    def next(self, input_data: Callable) -> bool:
        """Pass on the next batch; False if there is none."""
        if self.position == len(self.names):
            return False
        self.show(f"reading batch {self.position + 1} of {len(self.names)}")
        X, y = load(self.folder, self.names[self.position])
        input_data(data=X, label=y)
        self.position += 1
        return True


def make_matrix(way: str, folder: Path, show: Callable[[str], None]) -> xgboost.DMatrix:
    """The training rows as a matrix of XGBoost; see `WAYS`."""
    if way == "external":
        return xgboost.ExtMemQuantileDMatrix(Batches(folder, show, cache_prefix=str(folder / "cache")))
    if way == "binned":
        return xgboost.QuantileDMatrix(Batches(folder, show))
    return xgboost.QuantileDMatrix(*load_whole(folder))


def load_whole(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """All training rows in one array, filled batch by batch so that they are in memory only once."""
    labels = [np.load(folder / f"y_{name}.npy") for name in batch_names(folder)]
    y = np.concatenate(labels)
    X = np.empty((len(y), N_COLUMNS), dtype=np.float32)
    end = 0
    for name in batch_names(folder):
        batch = np.load(folder / f"X_{name}.npy", mmap_mode="r")
        X[end : end + len(batch)] = batch
        end += len(batch)
    return X, y


class Rounds(xgboost.callback.TrainingCallback):
    """Updates a progress bar after every round."""

    def __init__(self, bar: tqdm):
        self.bar = bar

    def after_iteration(self, model: Any, epoch: int, evals_log: dict) -> bool:
        """Count a round; returns False to continue."""
        self.bar.update()
        return False


def train(way: str, folder: Path, n_rounds: int) -> dict[str, Any]:
    """Train in one way and measure this process, which should have done nothing else.

    Returns
    -------
    dict
        Seconds, rows, bytes of XGBoost's cache, peak memory in MiB and average precision on the held-out rows.
    """
    imported = peak_memory()
    with tqdm(total=n_rounds, desc=f"{way}, rounds", leave=False) as bar:
        start = time.perf_counter()
        matrix = make_matrix(way, folder, bar.set_postfix_str)
        matrix_end = time.perf_counter()
        bar.set_postfix_str("")
        model = xgboost.train(PARAMETERS, matrix, n_rounds, callbacks=[Rounds(bar)], verbose_eval=False)
        training_end = time.perf_counter()
    peak = peak_memory()  # before the held-out rows are read
    X_test, y_test = load(folder, "held_out")
    ranks, _ = metrics.ranks_of_positives(y_test, model.inplace_predict(X_test, predict_type="margin"))
    return {
        "way": way,
        "rows": matrix.num_row(),
        "cache_bytes": sum(path.stat().st_size for path in folder.glob("cache*")),
        "matrix_seconds": matrix_end - start,
        "train_seconds": training_end - matrix_end,
        "imported": imported,
        "peak": peak,
        "average_precision": metrics.average_precision(ranks),
    }


def peak_memory() -> float:
    """Largest resident memory of this process so far, in MiB.

    Read from the kernel's status file, because `getrusage` includes the parent process.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def measure(folder: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Write the batches and train on them in every way, one after the other."""
    start = time.perf_counter()
    write_batches(folder, options.rows, options.batch_rows)
    print(f"{options.rows:,} rows written in {time.perf_counter() - start:.0f} s", file=sys.stderr)
    results = []
    for way in WAYS:
        command = [sys.executable, "-m", "benchmarks.out_of_core", "--train", way, "--folder", str(folder)]
        command += ["--rounds", str(options.rounds)]
        process = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        # A shell's background jobs ignore SIGINT; this child does not.
        if process.returncode == -signal.SIGINT:
            raise KeyboardInterrupt
        if process.returncode:
            sys.exit(f"Training {way} ended with code {process.returncode}; try --rows {options.rows // 2}.")
        results.append(json.loads(process.stdout))
        print("{way}: {train_seconds:.0f} s, {peak:.0f} MiB at most".format(**results[-1]), file=sys.stderr)
    return results


def report(results: list[dict[str, Any]], options: argparse.Namespace) -> str:
    """The table with the conditions of the measurement, and the comparisons."""
    lines = [
        "# XGBoost on rows that stay on disk",
        "",
        f"{options.rows:,} rows of {N_COLUMNS} columns (float32), {PREVALENCE:.2%} frauds, in batches of "
        f"{options.batch_rows:,} rows: {options.rows * BYTES_PER_ROW / 1e6:,.0f} MB on disk. "
        f"{options.rounds} rounds of depth {PARAMETERS['max_depth']}.",
        f"Machine: {platform.system()}, {platform.machine()}, {os.cpu_count()} cores, niceness {os.nice(0)}, "
        f"load {os.getloadavg()[2]:.1f} over the last 15 minutes. "
        f"xgboost {xgboost.__version__}, numpy {np.__version__}.",
        f"Made by `python -m benchmarks.out_of_core --rows {options.rows} --rounds {options.rounds} "
        f"--batch-rows {options.batch_rows}`.",
        "",
        "| rows are kept | peak memory, MiB | of which imports | XGBoost's cache on disk, MB | matrix, s | training, s "
        "| rows × rounds per s of training | average precision |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        *(table_line(result, options.rounds) for result in results),
        "",
        *(f"- {line}" for line in comparisons(results)),
        "",
        NOTE.format(held_out=HELD_OUT_ROWS),
    ]
    return "\n".join(lines)


def table_line(result: dict[str, Any], n_rounds: int) -> str:
    """The row of one way."""
    rate = result["rows"] * n_rounds / result["train_seconds"]
    return (
        f"| {WAYS[result['way']]} | {result['peak']:,.0f} | {result['imported']:,.0f} "
        f"| {result['cache_bytes'] / 1e6:,.0f} | {result['matrix_seconds']:.1f} | {result['train_seconds']:.1f} "
        f"| {rate:,.0f} | {result['average_precision']:.4f} |"
    )


def comparisons(results: list[dict[str, Any]]) -> list[str]:
    """External memory compared with everything in memory, from the same run."""
    by_way = {result["way"]: result for result in results}
    external, memory = by_way["external"], by_way["memory"]
    difference = abs(external["average_precision"] - memory["average_precision"])
    total = [result["matrix_seconds"] + result["train_seconds"] for result in (external, memory)]
    return [
        f"peak memory on disk is {external['peak'] / memory['peak']:.2f} of that in memory",
        f"time on disk is {total[0] / total[1]:.2f} of that in memory",
        f"{'met' if difference <= TOLERANCE else 'NOT MET'}: average precision differs by {difference:.4f}, "
        f"to be at most {TOLERANCE}",
    ]


if __name__ == "__main__":
    main()
