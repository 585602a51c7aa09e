"""The running server while its champion is exchanged under load: no request fails, and a broken one is refused."""

import json
import shutil
import threading
import time
import urllib.request

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.building import exchange
from app.client import OPENER
from app.serving import catalog
from app.serving.catalog import Catalog, Slot, UnknownModel
from app.serving.kept_model import KeptModel
from app.serving.served import NotLoadedError, load_served, version_of
from app.settings import default_workers
from tests.chromium import SECONDS, serving
from tests.small_app import COLUMNS, fit, transactions, write, write_champion
from utils.serving import bundle
from utils.serving.bundle import BundleError

N_CLIENTS = 4
PAUSE = 0.05  # seconds between an answer and the next request, which leave other tests some of the cores
ROWS = transactions(40, seed=1)[list(COLUMNS)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A champion of this module's own, which it replaces."""
    place = tmp_path_factory.mktemp("reload") / "model"
    write_champion(place)
    return place


def asked(url, body=None, content_type="application/json"):
    request = urllib.request.Request(url, data=body, headers={"Content-Type": content_type})
    with OPENER.open(request, timeout=SECONDS) as answer:
        return answer.read()


class Load:
    """Clients that go on asking in every way; `answers` has what each was given, and when it asked."""

    def __init__(self, url):
        self.answers, self.failures = [], []
        self._ending = threading.Event()
        self._clients = [threading.Thread(target=self._ask, args=(url, way)) for way in range(N_CLIENTS)]

    def __enter__(self):
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        for client in self._clients:
            client.join(SECONDS)

    def _ask(self, url, way):
        predict, few = f"{url}/api/v1/predict", ROWS.head(3)
        tensors = [{"name": name, "datatype": "FP64", "shape": [3], "data": few[name].tolist()} for name in few.columns]
        ways = (
            (predict, json.dumps(few.to_dict("records")).encode(), "application/json"),
            (predict, few.to_csv(index=False).encode(), "text/csv"),
            (f"{predict}?explain=true", json.dumps(few.to_dict("records")).encode(), "application/json"),
            (f"{url}/v2/models/champion/infer", json.dumps({"inputs": tensors}).encode(), "application/json"),
        )
        while not self._ending.is_set():
            sent = time.monotonic()
            try:
                self.answers.append((*read(json.loads(asked(*ways[way]))), sent))
                time.sleep(PAUSE)
            except Exception as error:
                self.failures.append(repr(error))
                return


def read(answer):
    """Version and probabilities, from an answer of either protocol."""
    if "outputs" in answer:
        return answer["model_version"], tuple(answer["outputs"][0]["data"])
    version = answer["model"].partition("@")[2]
    return version, tuple(entry["probability"] for entry in answer["predictions"])


def wait_until(condition):
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "It never came to that."
        time.sleep(0.05)


def recent(load, n_answers=8 * N_CLIENTS):
    """Versions in so many answers to requests sent from now on, by which every worker has been asked."""
    start = time.monotonic()

    def versions():
        return [version for version, _, sent in load.answers if sent >= start]

    wait_until(lambda: load.failures or len(versions()) >= n_answers)
    return set(versions())


def reloads(url):
    found = text_string_to_metric_families(asked(f"{url}/metrics").decode())
    samples = [sample for family in found for sample in family.samples if sample.name == "fraud_reloads_total"]
    return {sample.labels["outcome"]: sample.value for sample in samples}


def broken(folder, place):
    """A copy of a model in which one file is not what its card says."""
    shutil.copytree(folder, place)
    with (place / "scaler.json").open("a") as file:
        file.write(" ")
    return place


@pytest.fixture
def versions(tmp_path):
    """Three models in folders of their own, and the folder from which they are served."""
    for name in ("first", "second", "third"):
        write(tmp_path / name / "model", fit(seed=len(name), frame=transactions(seed=ord(name[0]))))
    shutil.copytree(tmp_path / "first" / "model", tmp_path / "model")
    return tmp_path


def put(versions, name):
    shutil.copytree(versions / name / "model", versions / "new" / "model")
    exchange.exchange(versions / "new" / "model", versions / "model")
    shutil.rmtree(versions / "new")


def damage(versions, name):
    with (versions / "model" / name).open("a") as file:
        file.write("x")


CHANGES = {
    "nothing": lambda versions: None,
    "a broken card": lambda versions: damage(versions, "card.json"),
    "a broken file": lambda versions: damage(versions, "scaler.json"),
    "no folder": lambda versions: (versions / "model").rename(versions / "away"),
    "a newer model": lambda versions: put(versions, "third"),
    "the first again": lambda versions: put(versions, "first"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_process_that_starts_later_answers_with_the_model_that_was_accepted_last(versions, change):
    (versions / "state").mkdir()
    parent, worker = (Catalog(versions / "model", kept=KeptModel(versions / "state")) for _ in range(2))
    put(versions, "second")
    worker.catch_up()
    CHANGES[change](versions)
    parent.catch_up()
    expected = {"a newer model": "third", "the first again": "first"}.get(change, "second")
    assert parent.champion.version == version_of(versions / expected / "model")
    assert ("champion" in parent.refused) == ("broken" in change)
    assert parent.champion.probability(ROWS.to_numpy()).shape == (len(ROWS),)
    assert [path.name for path in (versions / "state").iterdir()] == ["champion.tar"]


def test_a_process_whose_folder_was_gone_takes_what_comes_back(versions):
    (versions / "state").mkdir()
    parent, worker = (Catalog(versions / "model", kept=KeptModel(versions / "state")) for _ in range(2))
    (versions / "model").rename(versions / "away")
    shutil.copytree(versions / "second" / "model", versions / "model")
    worker.catch_up()
    shutil.rmtree(versions / "model")
    parent.catch_up()
    assert parent.champion.version == version_of(versions / "second" / "model")
    (versions / "away").rename(versions / "model")
    parent._champion._checked = 0
    wait_until(lambda: parent.champion.version == version_of(versions / "first" / "model"))


@pytest.mark.parametrize("content", [None, b"", b"no archive", b"\0" * 10_240])
def test_a_process_keeps_its_model_where_the_copy_cannot_be_read(versions, content, caplog):
    (versions / "state").mkdir()
    catalog = Catalog(versions / "model", kept=KeptModel(versions / "state"))
    (versions / "state" / "champion.tar").unlink()
    if content is not None:
        (versions / "state" / "champion.tar").write_bytes(content)
    damage(versions, "card.json")
    catalog.catch_up()
    assert catalog.champion.version == version_of(versions / "first" / "model")
    assert ("cannot be loaded" in caplog.text) == (content is not None)


def test_a_model_that_cannot_be_copied_is_refused(versions):
    with pytest.raises(BundleError, match="cannot be copied to the server's state"):
        Catalog(versions / "model", kept=KeptModel(versions / "state"))


@pytest.mark.parametrize("error", [NotLoadedError, BundleError])
def test_slot_tries_again_what_there_was_no_room_for_but_nothing_that_is_broken(versions, monkeypatch, error):
    slot = Slot(versions / "model", lambda accepted: None)
    old = slot.get().version
    calls = []

    def fail_once(folder):
        calls.append(folder)
        if len(calls) == 1:
            raise error("The model cannot be loaded.")
        return load_served(folder)

    monkeypatch.setattr(catalog, "CHECK_EVERY", 0)
    monkeypatch.setattr(catalog, "RETRY_AFTER", 0)
    monkeypatch.setattr(slot, "_load", fail_once)
    put(versions, "second")
    for _ in range(3):
        slot.get()
        slot._loader.join()
    is_new = slot.served.version != old
    assert (is_new, slot.refused is None) == (error is NotLoadedError,) * 2


def test_catalog_has_no_pair_whose_folder_is_gone_until_it_comes_back(versions):
    workers = [Catalog(versions / "model") for _ in range(2)]
    pair = versions / "pairs" / "none+xgb"
    shutil.copytree(versions / "second" / "model", pair)
    workers[0].get(pair.name)
    pair.rename(versions / "away")
    for worker in workers:
        with pytest.raises(UnknownModel):
            worker.get(pair.name)
        assert pair.name not in worker.loaded
    (versions / "away").rename(pair)
    assert {worker.get(pair.name).version for worker in workers} == {version_of(pair)}


def test_catalog_keeps_a_pair_that_is_being_exchanged(versions, monkeypatch):
    catalog = Catalog(versions / "model")
    pair = versions / "pairs" / "none+xgb"
    shutil.copytree(versions / "second" / "model", pair)
    served = catalog.get(pair.name)
    pair.rename(versions / "away")
    monkeypatch.setattr(time, "sleep", lambda seconds: (versions / "away").rename(pair))
    assert catalog.get(pair.name) is served


def test_catalog_calls_a_new_model_by_the_name_to_choose_it_by(versions, monkeypatch):
    names = []
    catalog = Catalog(versions / "model", lambda name, accepted: names.append(name))
    put(versions, "second")
    catalog.catch_up()
    assert names == ["champion"]


def test_load_served_tells_want_of_memory_from_a_broken_model(folder, monkeypatch):
    def exhaust(*_):
        raise MemoryError

    monkeypatch.setattr(bundle, "load", exhaust)
    with pytest.raises(NotLoadedError, match="not enough memory"):
        load_served(folder)


def test_server_exchanges_a_champion_under_load_and_refuses_a_broken_one(folder, tmp_path):
    (tmp_path / "first").mkdir()
    old, new = bundle.load(folder), write(tmp_path / "first" / "new", fit("rf"))
    n_workers = default_workers()
    with serving(folder) as url, Load(url) as load:
        (before,) = recent(load)
        exchange.exchange(tmp_path / "first" / "new", folder)
        wait_until(lambda: load.failures or reloads(url).get("taken") == n_workers)
        (after,) = recent(load)

        exchange.exchange(broken(folder, tmp_path / "second" / "new"), folder)
        wait_until(lambda: load.failures or reloads(url).get("refused") == n_workers)
        assert recent(load) == {after}
        ready = json.loads(asked(f"{url}/v2/health/ready"))
        assert ready["ready"] and "scaler.json" in ready["refused"]["champion"]
        assert reloads(url) == {"taken": n_workers, "refused": n_workers}
    assert load.failures == []
    expected = {version: served.predict_proba(ROWS.head(3)) for version, served in ((before, old), (after, new))}
    assert before != after and {version for version, *_ in load.answers} == set(expected)
    for version, probabilities, _ in load.answers:  # each answer is one model's, whole
        np.testing.assert_allclose(probabilities, expected[version], rtol=0, atol=1e-9)
