"""Typesets the paper of a profile, or the report on a table of one's own, from recorded numbers and figures.

python -m paper.build --profile full
python -m paper.build --profile quick --study claims
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

from utils.config import CREDITCARD, MARGIN, ROOT, ConfigError, Profile, load_profile
from utils.files import write_bytes
from utils.reporting import claims, recorded

SOURCES = ROOT / "paper"
TIMESTAMP = 1_767_225_600  # 1 January 2026: the same inputs give the same bytes whenever they are built


class PaperError(RuntimeError):
    """The paper cannot be typeset; the message is one sentence that says what is missing or wrong."""


def build(profile: Profile) -> Path:
    """Typeset the paper, or the report on a table of one's own, completely or not at all.

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
    target = profile.paper / f"{_source(profile)}.pdf"
    write_bytes(target, pdf)
    return target


def _source(profile: Profile) -> str:
    """Name of what is typeset, without suffix."""
    return "report" if profile.is_foreign else "paper"


def _stage(profile: Profile, root: Path) -> Path:
    """Copy sources, numbers and figures to `root` in the repository's layout, so that Typst sees nothing else."""
    (root / "paper").mkdir()
    (root / "figures").mkdir()
    for pattern in ("*.typ", "*.bib"):
        for source in SOURCES.glob(pattern):
            shutil.copy(source, root / "paper")
    shutil.copy(profile.numbers, root / "paper" / "numbers.json")
    inputs = {"claims": {} if profile.is_foreign else _true_claims(profile), "about": _about(profile)}
    for name, content in inputs.items():
        (root / "paper" / f"{name}.json").write_text(json.dumps(content))
    for figure in profile.figures.glob("*.svg"):
        shutil.copy(figure, root / "figures")
    return root


def _about(profile: Profile) -> dict[str, object]:
    """What the report says about a study beside its numbers: roles, words, and which figures there are."""
    dataset = profile.dataset
    return {
        "study": profile.study,
        "profile": profile.name,
        "words": vars(profile.words),
        "file": dataset.path.name,
        **{role: getattr(dataset, role) for role in ("label", "positive", "time", "amount", "group", "duplicates")},
        "numeric": len(dataset.numbers) if dataset.is_mixed else 0,
        **{kind: len(getattr(dataset, kind)) for kind in ("categorical", "dates")},
        "margin": MARGIN,
        "test_fraction": profile.protocol.test_fraction,
        "figures": sorted(path.stem for path in profile.figures.glob("*.svg")),
    }


def _true_claims(profile: Profile) -> dict[str, str]:
    """Sentences that the recorded numbers support, by name."""
    try:
        return claims.stated(recorded.read(profile.numbers))
    except recorded.NumbersError as error:
        raise PaperError(str(error)) from None


def _compile(root: Path, profile: Profile) -> bytes:
    try:
        pdf, warnings = typst.compile_with_warnings(
            root / "paper" / f"{_source(profile)}.typ",
            root=root,
            ignore_system_fonts=True,
            package_path=root / "packages",
            package_cache_path=root / "packages",
            timestamp=TIMESTAMP,
        )
    except typst.TypstError as error:
        raise PaperError(_explain(error, root, profile)) from None
    if warnings:
        raise PaperError(f"Typst warns about {_source(profile)}.typ: {_one_line(warnings[0])}.")
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
        return f"The {_source(profile)} reads {path.name}, which does not exist."
    where = "".join(f", {step}" for step in (getattr(error, "trace", None) or [])[:2])
    return f"Typst cannot typeset {_source(profile)}.typ: {text.replace(str(root), '')}{where}."


def _one_line(message: object) -> str:
    text = getattr(message, "message", None) or str(message)
    return " ".join(str(text).split()).rstrip(".")


def _display_path(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def main() -> None:
    """Build the paper of the profile named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="full", choices=["quick", "full"])
    parser.add_argument("--study", default=CREDITCARD.name, help="name of a study")
    options = parser.parse_args()
    try:
        profile = load_profile(options.profile, options.study)
        print(f"{_source(profile)}: {_display_path(build(profile))}")
    except (ConfigError, PaperError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
