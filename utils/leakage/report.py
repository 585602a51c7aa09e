"""The findings of an audit with their evidence, and the report that holds them."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

FAILED, PASSED, NOT_CHECKED = "failed", "passed", "not checked"
SENTENCE_WIDTH = 84


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    Attributes
    ----------
    name : str
        Name of the check.
    verdict : {'failed', 'passed', 'not checked'}
    summary : str
        One sentence with the evidence, or the reason why nothing was checked.
    advice : str
        One sentence on what to do; empty if the check passed.
    evidence : dict of str to object
        The numbers on which the verdict is based.
    rows : tuple of int
        Positions (not index labels) of a few rows of the test frame as examples.
    """

    name: str
    verdict: str
    summary: str
    advice: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
    rows: tuple[int, ...] = ()


@dataclass(frozen=True)
class Report:
    """All findings of an audit; printed as a table in terminals and notebooks."""

    findings: tuple[Finding, ...]

    def __getitem__(self, name: str) -> Finding:
        """The finding with this name; the KeyError for an unknown name lists all names."""
        for finding in self.findings:
            if finding.name == name:
                return finding
        raise KeyError(f"No finding is called {name!r}; there are {', '.join(self._named())}.")

    @property
    def failed(self) -> list[str]:
        """Names of the checks that found evidence of a fault."""
        return self._named(FAILED)

    @property
    def passed(self) -> list[str]:
        """Names of the checks that found no evidence of a fault."""
        return self._named(PASSED)

    def _named(self, *verdicts: str) -> list[str]:
        return [finding.name for finding in self.findings if not verdicts or finding.verdict in verdicts]

    def to_frame(self) -> pd.DataFrame:
        """One row per finding: verdict, summary, advice, rows and evidence, indexed by name."""
        columns = ("name", "verdict", "summary", "advice", "rows", "evidence")
        rows = [[getattr(finding, column) for column in columns] for finding in self.findings]
        return pd.DataFrame(rows, columns=list(columns)).set_index("name")

    def __str__(self) -> str:
        width = max(len(finding.name) for finding in self.findings)
        lines = [f"{'finding':<{width}}  {'verdict':<11}  evidence"]
        for finding in self.findings:
            text = textwrap.wrap(finding.summary, SENTENCE_WIDTH)
            if finding.advice:
                text += textwrap.wrap(f"-> {finding.advice}", SENTENCE_WIDTH, subsequent_indent="   ")
            lines.append(f"{finding.name:<{width}}  {finding.verdict:<11}  {text[0]}")
            lines += [" " * (width + 15) + line for line in text[1:]]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """HTML table for notebooks."""
        table = self.to_frame()[["verdict", "summary", "advice"]].reset_index()
        table.columns = ["Finding", "Verdict", "Evidence", "What to do"]
        with pd.option_context("display.max_colwidth", None):
            return table.to_html(index=False, border=0, justify="left")
