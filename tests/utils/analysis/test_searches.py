"""Gains and costs of searches."""

import pandas as pd
import pytest

from utils.analysis import search_gains


def row_of(inner_scores, *, model="xgb", search_seconds=10.0, fit_seconds=2.0):
    return {"model": model, "sampler": "none", "inner_scores": inner_scores} | {
        "search_seconds": search_seconds,
        "fit_seconds": fit_seconds,
    }


def test_search_gains_are_means_of_the_best_less_the_median_trial():
    table = pd.DataFrame([row_of([0.5, 0.8, 0.6]), row_of([0.4, 0.4, 1.0], search_seconds=30.0)])
    (gained,) = search_gains(table).to_dict("records")
    assert (gained.pop("model"), gained.pop("sampler")) == ("xgb", "none")
    assert gained == pytest.approx({"best": 0.9, "median": 0.5, "gain": 0.4, "seconds": 20, "fits": 10})


def test_search_gains_leave_out_what_was_not_searched():
    table = pd.DataFrame([row_of([]), row_of([0.5, 0.6], model="lr", fit_seconds=0.0)])
    gained = search_gains(table)
    assert gained["model"].tolist() == ["lr"] and gained["fits"].isna().all()
