"""The final model: chosen and calibrated on the development set, scored on the test set, and recorded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, effective_n_jobs
from numpy.typing import NDArray

from utils import metrics
from utils.analysis.comparisons import compare_samplers
from utils.analysis.summaries import ALERT_BUDGETS, paired_scores
from utils.analysis.verdicts import recommended
from utils.backend import limit_threads
from utils.benchmark import ledger
from utils.benchmark.final_settings import read_settings, write_settings
from utils.benchmark.out_of_fold import read_out_of_fold, write_out_of_fold
from utils.benchmark.progress import follow
from utils.benchmark.records import Row, ScoringResult, Task, UnseenEntities
from utils.benchmark.run_task import (
    all_folds,
    fit_fold,
    fold_parts,
    load_dataset,
    measure,
    provenance,
    training_rows,
)
from utils.benchmark.search import chosen_trial
from utils.benchmark.tasks import label, make_task, split_of
from utils.benchmark.training import Fitted, TrainingRows, fit
from utils.config import CREDITCARD, Costs, Profile, Words
from utils.data import splits
from utils.data.loading import Dataset
from utils.data.splits import Fold
from utils.leakage.guards import count_equal_rows, require_training_rows
from utils.models.registry import MODELS
from utils.samplers.registry import SAMPLERS
from utils.serving.bundle import NEVER, FraudModel, apply_calibrator, fit_calibrator
from utils.serving.card import Card
from utils.serving.raw_columns import describe_columns, encode_rows
from utils.wording import PAYMENTS

ULB_COSTS = CREDITCARD.costs
FEW_ALERTS = 20  # fewer are counted, for a share of them says little
LARGEST_RECORDED = 0.999999  # probability with the digits of a recorded number that is not 1


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Probabilities of development rows from models that did not see them; arrays of shape (n_rows,)."""

    y_true: NDArray
    probability: NDArray
    amounts: NDArray


def choose(table: pd.DataFrame) -> tuple[str, str]:
    """Sampler and model of the final model, by the average precision on development folds.

    Candidates are the models without resampling, and the pairs whose sampler is credibly better than none; see
    `analysis.compare_samplers`. Only pairs measured on the largest number of folds are candidates, so that an easy fold
    favours none.
    """
    by_pair = table.groupby(["model", "sampler"])["average_precision"].agg(["mean", "size"])
    complete = by_pair[by_pair["size"] == by_pair["size"].max()]["mean"]
    means = {pair: complete[pair] for pair in product(MODELS, SAMPLERS) if pair in complete}
    model, sampler = recommended(means, _helpful(table))
    return sampler, model


def _helpful(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Pairs of a model and a sampler that are credibly better than the model alone."""
    scores = paired_scores(table)
    resampled = [pair for pair in scores if pair[1] != "none" and (pair[0], "none") in scores]
    n_shared = [scores[[pair, (pair[0], "none")]].dropna().shape[0] for pair in resampled]
    if max(n_shared, default=0) < 2:  # two folds are the fewest that allow an interval
        return []
    compared = compare_samplers(table.drop(columns="ranks", errors="ignore"))  # the ranks are for other intervals
    return list(compared.loc[compared["verdict"] == "helps", ["model", "sampler"]].itertuples(index=False, name=None))


def final_task(profile: Profile, choice: tuple[str, str]) -> Task:
    """The task of the final model: trained on the whole development set, scored on the test set."""
    dataset = load_dataset(profile.dataset)
    task = make_task(profile, dataset.identity, (0, 0), *choice, search=profile.search)
    return replace(task, split=split_of("test", profile), fold=None)


def out_of_fold(profile: Profile, task: Task) -> OutOfFold:
    """Probability of every development row from the fold model that did not train on it.

    Like a ledger row, it is saved under the task's key, beside the ledger, and not computed again. The file holds the
    positions of its rows; a file for other rows is replaced. Each fold has a file of its own until all are there.
    """
    dataset = load_dataset(profile.dataset)
    folds = all_folds(profile.dataset, profile.protocol, 1)
    rows = np.concatenate([fold.test for fold in folds.values()])
    path = _cached_file(profile, task, "parquet")
    probability = read_out_of_fold(path, rows)
    if probability is None:
        ledger.require_complete(path.parent, [f"{label(task)} and the other folds"])
        workers = Parallel(n_jobs=min(effective_n_jobs(-1), len(folds)), return_as="generator")
        fits = workers(delayed(_fold_probability)(profile, task, fold_id) for fold_id in folds)
        probabilities = list(follow(fits, len(folds), "final model, out of fold"))
        write_out_of_fold(path, rows, np.concatenate(probabilities))
        for fold_id in folds:
            _fold_file(profile, task, fold_id).unlink(missing_ok=True)
        probability = read_out_of_fold(path, rows)
    return OutOfFold(dataset.y.to_numpy()[rows], probability, amounts_at(dataset, rows))


def _cached_file(profile: Profile, task: Task, suffix: str) -> Path:
    """File beside the ledger with what was computed for a final model, so that it is not computed again."""
    return profile.results / "out_of_fold" / f"{task.key}.{suffix}"


def amounts_at(dataset: Dataset, positions: NDArray) -> NDArray[np.float64]:
    """Amounts of the rows at `positions`; 0 without such a column, so that each miss costs the floor."""
    return np.zeros(len(positions)) if dataset.amounts is None else dataset.amounts.to_numpy()[positions]


def _fold_file(profile: Profile, task: Task, fold_id: tuple[int, int]) -> Path:
    repeat, fold = fold_id
    return _cached_file(profile, task, f"{repeat}.{fold}.parquet")


def _fold_probability(profile: Profile, task: Task, fold_id: tuple[int, int]) -> NDArray:
    limit_threads(1)
    dataset = load_dataset(profile.dataset)
    fold = all_folds(profile.dataset, profile.protocol, 1)[fold_id]
    path = _fold_file(profile, task, fold_id)
    probability = read_out_of_fold(path, fold.test)
    if probability is None:
        fitted = fit_fold(task, dataset, fold)
        X_test, _ = fold_parts(dataset, fold.test)
        probability = fitted.pipeline.predict_proba(X_test)[:, 1]
        write_out_of_fold(path, fold.test, probability)
    return probability


def choose_threshold(y_true: NDArray, probability: NDArray, amounts: NDArray, *, costs: Costs = ULB_COSTS) -> float:
    """Threshold with the lowest total cost on out-of-fold rows; see `metrics.cost_curve`.

    Where no alert costs least, it is `bundle.NEVER`, which no probability reaches: a threshold just above these rows'
    probabilities would still raise alerts on other rows, at a probability at which none pays.
    """
    ranks, positions = metrics.ranks_of_positives(y_true, probability)
    n_alerts, cost = metrics.cost_curve(ranks, amounts[positions], fee=costs.fee, floor=costs.floor)
    best = int(n_alerts[np.argmin(cost)])
    return float(np.sort(probability)[::-1][best - 1]) if best else NEVER


def fit_final(profile: Profile, choice: tuple[str, str], development: OutOfFold | None = None) -> FraudModel:
    """Fit the chosen pipeline on the development set; calibrator and threshold come from out-of-fold rows.

    What the search of the model's settings chooses is saved under the task's key, beside the ledger, and not searched
    for again.

    Parameters
    ----------
    choice : (str, str)
        Sampler and model, from `choose`.
    development : OutOfFold, optional
        Out-of-fold probabilities, if already computed.
    """
    dataset = load_dataset(profile.dataset)
    task = final_task(profile, choice)
    development = development or out_of_fold(profile, task)
    calibrator = fit_calibrator(development.y_true, development.probability)
    probability = apply_calibrator(calibrator, development.probability)
    split = Fold(0, 0, *splits.split_off_test(dataset, profile.protocol.test_fraction, profile.protocol.seed))
    fitted = _fit_as_chosen(profile, task, training_rows(dataset, split.train, task.seed))
    require_training_rows(dataset, split, fitted.rows.source, fitted.held_out)
    return FraudModel(
        scaler=fitted.encoder,
        classifier=fitted.classifier,
        calibrator=calibrator,
        threshold=choose_threshold(development.y_true, probability, development.amounts, costs=profile.costs),
        schema=profile.dataset,
        columns=tuple(dataset.X.columns),
        card=Card.of_methods(**vars(fitted.trial), ledger_key=task.key, profile=profile.name, **study_of(profile)),
        raw=describe_columns(dataset, split.train),
    )


def _fit_as_chosen(profile: Profile, task: Task, rows: TrainingRows) -> Fitted:
    """The task, fitted with the settings that its search chose before, or chooses now."""
    n_jobs, path = effective_n_jobs(-1), _cached_file(profile, task, "json")
    if task.search is None:
        return fit(task, rows, n_jobs)
    chosen = read_settings(path)
    if chosen:
        return fit(task, rows, n_jobs, chosen=chosen_trial(task, chosen))
    ledger.require_complete(path.parent, [f"{label(task)} on the development set"])
    fitted = fit(task, rows, n_jobs)
    write_settings(path, fitted.trial.chosen)
    return fitted


def recorded_threshold(model: FraudModel) -> float:
    """The threshold of a model for `numbers.record`, whose six digits must not round one that a row can reach to 1.

    Text that is made from the numbers takes a threshold of 1 for that of a model that never raises an alert.
    """
    return model.threshold if model.threshold > 1 else min(model.threshold, LARGEST_RECORDED)


def study_of(profile: Profile) -> dict[str, object]:
    """Fields of a card that say which study a model is of; empty for the credit-card study."""
    return {"study": profile.study, "words": profile.words} if profile.is_foreign else {}


def held_out_rows(dataset: Dataset, profile: Profile) -> pd.DataFrame:
    """Raw rows of the test set."""
    _, positions = splits.split_off_test(dataset, profile.protocol.test_fraction, profile.protocol.seed)
    return dataset.frame.iloc[positions]


def held_out_values(dataset: Dataset, profile: Profile, model: FraudModel) -> NDArray[np.float64]:
    """Values of the test set in the order of the model's raw columns, as a `Scorer` takes them."""
    frame = held_out_rows(dataset, profile)
    return encode_rows(frame, model.raw) if model.raw else frame[list(model.raw_columns)].to_numpy()


def score_test(profile: Profile, model: FraudModel) -> Row[Task, ScoringResult]:
    """Score the test set, record it in the ledger's test.jsonl, and return its row; see `ledger.append_scoring`."""
    dataset = load_dataset(profile.dataset)
    development, positions = splits.split_off_test(dataset, profile.protocol.test_fraction, profile.protocol.seed)
    probability = model.predict_proba(dataset.frame.iloc[positions])
    result = ScoringResult(
        **vars(measure(dataset, positions, probability, probability)),
        threshold=model.threshold,
        n_alerts=int(np.count_nonzero(probability >= model.threshold)),
        n_equal_to_test=count_equal_rows(dataset.X.iloc[positions], dataset.X.iloc[development]),
        unseen=score_unseen(dataset, development, positions, probability),
    )
    task = final_task(profile, (model.card.sampler.name, model.card.model.name))
    row = Row(task, result, provenance())
    ledger.append_scoring(profile.results, row)
    return row


def score_unseen(dataset: Dataset, development: NDArray, test: NDArray, probability: NDArray) -> UnseenEntities | None:
    """Score of the test rows of entities without a row in the development set; None without entities or such rows."""
    if dataset.config.group is None:
        return None
    is_unseen = ~np.isin(dataset.groups[test], dataset.groups[development])
    y_true = dataset.y.to_numpy()[test[is_unseen]]
    if not is_unseen.any():
        return None
    score = None
    if y_true.any():
        ranks, _ = metrics.ranks_of_positives(y_true, probability[is_unseen])
        score = round(metrics.average_precision(ranks), 6)
    return UnseenEntities(int(is_unseen.sum()), int(y_true.sum()), score)


def score_card(
    scored: ScoringResult, interval: tuple[float, float], *, costs: Costs = ULB_COSTS, words: Words = PAYMENTS
) -> pd.Series:
    """Metrics of a scored set for a fraud desk, by name.

    Alerts a day are those of 24 hours at the rate of the scored hours, which may be busier or quieter than others. They
    are left out of a set without times, and the score on unseen entities out of one without entities.
    Without alerts there is no precision at the threshold.

    Parameters
    ----------
    scored : ScoringResult
    interval : (float, float)
        Interval of the average precision.
    costs : Costs
        What alerts and missed positives cost; by default in the credit-card study.
    words : Words
        What the names call rows and positives.
    """
    ranks = scored.ranks
    n_alerts, cost = metrics.cost_curve(ranks, scored.amounts, fee=costs.fee, floor=costs.floor)
    n_caught = int(np.count_nonzero(np.asarray(ranks) <= scored.n_alerts))
    at_threshold = cost[n_caught] + costs.fee * (scored.n_alerts - n_alerts[n_caught])
    return pd.Series(
        {
            "average precision": scored.average_precision,
            "95 % interval, from": round(interval[0], 3),
            "95 % interval, to": round(interval[1], 3),
            **_unseen_lines(scored, words),
            "ROC AUC": round(scored.roc_auc, 4),
            **_budget_lines(scored),
            "recall at precision 0.9": round(metrics.recall_at_precision(ranks), 3),
            **_alert_lines(scored, words),
            "precision at the threshold": round(n_caught / scored.n_alerts, 3) if scored.n_alerts else None,
            "recall at the threshold": round(n_caught / len(ranks), 3),
            "cost saved, share of the loss without alerts": round(1 - at_threshold / cost[0], 3),
            "Brier score": scored.brier,
            "calibration error": scored.calibration_error,
        },
        dtype=object,  # counts stay whole numbers
    )


def _unseen_lines(scored: ScoringResult, words: Words) -> dict[str, float | None]:
    if scored.unseen is None:
        return {}
    return {
        "average precision on unseen entities": scored.unseen.average_precision,
        f"{words.rows} of unseen entities": scored.unseen.n_rows,
        f"{words.positives} of unseen entities": scored.unseen.n_positives,
    }


def _budget_lines(scored: ScoringResult) -> dict[str, float]:
    """Precision at daily budgets of alerts, as far as they are smaller than the set."""
    if not scored.days:
        return {}
    return {
        f"precision at {budget} alerts a day": round(
            metrics.precision_at(scored.ranks, budget * scored.days, scored.n_rows), 3
        )
        for budget in ALERT_BUDGETS
        if budget * scored.days < scored.n_rows
    }


def _alert_lines(scored: ScoringResult, words: Words) -> dict[str, float]:
    """Alerts a day at the threshold, or their share of the rows without times; their number, too, if they are few."""
    few = {"alerts at the threshold": scored.n_alerts} if scored.n_alerts < FEW_ALERTS else {}
    if not scored.days:
        return {f"share of {words.rows} that are alerts": round(scored.n_alerts / scored.n_rows, 4), **few}
    return {"alerts a day at the threshold": _rounded_rate(scored.n_alerts / scored.days), **few}


def _rounded_rate(rate: float) -> float:
    """A rate to one decimal, and a small one to three significant digits, so that it does not become 0."""
    return round(rate, 1) if rate >= 10 else float(f"{rate:.3g}")
