"""Seeds: an independent one per component, and the caller's random state is restored."""

import random

import numpy as np
import pytest

from utils.seeding import child_seed, seeded


def test_child_seed_is_the_same_in_every_process():
    assert child_seed(0, "task", 1, 2) == 846160861


def test_child_seed_fits_every_library():
    seeds = [child_seed(0, "part", number) for number in range(1000)]
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert len(set(seeds)) == len(seeds)
    assert min(seeds) < 2**28 and max(seeds) > 2**31 - 2**28


@pytest.mark.parametrize(
    "other", [(1, "task", 0, 1), (0, "fold", 0, 1), (0, "task", 1, 0), (0, "task", 0), (0, "task01")]
)
def test_child_seed_depends_on_every_component_of_the_path(other):
    assert child_seed(*other) != child_seed(0, "task", 0, 1)


def test_child_seed_takes_numpy_numbers_for_numbers():
    assert child_seed(np.int64(3), np.int64(1), np.str_("fold")) == child_seed(3, 1, "fold")


def draw():
    return random.random(), np.random.random()  # noqa: NPY002


def test_seeded_blocks_repeat():
    with seeded(7):
        first = draw()
    with seeded(7):
        second = draw()
    with seeded(8):
        third = draw()
    assert first == second
    assert first[0] != third[0] and first[1] != third[1]


def test_seeded_restores_the_callers_random_state():
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    expected = draw()
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    with seeded(7):
        draw()
    assert draw() == expected


def test_seeded_restores_the_random_state_after_an_error():
    state = random.getstate(), np.random.get_state()  # noqa: NPY002
    with pytest.raises(ZeroDivisionError), seeded(7):
        draw()
        raise ZeroDivisionError
    assert random.getstate() == state[0]
    np.testing.assert_array_equal(np.random.get_state()[1], state[1][1])  # noqa: NPY002


def test_seeded_seeds_tensorflow_too_where_it_is_imported():
    import tensorflow as tf

    draws = []
    for seed in (7, 7, 8):
        with seeded(seed):
            draws.append(float(tf.random.uniform([])))
    assert draws[0] == draws[1] != draws[2]
