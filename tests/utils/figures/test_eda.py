"""Chapter 1 does not use the labels of the test set, and runs on tables of other kinds."""

import json
from dataclasses import replace

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest

from tests.small import small_profile, write_rows
from utils import config
from utils.config import NOTEBOOKS, DatasetConfig, Study, load_profile
from utils.data import loading, splits
from utils.reporting.adaptation import adapt
from utils.study_file import NEUTRAL


def with_test_labels_moved(dataset):
    """The same rows, with the labels of the test set reversed: as many frauds, but other ones."""
    _, test = splits.split_off_test(dataset)
    labels = dataset.y.to_numpy().copy()
    labels[test] = labels[test][::-1]
    assert (labels != dataset.y).sum() > 10
    frame = dataset.frame.assign(**{dataset.config.label: labels})
    return replace(dataset, frame=frame)


def run(profile, monkeypatch, change):
    """Execute the chapter's code on a profile's rows after a change; returns all files that it wrote."""
    load = loading.load
    with monkeypatch.context() as patch, mpl.rc_context():
        patch.setattr(config, "load_profile", lambda name, study: profile)
        patch.setattr(loading, "load", lambda config: change(load(config)))
        namespace = {}
        for cell in adapt(nbformat.read(NOTEBOOKS / "01_eda.ipynb", as_version=4), profile).cells:
            if cell.cell_type == "code":
                exec(cell.source, namespace)
    plt.close("all")
    return {path.name: path.read_bytes() for path in (profile.numbers, *sorted(profile.figures.iterdir()))}


def test_eda_notebook_does_not_change_with_the_labels_of_the_test_set(tmp_path, monkeypatch, capsys):
    write_rows(tmp_path / "rows.parquet", n_legitimate=1000, n_frauds=100)
    profile = small_profile(tmp_path)
    written = run(profile, monkeypatch, lambda dataset: dataset)
    printed = capsys.readouterr().out
    assert len(written) > 5 and "frauds" in printed
    changed = run(profile, monkeypatch, with_test_labels_moved)
    assert capsys.readouterr().out == printed
    assert [name for name in written if changed[name] != written[name]] == []
    assert np.all([len(content) > 100 for content in written.values()])


def categories_alone(n_rows: int = 300) -> tuple[pd.DataFrame, dict]:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({name: rng.choice(["a", "b", None], n_rows) for name in ("shop", "colour")})
    return table, {"time": None, "amount": None, "categorical": ("shop", "colour")}


def years_of_numbers(n_rows: int = 300) -> tuple[pd.DataFrame, dict]:
    rng = np.random.default_rng(0)
    seconds = 1.2e9 + np.linspace(0, 3 * 365 * 86_400, n_rows).round()
    table = pd.DataFrame({"clock": seconds, "price": rng.normal(size=n_rows), "x": rng.normal(size=n_rows)})
    return table, {"time": "clock", "amount": "price"}


@pytest.mark.parametrize(
    ("make", "figures"),
    [
        (categories_alone, {"eda_features", "eda_correlations"}),
        (
            years_of_numbers,
            {"eda_features", "eda_correlations", "eda_hours", "eda_amounts", "eda_periods", "eda_drift", "eda_medians"},
        ),
    ],
)
def test_eda_notebook_runs_on_tables_of_other_kinds_in_their_words(tmp_path, monkeypatch, capsys, make, figures):
    table, roles = make()
    table.assign(late=(np.arange(len(table)) % 5 == 0).astype(int)).to_csv(tmp_path / "claims.csv", index=False)
    study = Study("claims", DatasetConfig(tmp_path / "claims.csv", label="late", **roles), NEUTRAL)
    folders = {name: tmp_path / name for name in ("results", "figures", "notebooks", "paper")}
    written = run(replace(load_profile("quick", study), **folders), monkeypatch, lambda dataset: dataset)
    assert {name.removesuffix(".svg") for name in written if name.endswith(".svg")} == figures
    printed = capsys.readouterr().out
    assert "positives" in printed and "fraud" not in printed
    numbers = json.loads(written["numbers.json"])["01_eda"]
    assert (numbers["rows"], numbers["frauds"], "drift" in numbers) == (300, 60, "eda_drift" in figures)
    assert numbers["suspected_leaks"] == [] and "No column alone gives the label away.\n" in printed


def test_eda_notebook_names_the_columns_that_give_the_label_away(tmp_path, monkeypatch, capsys):
    rng, late = np.random.default_rng(0), np.arange(400) % 5 == 0
    table = pd.DataFrame({"x": rng.normal(size=400) + late, "late": late.astype(int)})
    table["recovered"] = np.where(late, rng.normal(size=400), np.nan)
    table["closed"] = pd.Series(pd.date_range("2024-01-01", periods=400).strftime("%Y-%m-%d")).where(late)
    table.to_csv(tmp_path / "claims.csv", index=False)
    roles = {"time": None, "amount": None, "numeric": ("x", "recovered"), "dates": ("closed",)}
    study = Study("claims", DatasetConfig(tmp_path / "claims.csv", label="late", **roles), NEUTRAL)
    folders = {name: tmp_path / name for name in ("results", "figures", "notebooks", "paper")}
    written = run(replace(load_profile("quick", study), **folders), monkeypatch, lambda dataset: dataset)
    numbers = json.loads(written["numbers.json"])["01_eda"]
    assert sorted(numbers["suspected_leaks"]) == ["closed", "recovered"]
    assert numbers["best_feature"] == {"name": "recovered", "roc_auc": 1.0}
    printed = capsys.readouterr().out
    assert printed.count("alone reaches an average precision of 1.000") == 2
    assert "move it from `dates` to `drop`" in printed and "No column alone" not in printed
