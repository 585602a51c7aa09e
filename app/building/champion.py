"""Chooses the model that the server answers with, describes it, and writes it into its folder."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from app.building.about import describe, located, printed_names
from app.building.exchange import exchange
from app.building.scores import finished_rows, measured_pairs, pair_label
from app.serving.model_files import Figure, write_about, write_scores, write_statistics
from app.serving.served import Served, load_served, version_of
from app.staging import TemporaryFolder
from app.views import study
from utils.analysis import bootstrap
from utils.benchmark import ledger
from utils.benchmark.records import ScoringResult
from utils.benchmark.run_task import load_dataset
from utils.config import CREDITCARD, DatasetConfig, Profile, Study, load_profile
from utils.data import features, splits
from utils.samplers.cgan.scaler import MIN_ROWS
from utils.serving import bundle, final_model
from utils.serving.bundle import BundleError, FraudModel

FALLBACK = ("none", "xgb")


def chosen_model() -> tuple[FraudModel, str]:
    """The model to serve, and where it comes from.

    This is the registry's champion. If that comes from the quick run, or there is none, and the full study is finished,
    it is the full study's choice, fitted with the parameters in the ledger. Without either, it is a stand-in.

    Raises
    ------
    BundleError
        If the champion is not as it was saved.
    """
    try:
        registered = registered_champion()
    except LookupError as error:
        print(error.args[0], flush=True)
        registered = None
    if registered and registered.card.profile != "quick":
        return registered, "the registry's champion"
    full = load_profile("full")
    measured = finished_rows(full)
    if len(measured):
        return fit_study_choice(full, measured), "the full study's choice, fitted on its development set"
    if registered:
        return registered, "the registry's champion, from the quick run"
    print("No study of this data is finished: training gradient boosting without resampling.", flush=True)
    return final_model.fit_final(
        load_profile("quick"), FALLBACK
    ), "trained as a stand-in, as no study of this data is finished"


def registered_champion() -> FraudModel:
    """Fetch and verify the registered champion; LookupError if the registry has none."""
    from utils.benchmark import tracking

    with TemporaryFolder("fraud-champion-") as download:
        return bundle.load(tracking.download_champion(Path(download), study=CREDITCARD.name))


def fit_study_choice(profile: Profile, measured: pd.DataFrame) -> FraudModel:
    """The final model of a study, with its scores on the test set if the ledger has them.

    Parameters
    ----------
    measured : DataFrame
        Ledger rows of the study, of which the final model is chosen.
    """
    choice = final_model.choose(measured)
    print(f"Fitting the study's final model ({pair_label(*choice, printed_names())}).", flush=True)
    model = final_model.fit_final(profile, choice)
    rows = ledger.read_file(profile.results / ledger.TEST, ScoringResult)
    results = [row.result for row in rows if row.key == model.card.ledger_key]
    if not results:
        return model
    interval = bootstrap.interval_of_ranks(results[-1].ranks)
    card = final_model.score_card(results[-1], interval, costs=profile.costs, words=profile.words)
    return model.with_card(test=card.to_dict(), test_interval=interval)


def study_model(study: Study) -> tuple[FraudModel, str]:
    """The final model of a study of the user's own, and where it comes from: of its full run, else of its quick one.

    Raises
    ------
    BundleError
        If no run of the study has finished, or the model is not as it was saved.
    """
    profiles = [load_profile(name, study) for name in ("full", "quick")]
    for profile in profiles:
        if (profile.model / bundle.CARD).exists():
            return bundle.load(profile.model), f"the final model of the {profile.name} run"
    for profile in profiles:
        measured = finished_rows(profile)
        if len(measured):
            model = fit_study_choice(profile, measured)
            return model, f"the choice of the {profile.name} run, fitted on its development set"
    raise BundleError(
        f"The study {study.name} has no model yet; run `make study FILE=studies/{study.name}.toml` first."
    )


def development_rows(config: DatasetConfig) -> pd.DataFrame:
    """Raw rows of the development set of a dataset."""
    dataset, protocol = load_dataset(config), load_profile("full").protocol
    rows, _ = splits.split_off_test(dataset, protocol.test_fraction, protocol.seed)
    return dataset.frame.iloc[rows]


def build(folder: Path, own_study: Study | None = None) -> Served:
    """Write model, examples and statistics, then put them in place of `folder`; returns the new model.

    Nothing in `folder` changes until the new model has been loaded and has scored its examples.

    Parameters
    ----------
    folder : Path
    own_study : Study, optional
        The study of a table of the user's own; the credit-card study by default.

    Raises
    ------
    ClaimError
        If the recorded numbers contradict a sentence of the pages.
    """
    if own_study is None:
        study.headline()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryFolder(f".{folder.name}-", folder.parent) as parent:
        staging = Path(parent) / "new"
        staging.mkdir()
        model, source = study_model(own_study) if own_study else chosen_model()
        model = bundle.load(bundle.save(model, staging))  # what is described is what will be served
        measured_study = own_study or located(model.schema)
        print("Describing the model: examples, ranges and scores.", flush=True)
        development = development_rows(own_study.dataset if own_study else measured_study)
        about = describe(model, source, development)
        write_about(staging, about)
        write_scores(staging, measured_pairs(measured_study, printed_names()))
        served = Served(model, version_of(staging), about)
        print("Drawing the figures of the statistics page.", flush=True)
        write_statistics(staging, _figures(served, development, measured_study))
        bundle.seal(staging)
        print("Loading the model as the server will.", flush=True)
        served = load_served(staging)  # which is slow for large forests, and so done once
        exchange(staging, folder)
    return served


def _figures(served: Served, development: pd.DataFrame, measured_study: Study | DatasetConfig) -> list[Figure]:
    """The figures of the statistics page."""
    from app.building.embedding import study_synthetic
    from app.building.figures import figures

    profile = load_profile("full", measured_study)
    schema = profile.dataset
    y = development[schema.label]
    synthetic = None
    if y.sum() >= MIN_ROWS and not schema.is_mixed:
        X = features.build_features(development, schema, served.model.columns)
        synthetic = study_synthetic(profile, load_dataset(schema), X, y)
    return figures(served, development, printed_names(), synthetic, study=measured_study)
