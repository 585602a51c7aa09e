"""Identity of a dataset in the ledger: its file's content and the roles of its columns."""

from __future__ import annotations

from dataclasses import dataclass

from utils.config import DatasetConfig, Roles
from utils.data.fetching import content_sha256, fetch


@dataclass(frozen=True)
class DatasetIdentity:
    """A dataset in the ledger.

    Attributes
    ----------
    name : str
        See `DatasetConfig.name`.
    sha256 : str
        Hash of the raw file's content.
    roles : Roles
    """

    name: str
    sha256: str
    roles: Roles


def identify(config: DatasetConfig) -> DatasetIdentity:
    """Identity of a dataset; its file is fetched if missing, and verified."""
    return DatasetIdentity(config.name, content_sha256(fetch(config), config.copies), config.roles)
