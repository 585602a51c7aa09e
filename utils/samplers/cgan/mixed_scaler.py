"""Transform mixed tables to continuous scores, class by class, and back to values that occur in them."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from utils.samplers.cgan.circles import Circle, find_circles
from utils.samplers.cgan.scaler import ScoreScaler, normal_scores, transport

NOISE = 0.2  # standard deviation of what is added to indicators; theirs is about one
MAX_LEVELS = 50  # a column of more categories becomes one score
MAX_INDICATORS = 256  # of all columns together
MAX_KNOTS = 2000
CORRECTIONS = 6  # of the covariance, by rows that are drawn, decided and compared
CORRECTION_ROWS = 10_000


class LevelRule:
    """Decides from scores which level a row has, by thresholds that give every level its rate.

    Levels are tried from the rarest to the most frequent. A row gets the first one whose score exceeds the scores of
    all levels not tried yet by at least a threshold.

    Parameters
    ----------
    order : int ndarray of shape (n_levels,)
        Levels that occur, the rarest first.
    thresholds : ndarray of shape (n_levels - 1,)
    """

    def __init__(self, order: np.ndarray, thresholds: np.ndarray) -> None:
        self.order, self.thresholds = order, thresholds

    @classmethod
    def from_rates(cls, scores: np.ndarray, rates: np.ndarray) -> LevelRule:
        """The rule that gives the levels these rates among rows of the given scores."""
        order = np.argsort(rates, kind="stable")[np.count_nonzero(rates == 0) :]
        rule, rows, thresholds = cls(order, np.empty(0)), np.arange(len(scores)), []
        for step, level in enumerate(order[:-1]):
            margins = rule._margins(scores[rows], step)
            thresholds.append(np.quantile(margins, 1 - rates[level] / rates[order[step:]].sum()))
            rows = rows[margins < thresholds[-1]]
        return cls(order, np.array(thresholds))

    def decide(self, scores: np.ndarray) -> np.ndarray:
        """Level of every row of `scores`, of shape (n_rows, n_levels), or (n_rows, 1) for two levels."""
        levels, rows = np.full(len(scores), self.order[-1]), np.arange(len(scores))
        for step, threshold in enumerate(self.thresholds):
            chosen = self._margins(scores[rows], step) >= threshold
            levels[rows[chosen]] = self.order[step]
            rows = rows[~chosen]
        return levels

    def _margins(self, scores: np.ndarray, step: int) -> np.ndarray:
        """How far the score of a level is above those of the levels tried after it."""
        level, later = self.order[step], self.order[step + 1 :]
        if scores.shape[1] == 1:
            return scores[:, 0] if level == 0 else -scores[:, 0]
        return scores[:, level] - scores[:, later].max(axis=1)


class LevelBlock:
    """Indicators of the categories of a column, or of the gaps of a column of numbers.

    Parameters
    ----------
    column : int
        Position in the table.
    levels : ndarray
        What the indicators stand for; NaN is a gap. For a column of numbers NaN and 0, which is any number.
    """

    skips_gaps = False

    def __init__(self, column: int, levels: np.ndarray) -> None:
        self.column, self.levels = column, levels
        self.width = 1 if len(levels) == 2 else len(levels)
        self.rules: dict[int, LevelRule] = {}

    def fit_transform(self, values: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Standardised indicators, of shape (n_rows, width)."""
        gaps = np.isnan(values)[:, None]
        members = np.where(np.isnan(self.levels), gaps, values[:, None] == self.levels)
        self.rates = [members[codes == code].mean(axis=0) for code in range(codes.max() + 1)]
        indicators = members[:, : self.width].astype(float)
        self.spread = np.sqrt(indicators.var(axis=0).mean())
        return (indicators - indicators.mean(axis=0)) / self.spread

    def correct(self, drawn: np.ndarray, code: int) -> None:
        """Give the levels the rates of class `code` among rows with scores like `drawn`."""
        self.rules[code] = LevelRule.from_rates(drawn, self.rates[code])

    def inverse_transform(self, scores: np.ndarray, code: int) -> np.ndarray:
        """Levels of rows of class `code` that have the given scores."""
        return self.levels[self.rules[code].decide(scores)]

    def exact_scores(self, scores: np.ndarray, code: int) -> np.ndarray:
        """Indicators of the levels decided for `scores`, divided as in :meth:`fit_transform`."""
        return (self.rules[code].decide(scores)[:, None] == np.arange(self.width)) / self.spread

    def to_arrays(self, code: int) -> dict[str, np.ndarray]:
        """What was learned about class `code`."""
        return {"order": self.rules[code].order, "thresholds": self.rules[code].thresholds}

    def from_arrays(self, arrays: dict[str, np.ndarray], code: int) -> None:
        """Restore what :meth:`to_arrays` returned."""
        self.rules[code] = LevelRule(arrays["order"], arrays["thresholds"])


class RankBlock:
    """Normal scores of the ranks of a column of numbers, or of one with too many categories for indicators.

    Parameters
    ----------
    column : int
        Position in the table.
    is_category : bool
        For numbers, values between two neighbours that occur once each may be drawn.
    """

    width = 1

    def __init__(self, column: int, is_category: bool) -> None:
        self.column, self.is_category, self.skips_gaps = column, is_category, not is_category
        self.values: dict[int, np.ndarray] = {}  # of each class, ordered, with their copies
        self.targets: dict[int, np.ndarray] = {}  # probabilities of the rows of each class, ascending
        self.knots: dict[int, np.ndarray] = {}  # drawn scores and their probabilities

    def fit_transform(
        self,
        values: np.ndarray,
        keys: np.ndarray,
        codes: np.ndarray,
        groups: list[np.ndarray],
        random_state: np.random.Generator,
    ) -> np.ndarray:
        """Scores of `values` in the order of their `keys`, of shape (n_rows, 1); at random where the key is NaN.

        Each of the `groups` is a mask of the rows whose distribution a class has.
        """
        scores, present = random_state.standard_normal((len(keys), 1)), ~np.isnan(keys)
        for code, group in enumerate(groups):
            rows = np.flatnonzero(group & present)
            if len(rows):
                scores[rows] = normal_scores(keys[rows, None], random_state)
                self.values[code] = values[rows][np.argsort(keys[rows], kind="stable")]
        self.targets = {code: np.sort(ndtr(scores[present & (codes == code), 0])) for code in range(len(groups))}
        return scores

    def correct(self, drawn: np.ndarray, code: int) -> None:
        """Give rows with scores like `drawn` the probabilities of the training rows of class `code`."""
        quantiles, targets = (np.arange(MAX_KNOTS) + 0.5) / MAX_KNOTS, self.targets[code]
        probabilities = quantiles if len(targets) == len(self.values[code]) else np.quantile(targets, quantiles)
        self.knots[code] = np.stack([np.quantile(drawn, quantiles), probabilities])

    def inverse_transform(self, scores: np.ndarray, code: int) -> np.ndarray:
        """Values of rows of class `code` that have the given scores, of shape (n_rows, 1)."""
        values = self.values[code]
        positions = np.interp(scores[:, 0], *self.knots[code]) * len(values)
        here = positions.astype(int)
        if self.is_category:
            return values[here]
        offset = positions - here - 0.5
        other = np.clip(here + np.where(offset > 0, 1, -1), 0, len(values) - 1)
        changes = np.r_[True, np.diff(values) != 0, True]
        occurs_once = changes[1:] & changes[:-1]
        weight = np.where(occurs_once[here] & occurs_once[other], np.abs(offset), 0.0)
        return np.clip((1 - weight) * values[here] + weight * values[other], values[0], values[-1])

    def exact_scores(self, scores: np.ndarray, code: int) -> np.ndarray:
        """Normal scores of the values that have the given scores."""
        return ndtri(np.interp(scores, *self.knots[code]))

    def to_arrays(self, code: int) -> dict[str, np.ndarray]:
        """What was learned about class `code`; nothing if it has only gaps."""
        return {"values": self.values[code], "knots": self.knots[code]} if code in self.knots else {}

    def from_arrays(self, arrays: dict[str, np.ndarray], code: int) -> None:
        """Restore what :meth:`to_arrays` returned."""
        if arrays:
            self.values[code], self.knots[code] = arrays["values"], arrays["knots"]


class MixedScaler(ScoreScaler):
    """Transforms categories, gaps and numbers of every class to continuous scores, and scores back to rows.

    A column of categories becomes one indicator per category, and so do the gaps of a column of numbers. Indicators
    are standardised and get a little noise, so that a network with continuous outputs can draw them; the largest score
    decides the category of a row. Numbers become normal scores of their ranks. So does a column with more than
    MAX_LEVELS categories, or one that would make the indicators more than MAX_INDICATORS in all; its categories are
    ordered by their means of the first principal component of the other scores.

    After the training, :meth:`correct_margins` compares scores that the networks draw with those of the training
    rows. Categories, gaps and repeated numbers are then drawn as often as they occur in their class, whatever the
    networks have learned of it. How columns depend on each other is left to the networks.

    Parameters
    ----------
    is_category : bool ndarray of shape (n_features,)
    match_values : bool, default=False
        Whether the covariance of numbers themselves is corrected, not that of their normal scores, and neighbouring
        columns that are sine and cosine stay so.
    per_class, decorrelate : bool
        As in :class:`utils.samplers.cgan.scaler.ScoreScaler`.

    Attributes
    ----------
    blocks_ : list of LevelBlock and RankBlock
        In the order of their scores.
    circles_ : list of Circle
        Pairs of columns that are sine and cosine.
    """

    def __init__(
        self,
        is_category: np.ndarray,
        *,
        match_values: bool = False,
        per_class: bool = True,
        decorrelate: bool = False,
    ) -> None:
        super().__init__(per_class=per_class, decorrelate=decorrelate)
        self.is_category = np.asarray(is_category)
        self.match_values = match_values

    def fit_transform(self, X: np.ndarray, codes: np.ndarray, random_state: np.random.Generator) -> np.ndarray:
        """Learn the distributions of `X` and return its scores.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features)
            Numbers, and categories as 0, 1, ...; NaN is a gap.
        codes : ndarray of shape (n_rows,)
            Class of each row as 0, 1, ...
        random_state : numpy.random.Generator
            Determines the ranks of equal values and the noise of indicators.

        Returns
        -------
        ndarray of shape (n_rows, n_scores)
        """
        self.blocks_, groups = _blocks(X, self.is_category), self._groups(codes)
        scores = np.zeros((len(X), sum(block.width for block in self.blocks_)))
        ordered = []
        for block, columns in self._slices():
            values = X[:, block.column]
            if isinstance(block, LevelBlock):
                levels = values if self.is_category[block.column] else 0 * values
                scores[:, columns] = block.fit_transform(levels, codes)
            elif block.is_category:
                ordered.append((block, columns))
            else:
                scores[:, columns] = block.fit_transform(values, values, codes, groups, random_state)
        keys = [_category_ranks(X[:, block.column], scores, groups) for block, _ in ordered]
        for (block, columns), key in zip(ordered, keys, strict=True):
            scores[:, columns] = block.fit_transform(X[:, block.column], key, codes, groups, random_state)
        numbers = np.where(self.is_category, np.nan, X)
        self.circles_ = find_circles(numbers, codes) if self.match_values else []
        self._learn_covariances(X, scores, codes)
        noisy = np.concatenate([[isinstance(block, LevelBlock)] * block.width for block in self.blocks_])
        scores += np.where(noisy, NOISE, 0) * random_state.standard_normal(scores.shape)
        return self._remove_colour(scores, codes)

    def _learn_covariances(self, X: np.ndarray, scores: np.ndarray, codes: np.ndarray) -> None:
        self.covariances_, self.spreads_ = [], []
        for rows, of_class in ((X[codes == code], scores[codes == code]) for code in range(codes.max() + 1)):
            self.spreads_.append(np.array([_spread(values) for values in rows.T]))
            exact = self._with_values(rows, of_class, len(self.spreads_) - 1) if self.match_values else of_class
            self.covariances_.append(np.atleast_2d(np.cov(exact.T)))

    def _with_values(self, rows: np.ndarray, scores: np.ndarray, code: int) -> np.ndarray:
        """Scores in which the numbers themselves, in units of their spread, stand where they are known."""
        scores = scores.copy()
        for block, columns in self._slices():
            if block.skips_gaps:
                values = rows[:, block.column] / self.spreads_[code][block.column]
                known = ~np.isnan(values)
                scores[known, columns] = values[known, None]
        return scores

    def correct_covariance(self, drawn: np.ndarray, code: int) -> None:
        """Change the linear map of a class so that rows with scores like `drawn` depend on each other as in training.

        Only the largest score of a category counts in the end, so that categories that are decided depend on each
        other less, or more, than their scores do. The covariance of the scores is therefore changed by how much that
        of the decided rows misses that of the training rows, several times.

        Parameters
        ----------
        drawn : ndarray of shape (n_drawn, n_scores)
            Scores that a generator draws for the class; the linear map already gives them the moments of the class.
        code : int
        """
        drawn, random_state = drawn[:CORRECTION_ROWS], np.random.default_rng(0)
        colour, shift = self.colour_[code].copy(), self.shift_[code].copy()
        source = target = np.atleast_2d(np.cov((drawn @ colour).T))
        best_move, least = np.eye(len(colour)), np.inf
        for _ in range(CORRECTIONS):
            move = transport(source, target)
            self.colour_[code], self.shift_[code] = colour @ move, shift @ move
            miss = self.covariances_[code] - np.atleast_2d(np.cov(self._exact_scores(drawn, code, random_state).T))
            np.fill_diagonal(miss, 0)
            if np.abs(miss).sum() < least:
                best_move, least = move, np.abs(miss).sum()
            target = target + miss
        self.colour_[code], self.shift_[code] = colour @ best_move, shift @ best_move

    def _exact_scores(self, drawn: np.ndarray, code: int, random_state: np.random.Generator) -> np.ndarray:
        """Scores without noise of the rows that `drawn` stands for; at random for the numbers of gaps."""
        rows = self._inverse(drawn, code, correct=True)
        scores = drawn @ self.colour_[code] + self.shift_[code]
        exact = random_state.standard_normal(scores.shape)
        for block, columns in self._slices():
            known = ~(np.isnan(rows[:, block.column]) & block.skips_gaps)
            if known.any() and not (self.match_values and block.skips_gaps):
                exact[known, columns] = block.exact_scores(scores[known, columns], code)
        return self._with_values(rows, exact, code) if self.match_values else exact

    def correct_margins(self, drawn: np.ndarray, code: int) -> None:
        """Change the inverse so that rows with scores like `drawn` have the distributions of the training rows.

        Parameters
        ----------
        drawn : ndarray of shape (n_drawn, n_scores)
            Scores that a generator draws for the class.
        code : int
        """
        self._inverse(drawn, code, correct=True)

    def inverse_transform(self, scores: np.ndarray, code: int) -> np.ndarray:
        """Rows of class `code` that have the given scores; needs :meth:`correct_margins` before.

        Parameters
        ----------
        scores : ndarray of shape (n_rows, n_scores)
        code : int

        Returns
        -------
        ndarray of shape (n_rows, n_features)
        """
        return self._inverse(scores, code, correct=False)

    def _inverse(self, scores: np.ndarray, code: int, *, correct: bool) -> np.ndarray:
        scores = scores @ self.colour_[code] + self.shift_[code]
        rows = np.zeros((len(scores), len(self.is_category)))
        for block, columns in self._slices():
            present = ~np.isnan(rows[:, block.column])  # the block of a column's gaps comes before that of its numbers
            if not present.any():
                continue
            if correct:
                block.correct(scores[present, columns], code)
            rows[present, block.column] = block.inverse_transform(scores[present, columns], code)
        for circle in self.circles_:
            circle.move(rows, code)
        return rows

    @property
    def has_levels(self) -> bool:
        """Whether there are categories or gaps, which are drawn at the rates of their class."""
        return any(isinstance(block, LevelBlock) for block in self.blocks_)

    def _slices(self) -> list[tuple[LevelBlock | RankBlock, slice]]:
        """Every block with the columns of its scores."""
        ends = np.cumsum([block.width for block in self.blocks_])
        return [(block, slice(end - block.width, end)) for block, end in zip(self.blocks_, ends, strict=True)]

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All learned attributes as named arrays for :func:`numpy.savez`."""
        arrays = {"colour": self.colour_, "shift": self.shift_, "is_category": self.is_category}
        for circle in self.circles_:
            arrays[f"circle_{circle.first}"] = np.stack([circle.centre, circle.radii])
            arrays |= {f"points_{circle.first}_{code}": points for code, points in enumerate(circle.points)}
        arrays["block_columns"] = np.array([block.column for block in self.blocks_])
        for position, block in enumerate(self.blocks_):
            if isinstance(block, LevelBlock):
                arrays[f"block_{position}_levels"] = block.levels
            for code in range(len(self.colour_)):
                learned = block.to_arrays(code)
                arrays |= {f"block_{position}_{code}_{name}": values for name, values in learned.items()}
        return arrays

    def from_arrays(self, arrays: dict[str, np.ndarray]) -> MixedScaler:
        """Restore the attributes from the arrays of :meth:`to_arrays`."""
        self.colour_, self.shift_, self.is_category = (arrays[name] for name in ("colour", "shift", "is_category"))
        self.circles_ = []
        for first in sorted(int(name.removeprefix("circle_")) for name in arrays if name.startswith("circle_")):
            points = tuple(arrays[f"points_{first}_{code}"] for code in range(len(self.colour_)))
            self.circles_.append(Circle(first, *arrays[f"circle_{first}"], points))
        self.blocks_ = []
        for position, column in enumerate(arrays["block_columns"]):
            levels = arrays.get(f"block_{position}_levels")
            is_category = bool(self.is_category[column])
            block = RankBlock(column, is_category) if levels is None else LevelBlock(column, levels)
            for code in range(len(self.colour_)):
                prefix = f"block_{position}_{code}_"
                block.from_arrays(
                    {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)},
                    code,
                )
            self.blocks_.append(block)
        return self


def _blocks(X: np.ndarray, is_category: np.ndarray) -> list[LevelBlock | RankBlock]:
    """The blocks of a table; the columns of fewest categories get indicators first."""
    levels = {column: _levels(X[:, column]) for column in np.flatnonzero(is_category)}
    with_indicators, n_indicators = set(), 0
    for column in sorted(levels, key=lambda column: len(levels[column])):
        n_indicators += len(levels[column])
        if 2 <= len(levels[column]) <= MAX_LEVELS and n_indicators <= MAX_INDICATORS:
            with_indicators.add(column)
    blocks = []
    for column in range(X.shape[1]):
        if column in with_indicators:
            blocks.append(LevelBlock(column, levels[column]))
            continue
        if not is_category[column] and np.isnan(X[:, column]).any():
            blocks.append(LevelBlock(column, np.array([np.nan, 0.0])))
        blocks.append(RankBlock(column, bool(is_category[column])))
    return blocks


def _spread(values: np.ndarray) -> float:
    """Standard deviation of a column without its gaps; 1 if it has none."""
    known = values[~np.isnan(values)]
    largest = np.abs(known).max(initial=0)
    return (largest and largest * (known / largest).std()) or 1.0  # the square of a large number may be infinite


def _levels(values: np.ndarray) -> np.ndarray:
    """Distinct values, NaN first if there is any."""
    levels = np.unique(values)
    return np.roll(levels, 1) if np.isnan(levels[-1]) else levels


def _category_ranks(values: np.ndarray, scores: np.ndarray, groups: list[np.ndarray]) -> np.ndarray:
    """Rank of the category of each row by its mean of the first principal component of `scores`, group by group."""
    ranks = np.empty(len(values))
    for group in groups:
        _, member = np.unique(values[group], return_inverse=True)
        centred = scores[group] - scores[group].mean(axis=0)
        component = centred @ np.linalg.eigh(centred.T @ centred)[1][:, -1]
        means = np.bincount(member, component) / np.bincount(member)
        ranks[group] = np.argsort(np.argsort(means, kind="stable"))[member]
    return ranks
