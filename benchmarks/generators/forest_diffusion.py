"""ForestDiffusion (Jolicoeur-Martineau et al., 2024) on a frame with categories; its package is needed for importing.

References
----------
Jolicoeur-Martineau, A., Fatras, K. and Kachman, T. (2024). Generating and imputing tabular data via diffusion and flow
XGBoost models.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from ForestDiffusion import ForestDiffusionModel

WIDE = 100  # encoded columns


class _Model(ForestDiffusionModel):
    """ForestDiffusion 1.0.6, which takes the indicators of column 11 for those of column 1: names are told apart."""

    def clean_onehot_data(self, X: np.ndarray) -> np.ndarray:
        """Numbers, and for each category the position of its largest indicator; 0 if none is above one half."""
        if not self.cat_indexes:
            return X
        columns = pd.DataFrame(X, columns=self.X_names_after)
        owners = np.array([name.split("_")[0] for name in self.X_names_after])
        for index in map(str, self.cat_indexes):
            indicators = X[:, owners == index]
            columns[index] = np.column_stack([np.full(len(X), 0.5), indicators]).argmax(axis=1)
        return columns[self.X_names_before].to_numpy()


def fit_forest_diffusion(
    rows: pd.DataFrame, categories: list[str], whole: list[str], seed: int, settings: dict[str, object]
) -> ForestDiffusionModel:
    """Fit the model, a flow of XGBoost regressors.

    Parameters
    ----------
    rows : DataFrame
        Numbers and text without gaps; every column has at least two values.
    categories, whole : list of str
        Columns of text, and of whole numbers.
    seed : int
    settings : dict
        Parameters of ForestDiffusion and of XGBoost. With more than `WIDE` encoded columns `n_t` and `duplicate_K` are
        halved, since the time grows with the square of the columns.
    """
    codes = rows.assign(**{name: pd.Categorical(rows[name]).codes for name in categories})
    n_indicators = sum(rows[name].nunique() - 1 for name in categories)
    if len(rows.columns) - len(categories) + n_indicators > WIDE:
        settings = {**settings, "n_t": settings["n_t"] // 2, "duplicate_K": settings["duplicate_K"] // 2}
    position = {name: index for index, name in enumerate(rows)}
    is_binary = {name: rows[name].nunique() == 2 for name in categories}
    return _Model(
        codes.to_numpy(float),
        cat_indexes=[position[name] for name in categories if not is_binary[name]],
        bin_indexes=[position[name] for name in categories if is_binary[name]],
        int_indexes=[position[name] for name in whole],
        n_batch=0,  # all rows at once, where XGBoost's number of bins can be set
        n_jobs=1,
        nthread=1,
        seed=seed,
        **settings,
    )


def draw_from(model: ForestDiffusionModel, rows: pd.DataFrame, categories: list[str], n_rows: int) -> pd.DataFrame:
    """Drawn rows with the columns and categories of the rows that the model was fitted to."""
    drawn = pd.DataFrame(model.generate(batch_size=n_rows), columns=rows.columns)
    for name in categories:
        values = pd.Categorical(rows[name]).categories
        drawn[name] = values.to_numpy()[drawn[name].round().astype(int).clip(0, len(values) - 1)]
    return drawn
