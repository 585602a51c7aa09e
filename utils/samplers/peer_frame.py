"""What generators of other projects are given: the rows of one class without gaps and constant columns, and back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

GAP = "(gap)"
MARK = "gap of "
MAX_DISCRETE = 10
MAX_DECIMALS = 6


@dataclass(frozen=True, eq=False)
class PeerFrame:
    """Rows of one class as other generators take them.

    A gap among categories becomes a category. A gap among numbers is filled with the median, and a column with the
    values 'yes' and 'no' marks it; drawn rows have a gap where that column says so. Columns with a single value are
    left out, and given back to drawn rows. Drawn numbers are rounded to the decimals of their column.

    Attributes
    ----------
    rows : DataFrame
        Numbers as float64, categories in columns of type `category`.
    """

    rows: pd.DataFrame

    @cached_property
    def encoded(self) -> pd.DataFrame:
        """The rows without gaps: float64, and text of type object."""
        columns: dict[str, pd.Series] = {}
        for name in self.rows:
            column = self.rows[name]
            if not self._is_number(name):
                columns[name] = column.astype(object).where(column.notna(), GAP)
                continue
            columns[name] = column.fillna(column.median() if column.notna().any() else 0.0)
            if column.isna().any():
                columns[MARK + name] = column.isna().map({True: "yes", False: "no"}).astype(object)
        return pd.DataFrame({name: column for name, column in columns.items() if column.nunique() > 1})

    @property
    def categories(self) -> list[str]:
        """Encoded columns of text."""
        return [name for name in self.encoded if self.encoded[name].dtype == object]

    @property
    def whole(self) -> list[str]:
        """Encoded columns of whole numbers."""
        return [
            name
            for name in self.encoded
            if name not in self.categories and (self.encoded[name] == self.encoded[name].round()).all()
        ]

    @property
    def discrete(self) -> list[str]:
        """Encoded columns of text, and those of whole numbers with few values."""
        few = [name for name in self.whole if self.encoded[name].nunique() <= MAX_DISCRETE]
        return [*self.categories, *few]

    def decode(self, drawn: pd.DataFrame) -> pd.DataFrame:
        """Drawn rows in the columns and types of `rows`."""
        columns = {name: self._decoded(name, drawn) for name in self.rows}
        return pd.DataFrame(columns, index=drawn.index)

    def _is_number(self, name: str) -> bool:
        return pd.api.types.is_numeric_dtype(self.rows[name])

    def _decoded(self, name: str, drawn: pd.DataFrame) -> pd.Series:
        real = self.rows[name]
        if not self._is_number(name):
            constant = real.iloc[0] if real.notna().any() else None
            values = drawn[name] if name in drawn else pd.Series(constant, index=drawn.index, dtype=object)
            return values.where(values != GAP).astype(real.dtype)
        constant = real.dropna().iloc[0] if real.notna().any() else np.nan
        values = drawn[name].astype(float) if name in drawn else pd.Series(constant, index=drawn.index, dtype=float)
        values = values.round(decimals_of(real))
        if real.isna().any():
            marked = drawn[MARK + name] == "yes" if MARK + name in drawn else pd.Series(True, index=drawn.index)
            values = values.mask(marked)
        return values


def decimals_of(column: pd.Series) -> int:
    """Decimals that all values of a column have, at most `MAX_DECIMALS`."""
    values = column.dropna().to_numpy(float)
    return next(
        (n for n in range(MAX_DECIMALS) if np.allclose(values, values.round(n), rtol=1e-12, atol=1e-12)), MAX_DECIMALS
    )
