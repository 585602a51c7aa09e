"""The sentence of the guard of a split; what the guards refuse is tested in benchmark/test_runner.py."""

import numpy as np
import pytest

from tests import small_mixed
from utils.leakage.guards import LeakError, require_clean_split


def test_require_clean_split_speaks_of_groups_where_the_study_names_one():
    dataset = small_mixed.dataset()
    half = len(dataset.y) // 2
    train, test = ((dataset.X.iloc[rows], dataset.y.iloc[rows]) for rows in (slice(half), slice(half, None)))
    n_shared = len(np.intersect1d(dataset.groups[:half], dataset.groups[half:]))
    with pytest.raises(LeakError, match=f"^{n_shared} groups of rows that belong together stand in the training"):
        require_clean_split(dataset, train, test)
