"""Settings of the conditional GAN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from utils.samplers.cgan.scaler import MIN_ROWS

if TYPE_CHECKING:
    pass


LOSSES = ("wasserstein", "cross_entropy")
SCALINGS = ("class", "shared")


@dataclass(frozen=True)
class GANConfig:
    """Every choice that shapes the networks and their training.

    Attributes
    ----------
    latent_dim : int
        Length of the noise vector.
    hidden : tuple of int
        Widths of the hidden layers, the same in the generator and in the critic.
    updates : int
        Generator updates; the length of training whatever the number of rows.
    critic_steps : int
        Critic updates before each generator update.
    batch_size : int
        Rows per update, split evenly between the classes; a multiple of `pack`.
    learning_rate, betas : float and tuple of float
        Of Adam, in both networks.
    loss : {"wasserstein", "cross_entropy"}
        What the critic is trained for.
    gradient_penalty : float
        Weight of the penalty on critic gradients that are not of length one (Gulrajani et al., 2017).
    auxiliary : float
        Weight of an auxiliary classifier's cross-entropy in the generator's loss (Odena et al., 2017): it
        learns the class of real rows, which it is not told, and the generator is to draw rows that it
        recognises. 0 goes without.
    average_decay : float
        Decay of the running average of generator weights that sampling uses; 0 uses the last weights.
    pack : int
        Rows of one class that the critic judges together (PacGAN, Lin et al., 2018).
    conditional : bool
        Whether both networks see the class of a row.
    scaling : {"class", "shared"}
        Whether each class has its own quantile scaling.
    decorrelate : bool
        Whether scores are also made uncorrelated within each class before the networks see them.
    match_moments : bool
        Whether drawn scores are moved to the mean and covariance of the training rows of their class.
    majority_rows : int
        Rows drawn at random from any class that has more.
    updates_per_call : int
        Generator updates inside one compiled call; progress and divergence are looked at in between.
    """

    latent_dim: int = 64
    hidden: tuple[int, ...] = (128, 128)
    updates: int = 2500
    critic_steps: int = 3
    batch_size: int = 256
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
        if self.batch_size % self.pack:
            raise ValueError(f"batch_size {self.batch_size} is not a multiple of pack {self.pack}; change one.")
