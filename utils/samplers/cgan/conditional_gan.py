"""A conditional GAN for small tables of numbers, categories and dates, as a scikit-learn estimator."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator
from dataclasses import asdict
from numbers import Integral
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted

from utils.samplers.cgan.config import GANConfig
from utils.samplers.cgan.json_values import (
    decode_array,
    decode_dtype,
    decode_index,
    encode_array,
    encode_dtype,
    encode_index,
)
from utils.samplers.cgan.mixed_scaler import MixedScaler
from utils.samplers.cgan.networks import forward
from utils.samplers.cgan.scaler import ClassQuantileScaler, as_column, as_type, check_rows
from utils.samplers.cgan.table import (
    KINDS,
    CategoryColumn,
    accepting_mixed_tables,
    check_table,
    column_format,
    is_mixed,
)
from utils.samplers.cgan.training import trainer_for
from utils.seeding import child_seed

MOMENT_ROWS = 20_000
MARGIN_ROWS = 60_000  # rates estimated from these are three times as exact as those of 6,000 drawn rows
ROWS_AT_ONCE = 20_000  # in drawing; longer arrays exceed the processor's cache and need more memory


class ConditionalGAN(BaseEstimator):
    """A GAN that draws rows of a chosen class: Wasserstein loss, gradient penalty, per-class scaling.

    The rows of each class are transformed to normal scores (:class:`utils.samplers.cgan.scaler.ClassQuantileScaler`),
    so the networks only learn how the columns of a class depend on each other. The class is concatenated to the input
    of generator and critic (Mirza and Osindero, 2014). The critic is trained for the Wasserstein distance with a
    gradient penalty (Gulrajani et al., 2017), on batches with the same number of rows of every class. Sampling uses
    a moving average of the generator's weights. `GANConfig` has the alternatives: a projection critic (Miyato and
    Koyama, 2018), batches in favour of small classes, and tables of numbers that are transformed as mixed ones.

    A mixed table, which has gaps or columns of categories, text, dates or durations, is transformed by
    :class:`utils.samplers.cgan.mixed_scaler.MixedScaler` instead: categories and gaps become indicators. Every
    category, gap and repeated number, such as 0 in half of the rows, is drawn at the rate of its class, and the
    covariance of drawn rows is corrected to that of the training rows. No category is drawn that the class does not
    have, no number or date is outside its range in the class, and steps that all values share (whole days, tenths) are
    kept. A column of many categories needs no more memory than one of numbers. Numbers of a categorical type are
    categories.

    Parameters
    ----------
    config : GANConfig, default=None
        None is ``GANConfig()``.
    random_state : int, RandomState or None, default=None
        An integer makes training and sampling repeatable.
    verbose : int, default=0
        1 shows a progress bar with the losses.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    n_features_in_ : int
    weights_ : list of ndarray
        Averaged weights of the generator.
    history_ : DataFrame
        Columns update, critic_loss, generator_loss; one row per generator update.

    See Also
    --------
    CGANSampler : The GAN as an over-sampler, for pipelines.
    GANConfig : Every setting, with its default.
    ClassQuantileScaler : Transforms rows to normal scores and back.

    References
    ----------
    Mirza, M. and Osindero, S. (2014). Conditional generative adversarial nets.
    Gulrajani, I., Ahmed, F., Arjovsky, M., Dumoulin, V. and Courville, A. (2017). Improved training of Wasserstein
    GANs.
    Miyato, T. and Koyama, M. (2018). cGANs with projection discriminator.
    Olkin, I. and Pukelsheim, F. (1982). The distance between two random vectors with given dispersion matrices.

    Examples
    --------
    Drawn rows have the names, types and ranges of the table; training is kept far too short to learn anything:

    >>> import numpy as np, pandas as pd
    >>> from utils.samplers.cgan import ConditionalGAN, GANConfig
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"amount": rng.exponential(50, 200).round(2), "count": rng.poisson(3, 200)})
    >>> y = np.repeat(["legitimate", "fraud"], [160, 40])
    >>> config = GANConfig(latent_dim=8, hidden=(16,), updates=10, critic_steps=1, batch_size=32)
    >>> gan = ConditionalGAN(config, random_state=0).fit(X, y)
    >>> frauds = gan.sample(500, "fraud")
    >>> frauds.shape, [str(dtype) for dtype in frauds.dtypes]
    ((500, 2), ['float64', 'int64'])
    >>> bool((frauds.max() <= X[y == "fraud"].max()).all())
    True

    Categories, gaps and dates are drawn as they are:

    >>> X["channel"] = pd.Categorical(rng.choice(["web", "shop"], 200))
    >>> X["amount"] = X["amount"].where(rng.random(200) < 0.8)
    >>> X["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90, 200), unit="D")
    >>> frauds = ConditionalGAN(config, random_state=0).fit(X, y).sample(500, "fraud")
    >>> frauds.dtypes.equals(X.dtypes), bool(frauds["amount"].isna().any()), bool(frauds["count"].isna().any())
    (True, True, False)
    >>> bool((frauds["day"] == frauds["day"].dt.normalize()).all())
    True
    """

    def __init__(
        self,
        config: GANConfig | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.config = config
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Tags:
        return accepting_mixed_tables(super().__sklearn_tags__())

    def fit(self, X: np.ndarray | pd.DataFrame, y: np.ndarray | pd.Series) -> ConditionalGAN:
        """Train on the rows of `X` with labels `y`.

        Parameters
        ----------
        X : array or DataFrame of shape (n_rows, n_features)
            Numbers, bools, categories, text, dates and durations, of the types of NumPy or pandas; or Python objects
            that are text, bools or numbers. A missing value (NaN, None, NaT, NA) is a gap.
        y : array or Series of shape (n_rows,)

        Returns
        -------
        ConditionalGAN
            The fitted estimator.

        Raises
        ------
        ValueError
            If a value is infinite or nested, a column has no value at all or a different category in every row, a
            label is missing, or a class has fewer than 10 rows. The message names the column.
        DivergenceError
            If a loss is no longer finite; lower the learning rate in this case.
        """
        config = self.config or GANConfig()
        rows, labels = self._read(X, y)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        self.n_features_in_ = rows.shape[1]
        self.seed_ = _draw_seed(self.random_state)
        self.n_draws_ = 0
        generator = np.random.default_rng(child_seed(self.seed_, "rows"))
        selected = _cap_classes(codes, config.majority_rows, generator)
        self.scaler_ = self._new_scaler()
        scores = self.scaler_.fit_transform(rows[selected], codes[selected], generator)
        trainer = trainer_for(config, scores.shape[1], len(self.classes_))
        seed = child_seed(self.seed_, "training")
        self.history_, self.weights_ = trainer.train(scores, codes[selected], config.updates, seed, self.verbose)
        if config.match_moments:
            self._match_moments(scores, codes[selected])
        if isinstance(self.scaler_, MixedScaler):
            self._match_mixed()
        return self

    def _read(self, X: np.ndarray | pd.DataFrame, y: np.ndarray | pd.Series) -> tuple[np.ndarray, np.ndarray]:
        """Rows as numbers, and labels; learn the names, types and formats of the columns."""
        if is_mixed(X):
            table, labels = check_table(X, y)
        else:
            rows, labels = check_rows(X, y)
            table = X if isinstance(X, pd.DataFrame) else pd.DataFrame(rows)
        self.formats_ = None
        if is_mixed(X) or (self.config or GANConfig()).match_values:
            columns = [table.iloc[:, position] for position in range(table.shape[1])]
            self.formats_ = [column_format(column) for column in columns]
            rows = np.column_stack([form.encode(column) for form, column in zip(self.formats_, columns, strict=True)])
        if isinstance(X, pd.DataFrame):
            self.columns_, self.dtypes_ = X.columns, list(X.dtypes)
        else:
            self.columns_, self.dtypes_ = None, [np.asarray(X).dtype]
        return rows, labels

    def _new_scaler(self) -> ClassQuantileScaler | MixedScaler:
        config = self.config or GANConfig()
        options = {"per_class": config.scaling == "class", "decorrelate": config.decorrelate}
        if self.formats_ is None:
            return ClassQuantileScaler(**options)
        is_category = np.array([isinstance(form, CategoryColumn) for form in self.formats_])
        return MixedScaler(is_category, match_values=config.match_values, **options)

    def _match_moments(self, scores: np.ndarray, codes: np.ndarray) -> None:
        """Make the scaler correct the mean and covariance of the scores drawn for each class."""
        for code in range(len(self.classes_)):
            drawn = np.concatenate(list(self._draw_scores(MOMENT_ROWS, code, child_seed(self.seed_, "moments", code))))
            self.scaler_.correct_moments(scores[codes == code], drawn, code)

    def _match_mixed(self) -> None:
        """Make the scaler give the rows drawn for each class the rates and the covariance of the training rows."""
        has_rates = self.scaler_.has_levels or not (self.config or GANConfig()).match_values
        n_rows = MARGIN_ROWS if has_rates else MOMENT_ROWS
        for code in range(len(self.classes_)):
            seed = child_seed(self.seed_, "margins", code)
            drawn = np.concatenate(list(self._draw_scores(n_rows, code, seed)))
            if (self.config or GANConfig()).match_moments:
                self.scaler_.correct_covariance(drawn, code)
            self.scaler_.correct_margins(drawn, code)

    def sample(self, n_rows: int, label: Hashable, random_state: int | None = None) -> np.ndarray | pd.DataFrame:
        """Draw rows of one class.

        Parameters
        ----------
        n_rows : int
        label : hashable
            One of ``classes_``.
        random_state : int or None, default=None
            None draws different rows at every call, in a sequence fixed by the random state of `fit`.

        Returns
        -------
        ndarray or DataFrame of shape (n_rows, n_features)
            With the column names and types of the training table.

        Raises
        ------
        ValueError
            If `label` was not in training or `n_rows` is negative.
        """
        check_is_fitted(self, "weights_")
        if label not in self.classes_:
            raise ValueError(f"No rows labelled {label!r} were seen in fit; choose from {list(self.classes_)}.")
        if n_rows < 0:
            raise ValueError(f"n_rows is {n_rows}; use 0 or more.")
        if random_state is None:
            random_state = child_seed(self.seed_, "sample", self.n_draws_)
            self.n_draws_ += 1
        code = int(np.flatnonzero(self.classes_ == label)[0])
        batches = [
            self.scaler_.inverse_transform(scores, code) for scores in self._draw_scores(n_rows, code, random_state)
        ]
        return self._as_fitted(np.concatenate(batches) if batches else np.empty((0, self.n_features_in_)))

    def _draw_scores(self, n_rows: int, code: int, seed: int) -> Iterator[np.ndarray]:
        """Scores drawn for a class, in batches of shape (at most ROWS_AT_ONCE, n_features)."""
        config, generator = self.config or GANConfig(), np.random.default_rng(seed)
        for start in range(0, n_rows, ROWS_AT_ONCE):
            inputs = np.zeros((min(ROWS_AT_ONCE, n_rows - start), config.latent_dim + len(self.classes_)))
            inputs[:, : config.latent_dim] = generator.standard_normal((len(inputs), config.latent_dim))
            inputs[:, config.latent_dim + code] = float(config.conditional)
            yield forward(self.weights_, inputs)

    def _as_fitted(self, rows: np.ndarray) -> np.ndarray | pd.DataFrame:
        """Give `rows` the names and types of the training table."""
        if self.formats_ is not None:
            columns = [form.decode(values) for form, values in zip(self.formats_, rows.T, strict=True)]
        elif self.columns_ is None:
            return as_type(rows, self.dtypes_[0])
        else:
            columns = [as_column(values, dtype) for values, dtype in zip(rows.T, self.dtypes_, strict=True)]
        table = pd.concat(columns, axis=1)
        return table.to_numpy(self.dtypes_[0]) if self.columns_ is None else table.set_axis(self.columns_, axis=1)

    def save(self, folder: str | Path) -> Path:
        """Write a fitted GAN as ``gan.json`` and ``gan.npz``, without pickle and readable without TensorFlow.

        Existing files are replaced only after both new files are written.

        Parameters
        ----------
        folder : str or Path
            Created if it does not exist.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        TypeError
            If a label or a column name is not text, a number, a date, or a tuple of these.
        """
        check_is_fitted(self, "weights_")
        text = json.dumps(self._facts(), indent=1, default=np.generic.item)
        arrays = {f"weight_{position}": weight for position, weight in enumerate(self.weights_)}
        arrays |= {f"history_{name}": values.to_numpy() for name, values in self.history_.items()}
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".gan-", dir=folder) as temporary:
            written = [Path(temporary) / name for name in ("gan.npz", "gan.json")]
            np.savez_compressed(written[0], **arrays, **self.scaler_.to_arrays())
            written[1].write_text(text)
            for path in written:
                path.replace(folder / path.name)
        return folder

    def _facts(self) -> dict[str, object]:
        """Contents of ``gan.json``."""
        return {
            "config": asdict(self.config or GANConfig()),
            "columns": None if self.columns_ is None else encode_index(self.columns_),
            "dtypes": [encode_dtype(dtype) for dtype in self.dtypes_],
            "formats": self.formats_ and [form.to_json() for form in self.formats_],
            "classes": encode_array(self.classes_),
            "seed": self.seed_,
            "n_draws": self.n_draws_,
            "n_weights": len(self.weights_),
            "n_features_in": self.n_features_in_,
        }

    @classmethod
    def load(cls, folder: str | Path) -> ConditionalGAN:
        """Read a GAN that :meth:`save` wrote; it samples the same rows.

        Parameters
        ----------
        folder : str or Path

        Returns
        -------
        ConditionalGAN
        """
        facts = json.loads((Path(folder) / "gan.json").read_text())
        with np.load(Path(folder) / "gan.npz", allow_pickle=False) as stored:
            arrays = dict(stored)
        tuples = {name: tuple(facts["config"][name]) for name in ("hidden", "betas")}
        config = GANConfig(**(facts["config"] | tuples))
        gan = cls(config, random_state=facts["seed"])
        gan.columns_ = facts["columns"] and decode_index(facts["columns"])
        gan.dtypes_ = [decode_dtype(code) for code in facts["dtypes"]]
        formats = facts.get("formats")  # GANs of earlier versions have none
        gan.formats_ = formats and [KINDS[form["kind"]].from_json(form) for form in formats]
        gan.seed_, gan.n_draws_ = facts["seed"], facts["n_draws"]
        gan.n_features_in_ = facts["n_features_in"]
        gan.classes_ = decode_array(facts["classes"])
        gan.weights_ = [arrays[f"weight_{position}"] for position in range(facts["n_weights"])]
        names = ("update", "critic_loss", "generator_loss")
        gan.history_ = pd.DataFrame({name: arrays[f"history_{name}"] for name in names})
        gan.scaler_ = gan._new_scaler().from_arrays(arrays)
        return gan


def _cap_classes(codes: np.ndarray, limit: int, generator: np.random.Generator) -> np.ndarray:
    """Positions of at most `limit` rows of every class, in ascending order."""
    members = [np.flatnonzero(codes == code) for code in range(codes.max() + 1)]
    selected = [generator.choice(rows, limit, replace=False) if len(rows) > limit else rows for rows in members]
    return np.sort(np.concatenate(selected))


def _draw_seed(random_state: int | np.random.RandomState | None) -> int:
    """An integer seed; for None it comes from the operating system, not from NumPy's global state."""
    if random_state is None:
        return int(np.random.default_rng().integers(2**31))
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
