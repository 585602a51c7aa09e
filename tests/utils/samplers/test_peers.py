"""The generators that the CGAN is compared with, on small tables with known structure."""

import os
import signal
import subprocess
import sys
import time
from functools import lru_cache, partial
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from imblearn.pipeline import Pipeline
from imblearn.utils.estimator_checks import parametrize_with_checks
from scipy import sparse, stats
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import StandardScaler

from utils.config import ROOT
from utils.samplers import optional, peers
from utils.samplers.peers import CTGANSampler, GaussianCopulaSampler, JitterSampler, PeerError, TVAESampler

N_MAJORITY, N_MINORITY = 300, 200
MISSING = [name for name in peers.CTGAN_PACKAGES if optional.find_spec(name) is None]
needs_ctgan = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
LIGHT = [JitterSampler, GaussianCopulaSampler]
HEAVY = [
    pytest.param(partial(CTGANSampler, epochs=1, options={"batch_size": 20}), id="CTGAN", marks=needs_ctgan),
    pytest.param(partial(TVAESampler, epochs=2), id="TVAE", marks=needs_ctgan),
]


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """The models fitted here are too small to gain from threads."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def make_table(seed=0):
    """A skewed amount with cents that depends on a signal, the signal's mirror image, a count and a constant."""
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], [N_MAJORITY, N_MINORITY])
    signal = rng.normal(size=len(y)) + 4 * y
    frame = pd.DataFrame(
        {
            "amount": np.round(np.exp(signal + 0.2 * rng.normal(size=len(y))), 2),
            "signal": signal,
            "echo": (-signal + 0.1 * rng.normal(size=len(y))).astype(np.float32),
            "count": rng.poisson(3 + 4 * y),
            "constant": 7.5,
        }
    )
    order = rng.permutation(len(y))
    return frame.iloc[order].reset_index(drop=True), pd.Series(y[order], name="label")


X, Y = make_table()
REAL = X[Y == 1]


@lru_cache
def resampled(build):
    """Real rows and 50 drawn minority rows with labels, the seconds of fit and draw, and those of the whole call."""
    sampler = build(sampling_strategy={1: N_MINORITY + 50}, random_state=0)
    start = time.perf_counter()
    rows, labels = sampler.fit_resample(X, Y)
    return rows, labels, sampler.seconds_, time.perf_counter() - start


def drawn_by(sampler, n_rows=1000, X=X, seed=0):
    """New minority rows of a sampler, as a frame."""
    sampler.set_params(sampling_strategy={1: N_MINORITY + n_rows}, random_state=seed)
    return sampler.fit_resample(X, Y)[0].iloc[len(X) :]


@parametrize_with_checks([JitterSampler(random_state=0), GaussianCopulaSampler(random_state=0)])
def test_peer_sampler_passes_the_checks_of_imbalanced_learn(estimator, check):
    check(estimator)


def copy_rows(rows, request, task):
    """Replaces the worker: copies of real rows instead of rows from CTGAN or TVAE."""
    chosen = np.random.default_rng(request["seed"]).integers(len(rows), size=request["n_rows"])
    return rows[chosen], {"fit_seconds": 0.0, "draw_seconds": 0.0}


@parametrize_with_checks([CTGANSampler(random_state=0), TVAESampler(random_state=0)])
def test_worker_sampler_passes_the_checks_of_imbalanced_learn(estimator, check, monkeypatch):
    monkeypatch.setattr(peers, "require_ctgan", lambda user: None)
    monkeypatch.setattr(peers, "_run_worker", copy_rows)
    check(estimator)


# The contract of every generator


@pytest.mark.parametrize("build", [*LIGHT, *HEAVY])
def test_peer_sampler_puts_real_rows_first_and_draws_rows_like_them(build):
    rows, labels, *_ = resampled(build)
    pd.testing.assert_frame_equal(rows.iloc[: len(X)], X)
    pd.testing.assert_series_equal(labels.iloc[: len(Y)], Y)
    drawn = rows.iloc[len(X) :]
    assert (labels.iloc[len(Y) :] == 1).all() and len(drawn) == 50
    assert list(drawn.dtypes) == list(X.dtypes)
    assert np.isfinite(drawn).all(axis=None)
    assert (drawn["constant"] - 7.5).abs().max() < 1e-6
    np.testing.assert_array_equal(drawn["amount"], drawn["amount"].round(2))
    assert not set(map(tuple, drawn.to_numpy())) & set(map(tuple, X.to_numpy()))


@pytest.mark.parametrize("build", [*LIGHT, *HEAVY])
def test_peer_sampler_repeats_with_its_seed_whatever_the_other_class_holds(build):
    majority = np.repeat((Y == 0).to_numpy()[:, None], X.shape[1], axis=1)
    moved = X.mask(majority, X + 1000).astype(X.dtypes)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    again = drawn_by(build(), 50, X=moved)
    pd.testing.assert_frame_equal(resampled(build)[0].iloc[len(X) :], again)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize("build", [*LIGHT, *HEAVY])
def test_peer_sampler_measures_the_seconds_of_fit_and_draw(build):
    *_, seconds, whole = resampled(build)
    ((label, (fit, draw)),) = seconds.items()
    assert label == 1 and min(fit, draw) > 0 and fit + draw < whole


@pytest.mark.parametrize("build", LIGHT)
def test_peer_sampler_draws_other_rows_with_another_seed(build):
    first, second = (drawn_by(build(), seed=seed) for seed in (0, 1))
    assert not set(map(tuple, first.to_numpy())) & set(map(tuple, second.to_numpy()))


@pytest.mark.parametrize("build", LIGHT)
@pytest.mark.parametrize(
    ("strategy", "minority"),
    [("auto", N_MAJORITY), (0.9, 270), ({1: 210}, 210), (lambda y: {1: 205}, 205)],
    ids=["auto", "float", "dict", "callable"],
)
def test_peer_sampler_follows_the_sampling_strategy(build, strategy, minority):
    _, labels = build(sampling_strategy=strategy).fit_resample(X, Y)
    assert labels.value_counts().to_dict() == {0: N_MAJORITY, 1: minority}


@pytest.mark.parametrize("build", LIGHT)
def test_peer_sampler_draws_each_of_several_classes_from_its_own_rows(build):
    y = np.repeat(["a", "b", "c"], [60, 20, 15])
    table = np.random.default_rng(0).normal(size=(95, 2)) + 100 * (y == "b")[:, None] - 100 * (y == "c")[:, None]
    rows, labels = build(random_state=0).fit_resample(table, y)
    assert [int((labels == name).sum()) for name in "abc"] == [60, 60, 60]
    assert (rows[labels == "b"] > 50).all() and (rows[labels == "c"] < -50).all()


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("build", LIGHT)
def test_peer_sampler_returns_sparse_rows_for_sparse_input(build, kind):
    table = X.to_numpy(dtype=float)
    dense, _ = build(random_state=0).fit_resample(table, Y)
    rows, _ = build(random_state=0).fit_resample(kind(table), Y)
    assert isinstance(rows, kind)
    np.testing.assert_allclose(rows.toarray(), dense)


@pytest.mark.parametrize("build", LIGHT)
def test_peer_sampler_draws_rows_that_train_a_model_in_a_pipeline(build):
    pipeline = Pipeline([("scale", StandardScaler()), ("sample", build()), ("model", LogisticRegression())])
    assert cross_val_score(pipeline, X, Y, cv=3, scoring="average_precision", error_score="raise").min() > 0.95


@pytest.mark.parametrize("build", LIGHT)
def test_peer_sampler_refuses_too_few_rows(build):
    few = np.r_[np.flatnonzero(Y == 0), np.flatnonzero(Y == 1)[: build.min_rows - 1]]
    with pytest.raises(ValueError, match=f"Class 1 has {build.min_rows - 1} rows and {build.__name__} needs"):
        build().fit_resample(X.iloc[few], Y.iloc[few])


@pytest.mark.parametrize(
    "sampler", [JitterSampler(noise=-1), CTGANSampler(epochs=0), TVAESampler(options="fast")], ids=repr
)
def test_peer_sampler_refuses_parameters_out_of_range(sampler):
    with pytest.raises(ValueError, match="must be"):
        sampler.fit_resample(X, Y)


@pytest.mark.parametrize("unit", [2.0**-40, 2.0**-1000, 2.0**1000], ids=["tiny", "next to nothing", "huge"])
@pytest.mark.parametrize("build", LIGHT)
def test_peer_sampler_draws_the_same_rows_in_any_unit(build, unit):
    table, y = np.random.default_rng(0).normal(size=(120, 2)), np.repeat([0, 1], [80, 40])
    ordinary = build(random_state=0).fit_resample(table, y)[0][120:]
    other = build(random_state=0).fit_resample(table * unit, y)[0][120:]
    np.testing.assert_allclose(other / unit, ordinary, rtol=1e-9)
    assert len(np.unique(other[:, 0])) == 40


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_jitter_sampler_keeps_whole_numbers_within_the_bounds_of_their_type(dtype):
    bounds = np.iinfo(dtype)
    table = np.tile(np.array([bounds.min, bounds.max], dtype=dtype), 300)[:, None]
    rows, _ = JitterSampler(noise=0.1, random_state=0).fit_resample(table, np.repeat([0, 1], [400, 200]))
    at_a_bound = np.isin(rows[600:, 0], [bounds.min, bounds.max])
    # Half of the noise exceeds a bound; without clipping it would wrap around to the other bound.
    assert at_a_bound.mean() == pytest.approx(0.5, abs=0.1)


# The properties of each generator


def test_jitter_sampler_copies_rows_without_noise_and_stays_near_them_with_it():
    copies = set(map(tuple, drawn_by(JitterSampler(noise=0)).to_numpy()))
    assert copies <= set(map(tuple, REAL.to_numpy())) and len(copies) > 0.9 * N_MINORITY
    table = np.random.default_rng(0).normal(size=(400, 1)) * 50
    y = np.repeat([0, 1], [398, 2])
    rows, _ = JitterSampler(sampling_strategy={1: 4002}, noise=0.2, random_state=0).fit_resample(table, y)
    around = np.abs(rows[400:] - table[398:].T).min(axis=1)
    assert around.std() > 0 and np.sqrt((around**2).mean()) == pytest.approx(0.2 * table[398:].std(), rel=0.1)


def test_gaussian_copula_sampler_keeps_the_marginal_distributions_and_ranges():
    drawn = drawn_by(GaussianCopulaSampler(), 5000)
    assert (drawn.min() >= REAL.min() - 1e-6).all() and (drawn.max() <= REAL.max() + 1e-6).all()
    for name in ("amount", "signal", "echo"):
        assert stats.ks_2samp(drawn[name], REAL[name]).statistic < 0.04


def test_gaussian_copula_sampler_keeps_rank_correlations():
    columns = ["amount", "signal", "echo", "count"]
    drawn, real = (table[columns].corr(method="spearman") for table in (drawn_by(GaussianCopulaSampler(), 5000), REAL))
    assert np.abs(drawn - real).to_numpy().max() < 0.06
    assert drawn.loc["signal", "echo"] < -0.95


def test_gaussian_copula_sampler_models_no_dependence_beyond_correlation():
    signal = np.random.default_rng(0).normal(size=600)
    table, y = np.c_[signal, signal**2], np.repeat([0, 1], [400, 200])
    rows, _ = GaussianCopulaSampler(sampling_strategy={1: 3200}, random_state=0).fit_resample(table, y)
    assert abs(np.corrcoef(rows[600:, 0] ** 2, rows[600:, 1])[0, 1]) < 0.2


@needs_ctgan
def test_tvae_sampler_learns_dependence_with_training():
    few, many = (drawn_by(TVAESampler(epochs=epochs, options={"batch_size": 100})) for epochs in (1, 300))
    assert many["signal"].corr(many["echo"]) < -0.4 < few["signal"].corr(few["echo"])
    assert abs(many["signal"].mean() - REAL["signal"].mean()) < 0.3


# The process that holds PyTorch


@needs_ctgan
def test_tvae_sampler_never_imports_torch_in_this_process():
    code = (
        "import sys, numpy as np; from utils.samplers.peers import TVAESampler;"
        "X, y = np.random.default_rng(0).normal(size=(40, 2)), np.repeat([0, 1], [28, 12]);"
        "print(TVAESampler(epochs=1).fit_resample(X, y)[0].shape, {'torch', 'ctgan', 'tensorflow'} & set(sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "(56, 2) set()"


@needs_ctgan
def test_ctgan_worker_keeps_to_the_threads_that_joblib_gives(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS")
    rows = np.random.default_rng(0).normal(size=(600, 2))
    request = {"model": "TVAE", "parameters": {"epochs": 1}, "n_rows": 3, "seed": 0}

    def work():
        return peers._run_worker(rows, request, "TVAE")[1]["threads"]

    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        (used,) = joblib.Parallel(n_jobs=2)([joblib.delayed(work)()])
    assert used == 1


@needs_ctgan
def test_ctgan_sampler_reports_a_crash_in_one_sentence():
    sampler = CTGANSampler(options={"speed": 9}, random_state=0)
    with pytest.raises(PeerError, match=r"CTGAN on the 200 rows of class 1 failed with 'TypeError: .*speed") as error:
        sampler.fit_resample(X, Y)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("build", [CTGANSampler, TVAESampler])
def test_worker_sampler_names_a_missing_package_and_what_to_do(build, monkeypatch):
    monkeypatch.setattr(optional, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=f"{build.__name__} needs ctgan and torch.*--group ctgan"):
        build().fit_resample(X, Y)


CTGAN_STAND_IN = """
import os, time
from pathlib import Path

class CTGAN:
    def __init__(self, enable_gpu, epochs, act="draw"):
        self.act = act

    def set_random_state(self, seed):
        self.seed = seed

    def fit(self, frame):
        print("a library's chatter")
        self.frame = frame
        if self.act == "crash":
            raise ValueError("no rows like these")
        if self.act == "die":
            os.kill(os.getpid(), 9)
        if self.act == "leave":
            os._exit(0)
        if self.act == "train":
            Path(os.environ["STARTED"]).touch()
            time.sleep(600)

    def sample(self, n_rows):
        return self.frame.sample(n_rows, replace=True, random_state=self.seed)
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Install a fake `ctgan` without PyTorch that does what its option `act` says; return the temporary folder."""
    packages, temporary = tmp_path / "packages", tmp_path / "temporary"
    packages.mkdir()
    temporary.mkdir()
    (packages / "ctgan.py").write_text(CTGAN_STAND_IN)
    (packages / "torch.py").write_text("def get_num_threads():\n    return 1\n")
    monkeypatch.syspath_prepend(packages)
    monkeypatch.setenv("PYTHONPATH", str(packages))
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setenv("STARTED", str(tmp_path / "started"))
    return temporary


def acting(act):
    return CTGANSampler(options={"act": act}, random_state=0)


def test_ctgan_worker_returns_its_rows_whatever_its_libraries_print(stand_in):
    drawn = drawn_by(acting("draw"), 30)
    assert set(map(tuple, drawn.to_numpy())) <= set(map(tuple, REAL.to_numpy()))
    assert len(drawn) == 30 and list(stand_in.iterdir()) == []


@pytest.mark.parametrize(
    ("act", "message"),
    [
        ("crash", "CTGAN on the 200 rows of class 1 failed with 'ValueError: no rows like these'; check its options"),
        ("die", "CTGAN on the 200 rows of class 1 was ended by SIGKILL; if nobody sent that signal, memory ran out"),
        ("leave", "CTGAN on the 200 rows of class 1 failed with 'a library's chatter'"),
    ],
)
def test_ctgan_worker_that_fails_is_one_sentence_and_leaves_no_files(stand_in, act, message):
    with pytest.raises(PeerError, match=message) as error:
        acting(act).fit_resample(X, Y)
    assert "\n" not in str(error.value)
    assert list(stand_in.iterdir()) == []


def _heed_interrupts():
    """Restore Ctrl-C, which the background jobs of a shell and their children ignore."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start_a_long_fit():
    """Start a process, in its own group, that fits a CTGAN for minutes; return once its worker runs."""
    code = (
        "import numpy as np; from utils.samplers.peers import CTGANSampler;"
        "X, y = np.random.default_rng(0).normal(size=(40, 2)), np.repeat([0, 1], [28, 12]);"
        "CTGANSampler(options={'act': 'train'}).fit_resample(X, y)"
    )
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    options = {"cwd": ROOT, "start_new_session": True, "preexec_fn": _heed_interrupts, **streams}
    process = subprocess.Popen([sys.executable, "-c", code], **options)
    wait_until(Path(os.environ["STARTED"]).exists)
    assert process.poll() is None
    return process


def wait_until(condition, seconds=60):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.1)


def is_running(group):
    """Whether a process group still has members."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_ctgan_worker_ends_with_an_interrupt_of_its_parent_and_leaves_no_files(stand_in):
    process = start_a_long_fit()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) != 0
    assert not is_running(process.pid)
    assert list(stand_in.iterdir()) == []


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_ctgan_worker_ends_with_its_parent_and_leaves_no_files(stand_in, end):
    process = start_a_long_fit()
    process.send_signal(end)
    process.wait(timeout=30)
    wait_until(lambda: not is_running(process.pid))
    assert list(stand_in.iterdir()) == []
