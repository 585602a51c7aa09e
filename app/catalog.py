"""The models that can be chosen: the champion and the study's pairs, replaced while the server runs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.model_files import MeasuredPair, Score
from app.served import Description, Served, describe_folder, load_served, scores_of
from utils.serving.bundle import CARD, BundleError

logger = logging.getLogger("app")

CHAMPION = "champion"
PAIRS = "pairs"
CHECK_EVERY = 1.0  # seconds between two looks at a folder
Identity = tuple[int, int, int]


class UnknownModel(LookupError):
    """No model of this name can be chosen; the message lists those that can."""


@dataclass(frozen=True)
class Entry:
    """A model that can be chosen.

    Attributes
    ----------
    name : str
        What to choose it by.
    description : Description
    scores : Score or None
        None if the study did not measure exactly this model.
    """

    name: str
    description: Description
    scores: Score | None


class Slot:
    """A folder with the model that was loaded from it last.

    Whoever asks gets a model at once: a new one is loaded and tried out in the background and then takes the old
    one's place. A broken one is refused, and the old one goes on serving.

    Parameters
    ----------
    folder : Path
        Where the model is, or will be.
    on_reload : callable
        Called with the folder's name, and whether the new model in it was taken.
    """

    def __init__(self, folder: Path, on_reload: Callable[[str, bool], None]):
        self.folder = folder
        self.refused: str | None = None
        self._on_reload = on_reload
        self.served: Served | None = None
        self._identity: Identity | None = None
        self._checked = 0.0
        self._lock = threading.Lock()
        self._loader: threading.Thread | None = None

    def get(self) -> Served:
        """The model as it is now; BundleError if none was ever loaded and the folder's cannot be."""
        if self.served is None:
            with self._lock:
                if self.served is None:
                    identity = identity_of(self.folder)
                    self.served, self._identity = load_served(self.folder), identity
        elif time.monotonic() - self._checked > CHECK_EVERY:
            self._look()
        return self.served

    def _look(self) -> None:
        with self._lock:
            if time.monotonic() - self._checked <= CHECK_EVERY or (self._loader and self._loader.is_alive()):
                return
            self._checked = time.monotonic()
            identity = identity_of(self.folder)
            # A folder is missing for an instant while it is exchanged.
            if identity is None or identity == self._identity:
                return
            self._identity = identity
            self._loader = threading.Thread(target=self._reload, name=f"load {self.folder.name}", daemon=True)
            self._loader.start()

    def _reload(self) -> None:
        try:
            served = load_served(self.folder)
        except BundleError as error:
            logger.error("refused a new model in %s and kept %s: %s", self.folder.name, self.served.name, error)
            self.refused = str(error)
        else:
            self.served, self.refused = served, None
            logger.info("serving %s from %s", served.name, self.folder.name)
        self._on_reload(self.folder.name, self.refused is None)


class Catalog:
    """Champion and pairs by name.

    Parameters
    ----------
    folder : Path
        The champion's; pairs lie beside it, in `pairs/<sampler>+<model>`.
    on_reload : callable, optional
        Called with a folder's name, and whether the new model in it was taken.

    Raises
    ------
    BundleError
        If there is no champion, or it is not as it was saved.
    """

    def __init__(self, folder: Path, on_reload: Callable[[str, bool], None] = lambda name, taken: None):
        self._pairs = folder.with_name(PAIRS)
        self._on_reload = on_reload
        self._champion = Slot(folder, on_reload)
        self._slots: dict[str, Slot] = {CHAMPION: self._champion}
        self._champion.get()

    @property
    def champion(self) -> Served:
        """The champion as it is now."""
        return self._champion.get()

    @property
    def refused(self) -> dict[str, str]:
        """Why a newer model was refused, by the name that still serves the older one."""
        return {name: slot.refused for name, slot in list(self._slots.items()) if slot.refused}

    @property
    def loaded(self) -> dict[str, str]:
        """Full names of the models in memory, by the name to choose them by."""
        return {name: slot.served.name for name, slot in list(self._slots.items()) if slot.served}

    @property
    def names(self) -> list[str]:
        """What can be chosen: the champion first, then the pairs in the study's order."""
        saved = {path.parent.name for path in self._pairs.glob(f"[!.]*+*/{CARD}")}
        in_order = [pair.name for pair in self.champion.scores if pair.name in saved]
        return [CHAMPION, *in_order, *sorted(saved - set(in_order))]

    @property
    def pairs(self) -> list[MeasuredPair]:
        """Every pair that the study measured, whether it can be chosen or not."""
        return self.champion.scores

    def get(self, name: str) -> Served:
        """The model of this name; UnknownModel lists the names there are."""
        if name not in self._slots:
            names = self.names
            if name not in names:
                raise UnknownModel(f"There is no model of that name; choose one of {', '.join(names)}.")
            self._slots.setdefault(name, Slot(self._pairs / name, self._on_reload))
        return self._slots[name].get()

    def describe(self) -> list[Entry]:
        """Every model that can be chosen, without loading any; models that cannot be read are left out."""
        return [entry for name in self.names if (entry := self.entry(name))]

    def entry(self, name: str) -> Entry | None:
        """The description of one model, without loading it; None if it cannot be read."""
        try:
            description = self.champion.describe() if name == CHAMPION else describe_folder(self._pairs / name)
        except (OSError, ValueError):  # being exchanged, or broken
            return None
        return Entry(name, description, scores_of(description.card, self.champion.scores))


def identity_of(folder: Path) -> Identity | None:
    """What changes whenever another card is put in place; None while there is none."""
    try:
        status = (folder / CARD).stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
