"""The plan of the benchmark, and what it costs by the seconds that its tasks took.

python -m utils.experiments.plan
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from utils.benchmark.errors import exit_with_a_sentence
from utils.config import load_profile
from utils.data.tables import read_tables
from utils.experiments.plan_cost import Cost, measured
from utils.plan_file import Cut, Plan, read_plan

HOUR = 3600


def main(arguments: list[str] | None = None) -> None:
    """Print the plan and its cost."""
    parser = argparse.ArgumentParser(description="Print the plan of the benchmark and what its tasks cost.")
    parser.add_argument("--rows", type=Path, help="folder of the ledgers to take seconds from (default: the study's)")
    options = parser.parse_args(arguments)
    with exit_with_a_sentence():
        plan = read_plan()
        costs = measured(options.rows or load_profile("full").results)
    print("\n".join([*plan_lines(plan), "", *cost_lines(costs, plan.drop_first, os.cpu_count() or 1)]))


def plan_lines(plan: Plan) -> list[str]:
    """The plan as text."""
    creditcard, tables, scarcity, seeds = plan.creditcard, plan.tables, plan.scarcity, plan.seeds
    search, rules = plan.search, plan.comparison
    return [
        f"Credit-card data: {creditcard.repeats} x {search.folds} folds; {creditcard.trials} settings for each pair of "
        f"a classical model and a sampler, {creditcard.network_trials} for each network.",
        f"  models:              {', '.join(creditcard.models)}",
        f"  samplers:            {', '.join(creditcard.samplers)}",
        f"  of networks:         {', '.join(creditcard.network_samplers)}",
        f"  of CNN-1D and LSTM:  {', '.join(creditcard.sequence_samplers)}",
        f"  searched anew with equal classes: {', '.join(creditcard.equal_classes)}",
        *(f"  left out: {name}. {reason}" for name, reason in creditcard.left_out.items()),
        f"Tables: {tables.number} of {tables.families} families with the role {tables.role}, beside them "
        f"{', '.join(tables.beside)}; {search.folds} folds; {tables.trials} settings for each pair.",
        f"  models:              {', '.join(tables.models)}",
        f"  samplers:            {', '.join(tables.samplers)}",
        f"  searched anew with equal classes: {', '.join(tables.equal_classes)}",
        *_families(tables.role),
        f"Few frauds: {', '.join(map(str, scarcity.levels))} and all, in {scarcity.draws} draws; "
        f"{', '.join(scarcity.settings)} with {', '.join(scarcity.samplers)}.",
        f"Seeds: {seeds.number} of the whole search, on {seeds.repeats} x {search.folds} folds; "
        f"{', '.join(seeds.models)} with {', '.join(seeds.samplers)}.",
        f"Search: {search.inner_folds} inner folds; 1 / {search.held_out} of the rows held out for a network.",
        f"Comparison: {rules.test} of {rules.metric} against {rules.baseline}, with the mean of a {rules.unit} as the "
        f"unit; margin {rules.margin}, prior {rules.prior}, decided from a probability of {rules.threshold}; "
        f"equivalence on one dataset by the {rules.equivalence}.",
        *(f"Rule of {rule.kind}, {rule.name}: {rule.text} ({rule.applied})" for rule in plan.rules),
    ]


def _families(role: str) -> list[str]:
    families: dict[str, list[str]] = {}
    for table in read_tables().values():
        if table.role == role:
            families.setdefault(table.family, []).append(table.name)
    return [f"  family {family}: {', '.join(sorted(names))}" for family, names in sorted(families.items())]


def cost_lines(costs: list[Cost], cuts: Iterable[Cut], cores: int) -> list[str]:
    """The cost as text: hours of one core by part, model and sampler, then of all cores, and what a cut saves."""
    frame = pd.DataFrame([vars(cost) for cost in costs])
    lines = ["Hours of one core ('fit' is the sampler's own):"]
    for part, own in frame.groupby("part", sort=False):
        hours = own.pivot_table(index="sampler", columns="model", values="seconds", aggfunc="sum", sort=False) / HOUR
        lines += [f"{part}: {own['tasks'].sum():,} tasks", hours.round(2).to_string(na_rep="")]
    total = frame["seconds"].sum() / HOUR
    lines.append(f"Total: {total:.1f} hours of one core, {total / cores:.1f} hours on {cores} cores.")
    for number, cut in enumerate(cuts, 1):
        saved = sum(cost.seconds for cost in costs if cut.drops(cost.part, cost.model, cost.sampler)) / HOUR / cores
        lines.append(f"Dropped as number {number}: {cut.what}; saves {saved:.1f} hours on {cores} cores.")
    return lines


if __name__ == "__main__":
    main()
