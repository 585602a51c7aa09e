"""Base class of the binary classifiers: validation of rows and labels, and tags."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import validate_data


class BinaryClassifier(ClassifierMixin, BaseEstimator):
    """Base class of classifiers that accept any two labels.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The labels in ascending order.
    n_features_in_ : int
    """

    def _validate_binary(self, X: ArrayLike, y: ArrayLike, **options: Any) -> tuple[NDArray, NDArray[np.int64]]:
        """Validate rows and labels, and set `classes_`.

        Parameters
        ----------
        X : array of shape (n_rows, n_features)
        y : array of shape (n_rows,)
        **options
            Passed to scikit-learn's `validate_data`.

        Returns
        -------
        X : ndarray of shape (n_rows, n_features)
        codes : ndarray of shape (n_rows,)
            Position of each label in `classes_`.

        Raises
        ------
        ValueError
            If a value is not finite or `y` does not have two classes.
        """
        X, y = validate_data(self, X, y, **options)
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y", raise_unknown=True)
        if kind != "binary":
            raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has 1 class, {self.classes_[0]!r}; {type(self).__name__} needs exactly 2.")
        return X, codes

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags
