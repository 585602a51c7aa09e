"""A study: a small file that names a table, the roles of its columns, words for its rows and classes, and costs."""

from __future__ import annotations

import math
import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from utils.dataset_config import ConfigError, DatasetConfig
from utils.paths import ROOT, STUDIES, STUDY_OUTPUTS

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")  # of a study; part of folder names and of names in the registry
CREDITCARD_FILE = STUDIES / "creditcard.toml"
REGISTERED_MODEL = "fraud-detector"  # the credit-card study's final model; any other study's carries the study's name
RESERVED = (CREDITCARD_FILE.stem, REGISTERED_MODEL)
SECTIONS = ("data", "words", "costs")
INTERNAL = ("variant", "copies")  # fields of a dataset that no study's file has
OPTIONAL = ("time", "amount", "group")  # columns that a table need not have; "" says so, as TOML has no word for none


@dataclass(frozen=True)
class Words:
    """What a study calls its rows and classes.

    Attributes
    ----------
    row, rows : str
        One row and several.
    positive, positives : str
        A row of the rare class and several.
    negative : str
        Adjective for the rows of the other class.
    """

    row: str = "payment"
    rows: str = "payments"
    positive: str = "fraud"
    positives: str = "frauds"
    negative: str = "legitimate"


@dataclass(frozen=True)
class Costs:
    """What alerts and missed positives cost, in the unit of the amount; they decide the threshold of the final model.

    Attributes
    ----------
    fee : float
        Handling of one alert.
    floor : float
        What a missed positive costs at least, whatever its amount, or if none is known.
    """

    fee: float = 5.0
    floor: float = 10.0

    def check(self) -> None:
        """Raise a `ConfigError` for the first cost that cannot be one."""
        for field, remedy in (("fee", "write a number that is not negative"), ("floor", "write a number above 0")):
            value = getattr(self, field)
            is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
            if not is_number or value < 0 or (field == "floor" and value == 0):
                raise ConfigError(f"{field} is {value!r}; {remedy}.")


NEUTRAL = Words("row", "rows", "positive", "positives", "negative")  # for a study that does not say


@dataclass(frozen=True)
class Study:
    """A table to study.

    Attributes
    ----------
    name : str
        Part of folder names and of names in the model registry.
    dataset : DatasetConfig
    words : Words
    costs : Costs
    """

    name: str
    dataset: DatasetConfig
    words: Words = Words()
    costs: Costs = Costs()


def study_path(study: str) -> Path:
    """File of a study, from its name or its path; a relative path starts at the project's root."""
    return ROOT / study if study.endswith(".toml") else STUDIES / f"{study}.toml"


def read_study(study: str) -> Study:
    """Read a study's file.

    A relative path of the table starts at the project's root, or in a file outside the folder `studies` at the file's
    own folder.

    Parameters
    ----------
    study : str
        Name of a file in `studies`, or path of a file that ends in .toml.

    Raises
    ------
    ConfigError
        If there is no such file, or a field is unknown or has an invalid value; the message names file and field.
    """
    path = study_path(study)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(sorted(file.stem for file in STUDIES.glob("*.toml")))
        raise ConfigError(
            f"There is no study {study!r}; choose one of {known}, or make one with `make study FILE=... LABEL=...`."
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path.name} cannot be read as TOML: {error}; correct it.") from None
    if not NAME.fullmatch(path.stem):
        raise ConfigError(f"{path.name}: a study's name has letters, digits, '-' and '_' only; rename the file.")
    if path.stem.lower() in RESERVED and path.resolve() != CREDITCARD_FILE:
        raise ConfigError(f"{path.name}: {path.stem!r} names the credit-card study's outputs; rename the file.")
    file = path.resolve()
    return study_from(path.stem, content, source=path.name, folder=ROOT if file.parent == STUDIES else file.parent)


def study_from(name: str, content: dict[str, object], *, source: str, folder: Path = ROOT) -> Study:
    """Build a study from the content of its file.

    `source` is the file's name in messages, and `folder` where a relative path of the table starts.
    """
    _require_known("section", content, SECTIONS, source)
    data, words, costs = (content.get(section, {}) for section in SECTIONS)
    for section, values in zip(SECTIONS, (data, words, costs), strict=True):
        if not isinstance(values, dict):
            raise ConfigError(f"{source}: {section} is no section; write [{section}] on a line of its own.")
    known = [field.name for field in fields(DatasetConfig) if field.name not in INTERNAL]
    _require_known("field", data, known, source)
    _require_known("field", words, [field.name for field in fields(Words)], source)
    _require_known("field", costs, [field.name for field in fields(Costs)], source)
    for field in ("path", "label"):
        if field not in data:
            raise ConfigError(f"{source}: [data] has no {field}; add it.")
    for field, value in words.items():
        if not isinstance(value, str) or not value.strip():
            raise ConfigError(f"{source}: {field} is {value!r}; write a word.")
    copies = None if name == CREDITCARD_FILE.stem else STUDY_OUTPUTS / name
    path = data["path"]
    if isinstance(path, str) and path and not path.startswith("~"):
        path = folder / path
    absent = {role: None for role in OPTIONAL if data.get(role, "") == ""}
    dataset = DatasetConfig(**{**data, **absent, "path": path}, copies=copies)
    study = Study(name, dataset, Words(**{**vars(NEUTRAL), **words}), Costs(**costs))
    try:
        dataset.check()
        study.costs.check()
    except ConfigError as error:
        raise ConfigError(f"{source}: {str(error).removeprefix('DatasetConfig.')}") from None
    return study


def _require_known(kind: str, given: dict[str, object], known: list[str] | tuple[str, ...], source: str) -> None:
    unknown = [name for name in given if name not in known]
    if unknown:
        raise ConfigError(f"{source} has an unknown {kind} {unknown[0]!r}; known are {', '.join(known)}.")


CREDITCARD = read_study("creditcard")
ULB = CREDITCARD.dataset
ULB_COLUMNS = ULB.columns
