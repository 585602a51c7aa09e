"""Optional modules are hidden for as long as asked."""

import importlib
import sys

import pytest

from app.optional import without_module


def test_without_module_hides_a_module_in_its_block_alone(monkeypatch):
    monkeypatch.delitem(sys.modules, "wave", raising=False)
    with without_module("wave"), pytest.raises(ImportError, match="wave"):
        importlib.import_module("wave")
    assert "wave" not in sys.modules
    imported = importlib.import_module("wave")
    with without_module("wave"):
        assert importlib.import_module("wave") is imported
