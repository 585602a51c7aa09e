"""The hash of the code that bears on results."""

import pytest

from utils.benchmark import code_version as module
from utils.benchmark.run_task import provenance


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of two files, one of which bears on results; versions are computed anew."""
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "code_version", module.code_version.__wrapped__)
    (tmp_path / "utils" / "samplers" / "cgan").mkdir(parents=True)
    (tmp_path / "utils" / "samplers" / "cgan" / "gan.py").write_text("A = 1\n")
    (tmp_path / "utils" / "benchmark").mkdir()
    (tmp_path / "utils" / "benchmark" / "progress.py").write_text("B = 1\n")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "text", "changes"),
    [
        ("utils/samplers/cgan/gan.py", "A = 2\n", True),
        ("utils/samplers/cgan/gan.py", '"""A module."""\n\nA = 1  # one\n', False),
        ("utils/samplers/new.py", "C = 1\n", True),
        ("utils/benchmark/progress.py", "B = 2\n", False),
    ],
)
def test_code_version_changes_with_code_that_bears_on_results(project, path, text, changes):
    before = module.code_version()
    (project / path).write_text(text)
    assert (module.code_version() != before) is changes


def test_every_pattern_has_files():
    assert all(list(module.ROOT.glob(pattern)) for pattern in module.BEARING)


def test_provenance_records_the_code_version():
    assert provenance().code == module.code_version() and len(module.code_version()) == 12
