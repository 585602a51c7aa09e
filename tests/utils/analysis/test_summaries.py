"""Summaries of ledger rows."""

import pandas as pd

from utils.analysis import replacements


def rows(sampler, folds, fallback=None, models=("lr", "rf")):
    return [
        {"sampler": sampler, "model": model, "repeat": repeat, "fold": fold, "fallback": fallback}
        for repeat, fold in folds
        for model in models
    ]


def test_replacements_counts_folds_and_not_tasks():
    table = pd.DataFrame(
        [
            *rows("none", [(0, 0), (0, 1), (1, 0)]),
            *rows("cgan", [(0, 0), (1, 0)], "ros: Class 1 has 9 rows and a CGAN needs at least 10."),
            *rows("cgan", [(0, 1)]),
            *rows("tomek", [(0, 0)], "rus: Too few rows."),
        ]
    )
    assert replacements(table).to_dict("records") == [
        {"sampler": "cgan", "by": "ros", "n_replaced": 2, "n_folds": 3},
        {"sampler": "tomek", "by": "rus", "n_replaced": 1, "n_folds": 1},
    ]


def test_replacements_are_none_where_every_sampler_worked():
    table = pd.DataFrame(rows("smote", [(0, 0), (0, 1)]))
    assert replacements(table).empty and replacements(table.drop(columns="fallback")).empty
