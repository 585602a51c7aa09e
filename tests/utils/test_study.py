"""Every experiment in one process: what runs on the study's table, and what is skipped on another."""

from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from utils import study
from utils.config import ULB_COLUMNS, load_profile
from utils.samplers import optional
from utils.samplers.optional import MissingPackageError

LEFT_OUT = "The original study's protocol is left out: it needs the columns of the ULB file.\n"


@pytest.fixture
def run_on(monkeypatch):
    """Run the study on a table with these columns; each experiment only records that it was called."""

    def run_on(columns, **changes) -> list[str]:
        calls = []

        def noted(name, result=()):
            return lambda *arguments: calls.append(name) or list(result)

        sensitivity_study = noted("sensitivity")
        sensitivity_study.__name__ = "views"
        monkeypatch.setattr(study, "run_missing", noted("missing"))
        rows = pd.DataFrame({"ratio": ["searched"]})
        monkeypatch.setattr(study.runner, "run_equal", lambda _: calls.append("benchmark") or rows)
        monkeypatch.setattr(study.runner, "run", lambda _: rows)
        monkeypatch.setattr(study.sensitivity, "STUDIES", [sensitivity_study])
        monkeypatch.setattr(study.cgan_ablation, "run", noted("ablation", [1, 2]))
        monkeypatch.setattr(study.other_seeds, "run", noted("other seeds"))
        monkeypatch.setattr(study.scarcity, "run", noted("few frauds"))
        monkeypatch.setattr(study.many_tables, "results", noted("other tables"))
        monkeypatch.setattr(study.original_run, "replica", noted("original protocol", [1, 2, 3]))
        for name in ("choose", "final_task", "out_of_fold"):
            monkeypatch.setattr(study.final_model, name, noted(name))
        table = SimpleNamespace(frame=pd.DataFrame(columns=list(columns)))
        monkeypatch.setattr(study, "load_dataset", lambda config: table)
        monkeypatch.setattr(study.sensitivity, "left_out_views", lambda profile: {})
        study.run(replace(load_profile("quick"), **changes))
        return calls

    return run_on


EVERY_TABLE = ["missing", "benchmark", "sensitivity", "ablation", "other seeds", "few frauds", "other tables"]
LAST = ["choose", "final_task", "out_of_fold"]


@pytest.mark.parametrize(
    "columns",
    [("a", "b", "y"), ULB_COLUMNS[:-1], [name.lower() for name in ULB_COLUMNS]],
    ids=["other", "one fewer", "other case"],
)
def test_run_leaves_the_original_protocol_out_on_another_table_and_says_so(run_on, capsys, columns):
    assert run_on(columns) == [*EVERY_TABLE, *LAST]
    output = capsys.readouterr().out
    assert output == f"{LEFT_OUT}In the ledgers: 1 task of benchmark, 2 tasks of ablation.\n"


@pytest.mark.parametrize("columns", [ULB_COLUMNS, ("Merchant", *reversed(ULB_COLUMNS))], ids=["ULB", "more columns"])
def test_run_includes_the_original_protocol_where_its_columns_are_there(run_on, capsys, columns):
    assert run_on(columns) == [*EVERY_TABLE, "original protocol", *LAST]
    output = capsys.readouterr().out
    assert LEFT_OUT not in output and output.endswith("3 tasks of original protocol.\n")


@pytest.mark.parametrize("columns", [("a", "y"), ULB_COLUMNS], ids=["other", "ULB"])
def test_run_of_another_study_is_without_what_belongs_to_the_credit_card_study(run_on, capsys, columns):
    assert run_on(columns, study="claims") == [*EVERY_TABLE[:4], *LAST]
    assert capsys.readouterr().out == "In the ledgers: 1 task of benchmark, 2 tasks of ablation.\n"


def test_run_missing_asks_for_a_package_before_anything_runs(monkeypatch, tmp_path):
    monkeypatch.setattr(optional, "find_spec", lambda name: None)
    monkeypatch.setattr(study, "run_batches", lambda batches: pytest.fail("something was run"))
    profile = replace(load_profile("quick"), samplers=("none", "ctgan"), results=tmp_path)
    with pytest.raises(MissingPackageError, match=r"The sampler 'ctgan' needs ctgan and torch, .* --group ctgan"):
        study.run_missing(profile)
