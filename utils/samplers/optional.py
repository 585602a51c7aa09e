"""Packages that some samplers need and the default environment lacks."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec


class MissingPackageError(ModuleNotFoundError):
    """A package of an optional dependency group is not installed; the message says how to install it."""


def require_packages(user: str, packages: Iterable[str], *, group: str) -> None:
    """Raise an error that says what to install if a package is missing; none is imported to find out.

    Parameters
    ----------
    user : str
        Name of the class or function that needs the packages.
    packages : iterable of str
    group : str
        Dependency group that holds them.

    Raises
    ------
    MissingPackageError
    """
    if missing := [name for name in packages if find_spec(name) is None]:
        raise MissingPackageError(
            f"{user} needs {' and '.join(missing)}, which this environment lacks; "
            f"install with `.venv/bin/uv sync --inexact --group {group}`, or by pip in the environment that runs this."
        )
