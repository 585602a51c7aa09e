"""Sine and cosine of one angle stay on their circle."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.utils.samplers.cgan.test_conditional_gan import REDESIGNED, TINY
from utils.samplers.cgan.circles import find_circles
from utils.samplers.cgan.conditional_gan import ConditionalGAN

N_ROWS = 300


def on_circle(angles, scale=(1.0, 1.0), shift=(0.0, 0.0)):
    return np.column_stack([np.sin(angles), np.cos(angles)]) * scale + shift


def hours(rng):
    return rng.uniform(0, 2 * np.pi, N_ROWS)


def weekdays(rng):
    return rng.integers(0, 7, N_ROWS) * 2 * np.pi / 7


def first_columns(X):
    return [circle.first for circle in find_circles(X, np.zeros(len(X), int))]


@pytest.mark.parametrize("angles", [hours, weekdays])
@pytest.mark.parametrize(("scale", "shift"), [((1, 1), (0, 0)), ((3, 0.2), (-5, 100)), ((1e-9, 1e12), (0, 0))])
def test_find_circles_finds_sine_and_cosine_before_and_after_scaling(angles, scale, shift):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=N_ROWS), on_circle(angles(rng), scale, shift), rng.normal(size=N_ROWS)])
    (circle,) = find_circles(X, np.zeros(N_ROWS, int))
    assert circle.first == 1
    np.testing.assert_allclose(circle.radii, np.abs(scale), rtol=1e-4)
    np.testing.assert_allclose(circle.centre, shift, atol=1e-4 * np.max(scale))


OTHERS = {
    "normal": lambda rng: rng.normal(size=(N_ROWS, 2)),
    "flags": lambda rng: rng.integers(0, 2, (N_ROWS, 2)),
    "small counts": lambda rng: rng.poisson(1, (N_ROWS, 2)),
    "constant": lambda rng: np.ones((N_ROWS, 2)),
    "one constant": lambda rng: np.column_stack([np.zeros(N_ROWS), rng.normal(size=N_ROWS)]),
    "parabola": lambda rng: np.column_stack([np.linspace(-1, 1, N_ROWS), np.linspace(-1, 1, N_ROWS) ** 2]),
    "line": lambda rng: np.linspace(-1, 1, N_ROWS)[:, None] * [1, 2],
    "huge": lambda rng: rng.uniform(-1.7, 1.7, (N_ROWS, 2)) * 1e308,
    "gaps": lambda rng: np.full((N_ROWS, 2), np.nan),
    "noisy": lambda rng: on_circle(hours(rng)) + rng.normal(0, 0.01, (N_ROWS, 2)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_find_circles_leaves_other_columns_alone(name):
    assert first_columns(OTHERS[name](np.random.default_rng(0)).astype(float)) == []


def test_find_circles_finds_neighbouring_pairs_and_divides_no_pair():
    rng = np.random.default_rng(0)
    angles = hours(rng)
    assert first_columns(np.hstack([on_circle(angles), on_circle(weekdays(rng))])) == [0, 2]
    assert first_columns(np.column_stack([on_circle(angles), np.sin(angles)])) == [0]


def test_find_circles_takes_single_precision_and_rows_with_gaps():
    X = on_circle(hours(np.random.default_rng(0))).astype(np.float32).astype(float)
    X[::3] = np.nan
    assert first_columns(X) == [0]


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(0)
    hour, weekday = hours(rng), weekdays(rng)
    y = np.repeat([0, 1], [240, 60])
    weekday[y == 1] = rng.choice([2, 3], 60) * 2 * np.pi / 7
    names = ["hour_sin", "hour_cos", "weekday_sin", "weekday_cos"]
    X = pd.DataFrame(np.hstack([on_circle(hour), on_circle(weekday)]), columns=names)
    X.loc[::4, ["hour_sin", "hour_cos"]] = np.nan
    X["other"] = rng.normal(size=N_ROWS)
    return X[y == 1], ConditionalGAN(replace(TINY, **REDESIGNED), random_state=0).fit(X, y).sample(1000, 1)


def test_sample_keeps_pairs_on_their_circle_with_gaps_in_both(drawn):
    _, rows = drawn
    length = np.hypot(rows["hour_sin"], rows["hour_cos"])
    np.testing.assert_allclose(length.dropna(), 1)
    assert (rows["hour_sin"].isna() == rows["hour_cos"].isna()).all()
    assert 0.1 < length.isna().mean() < 0.6
    assert rows["hour_sin"].nunique() > 300


def test_sample_draws_only_the_weekdays_of_the_class(drawn):
    real, rows = drawn
    names = ["weekday_sin", "weekday_cos"]
    assert set(map(tuple, rows[names].to_numpy())) == set(map(tuple, real[names].to_numpy()))
