"""Every test asserts something and none returns early; a test that cannot run is skipped with a reason."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ASSERTING = ("raises", "warns", "fail", "check")  # pytest's, and the checks of scikit-learn


def functions_in(tree: ast.Module) -> dict[str, ast.FunctionDef]:
    """Functions of a module by name, including methods and fixtures."""
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def asserts(node: ast.AST, helpers: set[str]) -> bool:
    """Whether a statement asserts, expects an error, or calls a helper that does."""
    if isinstance(node, ast.Assert):
        return True
    if not isinstance(node, ast.Call):
        return False
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    return name.startswith("assert_") or name in ASSERTING or (isinstance(node.func, ast.Name) and name in helpers)


def asserting_functions(functions: dict[str, ast.FunctionDef]) -> set[str]:
    """Names of the functions that assert directly or through each other."""
    asserting: set[str] = set()
    while True:
        extended = {name for name, node in functions.items() if any(asserts(n, asserting) for n in ast.walk(node))}
        if extended == asserting:
            return asserting
        asserting = extended


def returns_of(function: ast.FunctionDef) -> list[ast.Return]:
    """Return statements of the function itself, without those of nested functions."""
    inner = [node for node in ast.walk(function) if isinstance(node, ast.FunctionDef) and node is not function]
    theirs = {id(child) for node in inner for child in ast.walk(node)}
    return [node for node in ast.walk(function) if isinstance(node, ast.Return) and id(node) not in theirs]


@pytest.mark.parametrize("path", sorted(TESTS.rglob("test_*.py")), ids=lambda path: str(path.relative_to(TESTS)))
def test_tests_all_assert_and_none_returns_early(path):
    functions = functions_in(ast.parse(path.read_text()))
    tests = {name: node for name, node in functions.items() if name.startswith("test_")}
    assert not set(tests) - asserting_functions(functions)
    assert not {name for name, node in tests.items() if returns_of(node)}


def test_asserting_functions_and_returns_of_find_the_faulty_tests():
    source = """
def helper(x):
    assert x
def test_by_helper():
    helper(1)
def test_without():
    print(1)
def test_returns():
    if x:
        return
    def inner():
        return 1
    assert inner()
"""
    functions = functions_in(ast.parse(source))
    assert asserting_functions(functions) == {"helper", "test_by_helper", "test_returns"}
    assert [len(returns_of(functions[name])) for name in ("test_without", "test_returns")] == [0, 1]
