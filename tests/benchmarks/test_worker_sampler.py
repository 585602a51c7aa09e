"""Generators of the worker process as over-samplers: their rows, types and seconds."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from benchmarks.generators import peer_worker, worker_sampler
from benchmarks.generators.worker_sampler import WorkerSampler


@pytest.fixture
def table():
    return make_blobs([200, 40], n_features=3, random_state=0)


def fit_slowly(request):
    """A generator that copies the mean, and takes .2 s to fit and .1 s to draw."""

    def fit():
        time.sleep(0.2)

        def draw(n_rows):
            time.sleep(0.1)
            return request.rows.mean().to_frame().T.loc[[0] * n_rows]

        return draw

    return fit


def test_worker_sampler_appends_what_the_generator_of_the_rarer_class_draws_and_times_it(table, monkeypatch):
    monkeypatch.setitem(peer_worker.FITS, "mean", fit_slowly)
    monkeypatch.setattr(worker_sampler, "start_worker", lambda: ThreadPoolExecutor(1))
    X, y = table
    sampler = WorkerSampler(model="mean", sampling_strategy={1: 55}, random_state=0)
    rows, labels = sampler.fit_resample(X, y)
    np.testing.assert_array_equal(rows[:240], X)
    np.testing.assert_allclose(rows[240:], np.tile(X[y == 1].mean(axis=0), (15, 1)), atol=1e-5)
    assert labels[240:].tolist() == [1] * 15
    fit_seconds, draw_seconds = sampler.seconds_[1]
    assert fit_seconds >= 0.2 and draw_seconds >= 0.1


@pytest.mark.parametrize(("model", "package"), [("ARF", "arfpy"), ("ForestDiffusion", "ForestDiffusion")])
def test_worker_sampler_draws_new_rows_like_the_real_ones_and_the_same_ones_again(model, package, table):
    pytest.importorskip(package)
    X, y = table
    settings = {"n_t": 5, "duplicate_K": 5, "n_estimators": 10} if model == "ForestDiffusion" else None
    samplers = [WorkerSampler(model=model, settings=settings, random_state=0) for _ in range(2)]
    drawn, again = (sampler.fit_resample(X, y)[0][240:] for sampler in samplers)
    np.testing.assert_array_equal(drawn, again)
    np.testing.assert_allclose(drawn.mean(axis=0), X[y == 1].mean(axis=0), atol=0.6)
    assert len(drawn) == 160 and len(np.unique(drawn, axis=0)) == 160
