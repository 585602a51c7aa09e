"""Cells of chapters run on tables whose columns have any names."""

from dataclasses import replace

import nbformat
import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE
from sklearn.model_selection import train_test_split
from xgboost import XGBClassifier

from utils import leakage, metrics
from utils.benchmark import all_folds, fold_parts, load_dataset
from utils.config import NOTEBOOKS, DatasetConfig, load_profile


@pytest.mark.parametrize("name", ["amount [EUR]", "age<25", "größe", "x"])
def test_smote_before_the_split_is_shown_whatever_columns_are_called(tmp_path, name, capsys):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: rng.normal(size=1500), "y": rng.permutation(np.arange(1500) < 150).astype(int)})
    frame.to_csv(tmp_path / "rows.csv", index=False)
    config = DatasetConfig(tmp_path / "rows.csv", label="y", positive=("1",), time=None, amount=None, numeric=(name,))
    cells = nbformat.read(NOTEBOOKS / "04_smote.ipynb", as_version=4).cells
    first = next(number for number, cell in enumerate(cells) if "X_leaky" in cell.source)
    names = {"profile": replace(load_profile("quick"), dataset=config), "metrics": metrics, "leakage": leakage}
    names |= {"all_folds": all_folds, "fold_parts": fold_parts, "load_dataset": load_dataset}
    names |= {"SMOTE": SMOTE, "train_test_split": train_test_split, "XGBClassifier": XGBClassifier}
    for cell in cells[first:]:
        if "XGBClassifier(" in cell.source or "LeakError" in cell.source:
            exec(cell.source, names)
    assert names["leaky"] > 2 * names["clean"]
    assert capsys.readouterr().out.startswith("LeakError: ")
