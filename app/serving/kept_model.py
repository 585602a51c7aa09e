"""A copy of the model that a server last accepted, for those of its processes that start later."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.serving.served import NotLoadedError, Served, load_served, version_of
from app.staging import TemporaryFolder
from utils.serving import bundle

NAME = "model"  # of its folder in the archive


class KeptModel:
    """The model that was last accepted by any of the processes that share a folder.

    Parameters
    ----------
    folder : Path
        Private folder for the copy.
    """

    def __init__(self, folder: Path):
        self._archive = folder / "champion.tar"

    def take(self, source: Path) -> Served:
        """Load the model in `source`, and keep a copy of it.

        The copy is what is loaded, so that both are the same if `source` is exchanged meanwhile.

        Raises
        ------
        BundleError
            As in `load_served`; NotLoadedError, too, if it cannot be copied.
        """
        bundle.read_card(source)
        with self._temporary_folder() as temporary:
            archive = temporary / self._archive.name
            with tarfile.open(archive, "w", dereference=True) as files:
                files.add(source, NAME)
            served = load_served(_unpacked(archive, temporary))
            archive.replace(self._archive)
        return served

    def other_than(self, version: str) -> Served | None:
        """The kept model; None if it has this version, or nothing is kept. BundleError if it cannot be loaded."""
        if not self._archive.exists():
            return None
        with self._temporary_folder() as temporary:
            folder = _unpacked(self._archive, temporary)
            return None if version_of(folder) == version else load_served(folder)

    @contextmanager
    def _temporary_folder(self) -> Iterator[Path]:
        """A temporary folder beside the copy."""
        try:
            with TemporaryFolder("copying-", self._archive.parent) as temporary:
                yield Path(temporary)
        except (OSError, tarfile.TarError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise NotLoadedError(
                f"The model cannot be copied to the server's state ({reason}); make room there."
            ) from error


def _unpacked(archive: Path, temporary: Path) -> Path:
    """The model's folder from an archive, below `temporary`."""
    with tarfile.open(archive) as files:
        files.extractall(temporary, filter="data")
        return temporary / NAME
