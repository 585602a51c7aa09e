"""Hash of the code that bears on results, which every row of the ledger records.

Comments and docstrings do not count, nor do reading, progress and logging. The hash of the file says what was read, so
a change of `utils.data.reading` that gives other values from the same file is not noticed.
"""

from __future__ import annotations

import hashlib
from functools import cache

from utils.paths import ROOT
from utils.source_code import code_hash

BEARING = (
    "utils/benchmark/equal_search.py",
    "utils/benchmark/resampling.py",
    "utils/benchmark/search.py",
    "utils/benchmark/training.py",
    "utils/data/features/*.py",
    "utils/data/fold_numbers.py",
    "utils/data/loading.py",
    "utils/data/mixed_table.py",
    "utils/data/splits.py",
    "utils/data/thinning.py",
    "utils/metrics.py",
    "utils/models/*.py",
    "utils/registry.py",
    "utils/samplers/**/*.py",
    "utils/seeding.py",
)


@cache
def code_version() -> str:
    """Twelve digits that change with the code of any of these files."""
    paths = sorted(path for pattern in BEARING for path in ROOT.glob(pattern))
    lines = [f"{path.relative_to(ROOT).as_posix()} {code_hash(path)}" for path in paths]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
