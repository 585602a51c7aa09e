"""What can be wrong with a table; each message is one sentence that says what, where, and what to do."""

from __future__ import annotations

from collections.abc import Sequence


class DataError(ValueError):
    """A dataset is wrong; the message is one sentence that says what, where, and what to do."""


class FormatError(DataError):
    """The file is neither CSV nor Parquet."""


class LimitError(DataError):
    """The file exceeds a limit."""


class ColumnError(DataError):
    """The names of the columns cannot be used.

    Attributes
    ----------
    columns : tuple of str
        The names that the message is about.
    """

    def __init__(self, message: str, columns: Sequence[str] = ()):
        super().__init__(message)
        self.columns = tuple(columns)
