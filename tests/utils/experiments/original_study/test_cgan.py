"""The replica of the original study's CGAN: its architecture, its faults, and its interface."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from utils.backend import load_tensorflow
from utils.experiments.original_study import cgan
from utils.experiments.original_study.cgan import OriginalCGAN, build_discriminator, build_generator
from utils.samplers.cgan import scaler

N_ROWS = 400


def make_rows(scale: float = 20.0) -> tuple[pd.DataFrame, pd.Series]:
    """Two classes far outside [-1, 1], like the anonymous columns of the frauds."""
    rng = np.random.default_rng(0)
    y = pd.Series(np.arange(N_ROWS) < 40, name="Class").astype(int)
    return pd.DataFrame(rng.normal(scale, 3, (N_ROWS, 6)), columns=list("abcdef")) * (1 + y.to_numpy()[:, None]), y


EXPECTED_FAILED_CHECKS = {
    "check_dtype_object": "columns of Python objects are refused",
    "check_fit2d_1sample": "the error names the class with too few rows, not the number of samples",
    **dict.fromkeys(
        (
            "check_fit_score_takes_y",
            "check_estimators_overwrite_params",
            "check_dont_overwrite_parameters",
            "check_estimators_fit_returns_self",
            "check_readonly_memmap_input",
            "check_n_features_in_after_fitting",
            "check_positive_only_tag_during_fit",
            "check_f_contiguous_array_estimator",
            "check_methods_sample_order_invariance",
            "check_methods_subset_invariance",
            "check_dict_unchanged",
            "check_fit2d_predict1d",
        ),
        "the check fits more than two classes, which the original study's network does not know",
    ),
}


@pytest.mark.usefixtures("eager_tensorflow")
@parametrize_with_checks([OriginalCGAN(batches=1)], expected_failed_checks=lambda gan: EXPECTED_FAILED_CHECKS)
def test_original_cgan_passes_the_checks_of_scikit_learn(estimator, check, monkeypatch):
    monkeypatch.setattr(scaler, "MIN_ROWS", 2)  # the tables of the checks have hardly more rows of a class
    monkeypatch.setattr(cgan, "GENERATOR_WIDTHS", (4,))
    monkeypatch.setattr(cgan, "DISCRIMINATOR_WIDTHS", (4, 4))
    check(estimator)


@pytest.fixture(scope="module")
def fitted():
    return OriginalCGAN(random_state=1, batches=150).fit(*make_rows())


def test_build_generator_and_discriminator_have_the_published_parameters():
    """Numbers for 8 columns, as the study's notebook prints them."""
    load_tensorflow()
    assert build_generator(8, 0).count_params() == 176_584
    assert build_discriminator(8, 0).count_params() == 168_977


def test_original_cgan_rows_never_leave_the_range_of_tanh(fitted):
    synthetic = fitted.sample(500, 1)
    assert synthetic.shape == (500, 6) and list(synthetic) == list("abcdef")
    assert synthetic.abs().max().max() <= 1
    assert make_rows()[0].abs().min().min() > 1


def test_original_cgan_loss_falls_below_zero_while_targets_lie_beyond_0_and_1(fitted):
    losses = fitted.history_["discriminator_loss"]
    assert len(losses) == 150
    assert losses[:100].min() < -1
    assert losses[100:].min() >= 0


def test_original_cgan_draws_equal_rows_with_equal_seeds_only(fitted):
    again, other = (OriginalCGAN(random_state=seed, batches=150).fit(*make_rows()) for seed in (1, 2))
    pd.testing.assert_frame_equal(again.sample(5, 1, random_state=3), fitted.sample(5, 1, random_state=3))
    assert not np.allclose(other.sample(5, 1, random_state=3), fitted.sample(5, 1, random_state=3))
    assert not np.allclose(again.sample(5, 1), again.sample(5, 1))


def test_original_cgan_draws_both_classes_by_their_labels():
    X, y = make_rows()
    labels = np.where(y == 1, "fraud", "legitimate")
    gan = OriginalCGAN(batches=2).fit(X.to_numpy(), labels)
    fraud, legitimate = (gan.sample(3, label, random_state=0) for label in ("fraud", "legitimate"))
    assert isinstance(fraud, np.ndarray) and not np.allclose(fraud, legitimate)
    assert gan.sample(0, "fraud").shape == (0, 6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batches": 0}, "batches is 0"),
        ({"y": np.arange(N_ROWS) % 3}, "exactly 2"),
        ({"y": np.zeros(N_ROWS)}, "exactly 2"),
        ({"X": np.full((N_ROWS, 2), np.nan)}, "row"),
    ],
)
def test_original_cgan_refuses_bad_input_in_one_sentence(change, message):
    X, y = make_rows()
    with pytest.raises(ValueError, match=message):
        OriginalCGAN(batches=change.get("batches", 2)).fit(change.get("X", X), change.get("y", y))


def test_original_cgan_sample_needs_a_fit_a_known_label_and_a_count(fitted):
    with pytest.raises(NotFittedError):
        OriginalCGAN().sample(1, 1)
    with pytest.raises(ValueError, match="No rows labelled 2"):
        fitted.sample(1, 2)
    with pytest.raises(ValueError, match="n_rows is -1"):
        fitted.sample(-1, 1)
