"""Adapt the notebooks, which are written about card payments, to the study of another table.

A cell's tags say what it needs: `creditcard` marks what is about the ULB file alone, `needs-time` and `needs-amount`
what needs a column of this role, and `needs-numbers` what needs a table that is not mixed. A cell whose need is not met
is left out. If its metadata hold text under `otherwise`, this text stands in its place, such as the reason; that of a
`creditcard` cell does so only if its other needs are met. Markdown gets the words of the study; see `utils.wording`.
"""

from __future__ import annotations

from copy import deepcopy

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from utils.config import DatasetConfig, Profile
from utils.wording import reword

ABOUT_ULB = "creditcard"
OTHERWISE = "otherwise"


def adapt(notebook: NotebookNode, profile: Profile) -> NotebookNode:
    """A copy of a notebook for the profile's study; that of the credit-card study is the notebook itself."""
    if not profile.is_foreign:
        return notebook
    adapted = deepcopy(notebook)
    adapted.cells = [adapted_cell for cell in adapted.cells for adapted_cell in _adapt_cell(cell, profile)]
    return adapted


def _adapt_cell(cell: NotebookNode, profile: Profile) -> list[NotebookNode]:
    """The cell, the text that stands in its place, or nothing."""
    tags, text = set(cell.metadata.get("tags", [])), cell.metadata.pop(OTHERWISE, None)
    lacks_role = bool(tags & _unmet_needs(profile.dataset))
    if ABOUT_ULB in tags or lacks_role:
        is_replaced = text and not (ABOUT_ULB in tags and lacks_role)
        return [new_markdown_cell(reword(text, profile.words), id=cell.id)] if is_replaced else []
    if cell.cell_type == "markdown":
        cell.source = reword(cell.source, profile.words)
    return [cell]


def _unmet_needs(config: DatasetConfig) -> set[str]:
    """Tags of cells that a table cannot fill."""
    unmet = {"needs-time": config.time is None, "needs-amount": config.amount is None, "needs-numbers": config.is_mixed}
    return {tag for tag, is_unmet in unmet.items() if is_unmet}
