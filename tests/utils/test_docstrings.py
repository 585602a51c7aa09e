"""Docstrings of the public interface have every section, and their examples hold."""

import doctest
from importlib import import_module
from itertools import pairwise

import pytest

from utils.analysis import compare_samplers
from utils.data import load
from utils.leakage import audit
from utils.models import registry as model_registry
from utils.samplers import CGANSampler, ConditionalGAN
from utils.samplers import registry as sampler_registry

MODULES = [
    "utils.analysis.comparisons",
    "utils.data.loading",
    "utils.data.reading.column_names",
    "utils.leakage.auditing",
    "utils.models.registry",
    "utils.samplers.cgan.conditional_gan",
    "utils.samplers.cgan.sampler",
    "utils.samplers.registry",
]
FUNCTIONS = [audit, compare_samplers, load]
ESTIMATORS = [CGANSampler, ConditionalGAN]
REGISTRIES = [model_registry, sampler_registry]


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_hold(name):
    failed, attempted = doctest.testmod(import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert attempted and not failed


def sections(documented) -> set[str]:
    """Headings of a numpydoc docstring."""
    lines = [line.strip() for line in documented.__doc__.splitlines()]
    return {line for line, below in pairwise(lines) if line and set(below) == {"-"}}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_docstrings_of_functions_have_every_section(function):
    assert sections(function) >= {"Parameters", "Returns", "Raises", "See Also", "References", "Examples"}


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: estimator.__name__)
def test_docstrings_of_estimators_have_every_section(estimator):
    assert sections(estimator) >= {"Parameters", "Attributes", "See Also", "References", "Examples"}


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda registry: registry.__name__)
def test_docstrings_of_registries_have_every_section(registry):
    assert sections(registry) >= {"See Also", "References", "Examples"}


@pytest.mark.parametrize("entry", [model_registry.ModelEntry, sampler_registry.SamplerEntry])
def test_docstrings_of_entries_have_every_section(entry):
    assert sections(entry) >= {"Parameters", "See Also", "Examples"}
