"""The tables of `benchmarks/tables.toml`: each is for tuning (design), for verdicts (verdict) or in reserve.

python -m utils.data.tables                          # list them
python -m utils.data.tables car-good -o car.csv      # write one as CSV
python -m utils.data.tables letter-Z                 # one class against the rest, as letter-Z.csv
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tomllib
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

import pandas as pd

from utils.config import ROOT
from utils.data import keel
from utils.data.errors import DataError
from utils.files import replacing

PATH = ROOT / "benchmarks" / "tables.toml"
ROLES = ("design", "verdict", "reserve")
REST = "rest"


@dataclass(frozen=True)
class Table:
    """One table and what it may be used for; everything but `role` is a property of its content.

    Attributes
    ----------
    name : str
        Name of the table, such as 'abalone19'; 'letter-Z' is class Z of a table of many classes against the rest.
    family : str
        Tables of a family share rows or an origin, so they have the same role.
    role : str
        'design', 'verdict' or 'reserve'.
    source : str
        Where it stands in the wheel, see `utils.data.keel`.
    positive : str
        Text of the rarer class.
    rows, minority, distinct_minority : int
        Number of rows, of positives, and of positives that differ in a column.
    numbers, categories : int
        Columns of numbers and columns of text.
    sha256 : str
        Hash of its content in the wheel.
    """

    name: str
    family: str
    role: str
    source: str
    positive: str
    rows: int
    minority: int
    distinct_minority: int
    numbers: int
    categories: int
    sha256: str

    @property
    def imbalance(self) -> float:
        """Negatives for each positive."""
        return (self.rows - self.minority) / self.minority


@lru_cache(maxsize=1)
def read_tables(path: Path = PATH) -> dict[str, Table]:
    """Every assigned table, by name."""
    records = tomllib.loads(path.read_text(encoding="utf-8"))["table"]
    return {record["name"]: Table(**record) for record in records}


def load_table(name: str) -> pd.DataFrame:
    """Rows of an assigned table: columns of numbers or text, and the label 'class' with two values.

    Raises
    ------
    DataError
        If no table of this name is assigned, or its content is not the recorded one.
    """
    table = read_tables().get(name)
    if table is None:
        raise DataError(f"No table {name!r} is assigned in {PATH.name}; python -m utils.data.tables lists them.")
    content = keel.read_member(table.source)
    if hashlib.sha256(content).hexdigest() != table.sha256:
        raise DataError(f"{table.source} in {keel.WHEEL.requirement} is not the table recorded in {PATH.name}.")
    return against_rest(keel.parse(content, table.source), table.positive)


def fingerprint() -> str:
    """Twelve digits that change with the name, the family, the role or the content of any assigned table."""
    lines = sorted(f"{table.name} {table.family} {table.role} {table.sha256}" for table in read_tables().values())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def against_rest(frame: pd.DataFrame, positive: str) -> pd.DataFrame:
    """The frame with two classes: if there are more, all but `positive` become 'rest'."""
    labels = frame[keel.LABEL]
    if labels.nunique() <= 2:
        return frame
    return frame.assign(**{keel.LABEL: labels.where(labels == positive, REST)})


def list_tables() -> str:
    """The assigned tables as text, by role."""
    tables = sorted(read_tables().values(), key=lambda table: (ROLES.index(table.role), table.family, table.name))
    columns = [field.name for field in fields(Table) if field.name not in ("source", "sha256")]
    rows = [[getattr(table, column) for column in columns] for table in tables]
    return pd.DataFrame(rows, columns=columns).to_string(index=False)


def main(arguments: list[str] | None = None) -> None:
    """List the tables, or write one as CSV."""
    parser = argparse.ArgumentParser(description="List the assigned tables, or write one as CSV.")
    parser.add_argument("name", nargs="?", help="table to write; without it all are listed")
    parser.add_argument("-o", "--output", type=Path, help="CSV file to write (default: NAME.csv)")
    options = parser.parse_args(arguments)
    if options.name is None:
        print(list_tables())
        return
    try:
        frame = load_table(options.name)
        table = read_tables()[options.name]
        output = options.output or Path(f"{table.name}.csv")
        with replacing(output) as temporary:
            frame.to_csv(temporary, index=False)
    except (DataError, OSError) as error:
        sys.exit(str(error))
    print(
        f"{output}: {table.rows:,} rows, {table.minority:,} of class {table.positive!r} in column "
        f"{keel.LABEL!r}, {table.numbers} columns of numbers and {table.categories} of text; role: {table.role}."
    )


if __name__ == "__main__":
    main()
