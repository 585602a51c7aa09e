"""Which model answers: the champion is replaced while it serves, a broken one is refused, pairs lie beside it."""

import json
import shutil
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from app.app import create_app
from app.building import about as about_module
from app.building import champion as building
from app.building import command, exchange, scores
from app.serving import catalog
from app.serving.catalog import Catalog, UnknownModel
from app.serving.model_files import EXAMPLES, SCORES, STATISTICS, read_about
from app.serving.served import load_served, scores_of
from app.settings import Settings
from app.views import study
from tests.rows import make_scoring
from tests.small_app import COLUMNS, fit, transactions, write, write_champion
from utils.analysis import bootstrap
from utils.benchmark import ledger
from utils.config import load_profile
from utils.reporting.claims import ClaimError
from utils.serving import bundle, final_model
from utils.serving.bundle import BundleError
from utils.serving.card import Card
from utils.serving.explanations import Explainer

ROWS = transactions(30, seed=1)[list(COLUMNS)]


@pytest.fixture(scope="module")
def champion(tmp_path_factory):
    folder = tmp_path_factory.mktemp("champion") / "model"
    write_champion(folder)
    return folder


@pytest.fixture(scope="module")
def challenger(tmp_path_factory):
    """Another model, as `app.building.champion` would write it."""
    folder = tmp_path_factory.mktemp("challenger") / "model"
    write(folder, fit("lr", "class_weight"))
    return folder


@pytest.fixture
def folder(champion, tmp_path):
    """A copy of the champion and its pair, to be changed."""
    shutil.copytree(champion.parent, tmp_path / "app")
    return tmp_path / "app" / "model"


@pytest.fixture
def eager(monkeypatch):
    """Every look at a folder counts, without the second in between."""
    monkeypatch.setattr(catalog, "CHECK_EVERY", -1.0)


def put(new, folder):
    """Exchange the served folder, as `app.building.champion` does."""
    staging = folder.parent / f".staging-{time.monotonic_ns()}" / "new"
    shutil.copytree(new, staging)
    exchange.exchange(staging, folder)


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def damage(folder, name="classifier.ubj", content=b"broken"):
    (folder / name).write_bytes(content)
    return folder


def without_background(_, folder):
    """Take away the rows that estimated reasons are relative to."""
    about = json.loads((folder / EXAMPLES).read_text())
    damage(folder, EXAMPLES, json.dumps({**about, "background": []}).encode())
    bundle.seal(folder)


def with_card(folder, **fields):
    """The folder with a card in which some fields are others."""
    card = json.loads((folder / bundle.CARD).read_text())
    (folder / bundle.CARD).write_text(json.dumps({**card, **fields}))


def without_hash(folder, name):
    """The folder as it was written before files beside the model had hashes."""
    files = bundle.read_card(folder).files
    with_card(folder, files={other: digest for other, digest in files.items() if other != name})


def test_catalog_names_the_champion_first_and_pairs_after_it(champion):
    known = Catalog(champion)
    assert known.names == ["champion", "none+lr"]
    assert known.champion.name.startswith("none+xgb@")
    assert known.get("champion") is known.champion
    assert known.get("none+lr").name.startswith("none+lr@")
    assert [pair.name for pair in known.pairs] == ["none+lr", "none+xgb", "none+rf"]


def test_catalog_describe_loads_no_model(champion):
    known = Catalog(champion)
    first, pair = known.describe()
    assert set(known._slots) == {"champion"}
    assert pair == replace(known.get("none+lr").describe("none+lr"), scores=known.pairs[0].scores)
    assert first.scores == known.pairs[1].scores


def test_catalog_does_not_offer_a_folder_that_is_being_written(folder):
    known = Catalog(folder)
    shutil.copytree(folder, folder.with_name("pairs") / ".none+rf-staging")
    (folder.with_name("pairs") / "none+ann").mkdir()
    assert known.names == ["champion", "none+lr"]
    with pytest.raises(UnknownModel, match=r"choose one of champion, none\+lr\."):
        known.get(".none+rf-staging")
    shutil.rmtree(folder.with_name("pairs"))
    with pytest.raises(UnknownModel, match=r"; choose champion\."):
        known.get("none+lr")


def test_catalog_offers_a_new_pair_at_once(folder):
    known = Catalog(folder)
    with pytest.raises(UnknownModel):
        known.get("none+xgb")
    shutil.copytree(folder, folder.with_name("pairs") / "none+xgb")
    assert known.get("none+xgb").name == known.champion.name


def test_catalog_picks_up_a_new_champion_and_the_old_object_goes_on(folder, challenger, eager):
    told = []
    known = Catalog(folder, lambda name, taken: told.append((name, taken)))
    old = known.champion
    before = old.probability(ROWS.to_numpy())
    put(challenger, folder)
    wait_until(lambda: known.champion is not old)
    assert known.champion.name == load_served(challenger).name
    np.testing.assert_array_equal(old.probability(ROWS.to_numpy()), before)
    assert told == [("champion", True)] and known.refused == {}


@pytest.mark.parametrize(
    "change",
    [
        damage,
        lambda folder: damage(folder, "card.json", b"{"),
        lambda folder: damage(folder, EXAMPLES, b"{}"),
        lambda folder: (folder / EXAMPLES).unlink(),
        lambda folder: (folder / "classifier.ubj").unlink(),
        lambda folder: without_background(write(folder, fit("rf")), folder),
        lambda folder: damage(folder, STATISTICS, b"[]"),
        lambda folder: damage(folder, SCORES, b"[]"),
        lambda folder: (folder / SCORES).unlink(),
        lambda folder: with_card(folder, threshold=1.5),
        lambda folder: with_card(folder, threshold=float("nan")),
        lambda folder: with_card(folder, columns=["V1", "V2"]),
        lambda folder: without_hash(folder, STATISTICS),
    ],
    ids=[
        "changed",
        "broken card",
        "empty examples",
        "no examples",
        "no classifier",
        "no rows to explain by",
        "changed statistics",
        "changed scores",
        "no scores",
        "threshold above 1",
        "threshold of NaN",
        "other columns",
        "statistics without a hash",
    ],
)
def test_catalog_refuses_a_broken_champion_and_takes_a_sound_one_after_it(
    folder, champion, challenger, tmp_path, eager, caplog, change
):
    known = Catalog(folder)
    old = known.champion
    broken = tmp_path / "broken"
    shutil.copytree(champion, broken)
    change(broken)
    put(broken, folder)
    wait_until(lambda: known.champion is old and known.refused)
    assert known.champion is old
    assert str(tmp_path) not in known.refused["champion"]
    wait_until(lambda: "refused" in caplog.text)
    assert len([record for record in caplog.records if "refused" in record.getMessage()]) == 1
    put(challenger, folder)
    wait_until(lambda: known.champion is not old)
    wait_until(lambda: known.refused == {})


def test_catalog_goes_on_with_a_champion_that_vanishes(folder, eager):
    known = Catalog(folder)
    shutil.rmtree(folder)
    assert known.champion is known.champion
    assert known.refused == {}


def test_catalog_reports_a_broken_pair_and_serves_the_others(folder):
    damage(folder.with_name("pairs") / "none+lr", "scaler.json")
    client = create_app(Settings(folder=folder)).test_client()
    sent = ROWS.head(1).to_dict("records")
    refused = client.post("/api/v1/predict?model=none%2Blr", json=sent)
    assert refused.status_code == 503 and "none+lr/scaler.json" in refused.json["error"]
    assert client.post("/api/v1/predict", json=sent).status_code == 200


def test_catalog_does_not_describe_a_pair_with_an_impossible_card(folder):
    pair = folder.with_name("pairs") / "none+lr"
    for change in (lambda: with_card(pair, threshold=float("nan")), lambda: damage(pair, EXAMPLES, b"{}")):
        known = Catalog(folder)
        assert [entry.name for entry in known.describe()] == ["champion", "none+lr"]
        change()
        assert [entry.name for entry in known.describe()] == ["champion"]
        write(pair, fit("lr"))


def test_load_served_says_how_to_write_a_model_of_before_anew(folder):
    without_hash(folder, EXAMPLES)
    with pytest.raises(BundleError) as refused:
        Catalog(folder)
    assert str(refused.value) == (
        "model/examples.json is not listed in card.json, so it may have been changed; write the model again."
    )


def test_load_served_refuses_scores_without_keys_and_says_what_to_do(folder):
    pairs = json.loads((folder / SCORES).read_text())
    del pairs[1]["keys"]
    damage(folder, SCORES, json.dumps(pairs).encode())
    bundle.seal(folder)
    with pytest.raises(BundleError) as refused:
        load_served(folder)
    assert str(refused.value) == "model/scores.json: keys: Field required; write the model again."


@pytest.mark.parametrize("name", [EXAMPLES, SCORES, STATISTICS])
@pytest.mark.parametrize("content", [b"1", b'"text"', b"[1]", b'{"label": "XGBoost"}'])
def test_load_served_refuses_files_of_another_kind_and_says_what_to_do(folder, name, content):
    damage(folder, name, content)
    bundle.seal(folder)
    with pytest.raises(BundleError, match=rf"^model/{name}.*; write the model again\.$"):
        load_served(folder)


def test_load_served_reads_files_with_fields_of_another_version(folder):
    about = json.loads((folder / EXAMPLES).read_text())
    damage(folder, EXAMPLES, json.dumps({**about, "of_another_version": 1}).encode())
    bundle.seal(folder)
    assert load_served(folder).about == read_about(folder)


def test_version_changes_with_any_file_of_the_folder(folder):
    before = load_served(folder).version
    damage(folder, SCORES, b"[]")
    bundle.seal(folder)
    assert load_served(folder).version != before
    assert load_served(folder).scores == []


def test_ready_names_a_refused_model(folder, eager):
    client = create_app(Settings(folder=folder)).test_client()
    assert client.get("/v2/health/ready").json == {"ready": True}
    put(damage(shutil.copytree(folder, folder.parent / "broken")), folder)
    wait_until(lambda: client.get("/v2/health/ready").json.get("refused"))
    answer = client.get("/v2/health/ready")
    assert answer.status_code == 200 and answer.json["ready"] is True
    assert "classifier.ubj is missing or was changed" in answer.json["refused"]["champion"]


def test_catalog_gives_every_answer_from_one_model_while_models_are_exchanged(folder, champion, challenger, eager):
    """Requests from several threads meanwhile see one model or the other, and never an error."""
    client_of = create_app(Settings(folder=folder)).test_client
    rows, sent = ROWS.to_numpy(), ROWS.to_dict("records")
    expected = {served.name: served.probability(rows).tolist() for served in map(load_served, (champion, challenger))}
    wrong, seen, done = [], set(), threading.Event()

    def ask():
        client = client_of()
        while not done.is_set():
            answer = client.post("/api/v1/predict", json=sent)
            if answer.status_code != 200:
                wrong.append(answer.text)
                continue
            seen.add(answer.json["model"])
            found = [entry["probability"] for entry in answer.json["predictions"]]
            if found != expected[answer.json["model"]]:
                wrong.append(answer.json["model"])

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for new in (challenger, champion, challenger):
            name = load_served(new).name
            put(new, folder)
            wait_until(lambda name=name: client_of().get("/api/v1/models").json["models"][0]["model"] == name)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert seen == set(expected)


@pytest.mark.parametrize("name", ["xgb", "rf"])
def test_load_served_explains_an_example_before_the_model_is_taken(name, folder, tmp_path, eager, monkeypatch):
    explained = []
    once = Explainer.explain
    monkeypatch.setattr(Explainer, "explain", lambda self, values: explained.append(len(values)) or once(self, values))
    write(folder, fit(name))
    known = Catalog(folder)
    assert explained == [1]  # when the server starts, before it listens
    write(tmp_path / "new", fit(name, seed=1))
    old = known.champion
    put(tmp_path / "new", folder)
    wait_until(lambda: known.champion is not old)
    assert explained == [1, 1]  # and before a new model takes the old one's place


def test_catalog_needs_a_champion(tmp_path):
    with pytest.raises(BundleError):
        Catalog(tmp_path / "model")


@pytest.mark.parametrize("name", ["lr", "rf", "xgb", "ann"])
def test_explain_adds_up_whatever_the_model(name, tmp_path):
    write(tmp_path / "model", fit(name))
    served = load_served(tmp_path / "model")
    rows = ROWS.head(3).to_numpy()
    probability = served.probability(rows)
    np.testing.assert_allclose(probability, bundle.load(tmp_path / "model").predict_proba(ROWS.head(3)), atol=1e-9)
    for row, odds, explanation in zip(
        rows, np.log(probability / (1 - probability)), served.explain(rows.tolist()), strict=True
    ):
        total = explanation.base + sum(column.contribution for column in explanation.contributions)
        assert total == pytest.approx(odds, abs=1e-6)
        assert {column.feature: column.value for column in explanation.contributions} == dict(
            zip(COLUMNS, row.tolist(), strict=True)
        )


# --- which model is written


@pytest.fixture
def offered(monkeypatch):
    """Let the registry and the ledger offer something; returns what is chosen then, as (model, source)."""

    def choose(registered=None, measured=False):
        def champion():
            if registered is None:
                raise LookupError("The registry has no champion.")
            return SimpleNamespace(card=Card(profile=registered))

        monkeypatch.setattr(building, "registered_champion", champion)
        monkeypatch.setattr(building, "finished_rows", lambda profile: ["a row"] if measured else [])
        monkeypatch.setattr(building, "fit_study_choice", lambda profile, rows: f"final model of {profile.name}")
        monkeypatch.setattr(final_model, "fit_final", lambda profile, choice: f"{profile.name} {'+'.join(choice)}")
        return building.chosen_model()

    return choose


def test_chosen_model_is_the_full_studys_unless_the_registry_has_a_champion_of_that_kind(offered):
    fitted = ("final model of full", "the full study's choice, fitted on its development set")
    assert offered(measured=True) == fitted  # a fresh clone
    assert offered("quick", measured=True) == fitted  # after `make quick`
    assert offered("full", measured=True)[1] == "the registry's champion"
    assert offered("quick")[1] == "the registry's champion, from the quick run"
    assert offered() == ("quick none+xgb", "trained as a stand-in, as no study of this data is finished")


def test_choose_takes_from_the_committed_ledger_the_model_that_was_scored_on_the_test_set_last():
    profile = load_profile("full")
    choice = final_model.choose(scores.development_rows(profile))
    key = final_model.final_task(profile, choice).key
    assert choice == ("none", "xgb")
    assert ledger.scorings(profile.results)["key"].iloc[-1] == key
    assert (profile.results / "out_of_fold" / f"{key}.parquet").exists()  # so that one fit is enough
    (pair,) = [
        pair
        for pair in scores.measured_pairs(profile.dataset, about_module.printed_names())
        if (pair.sampler, pair.model) == choice
    ]
    assert key in pair.keys and scores_of(Card(ledger_key=key), [pair]).average_precision == 0.855599


def test_fit_study_choice_has_the_test_scores_of_its_own_key_and_no_others(tmp_path, monkeypatch):
    profile = replace(load_profile("full"), results=tmp_path)
    row = make_scoring(average_precision=0.806696, ranks=[1, 2, 9], amounts=[1.0, 2.0, 3.0])
    fitted = replace(fit("lr"), card=Card(ledger_key=row.key))
    monkeypatch.setattr(final_model, "choose", lambda rows: ("none", "blend"))
    monkeypatch.setattr(final_model, "fit_final", lambda profile, choice: fitted)
    assert building.fit_study_choice(profile, None).card.test is None
    ledger.append_scoring(tmp_path, make_scoring(seed=43))
    assert building.fit_study_choice(profile, None).card.test is None
    ledger.append_scoring(tmp_path, row)
    card = building.fit_study_choice(profile, None).card
    assert card.test["average precision"] == 0.806696
    assert card.test_interval == bootstrap.interval_of_ranks([1, 2, 9])


def test_build_stops_at_a_sentence_that_the_numbers_contradict(tmp_path, monkeypatch, capsys):
    def false(*_):
        raise ClaimError("The claim 'no_gain' is false.")

    monkeypatch.setattr(study, "headline", false)
    monkeypatch.setattr(building, "chosen_model", lambda: pytest.fail("A model was fitted."))
    assert command.main(["--folder", str(tmp_path / "model")]) == 1
    assert "The claim 'no_gain' is false." in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_command_says_that_the_tracking_store_cannot_be_used(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////proc/nowhere/mlflow.db")
    assert command.main(["--folder", str(tmp_path / "model")]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("The tracking store sqlite:////proc/nowhere/mlflow.db cannot be used (")
    assert lines[1:] == ["The model that was served before is unchanged."] and not list(tmp_path.iterdir())


def test_command_shows_where_an_error_of_its_own_arose(tmp_path, monkeypatch):
    monkeypatch.setattr(building, "chosen_model", lambda: [].index("a programming error"))
    with pytest.raises(ValueError, match="is not in list"):
        command.main(["--folder", str(tmp_path / "model")])
