"""Chooses the model that the server answers with, describes it, and writes it into its folder."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from app.building.about import describe, located, printed_names
from app.building.exchange import exchange
from app.building.scores import development_rows as study_rows
from app.building.scores import measured_pairs, pair_label
from app.model_files import Figure, write_about, write_scores, write_statistics
from app.served import Served, load_served, version_of
from app.staging import TemporaryFolder
from app.views import study
from utils.analysis import bootstrap
from utils.benchmark import ledger
from utils.benchmark.records import ScoringResult
from utils.benchmark.run_task import load_dataset
from utils.config import CREDITCARD, Profile, load_profile
from utils.data import features, splits
from utils.samplers.cgan.scaler import MIN_ROWS
from utils.serving import bundle, final_model
from utils.serving.bundle import FraudModel

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
    measured = study_rows(full)
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
    return model.with_card(test=final_model.score_card(results[-1], interval).to_dict(), test_interval=interval)


def development_rows(model: FraudModel) -> pd.DataFrame:
    """Raw rows of the development set of the model's dataset."""
    dataset = load_dataset(located(model.schema))
    rows, _ = splits.split_off_test(dataset, load_profile("full").protocol.test_fraction)
    return dataset.frame.iloc[rows]


def build(folder: Path) -> Served:
    """Write model, examples and statistics, then put them in place of `folder`; returns the new model.

    Nothing in `folder` changes until the new model has been loaded and has scored its examples.

    Raises
    ------
    ClaimError
        If the recorded numbers contradict a sentence of the pages.
    """
    study.headline()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryFolder(f".{folder.name}-", folder.parent) as parent:
        staging = Path(parent) / "new"
        staging.mkdir()
        model, source = chosen_model()
        model = bundle.load(bundle.save(model, staging))  # what is described is what will be served
        development = development_rows(model)
        about = describe(model, source, development)
        write_about(staging, about)
        write_scores(staging, measured_pairs(located(model.schema), printed_names()))
        write_statistics(staging, _figures(Served(model, version_of(staging), about), development))
        bundle.seal(staging)
        served = load_served(staging)  # which is slow for large forests, and so done once
        exchange(staging, folder)
    return served


def _figures(served: Served, development: pd.DataFrame) -> list[Figure]:
    """The figures of the statistics page."""
    from app.building.embedding import study_synthetic
    from app.building.figures import figures

    schema = located(served.model.schema)
    y = development[schema.label]
    synthetic = None
    if y.sum() >= MIN_ROWS:
        X = features.build_features(development, schema, served.model.columns)
        synthetic = study_synthetic(load_profile("full", schema), load_dataset(schema), X, y)
    return figures(served, development, printed_names(), synthetic)
