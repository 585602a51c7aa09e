"""Cells of chapters run on tables whose columns have any names, and on any results."""

from dataclasses import replace

import nbformat
import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE
from sklearn.model_selection import train_test_split
from xgboost import XGBClassifier

from utils import analysis, leakage, metrics, reporting
from utils.benchmark import all_folds, fold_parts, load_dataset
from utils.config import CREDITCARD, NOTEBOOKS, DatasetConfig, load_profile


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


def test_what_was_found_on_the_test_set_is_compared_with_chance_and_with_the_folds():
    ranks = [[1, 2, 3, 5], [1, 2, 4, 6]]
    rows = [{"fold": fold, "ranks": found, "average_precision": 0.9} for fold, found in enumerate(ranks)]
    chosen_rows = pd.DataFrame(rows).assign(model="xgb", sampler="none", repeat=0, positives=[[0, 1, 2, 3]] * 2)
    recorded = {
        "choice": {"model": "xgb", "sampler": "none", "label": "XGBoost"},
        "test": {"average_precision": 0.1, "interval": (0.05, 0.2), "chance": 0.1},
        "development": 0.9,
        "card": {},
        "attributions": [],
    }
    names = {"chosen_rows": chosen_rows, "recorded": recorded}
    names |= {"analysis": analysis, "reporting": reporting, "words": CREDITCARD.words}
    *_, last = (cell for cell in nbformat.read(NOTEBOOKS / "08_final_model.ipynb", as_version=4).cells
                if cell.cell_type == "code")  # fmt: skip
    *assignments, shown = last.source.splitlines()
    exec("\n".join(assignments), names)
    (sentence,) = eval(shown, names).final
    assert ", which includes chance (the prevalence of the test set, 0.100); " in sentence
    assert "lies above this interval, and its own interval, [" in sentence
    assert sentence.endswith("does not overlap with this one.")
