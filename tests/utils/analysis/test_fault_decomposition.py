"""The effect of each fault, from rows with known areas."""

import numpy as np
import pandas as pd
import pytest

from utils.analysis import fault_decomposition
from utils.benchmark.records import Split
from utils.data.loading import GROUPS

AREAS = {"tied_average_precision": 0.7, "trapezoid": 0.72}
SHIFTS = {0: 0.0, 1: 0.02, 2: -0.02}


def make_row(seed: int, overlap: bool, sampler: str = "cgan") -> dict:
    """Overlap adds .1; each area moves with the seed."""
    areas = {name: value + 0.1 * overlap + SHIFTS[seed] for name, value in AREAS.items()}
    split = Split("original", 0.3, GROUPS, overlap=overlap)
    facts = {"n_rows": 1000, "n_positives": 20, "shared_positives": 0.75 * overlap}
    return {"seed": seed, "sampler": sampler, "split": split, **areas, "thinned_trapezoid": 0.95, **facts}


@pytest.fixture
def table():
    return pd.DataFrame([make_row(seed, overlap) for seed in SHIFTS for overlap in (True, False)])


def test_effects_of_each_fault_alone_are_differences_to_the_clean_figure(table):
    steps = fault_decomposition.effects(table)
    assert steps["name"].tolist() == ["clean", "test overlap", "trapezoid", "interaction", "as published"]
    np.testing.assert_allclose(steps["mean"], [0.7, 0.1, 0.02, 0, 0.82], atol=1e-12)
    assert (steps["n_seeds"] == 3).all()


def test_effects_of_faults_together_are_a_separate_step(table):
    """The trapezoid adds .02 to a clean figure, and .05 together with the overlap."""
    overlap = [split.overlap for split in table["split"]]
    steps = fault_decomposition.effects(table.assign(trapezoid=table["trapezoid"] + 0.03 * np.array(overlap)))
    np.testing.assert_allclose(steps["mean"], [0.7, 0.1, 0.02, 0.03, 0.85], atol=1e-12)


def test_effects_do_not_use_the_thinned_test_set(table):
    """It was scored on a random part of the file, with the prevalence of the file."""
    thinned = table.assign(thinned_trapezoid=0.0, thinned_tied_average_precision=0.0)
    pd.testing.assert_frame_equal(fault_decomposition.effects(thinned), fault_decomposition.effects(table))


def test_effects_lead_from_one_level_to_the_other(table):
    reached = 0.0
    for row in fault_decomposition.effects(table).itertuples():
        if row.kind == "level":
            assert reached in (0.0, pytest.approx(row.mean))
            reached = row.mean
        else:
            reached += row.mean
    assert row.kind == "level"


def test_effects_are_paired_by_seed_in_steps_but_not_in_levels(table):
    steps = fault_decomposition.effects(table.sample(frac=1, random_state=0))
    width = (steps["high"] - steps["low"]).set_axis(steps["name"])
    assert width["test overlap"] == pytest.approx(0, abs=1e-12) and width["clean"] > 0.05


def test_effects_leave_out_seeds_that_lack_a_protocol(table):
    assert (fault_decomposition.effects(table.iloc[:-1])["n_seeds"] == 2).all()
    with pytest.raises(ValueError, match="with and without overlap are needed"):
        fault_decomposition.effects(table[[split.overlap for split in table["split"]]])


def test_replica_figures_are_beside_the_published_ones(table):
    rus = pd.DataFrame([make_row(seed, True, "rus") for seed in SHIFTS])
    figures = fault_decomposition.replica_figures(pd.concat([table, rus], ignore_index=True))
    assert figures.index.tolist() == ["cgan", "rus"]
    assert figures.loc["cgan", "published"] == 0.936 and figures.loc["rus", "published"] == 0.9046
    cgan = figures.loc[
        "cgan", ["trapezoid", "lowest", "highest", "prevalence", "shared_positives", "thinned_trapezoid"]
    ]
    np.testing.assert_allclose(cgan.astype(float), [0.82, 0.8, 0.84, 0.02, 0.75, 0.95])
