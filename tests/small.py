"""A study small enough for tests: real rows and the real benchmark, in seconds instead of minutes.

python -m tests.small FOLDER    runs it, so that tests can kill it
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from utils.benchmark import runner
from utils.config import DatasetConfig, Profile, Search, load_profile
from utils.data import loading, splits

PARAMETERS = {
    "rf": {"n_estimators": 30},
    "xgb": {"n_estimators": 30},
    "ann": {"updates": 30},
    "cnn1d": {"updates": 20},
    "lstm": {"updates": 10},
    "cgan": {"updates": 60, "updates_per_call": 30},
    "judge": {"n_estimators": 50, "learning_rate": 0.2},
    "blend": {
        "boosted": {"n_estimators": 20},
        "random": {"n_estimators": 10},
    },
    "spe": {"n_estimators": 5},
}


def write_rows(path: Path, *, n_legitimate: int = 4000, n_frauds: int = 200, shuffled: bool = False) -> DatasetConfig:
    """Real rows of the development set as a separate file; `shuffled` makes the labels meaningless."""
    dataset = loading.load()
    development, _ = splits.split_off_test(dataset)
    frame = dataset.frame.iloc[development]
    frauds = frame[frame["Class"] == 1].sample(n_frauds, random_state=0)
    chosen = frame[frame["Class"] == 0].sample(n_legitimate, random_state=0)
    frame = chosen._append(frauds).sort_values("Time", kind="stable")
    if shuffled:
        frame = frame.assign(Class=np.random.default_rng(0).permutation(frame["Class"]))
    frame.to_parquet(path, index=False)
    return DatasetConfig(path)


def small_profile(folder: Path, *, folds: tuple = ((0, 0), (0, 1)), shuffled: bool = False) -> Profile:
    """The quick profile on a few thousand rows, with all its outputs below `folder`."""
    path = folder / "rows.parquet"
    config = DatasetConfig(path) if path.exists() else write_rows(path, shuffled=shuffled)
    folders = {name: folder / name for name in ("results", "figures", "notebooks", "paper")}
    profile = load_profile("quick", config)
    search = Search(trials=2, folds=2, deep_trials=1)
    deep = {"deep_folds": folds, "deep_samplers": profile.samplers}  # all of them, because networks are cheap here
    return replace(profile, folds=folds, parameters=PARAMETERS, search=search, **deep, **folders)


if __name__ == "__main__":
    grid = {"samplers": ["none", "rus", "smote"], "models": ["lr", "rf", "xgb"]}
    runner.run(small_profile(Path(sys.argv[1])), **grid, n_jobs=2)
