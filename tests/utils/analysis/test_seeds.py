"""What the seed changes: means and differences by seed."""

import pandas as pd
import pytest

from utils.analysis import seed_differences

# Two folds, two seeds: the sampler gains .10 under the first seed and loses .02 under the second.
SCORES = {("none", 0): (0.5, 0.7), ("none", 1): (0.6, 0.7), ("smote", 0): (0.6, 0.8), ("smote", 1): (0.58, 0.68)}
TABLE = pd.DataFrame(
    [
        {"model": "rf", "sampler": sampler, "ratio": "searched", "repeat": 0, "fold": fold, "seed_number": seed}
        | {"average_precision": score}
        for (sampler, seed), scores in SCORES.items()
        for fold, score in enumerate(scores)
    ]
)


def test_seed_differences_are_to_the_reference_under_the_same_seed():
    rows = seed_differences(TABLE).set_index("sampler")
    assert rows.loc["smote", ["score_0", "score_1"]].tolist() == pytest.approx([0.7, 0.63])
    assert rows["spread"].tolist() == pytest.approx([0.05, 0.07])
    assert rows.loc["smote", ["difference_0", "difference_1"]].tolist() == pytest.approx([0.1, -0.02])
    assert rows.loc["smote", ["lowest", "highest", "n_folds"]].tolist() == pytest.approx([-0.02, 0.1, 2])
    assert rows.loc["none", ["lowest", "highest"]].tolist() == [0, 0]


def test_seed_differences_tell_kinds_of_ratio_apart():
    equal = TABLE[TABLE["sampler"] == "smote"].assign(ratio="equal classes")
    equal["average_precision"] -= 0.3
    rows = seed_differences(pd.concat([TABLE, equal])).set_index(["sampler", "ratio"])
    assert rows.loc[("smote", "equal classes"), "difference_0"] == pytest.approx(-0.2)
    assert rows.loc[("smote", "searched"), "difference_0"] == pytest.approx(0.1)


def test_seed_differences_refuse_seeds_on_different_folds():
    with pytest.raises(ValueError, match="1 tasks lack a seed that others have; run them first"):
        seed_differences(TABLE.iloc[:-1])
