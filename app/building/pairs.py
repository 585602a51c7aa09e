"""Write the study's pairs of sampler and model, each fitted once on the first development fold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from numpy.typing import NDArray
from tqdm.auto import tqdm

from app.building.about import describe
from app.building.exchange import exchange
from app.building.scores import development_rows
from app.serving.model_files import EXAMPLES, About, write_about
from app.serving.served import load_served
from app.staging import TemporaryFolder
from utils.backend import limit_threads
from utils.benchmark import ledger, tracking
from utils.benchmark.records import FoldResult, Task
from utils.benchmark.run_task import all_folds, fold_parts, load_dataset, measure, prepare_fold
from utils.benchmark.search import chosen_trial
from utils.benchmark.tasks import make_task
from utils.benchmark.training import Fitted, TrainingRows, fit, positive_scores
from utils.config import CREDITCARD, Costs, Profile, load_profile
from utils.data.loading import Dataset
from utils.data.splits import Fold
from utils.models.registry import MODELS
from utils.reporting.tables import pair_text
from utils.samplers.registry import SAMPLERS
from utils.serving import bundle
from utils.serving.bundle import BundleError, FraudModel, apply_calibrator, fit_calibrator
from utils.serving.card import Card, FoldScore
from utils.serving.final_model import amounts_at, choose_threshold, study_of
from utils.serving.raw_columns import describe_columns

FOLD_ID = (0, 0)  # repeat and fold
EXPERIMENT = "pairs"
TOLERANCE = 1e-6


class PairError(ValueError):
    """The registries do not have a pair; the message names it."""


def build_pairs(folder: Path, names: Iterable[str] = (), profile: Profile | None = None) -> str:
    """Fit and write the pairs that `folder` lacks; returns a sentence about what was done.

    A pair is written completely or not at all; it is not written again while its ledger key is that of its task.

    Parameters
    ----------
    names : iterable of str
        Such as 'cgan+rf'; by default every pair that the study's ledger holds.
    profile : Profile, optional
        Whose parameters, folds and ledger; the full study's by default.

    Raises
    ------
    PairError
        Names the pairs that the registries do not have.
    """
    profile = profile or load_profile("full")
    tasks = pair_tasks(profile, list(names))
    missing = {name: task for name, task in tasks.items() if _key_in(folder / name) != task.key}
    if missing:
        folder.mkdir(parents=True, exist_ok=True)  # before anything is computed
        dataset, recorded = load_dataset(profile.dataset), {row.key: row.result for row in ledger.read(profile.results)}
        fold = all_folds(profile.dataset, profile.protocol, 1)[FOLD_ID]
        limit_threads(1)  # as when the ledger was filled
        with tqdm(total=len(missing), unit="pair") as bar:
            own = {"study": study_of(profile), "costs": profile.costs}
            for name, model, about in fitted_pairs(missing, dataset, fold, recorded, **own):
                _write(folder / name, model, about)
                bar.set_postfix_str(name)
                bar.update()
    return f"Wrote {len(missing)} of {len(tasks)} pairs to {folder.name}; the others were there already."


def pair_tasks(profile: Profile, names: list[str]) -> dict[str, Task]:
    """The ledger's task of each pair on the first fold, those that share a sampler one after the other."""
    if not names:
        table = development_rows(profile)
        names = [f"{row.sampler}+{row.model}" for row in table.itertuples()]
    known = [f"{sampler}+{model}" for sampler in SAMPLERS for model in MODELS]
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise PairError(f"The study has no pair {', '.join(unknown)}; name sampler and model as in {known[0]}.")
    dataset = load_dataset(profile.dataset)
    chosen = [name for name in known if name in set(names)]
    return {
        name: make_task(profile, dataset.identity, FOLD_ID, *name.split("+"), search=profile.search) for name in chosen
    }


def _key_in(folder: Path) -> str | None:
    """The ledger key of a pair that can be served: no file is missing or damaged, and the examples have a hash."""
    try:
        saved = bundle.read_card(folder)
        bundle.verify_files(saved, folder)
    except BundleError:
        return None
    return saved.card.ledger_key if EXAMPLES in saved.files else None


def fitted_pairs(
    tasks: dict[str, Task],
    dataset: Dataset,
    fold: Fold,
    recorded: dict[str, FoldResult],
    study: Mapping[str, object] = MappingProxyType({}),
    costs: Costs = CREDITCARD.costs,
) -> Iterator[tuple[str, FraudModel, About]]:
    """Name, model and description of each pair; a sampler is fitted once for all its models.

    The search is not repeated if the ledger has its result. `study` holds the fields of a card that name the study.
    """
    X_test, _ = fold_parts(dataset, fold.test)
    shared: tuple[str, TrainingRows] | None = None
    for name, task in tasks.items():
        sampler = task.sampler.name
        if not shared or shared[0] != sampler:
            shared = sampler, prepare_fold(dataset, fold, task.seed)
        finished = recorded.get(task.key)
        fitted = fit(task, shared[1], chosen=chosen_trial(task, finished.chosen) if finished else None)
        ranking, probability = positive_scores(fitted.classifier, fitted.encoder.transform(X_test))
        measured = measure(dataset, fold.test, ranking, probability).average_precision
        score = fold_score(measured, finished and finished.average_precision)
        model = _assemble(task, fitted, dataset, fold, probability, costs).with_card(fold=score, **study)
        yield name, model, _about(model, dataset, fold, probability)


def _assemble(
    task: Task, fitted: Fitted, dataset: Dataset, fold: Fold, probability: NDArray, costs: Costs
) -> FraudModel:
    """The model with calibrator and threshold from the fold's held-out rows."""
    y_true = dataset.y.to_numpy()[fold.test]
    calibrator = fit_calibrator(y_true, probability)
    amounts = amounts_at(dataset, fold.test)
    threshold = choose_threshold(y_true, apply_calibrator(calibrator, probability), amounts, costs=costs)
    return FraudModel(
        scaler=fitted.encoder,
        classifier=fitted.classifier,
        calibrator=calibrator,
        threshold=threshold,
        schema=dataset.config,
        columns=tuple(dataset.X.columns),
        card=Card.of_methods(
            **vars(fitted.trial),
            ledger_key=task.key,
            label=pair_text(MODELS[task.model.name].label, SAMPLERS[task.sampler.name].label),
        ),
        raw=describe_columns(dataset, fold.train),
    )


def fold_score(measured: float, recorded: float | None) -> FoldScore:
    """Average precision on the held-out rows beside the ledger's, and a remark where they differ."""
    remark = None
    if recorded is None:
        remark = "The ledger does not hold this task."
    elif abs(measured - recorded) > TOLERANCE:
        remark = "Another machine, thread count or library release gave the ledger's score."
    return FoldScore(*FOLD_ID, measured, recorded, remark)


def _about(model: FraudModel, dataset: Dataset, fold: Fold, probability: NDArray) -> About:
    calibrated = apply_calibrator(model.calibrator, probability)
    held_out, training = dataset.frame.iloc[fold.test], dataset.frame.iloc[fold.train]
    source = f"fitted on development fold {FOLD_ID[0]}.{FOLD_ID[1]} of the study; the examples are held-out rows"
    return describe(model, source, held_out, training=training, probability=calibrated)


def _write(folder: Path, model: FraudModel, about: About) -> None:
    """Save and register the model and put it in place; the old one stays until the new one has scored its examples.

    Models of a table of the user's own are not registered.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryFolder(f".{folder.name}-", folder.parent) as parent:
        staging = bundle.save(model, Path(parent) / "new")
        write_about(staging, about)
        bundle.seal(staging)
        load_served(staging)
        if model.card.study is None:
            tags = {"ledger_key": model.card.ledger_key}
            tracking.register(staging, f"fraud-{folder.name.replace('+', '-')}", EXPERIMENT, tags)
        exchange(staging, folder)
