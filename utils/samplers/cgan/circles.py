"""Pairs of columns that are the sine and the cosine of one angle, such as that of the hour, in drawn rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from utils.samplers.cgan.scaler import MAX_VALUES_PER_ROW

TOLERANCE = 1e-4  # of the equation of a circle; single precision leaves some 1e-6
MIN_POINTS = 6  # any four points are on an ellipse
MAX_RADIUS = 10  # in standard deviations of the points; a line or a parabola is nearly on a large ellipse


@dataclass(frozen=True)
class Circle:
    """Two neighbouring columns that are on a circle, or after scaling on an ellipse.

    Attributes
    ----------
    first : int
        Position of the first of the two columns.
    centre, radii : ndarray of shape (2,)
    points : tuple of ndarray of shape (n_points, 2)
        Of each class, the points that it has if these are so few that others are implausible; else none.
    """

    first: int
    centre: np.ndarray
    radii: np.ndarray
    points: tuple[np.ndarray, ...]

    def move(self, rows: np.ndarray, code: int) -> None:
        """Move drawn rows of a class to the circle, in place; a gap in one column becomes one in both.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features)
        code : int
        """
        columns, points = slice(self.first, self.first + 2), self.points[code]
        pair = (rows[:, columns] - self.centre) / self.radii
        angle = np.arctan2(pair[:, 0], pair[:, 1])
        moved = np.column_stack([np.sin(angle), np.cos(angle)])
        if len(points):
            rows[:, columns] = points[(moved @ ((points - self.centre) / self.radii).T).argmax(axis=1)]
            rows[np.isnan(angle), columns] = np.nan
        else:
            rows[:, columns] = self.centre + self.radii * moved


def find_circles(X: np.ndarray, codes: np.ndarray) -> list[Circle]:
    """The circles of a table.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        NaN is a gap.
    codes : ndarray of shape (n_rows,)
        Class of each row as 0, 1, ...
    """
    found: list[Circle] = []
    for first in range(X.shape[1] - 1):
        pair = X[:, first : first + 2]
        known = ~np.isnan(pair).any(axis=1)
        ellipse = None if found and found[-1].first == first - 1 else _ellipse(pair[known])
        if ellipse:
            classes = range(int(codes.max()) + 1)
            found.append(Circle(first, *ellipse, tuple(_few_points(pair[known & (codes == code)]) for code in classes)))
    return found


def _ellipse(pair: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Centre and radii of the ellipse, with axes along the columns, that all points of `pair` are on; None if none."""
    if min(len(np.unique(column)) for column in pair.T) < 3 or len(np.unique(pair, axis=0)) < MIN_POINTS:
        return None
    largest = np.abs(pair).max(axis=0)
    mean, spread = (pair / largest).mean(axis=0), (pair / largest).std(axis=0)
    scaled = (pair / largest - mean) / spread
    terms = np.concatenate([scaled**2, scaled], axis=1)
    squares, linear = np.split(np.linalg.lstsq(terms, np.ones(len(pair)), rcond=None)[0], 2)
    if (squares <= 0).any() or np.abs(terms @ np.r_[squares, linear] - 1).max() > TOLERANCE:
        return None
    centre = -linear / (2 * squares)
    radii = np.sqrt((1 + (squares * centre**2).sum()) / squares)
    return None if radii.max() > MAX_RADIUS else (largest * (mean + spread * centre), largest * spread * radii)


def _few_points(pair: np.ndarray) -> np.ndarray:
    points = np.unique(pair, axis=0)
    return points if len(points) <= max(2, MAX_VALUES_PER_ROW * len(pair)) else points[:0]
