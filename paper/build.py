"""Typesets the paper of a profile from its recorded numbers and its figures.

python -m paper.build --profile full
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

import typst

from utils.config import ROOT, ConfigError, Profile, load_profile
from utils.reporting import claims, recorded
from utils.reporting.numbers import write_bytes

SOURCES = ROOT / "paper"
TIMESTAMP = 1_767_225_600  # 1 January 2026: the same inputs give the same bytes whenever they are built


class PaperError(RuntimeError):
    """The paper cannot be typeset; the message is one sentence that says what is missing or wrong."""


def build(profile: Profile) -> Path:
    """Typeset the paper to `profile.paper / "paper.pdf"`, completely or not at all.

    Parameters
    ----------
    profile : Profile
        Profile with the numbers and figures to show.

    Returns
    -------
    Path
        The PDF.

    Raises
    ------
    PaperError
        If a number, a figure or a reference is missing, a sentence of the full study is false, or Typst warns; an
        existing PDF is not changed.
    """
    if not profile.numbers.exists():
        raise PaperError(
            f"There is no {_display_path(profile.numbers)}; run the notebooks of profile {profile.name!r} first."
        )
    with tempfile.TemporaryDirectory() as folder:
        pdf = _compile(_stage(profile, Path(folder)), profile)
    target = profile.paper / "paper.pdf"
    write_bytes(target, pdf)
    return target


def _stage(profile: Profile, root: Path) -> Path:
    """Copy sources, numbers and figures to `root` in the repository's layout, so that Typst sees nothing else."""
    (root / "paper").mkdir()
    (root / "figures").mkdir()
    for pattern in ("*.typ", "*.bib"):
        for source in SOURCES.glob(pattern):
            shutil.copy(source, root / "paper")
    shutil.copy(profile.numbers, root / "paper" / "numbers.json")
    (root / "paper" / "claims.json").write_text(json.dumps(_true_claims(profile)))
    for figure in profile.figures.glob("*.svg"):
        shutil.copy(figure, root / "figures")
    return root


def _true_claims(profile: Profile) -> dict[str, str]:
    """Sentences that the recorded numbers support, by name."""
    try:
        return claims.stated(recorded.read(profile.numbers))
    except recorded.NumbersError as error:
        raise PaperError(str(error)) from None


def _compile(root: Path, profile: Profile) -> bytes:
    try:
        pdf, warnings = typst.compile_with_warnings(
            root / "paper" / "paper.typ",
            root=root,
            ignore_system_fonts=True,
            package_path=root / "packages",
            package_cache_path=root / "packages",
            timestamp=TIMESTAMP,
        )
    except typst.TypstError as error:
        raise PaperError(_explain(error, root, profile)) from None
    if warnings:
        raise PaperError(f"Typst warns about paper.typ: {_one_line(warnings[0])}.")
    return pdf


def _explain(error: typst.TypstError, root: Path, profile: Profile) -> str:
    """Summarise Typst's error, which spans several lines, in one sentence."""
    text = _one_line(error)
    if panic := re.search("panicked with: (?P<what>.*)", text):
        return f"{_display_path(profile.numbers)} {panic['what']}; run the notebook that records it."
    if missing := re.search(r"file not found \(searched at (?P<path>[^)]*)\)", text):
        path = Path(missing["path"])
        if path.suffix == ".svg":
            return f"{_display_path(profile.figures / path.name)} is missing; run the notebook that draws it."
        return f"The paper reads {path.name}, which does not exist."
    where = "".join(f", {step}" for step in (getattr(error, "trace", None) or [])[:2])
    return f"Typst cannot typeset paper.typ: {text.replace(str(root), '')}{where}."


def _one_line(message: object) -> str:
    text = getattr(message, "message", None) or str(message)
    return " ".join(str(text).split()).rstrip(".")


def _display_path(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def main() -> None:
    """Build the paper of the profile named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="full", choices=["quick", "full"])
    options = parser.parse_args()
    try:
        print(f"paper: {_display_path(build(load_profile(options.profile)))}")
    except (ConfigError, PaperError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
