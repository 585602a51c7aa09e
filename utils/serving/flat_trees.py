"""Trees of a forest or of boosting concatenated in arrays, which compiled code evaluates.

However few the rows, scikit-learn spends 15 microseconds on each tree, and XGBoost some hundred on each call; this
spends some ten on a row and hundreds of trees. It adds the trees in the order of the libraries and in their precision,
so that the probabilities are the same to the last bit. For many rows the libraries are faster.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

if TYPE_CHECKING:
    from xgboost import Booster

Predict = Callable[[NDArray], NDArray]


class Tree(NamedTuple):
    """A binary tree, or several in the same arrays; each array has shape (n_nodes,).

    Attributes
    ----------
    left, right : array of int
        Positions of a node's children; -1 for a leaf.
    feature : array of int
    threshold : array of float
        A row whose feature is at most the threshold goes to the left.
    value : array of float
        What a leaf adds to the sum over trees.
    """

    left: NDArray
    right: NDArray
    feature: NDArray
    threshold: NDArray
    value: NDArray


class FlatTrees:
    """Trees concatenated in arrays; the first node of each is its root."""

    def __init__(self, trees: Sequence[Tree]):
        sizes = [len(tree.left) for tree in trees]
        left, right, *others = map(np.concatenate, zip(*trees, strict=True))
        self._roots = np.cumsum([0, *sizes[:-1]])
        offset = np.repeat(self._roots, sizes)
        self._nodes = Tree(np.where(left < 0, -1, left + offset), np.where(left < 0, -1, right + offset), *others)

    def sum(self, X: NDArray, start: float) -> NDArray:
        """`start` and the values of a row's leaves added up, of shape (n_rows,), in the precision of the values."""
        return _sum_of_leaves(X.astype(np.float32), self._nodes.value.dtype.type(start), self._roots, self._nodes)


@njit(nogil=True)
def _sum_of_leaves(X: NDArray, start: float, roots: NDArray, nodes: Tree) -> NDArray:
    total = np.full(len(X), start)
    for root in roots:
        for row in range(len(X)):
            node = root
            while nodes.left[node] >= 0:
                is_left = X[row, nodes.feature[node]] <= nodes.threshold[node]
                node = nodes.left[node] if is_left else nodes.right[node]
            total[row] += nodes.value[node]
    return total


def forest_probability(forest: RandomForestClassifier | ExtraTreesClassifier) -> Predict:
    """Probability of the last of two classes, of shape (n_rows,), by a fitted forest of scikit-learn."""
    trees = [member.tree_ for member in forest.estimators_]
    flat = FlatTrees(
        [
            Tree(tree.children_left, tree.children_right, tree.feature, tree.threshold, tree.value[:, 0, 1].copy())
            for tree in trees
        ]
    )
    return lambda X: flat.sum(X, 0) / len(trees)


def boosted_probability(booster: Booster) -> Predict | None:
    """Probability of the positive class, of shape (n_rows,); None if it is not that of plain trees with two classes.

    Rows must have no missing values.
    """
    learner = json.loads(booster.save_raw("json"))["learner"]
    trees = learner["gradient_booster"].get("model", {}).get("trees", [])
    kinds = learner["gradient_booster"]["name"], learner["objective"]["name"]
    if kinds != ("gbtree", "binary:logistic") or any(any(tree["split_type"]) for tree in trees):
        return None
    flat = FlatTrees([_boosted_tree(tree) for tree in trees])
    (base,) = json.loads(learner["learner_model_param"]["base_score"])
    start = -math.log(np.float32(1) / np.float32(base) - np.float32(1))
    return lambda X: expit(flat.sum(X, start))


def _boosted_tree(tree: dict[str, list]) -> Tree:
    """A tree from XGBoost's JSON, in which leaves have their value in place of a threshold."""
    left, right, feature = (np.array(tree[name]) for name in ("left_children", "right_children", "split_indices"))
    conditions = np.array(tree["split_conditions"], dtype=np.float32)
    below = np.nextafter(conditions, np.float32(-np.inf))  # XGBoost sends rows to the left that are less
    return Tree(left, right, feature, below, conditions)
