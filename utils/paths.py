"""Folders of the project."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data"
NOTEBOOKS = ROOT / "notebooks"
STUDIES = ROOT / "studies"
STUDY_OUTPUTS = ROOT / "build" / "studies"  # a folder for each study of a table of the user's own
