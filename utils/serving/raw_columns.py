"""Raw columns of a mixed table as numbers: a row is one vector of float64, whatever the kinds of its columns.

A number is itself, a category is its position in the training vocabulary, and a date or time counts seconds since 1970.
A gap is NaN. A category that was not seen in training has the position after the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from utils.data import features
from utils.data.features.calendar import SECONDS_PER_DAY, to_seconds
from utils.data.reading import read_raw
from utils.data.reading.column_types import as_categories, as_dates, as_numbers, moments_since_1970, unit_since_1970
from utils.data.reading.raw_columns import UNITS
from utils.data.reading.spelled_dates import DIGITS, date_spelling
from utils.data.reading.spelled_numbers import POINT, to_floats
from utils.data.reading.texts import TEXT, as_texts
from utils.dataset_config import DatasetConfig, Spellings

if TYPE_CHECKING:
    from utils.data.loading import Dataset

UNSEEN = "not seen in training"
TRUTHS = ("true", "false")
MAX_LISTED = 2  # distinct numbers of a column that are listed, as choices


@dataclass(frozen=True)
class RawColumn:
    """A column of a mixed table, as the training rows have it.

    Attributes
    ----------
    name : str
    kind : {'number', 'category', 'date', 'time'}
        A time has a clock, a date has none.
    categories : tuple of str
        The vocabulary of a category, sorted.
    values : tuple of float
        The values of a number that has at most two.
    minimum, maximum : float, optional
        Range of a number, or of a date or time in seconds since 1970; None without a value.
    share_missing : float
        Share of gaps.
    is_required : bool
        Whether a row without a value cannot be scored.
    position : int, optional
        Of the column in the file, from 0.
    day_first : bool, optional
        Order of day and month where the file writes dates like '01/02/2024'.
    decimal : {'.', ','}, optional
        Decimal sign of numbers in the study's file.
    unit : str, optional
        Of a number, '%' or the currency that it has in the study's file. Of dates that are numbers there, what these
        are: 'digits', such as 20240213, or the unit in which they count from 1970, 's', 'ms', 'us' or 'ns'. None
        without one, and for models from before it was kept.
    """

    name: str
    kind: Literal["number", "category", "date", "time"]
    categories: tuple[str, ...] = ()
    values: tuple[float, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    share_missing: float = 0.0
    is_required: bool = False
    position: int | None = None
    day_first: bool | None = None
    decimal: str | None = None
    unit: str | None = None

    @property
    def is_category(self) -> bool:
        """Whether values are positions in the vocabulary."""
        return self.kind == "category"

    @property
    def is_date(self) -> bool:
        """Whether values are seconds since 1970."""
        return self.kind in ("date", "time")

    @cached_property
    def codes(self) -> dict[str, float]:
        """Value of each category of the vocabulary."""
        return {text: float(code) for code, text in enumerate(self.categories)}

    @cached_property
    def codes_of_numbers(self) -> dict[float, float]:
        """Value of each category that is a number; empty where '1.10' or '05' shows that their spelling matters."""
        numbers = to_floats(pa.array(self.categories, TEXT), POINT)
        known = zip(self.codes.items(), numbers.to_pylist(), as_texts(numbers.to_pandas()).to_pylist(), strict=True)
        spelled = [(text, code, number, plain) for (text, code), number, plain in known if number is not None]
        if any(text != plain for text, _, _, plain in spelled):
            return {}
        return {number: code for _, code, number, _ in spelled}

    @cached_property
    def codes_of_truths(self) -> dict[str, float]:
        """Value of the categories 'true' and 'false' in lower case; empty where their capitals matter."""
        truths = [(text.casefold(), code) for text, code in self.codes.items() if text.casefold() in TRUTHS]
        return dict(truths) if len(truths) == len(dict(truths)) else {}

    @property
    def unseen(self) -> float:
        """The value of a category that was not seen in training."""
        return float(len(self.categories))

    @property
    def unseen_text(self) -> str:
        """A text that is no category of the vocabulary."""
        text = UNSEEN
        while text in self.categories:
            text += "*"
        return text

    def encode(self, column: pd.Series) -> NDArray[np.float64]:
        """Values of shape (n_rows,) of a column in the table's own types or as text."""
        if self.is_date:
            return to_seconds(column)
        if not self.is_category:
            return as_numbers(column).to_numpy()
        return self.positions(as_categories(column))

    def positions(self, column: pd.Series) -> NDArray[np.float64]:
        """Values of shape (n_rows,) of a column of type `category`."""
        known = pd.Index(self.categories, dtype=object).get_indexer(column.cat.categories).astype(float)
        known[known < 0] = self.unseen
        return np.append(known, np.nan)[column.cat.codes.to_numpy()]  # the last one is for the code -1

    def decode(self, values: NDArray[np.float64]) -> pd.Series:
        """The column in the table's own types."""
        if self.is_date:
            return pd.Series(pd.to_datetime(values, unit="s").astype("datetime64[ns]"), name=self.name)
        if not self.is_category:
            return pd.Series(values, dtype=float, name=self.name)
        texts = pd.Index([*self.categories, self.unseen_text], dtype=object)
        codes = np.where(np.isnan(values), -1, values).astype(int)
        return pd.Series(pd.Categorical.from_codes(codes, categories=texts), name=self.name)

    def plain(self, value: float) -> float | str | None:
        """A value for JSON: a number, a category, a date in ISO 8601, or None for a gap."""
        return self.plain_all(np.array([value]))[0]

    def plain_all(self, values: NDArray[np.float64]) -> list[float | str | None]:
        """Values of shape (n_rows,) for JSON; see `plain`."""
        if self.is_category:
            texts = [*self.categories, self.unseen_text, None]
            return [texts[code] for code in np.where(np.isnan(values), len(texts) - 1, values).astype(int)]
        cells = spell_dates(values, self.kind).tolist() if self.is_date else values.tolist()
        return [None if missing else cell for cell, missing in zip(cells, np.isnan(values), strict=True)]


def spell_dates(seconds: NDArray[np.float64], kind: str) -> NDArray[np.str_]:
    """Dates, or times to the second, in ISO 8601; 'NaT' for a gap."""
    known = np.where(np.isnan(seconds), 0, np.floor(seconds)).astype("datetime64[s]")
    known[np.isnan(seconds)] = np.datetime64("NaT")
    return np.datetime_as_string(known, unit="D" if kind == "date" else "s")


def encode_rows(frame: pd.DataFrame, columns: Sequence[RawColumn]) -> NDArray[np.float64]:
    """Rows of a frame as values of shape (n_rows, n_columns)."""
    return np.column_stack([column.encode(frame[column.name]) for column in columns])


def describe_columns(dataset: Dataset, positions: NDArray[np.int64]) -> tuple[RawColumn, ...]:
    """The raw columns of a mixed dataset, from its rows at these positions; empty if it is not mixed."""
    config = dataset.config
    if not config.is_mixed:
        return ()
    names = features.raw_columns(config)
    rows, raw = dataset.frame.iloc[positions], read_raw(config.path)
    dates = raw[list(config.dates)]
    day_first = _orders_of_day_and_month(dates, config.spellings)
    units = raw.attrs.get(UNITS, {}) | _units(dates)
    described = (_describe(rows[name], config) for name in names)
    return tuple(
        replace(
            column,
            position=raw.columns.get_loc(column.name),
            day_first=day_first.get(column.name),
            unit=units.get(column.name),
            decimal=config.spellings.decimal_sign(column.name) if column.kind == "number" else None,
        )
        for column in described
    )


def _describe(column: pd.Series, config: DatasetConfig) -> RawColumn:
    name, missing = str(column.name), round(float(column.isna().mean()), 6)
    if name in config.categorical:
        categories = tuple(column.cat.categories[np.unique(column.cat.codes[column.cat.codes >= 0])])
        return RawColumn(name, "category", categories, share_missing=missing)
    is_date = name in config.dates
    values = to_seconds(column) if is_date and name != config.time else column.to_numpy(dtype=float)
    known = np.unique(values[np.isfinite(values)])
    kind = "number" if not is_date else "time" if (known % SECONDS_PER_DAY).any() else "date"
    return RawColumn(
        name,
        kind,
        values=tuple(known.tolist()) if kind == "number" and len(known) <= MAX_LISTED else (),
        minimum=float(known[0]) if len(known) else None,
        maximum=float(known[-1]) if len(known) else None,
        share_missing=missing,
        is_required=name == config.time and not is_date,
    )


def _units(raw: pd.DataFrame) -> dict[str, str]:
    """What the numbers of the file are, for each date that is a number."""
    return {str(name): _unit(column) for name, column in raw.select_dtypes("number").items()}


def _unit(column: pd.Series) -> str:
    values = column.to_numpy(dtype=float, na_value=np.nan)
    unit = unit_since_1970(values)
    counted = pd.Series(moments_since_1970(values, unit))
    return unit if as_dates(column).reset_index(drop=True).equals(counted) else DIGITS


def _orders_of_day_and_month(raw: pd.DataFrame, spellings: Spellings) -> dict[str, bool | None]:
    """Whether the file writes the day first, for each date that is text; None where its spelling leaves no choice."""
    written = {
        str(name): date_spelling(as_texts(column), spellings.has_day_first(str(name)))
        for name, column in raw.select_dtypes(object).items()
    }
    return {name: spelling and spelling.day_first for name, spelling in written.items()}
