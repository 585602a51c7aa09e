"""Adapt the notebooks, which are written about card payments, to the study of another table.

A cell's tags say what it needs: `creditcard` marks what is about the ULB file alone, `needs-time` and `needs-amount`
what needs a column of this role, `needs-hours` what needs times and not dates alone, `needs-numbers` what needs a table
that is not mixed, and `needs-positives` what needs enough positives in every fold, such as to train a CGAN. A cell
whose need is not met is left out. If its metadata hold text under `otherwise`, this text stands in its place, such as
the reason; that of a `creditcard` cell does so only if its other needs are met. Texts by tag, such as the code for a
mixed table, stand in place of a cell that lacks nothing else. Markdown gets the words of the study (`utils.wording`),
which are shown as they are written, whatever their characters mean in Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from copy import deepcopy

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from utils.config import DatasetConfig, Profile, Words
from utils.wording import reword

ABOUT_ULB = "creditcard"
OTHERWISE = "otherwise"
# What Markdown, HTML or a formula could begin with; the first characters of a word may begin a line, and so a list.
SPECIAL = re.compile(r"[\\`*_\[\]<>#&~|$]|^[-+=]|(?<=^\d)[.)]|(?<=^\d\d)[.)]")
NEEDS_POSITIVES, NEEDS_HOURS = "needs-positives", "needs-hours"  # which the rows of a table meet or not


def adapt(notebook: NotebookNode, profile: Profile, unmet: Collection[str] = ()) -> NotebookNode:
    """A copy of a notebook for the profile's study; that of the credit-card study is the notebook itself.

    Parameters
    ----------
    notebook : NotebookNode
    profile : Profile
    unmet : collection of str
        Those of `needs-positives` and `needs-hours` that the rows do not meet; see `cgan_ablation.has_positives` and
        `drift.has_hours`.
    """
    if not profile.is_foreign:
        return notebook
    adapted, lacking = deepcopy(notebook), {*unmet, *_unmet_needs(profile.dataset)}
    adapted.cells = [adapted_cell for cell in adapted.cells for adapted_cell in _adapt_cell(cell, profile, lacking)]
    return adapted


def _adapt_cell(cell: NotebookNode, profile: Profile, unmet: set[str]) -> list[NotebookNode]:
    """The cell, the one that stands in its place, or nothing."""
    tags, otherwise = set(cell.metadata.get("tags", [])), cell.metadata.pop(OTHERWISE, None)
    lacking = tags & unmet
    if ABOUT_ULB in tags or lacking:
        is_replaced = not (ABOUT_ULB in tags and lacking)
        text = _text_for(lacking, otherwise) if is_replaced else None
        if not text:
            return []
        is_code = cell.cell_type == "code" and isinstance(otherwise, dict)
        cell = new_code_cell(text, id=cell.id) if is_code else new_markdown_cell(text, id=cell.id)
    if cell.cell_type == "markdown":
        cell.source = reword(cell.source, _escaped(profile.words))
    return [cell]


def _escaped(words: Words) -> Words:
    """The words as Markdown that shows them as they are."""
    return Words(**{name: SPECIAL.sub(r"\\\g<0>", word) for name, word in vars(words).items()})


def _text_for(lacking: set[str], otherwise: str | dict[str, str] | None) -> str | None:
    """What stands in place of a cell with these unmet needs."""
    if not isinstance(otherwise, dict):
        return otherwise
    return otherwise[min(lacking)] if lacking and lacking <= otherwise.keys() else None


def _unmet_needs(config: DatasetConfig) -> set[str]:
    """Tags of cells that a table cannot fill."""
    unmet = {
        "needs-time": config.time is None,
        "needs-amount": config.amount is None,
        "needs-numbers": config.is_mixed,
    }
    return {tag for tag, is_unmet in unmet.items() if is_unmet}
