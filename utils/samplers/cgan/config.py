"""Settings of the conditional GAN."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from utils.samplers.cgan.scaler import MIN_ROWS

LOSSES = ("wasserstein", "cross_entropy")
SCALINGS = ("class", "shared")
CRITICS = ("concatenated", "projection")
ADDED = {"majority_share": None, "critic": "concatenated", "match_values": False}  # what results without them had


@dataclass(frozen=True)
class GANConfig:
    """Settings of the networks and their training.

    Attributes
    ----------
    latent_dim : int
        Length of the noise vector.
    hidden : tuple of int
        Widths of the hidden layers, the same in the generator and in the critic.
    updates : int
        Generator updates, whatever the number of rows.
    critic_steps : int
        Critic updates before each generator update.
    batch_size : int
        Rows per update; a multiple of `pack`.
    majority_share : float or None
        Share of these rows that are of the largest class; the others share the rest evenly. None splits them evenly
        between all classes.
    critic : {"concatenated", "projection"}
        Whether the critic gets the class beside the row (Mirza and Osindero, 2014), or its score is the inner product
        of a vector of the class with the last hidden layer of the row (Miyato and Koyama, 2018).
    learning_rate, betas : float and tuple of float
        Parameters of Adam, for all networks.
    loss : {"wasserstein", "cross_entropy"}
        Loss of the critic and the generator.
    gradient_penalty : float
        Weight of the penalty on critic gradients that are not of length one (Gulrajani et al., 2017).
    auxiliary : float
        Weight of an auxiliary classifier's cross-entropy in the generator's loss (Odena et al., 2017). The
        classifier learns to predict the class of real rows, and the generator to draw rows that it assigns to the
        requested class. 0 trains no classifier.
    average_decay : float
        Decay of the moving average of the generator's weights that sampling uses; 0 uses the last weights.
    pack : int
        Rows of one class that the critic scores together (PacGAN, Lin et al., 2018).
    conditional : bool
        Whether generator and critic get the class of a row as input.
    scaling : {"class", "shared"}
        Whether each class is scaled by its own quantiles or all classes by the same.
    decorrelate : bool
        Whether scores are also made uncorrelated within each class before training.
    match_moments : bool
        Whether drawn scores are moved to the mean and covariance of the training rows of their class. In mixed tables
        the covariance of what is decided from the scores is corrected, too.
    match_values : bool
        Whether tables of numbers alone are transformed as mixed tables are, and the covariance that drawn rows are
        given is that of numbers themselves and not of their normal scores. Pairs of columns that are sine and cosine
        then stay so.
    majority_rows : int
        Largest number of rows of a class used for training; more are sampled at random.
    updates_per_call : int
        Generator updates per compiled call; progress and divergence are checked after each call.
    """

    latent_dim: int = 64
    hidden: tuple[int, ...] = (128, 128)
    updates: int = 2500
    critic_steps: int = 3
    batch_size: int = 256
    majority_share: float | None = None
    critic: str = "concatenated"
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.5, 0.9)
    loss: str = "wasserstein"
    gradient_penalty: float = 10.0
    auxiliary: float = 0.0
    average_decay: float = 0.999
    pack: int = 1
    conditional: bool = True
    scaling: str = "class"
    decorrelate: bool = False
    match_moments: bool = True
    match_values: bool = False
    majority_rows: int = 4000
    updates_per_call: int = 500

    def __post_init__(self) -> None:
        sizes = (self.latent_dim, *self.hidden, self.updates, self.critic_steps, self.batch_size, self.pack)
        if min(*sizes, self.updates_per_call, self.majority_rows - MIN_ROWS + 1) < 1:
            raise ValueError(f"Sizes and counts of {self} must be positive, and majority_rows {MIN_ROWS} or more.")
        if self.loss not in LOSSES:
            raise ValueError(f"GANConfig.loss is {self.loss!r}; use one of {LOSSES}.")
        if self.scaling not in SCALINGS:
            raise ValueError(f"GANConfig.scaling is {self.scaling!r}; use one of {SCALINGS}.")
        if self.critic not in CRITICS:
            raise ValueError(f"GANConfig.critic is {self.critic!r}; use one of {CRITICS}.")
        if self.majority_share is not None and not 0 < self.majority_share < 1:
            raise ValueError(
                f"GANConfig.majority_share is {self.majority_share}; use a number between 0 and 1, or None."
            )
        if self.batch_size % self.pack:
            raise ValueError(f"batch_size {self.batch_size} is not a multiple of pack {self.pack}; change one.")

    def settings(self) -> dict[str, object]:
        """All settings but those of `ADDED` that are as they were before, so that keys of earlier results stay."""
        return {name: value for name, value in asdict(self).items() if name not in ADDED or value != ADDED[name]}
