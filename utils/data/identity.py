"""What a dataset is to the ledger: its file's content and the roles of its columns."""

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
    """Identity of a dataset, whose file is fetched where it is missing, and verified."""
    return DatasetIdentity(config.name, content_sha256(fetch(config)), config.roles)
