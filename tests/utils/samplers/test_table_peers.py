"""Generators of other projects for tables: what is drawn, and what is said if it cannot be."""

import pickle
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from utils.config import ROOT
from utils.samplers import optional, peer_generators, peers, table_peers
from utils.samplers.peer_frame import PeerFrame
from utils.samplers.peer_generators import PeerRequest
from utils.samplers.peers import PeerError
from utils.samplers.table_peers import ARFSampler, CopulaSampler

N_ROWS, N_POSITIVES = 400, 120
KINDS = [
    pytest.param(kind, marks=pytest.mark.skipif(bool(missing), reason=f"needs {' and '.join(missing)}"))
    for kind in (ARFSampler, CopulaSampler)
    for missing in [[name for name in kind.packages if optional.find_spec(name) is None]]
]


@pytest.fixture(scope="module")
def rows():
    """Numbers with gaps, whole numbers, categories with gaps and one that no positive has, and labels."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [N_ROWS - N_POSITIVES, N_POSITIVES])
    amount = (rng.lognormal(size=N_ROWS) + 5 * y).round(2)
    X = pd.DataFrame(
        {
            "amount": np.where(rng.random(N_ROWS) < 0.2, np.nan, amount),
            "count": rng.integers(0, 5, N_ROWS) + y,
            "shop": pd.Categorical(np.where(y == 1, rng.choice(["a", "b"], N_ROWS), "c")),
            "channel": pd.Categorical(np.where(rng.random(N_ROWS) < 0.3, None, "chip")),
        }
    )
    return X, y


@pytest.mark.parametrize("kind", KINDS)
def test_table_peer_draws_rows_like_those_of_the_class(kind, rows):
    X, y = rows
    table, labels = kind(sampling_strategy={1: 5 * N_POSITIVES}, random_state=0).fit_resample(X, y)
    pd.testing.assert_frame_equal(table.iloc[:N_ROWS], X)
    drawn, real = table.iloc[N_ROWS:], X[y == 1]
    assert len(drawn) == 4 * N_POSITIVES and (labels[N_ROWS:] == 1).all()
    assert list(drawn.dtypes) == list(X.dtypes) and set(drawn["shop"]) == {"a", "b"}
    assert set(drawn["count"]) <= set(range(1, 6)) and abs(drawn["amount"].median() - real["amount"].median()) < 0.5
    np.testing.assert_array_equal(drawn["amount"], drawn["amount"].round(2))
    for name in ("amount", "channel"):
        assert abs(drawn[name].isna().mean() - real[name].isna().mean()) < 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_table_peer_runs_without_loading_its_packages_here(kind):
    code = (
        f"import sys, numpy as np; from utils.samplers.table_peers import {kind.__name__} as Kind;"
        "X, y = np.random.default_rng(0).normal(size=(60, 2)), np.repeat([0, 1], [40, 20]);"
        "print(Kind(random_state=0).fit_resample(X, y)[0].shape, {*Kind.packages, 'tensorflow'} & set(sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "(80, 2) set()"


@pytest.mark.parametrize(("kind", "names"), [(ARFSampler, "arfpy"), (CopulaSampler, "copulas and rdt")])
def test_table_peer_names_missing_packages_and_what_to_do(kind, names, rows, monkeypatch):
    monkeypatch.setattr(optional, "find_spec", lambda name: None)
    with pytest.raises(optional.MissingPackageError, match=rf"{kind.__name__} needs {names},.*--group peers") as error:
        kind().fit_resample(*rows)
    assert "\n" not in str(error.value)


def test_missing_package_error_ends_a_command_with_its_sentence(monkeypatch):
    from utils.benchmark.errors import exit_with_a_sentence

    monkeypatch.setattr(optional, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"^This needs nothing, which"), exit_with_a_sentence():
        optional.require_packages("This", ["nothing"], group="peers")


@pytest.fixture
def installed(monkeypatch):
    """Whatever is installed, no package is missed."""
    monkeypatch.setattr(table_peers, "require_packages", lambda *_, **__: None)


def test_table_peer_says_what_a_generator_could_not_do(installed, rows, monkeypatch):
    monkeypatch.setattr(table_peers, "ask_worker", lambda *_: pickle.dumps("KeyError: 'shop'"))
    with pytest.raises(ValueError, match=r"^ARF on 120 rows failed with 'KeyError: 'shop''; use RandomOverSampler"):
        ARFSampler().fit_resample(*rows)


def test_table_peer_does_not_replace_a_generator_whose_process_is_ended(installed, rows, monkeypatch):
    ended = subprocess.CompletedProcess([], -signal.SIGKILL, b"", b"")
    monkeypatch.setattr(peers.subprocess, "run", lambda *_, **__: ended)
    with pytest.raises(PeerError, match="copula on 120 rows was ended by SIGKILL"):
        CopulaSampler().fit_resample(*rows)


def test_table_peer_refuses_a_class_of_few_rows(installed):
    with pytest.raises(ValueError, match="A class has 9 rows and ARFSampler needs at least 10; use RandomOverSampler"):
        ARFSampler().fit_resample(np.arange(80.0).reshape(40, 2), np.repeat([0, 1], [31, 9]))


def test_peer_worker_answers_with_the_error_of_a_generator():
    rows = pd.DataFrame({"a": [1.0, 2.0]})
    request = PeerRequest.of_frame(PeerFrame(rows), "unknown", 1, 0)
    answer = peers.ask_worker("utils.samplers.peer_worker", pickle.dumps(request), "unknown", ())
    assert pickle.loads(answer) == "KeyError: 'unknown'"


def test_copula_interpolates_the_quantiles_of_many_rows():
    pytest.importorskip("copulas")
    pytest.importorskip("rdt")
    rng = np.random.default_rng(0)
    frame = PeerFrame(pd.DataFrame({"a": rng.gamma(2, size=100), "b": rng.normal(size=100)}))
    n_rows = len(peer_generators.SCORES)
    exact, interpolated = (
        peer_generators.fit_and_draw(PeerRequest.of_frame(frame, "copula", n, 0)).rows for n in (n_rows, n_rows + 1)
    )
    quantiles = np.linspace(0.01, 0.99, 20)
    spread = frame.rows.std()
    assert ((exact.quantile(quantiles) - interpolated.quantile(quantiles)).abs() < 0.25 * spread).all(axis=None)
