"""What the workers of one server share: a private folder with secret key, scored files, counters and model."""

from __future__ import annotations

import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path

PRIVATE = 0o700


class StateError(Exception):
    """A folder that cannot be used, or that other users could read or change; the message says what to do."""


@dataclass(frozen=True)
class State:
    """A folder that only this user can read; made where there is none.

    Parameters
    ----------
    folder : Path
        Where it is.

    Raises
    ------
    StateError
        If it cannot be made or written to, belongs to another user, or others can read it.
    """

    folder: Path

    def __post_init__(self) -> None:
        try:
            self.folder.mkdir(PRIVATE, parents=True, exist_ok=True)
            self._check_privacy()
            for folder in (self.results, self.counters, self.model):
                folder.mkdir(PRIVATE, exist_ok=True)
        except OSError as error:
            reason = error.strerror or error
            message = f"{self.folder} cannot be made or written to ({reason}); name another with --state."
            raise StateError(message) from None

    def _check_privacy(self) -> None:
        status = self.folder.lstat()
        if status.st_uid != os.getuid() or status.st_mode & 0o077 or self.folder.is_symlink():
            raise StateError(f"{self.folder} is not private to this user; remove it, or name another with --state.")

    @property
    def results(self) -> Path:
        """Folder of the scored files."""
        return self.folder / "results"

    @property
    def counters(self) -> Path:
        """Folder of the counters, which `app.server.monitoring` adds up."""
        return self.folder / "counters"

    @property
    def model(self) -> Path:
        """Folder of the copy of the last champion, which `app.serving.kept_model` keeps."""
        return self.folder / "model"

    def secret_key(self) -> str:
        """The key, made by whoever asks first."""
        path = self.folder / "secret-key"
        if not path.exists():
            own = path.with_name(f"secret-key.{os.getpid()}")
            own.touch(0o600)
            own.write_text(secrets.token_hex(32))
            try:
                os.link(own, path)  # whole, and only if no other process was quicker
            except FileExistsError:
                pass
            finally:
                own.unlink()
        return path.read_text()


def lasting_folder() -> Path:
    """Where state is kept that no one process owns: it stays when the server ends."""
    return Path(tempfile.gettempdir()) / f"fraud-app-{os.getuid()}"
