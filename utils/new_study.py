"""The study of a table of one's own: write its file from what is recognised in the table, or find the one there is.

python -m utils.new_study claims.csv --label is_fraud
python -m utils.new_study studies/claims.toml

Prints the study's name, which is what `make study` needs; everything for the reader goes to the standard error.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from utils.config import ROOT, STUDIES, ConfigError, require_profile
from utils.data.errors import DataError
from utils.data.reading import read_raw
from utils.data.reading.column_names import one_line
from utils.data.reading.labels import label_word
from utils.data.recognition import NamedColumns, recognise
from utils.data.recognition.recognised import Recognised, table
from utils.dataset_config import TIME_UNITS
from utils.files import write_text
from utils.study_file import NAME, NEUTRAL, RESERVED, Costs, read_study, study_from

ROLES = ("label", "time", "amount", "group")
ENDINGS = {".csv", ".tsv", ".txt", ".data", ".parquet", ".pq", ".xlsx", ".xls", ".gz", ".zip"}
LOCK = "~$"  # first characters of the file that Excel keeps beside an open workbook
MAX_NAME = 200  # characters of a study's name, to which names of files add some; most systems allow 255
CONTROL = re.compile(r"[\x00-\x1f\x7f]")  # characters that TOML does not allow
MAX_NEGATIVES = 50  # values of the other class that a study's file lists
LINE = 110  # characters of a list before it is broken into lines
PATH_COMMENT = "a relative path starts at the project's root, or at the folder of this file if it is not in studies"
TEXT = """\
# The study of {file}, as its columns were recognised. After a change here, `make study FILE=studies/...` repeats what
# the change concerns. A column may move from one list to another; a column in no list is left out.

[data]
{fields}
# columns that are left out, and why
drop = {drop}

# What notebooks, figures and the report call the rows and the classes; remove the leading "# " to change it.
# [words]
{words}

# What an alert costs, and a missed positive at least, in the unit of the amount: they decide from which probability the
# final model raises an alert. Remove the leading "# " to change it.
# [costs]
{costs}
"""


@dataclass(frozen=True)
class Request:
    """What the user says about a table; None for what is to be recognised.

    Attributes
    ----------
    path : Path
        File of the table.
    label, time, amount, group : str or None
        Columns.
    positive : str or None
        Value of the label that means the rare class.
    name : str or None
        Name of the study; that of the file by default.
    """

    path: Path
    label: str | None = None
    time: str | None = None
    amount: str | None = None
    group: str | None = None
    positive: str | None = None
    name: str | None = None


def find_or_write(request: Request) -> str:
    """Name of the table's study; its file is written if there is none, and never overwritten.

    Raises
    ------
    ConfigError
        If what was asked for contradicts an existing study, or cannot name one.
    DataError
        If the table cannot be read or studied.
    """
    if request.path.suffix == ".toml":
        return _named_study(request)
    path = _existing(request.path)
    name = _study_name(request, path)
    file = STUDIES / f"{name}.toml"
    if file.exists():
        _require_same(request, name, path)
        _say(f"{_from_root(file)} is there already and is used as it is; edit it to change a column's role.")
        return name
    if request.label is None:
        raise ConfigError(f"Say which column of {path.name} holds the two classes: LABEL=...")
    frame = read_raw(path, label=request.label)
    named = NamedColumns(**{role: getattr(request, role) for role in (*ROLES, "positive")})
    recognised = recognise(frame, named, path.name)
    _say(table(recognised))
    content = study_text(path, recognised)
    study_from(name, tomllib.loads(content), source=file.name)
    _write(file, content)
    return name


def _write(file: Path, content: str) -> None:
    """Write a study's file and say how to change it."""
    shown = _from_root(file)
    try:
        write_text(file, content)
    except OSError as error:
        raise ConfigError(f"{shown} cannot be written ({error.strerror}); make its folder writable.") from None
    _say(f"Wrote {shown}. To change what was recognised, edit it and run `make study FILE={shown}`.")


def _named_study(request: Request) -> str:
    """The study whose file was given."""
    file = _existing(request.path)
    if request.name:
        raise ConfigError(f"{file.name} cannot take NAME=..., as a study is named like its file; rename the file.")
    if named := [role for role in (*ROLES, "positive") if getattr(request, role)]:
        raise ConfigError(f"{file.name} says what {named[0].upper()} is; edit the file instead.")
    study = read_study(str(file))
    _existing(study.dataset.path)
    if file.parent != STUDIES:
        _make_known(file)
    return study.name


def _make_known(file: Path) -> None:
    """Link a study's file in `studies`, so that every command finds it by its name."""
    link = STUDIES / file.name
    if link.exists() and link.resolve() == file:
        return
    if link.exists():
        raise ConfigError(f"{_from_root(link)} is another study than {file}; rename one of the two files.")
    try:
        link.unlink(missing_ok=True)  # a link to a file that is gone
        link.symlink_to(file)
    except OSError as error:
        raise ConfigError(f"{file} cannot be linked in studies ({error.strerror}); copy it there.") from None
    _say(f"{_from_root(link)} is a link to {file} now, by which every command knows the study {file.stem!r}.")


def _existing(path: Path) -> Path:
    """The path of a file that can be read, from the root of the file system."""
    path = _expanded(path)
    try:
        if not path.exists():
            raise ConfigError(f"There is no file {path}; check FILE=... and the folder that you are in.")
        if not path.is_file():
            kind = "a folder" if path.is_dir() else "a device or a pipe"
            raise ConfigError(f"{path} is {kind}; give the file with the table.")
        path.open("rb").close()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); check FILE=... and its permissions.") from None
    path = path.resolve()
    if path.name.startswith(LOCK):
        raise ConfigError(f"{path.name} is what Excel keeps beside an open workbook; give the workbook itself.")
    if not _is_utf8(str(path)):
        raise ConfigError(f"{str(path)!r} has bytes that are not UTF-8; rename the file or its folder.")
    return path


def _expanded(path: Path) -> Path:
    """The path with the home of a user in place of '~'; as it is where there is no such user."""
    with suppress(RuntimeError):
        return path.expanduser()
    return path


def _is_utf8(text: str) -> bool:
    """Whether a text from the command line or the file system is UTF-8; other bytes stand in it as surrogates."""
    return text.encode(errors="ignore").decode() == text


def _study_name(request: Request, path: Path) -> str:
    """The name that was asked for, or one made of the file's name."""
    name = request.name or name_of_file(path)
    if not NAME.fullmatch(name):
        raise ConfigError(f"NAME={name!r} cannot name a study; use letters, digits, '-' and '_'.")
    if len(name) > MAX_NAME:
        raise ConfigError(f"The study's name has {len(name)} characters; give it one of at most {MAX_NAME} by NAME=...")
    if name.lower() in RESERVED:
        raise ConfigError(f"{name!r} names the credit-card study; give this one another name by NAME=...")
    return name


def name_of_file(path: Path) -> str:
    """A study's name from a file's name: letters without accents, digits, '-' and '_'.

    Examples
    --------
    >>> name_of_file(Path("Schäden 2024 (neu).csv.gz"))
    'Schaden-2024-neu'
    """
    while path.suffix.lower() in ENDINGS:
        path = path.with_suffix("")
    letters = unicodedata.normalize("NFKD", path.name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_]+", "-", letters).strip("-_") or "table"


def _require_same(request: Request, name: str, path: Path) -> None:
    """Raise a ConfigError if an existing study has another table or other roles than were asked for."""
    dataset, file = read_study(name).dataset, f"{name}.toml"
    if dataset.path.resolve() != path:
        raise ConfigError(f"{file} is the study of {dataset.path}, not of {path}; name this one by NAME=...")
    for role in (*ROLES, "positive"):
        asked, written = getattr(request, role), getattr(dataset, role)
        is_same = asked == written if role != "positive" else _is_among(asked or "", written)
        if asked and not is_same:
            listed = " or ".join(map(repr, written if role == "positive" else filter(None, [written])))
            fact = f"says {role} = {listed}" if listed else f"names no {role}"
            raise ConfigError(
                f"{file} {fact}, and {role.upper()}={asked!r} was asked for; edit the file, or name another study by "
                "NAME=..."
            )


def _is_among(value: str, values: tuple[str, ...]) -> bool:
    """Whether a value of the label is listed, in upper or lower case, or as the number that it spells."""
    return not {value.casefold(), label_word(value).casefold()}.isdisjoint(map(str.casefold, values))


def study_text(path: Path, recognised: Recognised) -> str:
    """Content of a study's file, with a comment to each field.

    Parameters
    ----------
    path : Path
        File of the table.
    recognised : Recognised
        What its columns are.
    """
    fields = "\n".join(f"# {comment}\n{_field(name, value)}\n" for name, value, comment in _fields(path, recognised))
    words = "\n".join(f"# {name} = {toml_value(value)}" for name, value in vars(NEUTRAL).items())
    costs = "\n".join(f"# {name} = {value}" for name, value in vars(Costs()).items())
    return TEXT.format(file=_comment(path.name), fields=fields, drop=_dropped(recognised), words=words, costs=costs)


def _fields(path: Path, recognised: Recognised) -> list[tuple[str, str | tuple[str, ...] | None, str]]:
    """Name, value and comment of each field of a study's section on its data, but for `drop`."""
    role, spellings = recognised.role, recognised.spellings
    is_date = role("time") is not None and recognised.time_unit is None
    fields = [
        ("path", _from_root(path), "CSV, Parquet or Excel; " + PATH_COMMENT),
        ("label", role("label"), "the column with the two classes"),
        ("positive", (recognised.positive,), "values of the label that mean the rare class"),
        ("negative", _listed(recognised.negatives), "values that mean the other class; any further one is refused"),
        ("time", role("time"), "orders the rows: the latest fifth is then the test set"),
        ("time_unit", recognised.time_unit, f"what a time counts that is no date: {', '.join(TIME_UNITS)}"),
        ("amount", role("amount"), "what is at stake in a row, for costs; a feature, too"),
        ("group", role("group"), "an entity such as a customer: none has rows on both sides of a fold"),
        ("duplicates", "keep", 'exact copies of a row: "keep", and they share a fold, or "drop"'),
        ("numeric", recognised.numeric or _only_amount(recognised), "features that are numbers"),
        ("categorical", recognised.categorical, "features that are categories"),
        ("dates", (*((role("time"),) if is_date else ()), *recognised.dates), "columns that are dates"),
        (
            "day_first",
            spellings.day_first,
            "dates such as 03/02/2024 with the day first, if they may have either",
        ),
        ("month_first", spellings.month_first, "the same with the month first"),
        ("decimal", spellings.decimal, "decimal sign of numbers that may have either, such as 1.234 and 1,234"),
        ("decimal_comma", spellings.decimal_comma, "columns with a comma instead"),
        ("decimal_point", spellings.decimal_point, "columns with a point instead"),
    ]
    if not spellings.decimal_comma and not spellings.decimal_point:
        del fields[-2:]
    return fields


def _only_amount(recognised: Recognised) -> tuple[str, ...]:
    """The amount, if there is no other feature to list."""
    has_others = recognised.categorical or recognised.dates
    return () if has_others else recognised.names("amount")


def _listed(values: tuple[str, ...]) -> tuple[str, ...] | None:
    """Values for a list in the file; None if they are too many for one."""
    return values if len(values) <= MAX_NEGATIVES else None


def _dropped(recognised: Recognised) -> str:
    """The columns that are left out, each with the reason."""
    columns = [column for column in recognised.columns if column.kind == "dropped"]
    lines = "".join(f"    {_toml_string(column.name)},  # {_comment(column.detail)}\n" for column in columns)
    return f"[\n{lines}]" if lines else "[]"


def _comment(text: str) -> str:
    """Text on one line, for a comment."""
    return _escaped(" ".join(text.split()))


def _field(name: str, value: str | tuple[str, ...] | None) -> str:
    return f'# {name} = ""' if value is None else f"{name} = {toml_value(value)}"


def toml_value(value: str | tuple[str, ...]) -> str:
    """A string or a list of strings as TOML."""
    if isinstance(value, str):
        return _toml_string(value)
    items = [_toml_string(item) for item in value]
    line = f"[{', '.join(items)}]"
    return line if len(line) <= LINE else "[\n" + "".join(f"    {item},\n" for item in items) + "]"


def _toml_string(text: str) -> str:
    """A basic string: TOML wants quotes, backslashes and all control characters escaped, but for the tab."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_escaped(escaped)}"'


def _escaped(text: str) -> str:
    """Text with its control characters in TOML's notation."""
    return CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _from_root(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Print the name of a table's study, whose file is written if there is none."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", help="a table, or the file of a study")
    for role in ROLES:
        parser.add_argument(f"--{role}", help="a column")
    parser.add_argument("--positive", help="value of the label that means the rare class")
    parser.add_argument("--name", help="name of the study (default: from the file's name)")
    parser.add_argument("--profile", default="quick", help="how much will be run, so that a wrong name stops at once")
    options = vars(parser.parse_args())
    try:
        require_profile(options.pop("profile"))
        if not options["file"].strip():
            raise ConfigError("Say which table to study: make study FILE=claims.csv LABEL=is_fraud.")
        answers = {name: value for name, value in options.items() if value and name != "file"}
        answers |= {role: one_line(answers[role]) for role in ROLES if role in answers}
        if wrong := [name for name, value in answers.items() if not _is_utf8(value)]:
            raise ConfigError(f"{wrong[0].upper()}=... is not UTF-8; set the terminal to UTF-8 and type it again.")
        print(find_or_write(Request(Path(options["file"]), **answers)))
    except (ConfigError, DataError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
