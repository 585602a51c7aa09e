"""The plan: it is read whole, and says what the registries, the tables and the verdicts do."""

from dataclasses import replace
from importlib import import_module

import pytest
from pydantic import ValidationError

from benchmarks.assignment import REASONS
from utils import config
from utils.benchmark.equal_search import fingerprint, model_settings
from utils.benchmark.tasks import grid
from utils.config import MARGIN, Protocol, load_profile
from utils.data import tables
from utils.data.identity import identify
from utils.models.registry import MODELS
from utils.plan_file import PATH, Cut, read_plan
from utils.samplers.registry import SAMPLERS, STANDARD
from utils.study_file import CREDITCARD

PLAN = read_plan()


def test_read_plan_names_the_field_that_is_wrong(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(PATH.read_text().replace("inner_folds = 2", 'inner_folds = "two"'))
    with pytest.raises(ValidationError, match=r"search\.inner_folds"):
        read_plan(path)
    path.write_text(PATH.read_text().replace("[tables]", "[tables]\ntrails = 3"))
    with pytest.raises(ValidationError, match=r"tables\.trails"):
        read_plan(path)


def test_plan_has_the_assigned_tables():
    planned = [table for table in tables.read_tables().values() if table.role == PLAN.tables.role]
    assert len(planned) == PLAN.tables.number >= 30
    assert len({table.family for table in planned}) == PLAN.tables.families >= 20
    assert tables.fingerprint() == PLAN.tables.assignment, "write this fingerprint into the plan, before its first row"


def test_plan_has_the_lists_of_settings_that_are_tried():
    rules, creditcard = PLAN.search, PLAN.creditcard
    planned = {name for name in creditcard.models if MODELS[name].ranges}
    assert set(rules.settings) == planned >= set(PLAN.tables.models)
    for name, expected in rules.settings.items():
        n_trials = creditcard.network_trials if MODELS[name].deep else creditcard.trials
        assert fingerprint(model_settings(name, n_trials)) == expected, f"the ranges of {name} are others"
        # The tables try the first of the same settings.
        assert model_settings(name, PLAN.tables.trials) == model_settings(name, n_trials)[: PLAN.tables.trials]


def test_plan_uses_every_model_or_says_why_not():
    creditcard = PLAN.creditcard
    assert {*creditcard.models, *creditcard.left_out} == set(MODELS)
    assert not set(creditcard.models) & set(creditcard.left_out) and "blend" in creditcard.left_out


def test_plan_names_samplers_of_the_registry_with_the_one_that_others_are_compared_with():
    creditcard = PLAN.creditcard
    lists = (creditcard.samplers, creditcard.network_samplers, creditcard.sequence_samplers, PLAN.tables.samplers)
    for names in lists:
        assert set(names) <= set(SAMPLERS) and len(set(names)) == len(names)
        assert PLAN.comparison.baseline in names
    assert set(PLAN.tables.samplers) <= set(creditcard.samplers)
    assert set(creditcard.equal_classes) < {name for name in creditcard.samplers if "balanced" in SAMPLERS[name].ratios}
    assert set(PLAN.tables.equal_classes) == {
        name for name in PLAN.tables.samplers if "balanced" in SAMPLERS[name].ratios
    }
    for part in (PLAN.scarcity, PLAN.seeds):
        assert set(part.samplers) <= set(creditcard.samplers) and PLAN.comparison.baseline in part.samplers


def test_plan_judges_by_the_margin_of_the_verdicts():
    """It is a setting of the full study, too, whose ledger does not follow the plan."""
    assert PLAN.comparison.margin == MARGIN


def test_plan_has_a_rule_for_every_table_left_out_and_names_what_applies_it():
    names = {rule.name for rule in PLAN.rules if rule.kind == "exclusion"}
    assert set(REASONS) <= names
    for rule in PLAN.rules:
        module, name = rule.applied.rsplit(".", 1)
        assert hasattr(import_module(module), name), rule.applied


def test_load_profile_full_has_the_sizes_of_the_plan():
    profile, creditcard = load_profile("full"), PLAN.creditcard
    assert profile.models == creditcard.models and "blend" not in profile.models
    assert profile.deep_samplers == creditcard.network_samplers
    assert profile.sequence_samplers == creditcard.sequence_samplers
    assert len(profile.folds) == creditcard.repeats * PLAN.search.folds and profile.deep_folds == profile.folds
    search = profile.search
    assert (search.trials, search.deep_trials, search.margin) == (creditcard.trials, creditcard.network_trials, 0)
    assert search.equal and search.folds == PLAN.search.inner_folds >= 2
    assert profile.protocol == Protocol()  # that of the full study, so both have the same folds


def test_load_profile_full_compares_all_that_the_plan_compares():
    profile, creditcard = load_profile("full"), PLAN.creditcard
    assert set(SAMPLERS) - set(STANDARD) <= set(profile.samplers)  # those that need other packages, too
    tasks = grid(profile, identify(profile.dataset))
    run = {(task.model.name, task.sampler.name, (task.repeat, task.fold)) for task in tasks}
    for model in creditcard.models:
        samplers = {sampler for name, sampler, _ in run if name == model}
        assert samplers == _planned_samplers(MODELS[model]), model
        assert {(name, sampler, pair) for name, sampler, pair in run if name == model} == {
            (model, sampler, pair) for sampler in samplers for pair in profile.folds
        }
    assert profile.seeds == PLAN.seeds.number


def _planned_samplers(model):
    creditcard = PLAN.creditcard
    if model.alone:
        return {"none"}
    if model.ordered:
        return set(creditcard.sequence_samplers)
    return set(creditcard.network_samplers if model.deep else creditcard.samplers)


def test_load_profile_full_of_a_foreign_study_takes_what_every_environment_has():
    profile = load_profile("full", replace(CREDITCARD, name="claims"))
    assert {task.sampler.name for task in grid(profile, identify(profile.dataset), models=["lr"])} == set(STANDARD)
    assert profile.models == PLAN.creditcard.models and profile.search == load_profile("full").search


def test_load_profile_of_another_size_needs_no_plan(monkeypatch):
    monkeypatch.setattr(config, "read_plan", lambda: pytest.fail("the plan was read"))
    assert load_profile("quick").samplers == config.QUICK_SAMPLERS


def test_cut_drops_pairs_of_its_part_with_its_models_and_samplers():
    cut = Cut("networks with SMOTE", "creditcard", models=("lstm",), samplers=("smote",))
    assert cut.drops("creditcard", "lstm", "smote")
    assert not cut.drops("tables", "lstm", "smote") and not cut.drops("creditcard", "lstm", "none")
    assert Cut("all", "tables").drops("tables", "lr", "none")
    for planned in PLAN.drop_first:
        own = getattr(PLAN, planned.part)
        assert set(planned.models) <= set(own.models) and set(planned.samplers) <= set(own.samplers)


def test_every_profile_has_the_cgan_of_the_plan():
    assert PLAN.parameters["cgan"] == config.CGAN
    for name in ("quick", "full"):
        assert config.CGAN.items() <= load_profile(name).parameters["cgan"].items()
