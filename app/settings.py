"""Settings of the server: flags, environment variables, or their defaults, which are safe on a machine of one's own.

A setting `trusted_hosts` is the flag `--trusted-hosts` and the variable `FRAUD_TRUSTED_HOSTS`; the flag wins. The
secret key is a variable only: every user of a machine can read the flags of its programs.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

from utils.config import ROOT

FOLDER = ROOT / "app" / "model"
STUDIES = ROOT / "build" / "studies"
CREDITCARD = "creditcard"
LOCAL = ("127.0.0.1", "localhost", "[::1]")
VARIABLE = "FRAUD_"
MAX_PORT = 65_535
MAX_DEFAULT_WORKERS = 4
MIN_KEY = 16  # characters


class SettingError(argparse.ArgumentTypeError):
    """A setting that cannot be used; the message says what to give instead."""


def model_folder(study: str | None = None) -> Path:
    """Where the served model of a study is, from its name or its path; that of the credit-card study by default."""
    name = _name_of(study or CREDITCARD)
    return FOLDER if name == CREDITCARD else STUDIES / name / "app" / "model"


def _name_of(study: str) -> str:
    """Name of a study, from its name or the path of its file."""
    return Path(study).stem if study.endswith(".toml") else study


def default_workers() -> int:
    """One process per core that this one may use, but no more than a few: each may hold a large file."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, MAX_DEFAULT_WORKERS)


def _number(text: str, least: int, most: int, kind: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not least <= int(text) <= most:
        raise SettingError(f"{text} is no {kind}; choose a number from {least} to {most}.")
    return int(text)


def _port(text: str) -> int:
    return _number(text, 1, MAX_PORT, "port")


def _workers(text: str) -> int:
    return _number(text, 1, 64, "number of workers")


def _proxies(text: str) -> int:
    return _number(text, 0, 8, "number of proxies")


def _host(text: str) -> str:
    if not text or re.search(r"[\s/]", text):
        raise SettingError(f"{text!r} is no host to listen on; give an address such as 127.0.0.1 or 0.0.0.0.")
    return _without_brackets(text)


def _trusted_hosts(text: str) -> tuple[str, ...]:
    try:
        return tuple(_trusted_host(name.strip().lower()) for name in text.split(","))
    except ValueError:
        raise SettingError(
            f"{text!r} is no list of hosts; give names without ports, such as localhost,scores.example."
        ) from None


def _trusted_host(name: str) -> str:
    """A host as browsers write it; ValueError if it is neither a name nor an address."""
    if re.fullmatch(r"\.?[a-z0-9-]+(\.[a-z0-9-]+)*", name):
        return name
    return f"[{IPv6Address(_without_brackets(name))}]"


def _without_brackets(address: str) -> str:
    return address.removeprefix("[").removesuffix("]")


def _prefix(text: str) -> str:
    if text and not re.fullmatch(r"(/[\w.~-]+)+", text, re.ASCII):
        raise SettingError(f"{text!r} is no prefix; give a path such as /fraud, without a slash at its end.")
    return text


def _path(text: str) -> Path:
    if not text.strip():
        raise SettingError("An empty path is no folder; name one, or leave this setting out.")
    return Path(text)


def _study(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][\w-]*", _name_of(text), re.ASCII):
        raise SettingError(f"{text!r} is no study; give the name of a file in studies, such as claims, or its path.")
    return text


def _key(text: str) -> str:
    if len(text) < MIN_KEY:
        raise SettingError(f"The secret key is too short; give at least {MIN_KEY} random characters.")
    return text


@dataclass(frozen=True)
class Settings:
    """What may differ between two servers.

    Attributes
    ----------
    host, port : str, int
        Address to listen on. Only this machine reaches the default.
    workers : int
        Processes.
    study : str, optional
        Name of a study of the user's own, or path of its file, whose model is served.
    folder : Path
        Where the model is; by default `model_folder` of the study.
    state : Path, optional
        Private folder of what all workers share: secret key, scored files, counters, a copy of the model. By default a
        temporary one.
    trusted_hosts : tuple of str
        Names that requests may address the server by, in lower case, and addresses, of IPv6 in brackets;
        `.example.org` stands for this name and all names below it.
    proxies : int
        How many proxies in front are trusted to say which client, scheme, host and prefix a request had.
    prefix : str
        Path under which a proxy passes requests on, if not the root.
    secret_key : str, optional
        Signs the forms' tokens; by default made once and kept in `state`.
    """

    host: str = LOCAL[0]
    port: int = 5000
    workers: int = field(default_factory=default_workers)
    study: str | None = None
    folder: Path | None = None
    state: Path | None = None
    trusted_hosts: tuple[str, ...] = LOCAL
    proxies: int = 0
    prefix: str = ""
    secret_key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.folder is None:
            object.__setattr__(self, "folder", model_folder(self.study))

    @property
    def url(self) -> str:
        """Where the server answers."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@dataclass(frozen=True)
class _Option:
    read: Callable[[str], Any]
    help: str


OPTIONS = {
    "host": _Option(_host, "address to listen on (default: 127.0.0.1, which only this machine reaches)"),
    "port": _Option(_port, "port to listen on (default: 5000)"),
    "workers": _Option(_workers, "processes (default: one per core, at most 4)"),
    "study": _Option(_study, "name of a study of your own, or path of its file (default: creditcard)"),
    "folder": _Option(_path, "where the model is (default: app/model, or a folder of the study)"),
    "state": _Option(_path, "private folder that workers share (default: a temporary one)"),
    "trusted_hosts": _Option(_trusted_hosts, "names that requests may use (default: 127.0.0.1,localhost,[::1])"),
    "proxies": _Option(_proxies, "trusted proxies in front (default: 0)"),
    "prefix": _Option(_prefix, "path under which a proxy passes requests on, such as /fraud (default: none)"),
}


def from_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings that variables give; SettingError names one that cannot be used."""
    readers = {**{name: option.read for name, option in OPTIONS.items()}, "secret_key": _key}
    values = {}
    for name, read in readers.items():
        variable = VARIABLE + name.upper()
        if variable in environ:
            try:
                values[name] = read(environ[variable])
            except SettingError as error:
                raise SettingError(f"{variable}: {error}") from None
    return Settings(**values)


def from_command(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings that flags and variables give; leaves with 2 and a sentence if one cannot be used."""
    parser = argparse.ArgumentParser(description="Serve the fraud model.", argument_default=argparse.SUPPRESS)
    for name, option in OPTIONS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=option.read, help=option.help)
    flags = vars(parser.parse_args(arguments))
    try:
        settings = from_environment(environ)
    except SettingError as error:
        parser.error(str(error))
    # A study that a flag names has its own folder.
    variables = {name: value for name, value in vars(settings).items() if name != "folder" or "study" not in flags}
    return Settings(**{**variables, **flags})
