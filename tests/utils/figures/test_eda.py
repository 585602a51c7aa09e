"""Chapter 1 does not use the labels of the test set."""

from dataclasses import replace

import matplotlib as mpl
import nbformat
import numpy as np
import pytest

from tests.small import small_profile, write_rows
from utils import config
from utils.config import NOTEBOOKS
from utils.data import loading, splits


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
        for cell in nbformat.read(NOTEBOOKS / "01_eda.ipynb", as_version=4).cells:
            if cell.cell_type == "code":
                exec(cell.source, namespace)
    return {path.name: path.read_bytes() for path in (profile.numbers, *sorted(profile.figures.iterdir()))}


@pytest.mark.filterwarnings("ignore")
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
