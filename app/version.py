"""The version of the project."""

from __future__ import annotations

import tomllib
from functools import cache

from utils.paths import ROOT


@cache
def project_version() -> str:
    """The version in pyproject.toml, which is there also where the project itself is not installed."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
