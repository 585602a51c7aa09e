"""Metrics of the server in Prometheus' format: counts and times, never the values of a transaction."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from flask import Blueprint, Response, current_app
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest, values
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

blueprint = Blueprint("monitoring", __name__)
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


def count_together(folder: Path) -> None:
    """Let the counters of all processes that are forked from this one add up, through files in `folder`.

    Each process writes files of its own. They stay when it ends, so that no sum falls when a worker is replaced, and
    are removed by the first process that calls this when no other one counts here any more.
    """
    _clear_unless_in_use(folder)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    values.ValueClass = values.MultiProcessValue()


def _clear_unless_in_use(folder: Path) -> None:
    """Remove the counters of processes that have ended, if all have; a lock shows others that this one counts here."""
    lock = os.open(folder, os.O_RDONLY)  # stays open until this process and those forked from it are gone
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pass
    else:
        for path in folder.glob("*.db"):
            path.unlink(missing_ok=True)
    fcntl.flock(lock, fcntl.LOCK_SH)


class Monitor:
    """The counters of one application."""

    def __init__(self) -> None:
        self._loaded: _Loaded | None = None
        self._registry = CollectorRegistry()
        options = {"registry": self._registry, "namespace": "fraud"}
        self._requests = Counter("requests", "Requests answered.", ["method", "route", "status"], **options)
        self._seconds = Histogram("request_seconds", "Time to answer.", ["route"], buckets=SECONDS, **options)
        self._rows = Counter("rows", "Rows by their outcome.", ["model", "outcome"], **options)
        self._reloads = Counter(
            "reloads", "New models found while serving, once by each worker.", ["name", "outcome"], **options
        )

    def watch(self, serving: Callable[[], dict[str, str]]) -> None:
        """Report the loaded models, which `serving` gives by the name to choose them by."""
        self._loaded = _Loaded(serving)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(method, route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def scored(self, model: str, n_scored: int, n_alerts: int, n_errors: int) -> None:
        """Count the rows of a request."""
        for outcome, count in (("pass", n_scored - n_alerts), ("alert", n_alerts), ("error", n_errors)):
            self._rows.labels(model, outcome).inc(count)

    def reloaded(self, name: str, taken: bool) -> None:
        """Count a new model."""
        self._reloads.labels(name, "taken" if taken else "refused").inc()

    def figures(self) -> bytes:
        """All metrics in Prometheus' text format."""
        registry = self._registry
        if values.ValueClass._multiprocess:
            registry = CollectorRegistry()
            _AllProcesses(registry)
        text = generate_latest(registry)
        if self._loaded:
            loaded = CollectorRegistry()
            loaded.register(self._loaded)
            text += generate_latest(loaded)
        return text


class _AllProcesses(MultiProcessCollector):
    """The sums over all processes, of which one may just have made its file, or have died before it wrote to it."""

    def collect(self) -> Iterable[Metric]:
        return self.merge([path for path in Path(self._path).glob("*.db") if path.stat().st_size])


class _Loaded:
    """One line per loaded model, read at every request for metrics."""

    def __init__(self, serving: Callable[[], dict[str, str]]):
        self._serving = serving

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily("fraud_model_info", "Models that are loaded.", labels=["name", "model"])
        for name, model in self._serving().items():
            family.add_metric([name, model], 1)
        yield family


@blueprint.get("/metrics")
def figures() -> Response:
    """Every figure as it is now."""
    return Response(current_app.extensions["monitor"].figures(), content_type=CONTENT_TYPE_LATEST)
