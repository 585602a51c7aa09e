"""The study's pairs as served models: fitted once, scored as the ledger says, whole or not there."""

import numpy as np
import pytest

from app.building import command, pairs
from app.serving.catalog import PAIRS
from app.serving.served import load_served
from tests.small import small_profile
from tests.small_app import write_champion
from utils.benchmark import ledger, runner, tracking
from utils.benchmark.run_task import load_dataset
from utils.serving import bundle

NAMES = ["none+lr", "none+xgb", "rus+lr"]


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    """A small study on real rows whose ledger is filled."""
    found = small_profile(tmp_path_factory.mktemp("study"), folds=((0, 0),))
    runner.run(found, samplers=["none", "rus"], models=["lr"], n_jobs=1)
    runner.run(found, samplers=["none"], models=["xgb"], n_jobs=1)
    return found


@pytest.fixture(scope="module")
def folder(profile, tmp_path_factory):
    """Pairs of that study beside a champion."""
    champion = tmp_path_factory.mktemp("app") / "model"
    write_champion(champion)
    place = champion.with_name(PAIRS)
    assert pairs.build_pairs(place, NAMES, profile).startswith("Wrote 3 of 3 pairs")
    return place


@pytest.mark.parametrize("name", NAMES)
def test_build_pairs_scores_the_fold_as_the_ledger_says(folder, profile, name):
    served = load_served(folder / name)
    card = served.model.card
    assert card.pair == name
    assert card.fold.average_precision == card.fold.ledger_average_precision
    assert card.fold.remark is None
    assert card.ledger_key in {row.key for row in ledger.read(profile.results)}


def test_build_pairs_takes_examples_held_out_and_ranges_trained_on(folder, profile):
    served = load_served(folder / "none+xgb")
    dataset = load_dataset(profile.dataset)
    fold = pairs.all_folds(profile.dataset, profile.protocol, 1)[0, 0]
    columns = list(served.columns)
    held_out, seen = (dataset.frame.iloc[rows][columns] for rows in (fold.test, fold.train))
    for example in served.about.examples.values():
        assert (held_out == np.array([example[name] for name in columns])).all(axis=1).any()
    assert served.about.ranges["V1"] == (seen["V1"].min(), seen["V1"].max())


def test_build_pairs_keeps_what_is_written_and_writes_again_what_is_broken(folder, profile):
    before = (folder / "none+lr" / "card.json").stat().st_ino
    assert pairs.build_pairs(folder, NAMES, profile).startswith("Wrote 0 of 3 pairs")
    for broken in ("card.json", "classifier.json"):
        (folder / "rus+lr" / broken).write_text("{")
        assert pairs.build_pairs(folder, NAMES, profile).startswith("Wrote 1 of 3 pairs")
    assert (folder / "none+lr" / "card.json").stat().st_ino == before
    load_served(folder / "rus+lr")


def test_build_pairs_leaves_whole_pairs_when_it_is_interrupted(tmp_path, profile, monkeypatch):
    place, calls = tmp_path / "pairs", []

    def interrupt(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return "1"

    monkeypatch.setattr(tracking, "register", interrupt)
    with pytest.raises(KeyboardInterrupt):
        pairs.build_pairs(place, NAMES, profile)
    assert [path.name for path in place.iterdir()] == ["none+lr"]
    load_served(place / "none+lr")


def test_build_pairs_registers_every_pair_as_a_model_of_its_own(folder):
    store = tracking.client()
    for name in NAMES:
        (version, *_) = store.search_model_versions(f"name = 'fraud-{name.replace('+', '-')}'")
        card = bundle.read_card(folder / name).card
        assert version.tags["ledger_key"] == card.ledger_key


def test_pair_tasks_are_all_pairs_of_the_ledger_unless_some_are_named(profile):
    assert list(pairs.pair_tasks(profile, [])) == NAMES


def test_pair_tasks_name_an_unknown_pair(tmp_path, capsys):
    assert command.main(["--folder", str(tmp_path / "model"), "--pairs", "none+lr", "smote+nothing"]) == 1
    said = capsys.readouterr().err
    assert "The study has no pair smote+nothing" in said and not list(tmp_path.iterdir())


def test_fold_score_remarks_a_score_that_differs_from_the_ledgers():
    assert pairs.fold_score(0.8, 0.8 + 1e-7).remark is None
    assert "ledger's score" in pairs.fold_score(0.8, 0.81).remark
    assert "does not hold" in pairs.fold_score(0.8, None).remark
