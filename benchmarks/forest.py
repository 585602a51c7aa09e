"""Fit time of the random forest on a development fold: Intel's implementation and scikit-learn's.

    python -m benchmarks.forest [--trees 200] [--repeats 3] [--fast-only]

Prints median seconds, their ratio and both average precisions, measured in one run, without and with class weights.
"""

import argparse
import statistics
import time
from functools import partial

from sklearn.ensemble import RandomForestClassifier

from utils import metrics
from utils.benchmark.run_task import all_folds, fold_parts, load_dataset, positive_scores
from utils.config import load_profile
from utils.models.forest import FOREST_ENGINE, FastRandomForestClassifier, WeightedForestClassifier


def main() -> None:
    """Fit, score and print one line per engine."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trees", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--fast-only", action="store_true", help="leave out scikit-learn's forest")
    options = parser.parse_args()
    profile = load_profile("full")
    dataset = load_dataset(profile.dataset)
    fold = all_folds(profile.dataset, profile.protocol, 1)[0, 0]
    train_and_test = fold_parts(dataset, fold.train), fold_parts(dataset, fold.test)
    weights = {"class_weight": "balanced"}
    for name, forest, params in (
        (FOREST_ENGINE, FastRandomForestClassifier, {}),
        (f"{FOREST_ENGINE}, class weights", WeightedForestClassifier, weights),
    ):
        fast_seconds = measure(name, partial(forest, **params), options.repeats, options.trees, train_and_test)
        if not options.fast_only:
            plain_seconds = measure(
                "scikit-learn", partial(RandomForestClassifier, **params), 1, options.trees, train_and_test
            )
            print(f"ratio {plain_seconds / fast_seconds:.1f}")


def measure(name: str, forest: partial, repeats: int, trees: int, train_and_test: tuple) -> float:
    """Median seconds of `repeats` fits with all cores; prints them with the last fit's average precision."""
    (X_train, y_train), (X_test, y_test) = train_and_test
    seconds = []
    for _ in range(repeats):
        model = forest(n_estimators=trees, random_state=0, n_jobs=-1)
        start = time.perf_counter()
        model.fit(X_train.to_numpy(), y_train.to_numpy())
        seconds.append(time.perf_counter() - start)
    ranks, _ = metrics.ranks_of_positives(y_test, positive_scores(model, X_test.to_numpy())[0])
    median, score = statistics.median(seconds), metrics.average_precision(ranks)
    print(f"{name}: {trees} trees on {len(X_train):,} rows, median {median:.1f} s, average precision {score:.3f}")
    return median


if __name__ == "__main__":
    main()
