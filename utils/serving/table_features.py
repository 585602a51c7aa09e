"""The features of a mixed table from plain arrays: the same values as those of its encoder, but faster.

The encoder takes a frame, which costs ten milliseconds per call. What it gives for a category depends on the category
alone, so it is asked once for every category of the vocabulary, for a gap and for an unseen one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder

from utils.data.features import calendar
from utils.data.features.encoding import TableEncoder
from utils.dataset_config import DatasetConfig
from utils.serving.raw_columns import RawColumn


def encoded_sources(encoder: TableEncoder) -> list[str]:
    """The feature that each column of a fitted encoder's output comes from, in the order of the output."""
    sources: list[str] = []
    for _, step, columns in encoder.pipeline_["encode"].transformers_:
        if isinstance(step, SimpleImputer) and len(columns):
            sources += [*columns, *(columns[position] for position in step.indicator_.features_)]
        elif isinstance(step, OneHotEncoder) and len(columns):
            for name, categories, rare in zip(columns, step.categories_, step.infrequent_categories_, strict=True):
                sources += [name] * (len(categories) if rare is None else len(categories) - len(rare) + 1)
        elif step != "drop":
            sources += columns
    return sources


def raw_sources(config: DatasetConfig, features: Sequence[str]) -> list[str]:
    """The raw column that each feature of a mixed table comes from."""
    times, dates = calendar.time_features(config), calendar.date_features(config)
    return [config.time if name in times else dates.get(name, name) for name in features]


class TableFeatures:
    """Encodes rows of raw values as a fitted `TableEncoder` does.

    Parameters
    ----------
    encoder : TableEncoder
    config : DatasetConfig
        Roles of the raw columns.
    raw : sequence of RawColumn
        The raw columns, in the order of the values.

    Attributes
    ----------
    source : list of int
        Position of the raw column that each encoded column comes from.
    """

    def __init__(self, encoder: TableEncoder, config: DatasetConfig, raw: Sequence[RawColumn]):
        self._times, self._dates = calendar.time_features(config), calendar.date_features(config)
        self._config = config
        self._positions = {column.name: position for position, column in enumerate(raw)}
        sources = encoded_sources(encoder)
        self.source = [self._positions[name] for name in raw_sources(config, sources)]
        steps, scale = encoder.pipeline_["encode"], encoder.pipeline_["scale"]
        self._mean, self._scale = scale.mean_, scale.scale_
        fill, self._numbers = steps.named_transformers_["numbers"], list(steps.transformers_[0][2])
        if self._numbers:
            self._medians, self._marked = fill.statistics_, fill.indicator_.features_
        self._tables = _category_tables(encoder, raw, sources)

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scaled features of shape (n_rows, n_encoded) of raw values of shape (n_rows, n_raw_columns)."""
        encoded = np.empty((len(values), len(self.source)))
        if self._numbers:
            numbers = np.column_stack([self._number(values, name) for name in self._numbers])
            missing = np.isnan(numbers)
            n_numbers = numbers.shape[1] + len(self._marked)
            encoded[:, : numbers.shape[1]] = np.where(missing, self._medians, numbers)
            encoded[:, numbers.shape[1] : n_numbers] = missing[:, self._marked]
            encoded[:, :n_numbers] -= self._mean[:n_numbers]
            encoded[:, :n_numbers] /= self._scale[:n_numbers]
        for position, columns, table in self._tables:
            codes = values[:, position]
            encoded[:, columns] = table[np.where(np.isnan(codes), len(table) - 1, codes).astype(int)]
        return encoded

    def _number(self, values: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        """A feature that is a number, before gaps are filled."""
        times = None if self._config.time is None else values[:, self._positions[self._config.time]]
        row_seconds = None if times is None else calendar.elapsed_seconds(times, self._config)
        if name in self._times:
            return calendar.time_feature(row_seconds, name)
        if name in self._dates:
            return calendar.date_feature(values[:, self._positions[self._dates[name]]], name, row_seconds)
        return values[:, self._positions[name]]


def _category_tables(
    encoder: TableEncoder, raw: Sequence[RawColumn], sources: Sequence[str]
) -> list[tuple[int, NDArray[np.int64], NDArray[np.float64]]]:
    """For each category: its position, its encoded columns, and their values for each code and, last, for a gap."""
    categories = [(position, column) for position, column in enumerate(raw) if column.is_category]
    n_rows = max((len(column.categories) for _, column in categories), default=0) + 2
    frame = pd.DataFrame(dict.fromkeys(encoder.feature_names_in_, np.full(n_rows, np.nan)))
    for _, column in categories:
        codes = np.arange(n_rows, dtype=float)
        frame[column.name] = column.decode(np.where(codes > column.unseen, np.nan, codes))
    encoded = encoder.transform(frame) if categories else np.empty((0, len(sources)))
    tables = []
    for position, column in categories:
        columns = np.flatnonzero(np.array(sources) == column.name)
        tables.append((position, columns, encoded[: len(column.categories) + 2][:, columns]))
    return tables
