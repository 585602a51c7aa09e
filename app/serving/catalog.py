"""The models that can be chosen, the champion and pairs of the study; they can be replaced while the server runs."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from app.serving.kept_model import KeptModel
from app.serving.model_files import MeasuredPair
from app.serving.served import ModelDescription, NotLoadedError, Served, describe_folder, load_served
from utils.serving.bundle import CARD, BundleError

logger = logging.getLogger("app")

CHAMPION = "champion"
PAIRS = "pairs"
CHECK_EVERY = 1.0  # seconds between two checks of a folder
EXCHANGE = 0.05  # seconds after which a folder that is being exchanged is there again
RETRY_AFTER = 60.0  # seconds until a model is tried again that there was no memory or no room on the disk for
Identity = tuple[int, int, int]


class UnknownModel(LookupError):
    """No model of this name can be chosen; the message lists those that can."""


class Slot:
    """A folder with the model that was last loaded from it.

    `get` never waits for a new model: that is loaded and scores its examples in the background, and then replaces the
    old one. A broken model is refused, and the old one is kept. Where memory or room on the disk was short, the new one
    is tried again.

    Parameters
    ----------
    folder : Path
        Where the model is, or will be.
    on_reload : callable
        Called with whether a new model was accepted.
    kept : KeptModel, optional
        Where processes find the model that another one has accepted.
    """

    def __init__(self, folder: Path, on_reload: Callable[[bool], None], kept: KeptModel | None = None):
        self.folder = folder
        self._kept = kept
        self._load = kept.take if kept else load_served
        self.refused: str | None = None
        self._on_reload = on_reload
        self.served: Served | None = None
        self._identity: Identity | None = None
        self._checked = 0.0
        self._retry_at = math.inf
        self._lock = threading.Lock()
        self._loader: threading.Thread | None = None

    def get(self) -> Served:
        """The current model; BundleError if none has been loaded and the one in the folder is broken."""
        if self.served is None:
            with self._lock:
                if self.served is None:
                    identity = identity_of(self.folder)
                    self.served, self._identity = self._load(self.folder), identity
        elif time.monotonic() - self._checked > CHECK_EVERY:
            self._check()
        return self.served

    def _check(self) -> None:
        with self._lock:
            if time.monotonic() - self._checked <= CHECK_EVERY or (self._loader and self._loader.is_alive()):
                return
            self._checked = time.monotonic()
            identity = identity_of(self.folder)
            # The folder is missing for an instant while it is exchanged.
            if identity is None or (identity == self._identity and time.monotonic() < self._retry_at):
                return
            self._identity, self._retry_at = identity, math.inf
            self._loader = threading.Thread(target=self._reload, name=f"load {self.folder.name}", daemon=True)
            self._loader.start()

    def _reload(self) -> None:
        try:
            served = self._load(self.folder)
        except BundleError as error:
            logger.error("refused a new model in %s and kept %s: %s", self.folder.name, self.served.name, error)
            self.refused = str(error)
            if isinstance(error, NotLoadedError):
                self._retry_at = time.monotonic() + RETRY_AFTER
        else:
            self.served, self.refused = served, None
            logger.info("serving %s from %s", served.name, self.folder.name)
        self._on_reload(self.refused is None)

    def catch_up(self) -> None:
        """Take the model in the folder at once if it is new; if it is broken or gone, the one that is kept.

        For a process from which others are forked: it does not answer itself, so that `get` takes nothing there.
        """
        identity = identity_of(self.folder)
        if identity and identity == self._identity and not self.refused:
            return
        self._identity = identity
        if identity:
            self._reload()
        if self._kept and (self.refused or not identity):
            self._take_kept(self._kept)

    def _take_kept(self, kept: KeptModel) -> None:
        try:
            served = kept.other_than(self.served.version)
        except BundleError as error:
            logger.error("kept %s, as the copy of its successor cannot be loaded: %s", self.served.name, error)
            return
        if served:
            self.served = served
            logger.info("serving %s from its copy", served.name)


class Catalog:
    """Champion and pairs by name.

    Parameters
    ----------
    folder : Path
        Folder of the champion; pairs are beside it, in `pairs/<sampler>+<model>`.
    on_reload : callable, optional
        Called with the name to choose a model by, and whether a new one was accepted.
    kept : KeptModel, optional
        Where processes that share it find the champion that another one has accepted.

    Raises
    ------
    BundleError
        If there is no champion, or it was changed.
    """

    def __init__(
        self,
        folder: Path,
        on_reload: Callable[[str, bool], None] = lambda name, taken: None,
        kept: KeptModel | None = None,
    ):
        self._pairs = folder.with_name(PAIRS)
        self._on_reload = on_reload
        self._champion = Slot(folder, partial(on_reload, CHAMPION), kept)
        self._slots: dict[str, Slot] = {CHAMPION: self._champion}
        self._champion.get()

    def catch_up(self) -> None:
        """Take a new champion, see `Slot.catch_up`; pairs are loaded by each process itself."""
        self._champion.catch_up()

    @property
    def champion(self) -> Served:
        """The current champion."""
        return self._champion.get()

    @property
    def refused(self) -> dict[str, str]:
        """Why newer models were refused, by the name of the model that is served instead."""
        return {name: slot.refused for name, slot in list(self._slots.items()) if slot.refused}

    @property
    def loaded(self) -> dict[str, str]:
        """Full names of the loaded models, by the name to choose them by."""
        return {name: slot.served.name for name, slot in list(self._slots.items()) if slot.served}

    @property
    def names(self) -> list[str]:
        """Names that can be chosen: the champion first, then the pairs in the order of the study."""
        saved = {path.parent.name for path in self._pairs.glob(f"[!.]*+*/{CARD}")}
        in_order = [pair.name for pair in self.champion.scores if pair.name in saved]
        return [CHAMPION, *in_order, *sorted(saved - set(in_order))]

    @property
    def pairs(self) -> list[MeasuredPair]:
        """Every pair that the study measured, whether it can be chosen or not."""
        return self.champion.scores

    def get(self, name: str) -> Served:
        """The model of this name; UnknownModel lists the names that can be chosen."""
        if name == CHAMPION:
            return self.champion
        slot = self._slots.get(name)
        if slot is None or self._is_gone(name):
            self._slots.pop(name, None)
            names = self.names
            if name not in names:
                choice = f"one of {', '.join(names)}" if len(names) > 1 else names[0]
                raise UnknownModel(f"There is no model of that name; choose {choice}.")
            slot = self._slots.setdefault(name, Slot(self._pairs / name, partial(self._on_reload, name)))
        return slot.get()

    def _is_gone(self, name: str) -> bool:
        """Whether a pair's folder was removed, and is not only missing for the instant in which it is exchanged."""
        if identity_of(self._pairs / name):
            return False
        time.sleep(EXCHANGE)
        return identity_of(self._pairs / name) is None

    def describe(self) -> list[ModelDescription]:
        """Every model that can be chosen, without loading any; models that cannot be read are left out."""
        return [description for name in self.names if (description := self.description(name))]

    def description(self, name: str) -> ModelDescription | None:
        """The description of one model, without loading it; None if it cannot be read."""
        try:
            if name == CHAMPION:
                return self.champion.describe(name)
            return describe_folder(self._pairs / name, self.champion.scores)
        except (OSError, ValueError):  # being exchanged, or broken
            return None


def identity_of(folder: Path) -> Identity | None:
    """A value that differs for every card that is put in the folder; None without one."""
    try:
        status = (folder / CARD).stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
