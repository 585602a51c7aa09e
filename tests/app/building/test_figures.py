"""Figures of the statistics page: which there are, in which order, and that a browser can read them."""

import json

import numpy as np
import pandas as pd
import pytest

from app.building import about, figures
from app.building.embedding import Synthetic
from app.serving.served import Contribution, Explanation, Served
from tests.small_app import SCHEMA, fit, transactions
from utils.benchmark.records import to_json
from utils.config import DatasetConfig

ALWAYS_FIRST, ALWAYS_LAST = "Class balance", "What the served model looks at"


@pytest.fixture
def titles_of(monkeypatch):
    """Titles of the figures of a small model whose table has such roles; the study measured nothing of it."""

    def titles_of(schema: DatasetConfig, synthetic: Synthetic | None = None) -> list[str]:
        monkeypatch.setattr(figures, "measured", lambda schema: pd.DataFrame())
        frame = transactions()
        model = fit(schema=schema, frame=frame)
        served = Served(model, "0", about.describe(model, "a test", frame))
        drawn = figures.figures(served, frame, about.printed_names(), synthetic)
        json.dumps([to_json(figure) for figure in drawn], allow_nan=False)
        return [figure.title for figure in drawn]

    return titles_of


def test_figures_follow_the_roles_of_the_columns(titles_of):
    without = DatasetConfig(SCHEMA.path, time=None, amount=None)
    assert titles_of(SCHEMA) == [ALWAYS_FIRST, "Amounts", "Hour of day", ALWAYS_LAST]
    assert titles_of(without) == [ALWAYS_FIRST, ALWAYS_LAST]


def test_figures_leave_the_hours_out_where_all_times_are_dates(titles_of, monkeypatch):
    frame = transactions().assign(**{SCHEMA.time: lambda rows: rows[SCHEMA.time] // 86400 * 86400})
    monkeypatch.setitem(globals(), "transactions", lambda: frame)
    assert titles_of(SCHEMA) == [ALWAYS_FIRST, "Amounts", ALWAYS_LAST]


def test_figures_show_the_synthetic_frauds_where_there_are_some(titles_of):
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3)), columns=list("abc")).assign(constant=1.0)
    y = (np.arange(60) % 6 == 0).astype(int)
    titles = titles_of(SCHEMA, Synthetic(X, y, X[y == 1] + 0.1, updates=7))
    assert titles[3:] == ["Correlations", "Real and synthetic frauds", ALWAYS_LAST]


@pytest.mark.parametrize(("classifier", "is_shown"), [("xgb", False), ("rf", True)])
def test_importances_show_how_far_they_are_where_they_are_estimated(monkeypatch, capsys, classifier, is_shown):
    frame = transactions(40)
    served = Served(fit(classifier), "0", about.describe(fit(classifier), "a test", frame))
    explanation = Explanation(0.0, [Contribution("V1", 1.0, 2.0)])
    monkeypatch.setattr(Served, "explain", lambda self, values: [explanation] * len(values))
    assert figures.importances(served, frame).data[0]["x"] == [2.0]
    assert ("Explaining the model" in capsys.readouterr().err) == is_shown
