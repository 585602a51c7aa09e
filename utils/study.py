"""Run every experiment of a profile in one process.

python -m utils.study --profile quick --study creditcard

The experiments share workers: what a worker has imported, compiled and loaded for one experiment is reused by the next,
and no worker waits for the last group of an experiment.
"""

from __future__ import annotations

import argparse

from utils.benchmark import equal_classes, ledger, runner, tasks
from utils.benchmark.errors import exit_with_a_sentence
from utils.benchmark.executors import lasting_workers, run_batches, starting_workers
from utils.benchmark.run_task import load_dataset
from utils.config import ULB_COLUMNS, Profile, load_profile
from utils.data.identity import identify
from utils.experiments import cgan_ablation, many_tables, other_seeds, scarcity, sensitivity
from utils.experiments.original_study import run as original_run
from utils.samplers.optional import require_packages
from utils.samplers.registry import SAMPLERS
from utils.serving import final_model
from utils.study_file import CREDITCARD


def run(profile: Profile) -> None:
    """Run what is missing of the benchmark, the other experiments and the original study's protocol.

    That protocol, the experiments with other seeds and few frauds and the benchmark over many tables belong to the
    credit-card study alone. The protocol needs the columns of the ULB file, and is skipped with a message without. The
    out-of-fold fits of the final model are run here, too, because chapter 8 would run them on a single core.
    """
    run_missing(profile)
    table = runner.run_equal(profile)
    n_tasks = {"benchmark": len(table)} | {study.__name__: len(study(profile)) for study in sensitivity.STUDIES}
    with lasting_workers():
        n_tasks["ablation"] = len(cgan_ablation.run(profile))
        if not n_tasks["ablation"]:
            too_few = f"a fold has too few {profile.words.positives} to train one"
            print(f"The ablation of the CGAN is left out: {too_few}.", flush=True)
        if profile.is_foreign:
            for setting, reason in sensitivity.left_out_views(profile).items():
                print(f"The models are not measured with {setting}: {reason}", flush=True)
        else:
            n_tasks["other seeds"] = len(other_seeds.run(profile))
            n_tasks["few frauds"] = len(scarcity.run(profile))
            n_tasks["other tables"] = len(many_tables.results(profile))
            if set(ULB_COLUMNS) <= set(load_dataset(profile.dataset).frame):
                n_tasks["original protocol"] = len(original_run.replica(profile))
            else:
                print("The original study's protocol is left out: it needs the columns of the ULB file.", flush=True)
        choice = final_model.choose(runner.run(profile))  # of the rows that chapter 8 chooses from
        final_model.out_of_fold(profile, final_model.final_task(profile, choice))
    print("In the ledgers: " + ", ".join(_counted(count, name) for name, count in n_tasks.items() if count) + ".")


def _counted(n_tasks: int, name: str) -> str:
    return f"{n_tasks} task{'s' if n_tasks > 1 else ''} of {name}"


def run_missing(profile: Profile) -> None:
    """Run the tasks of the benchmark and the other experiments that the ledgers lack, all at once."""
    identity = identify(profile.dataset)
    grid = [*tasks.grid(profile, identity), *equal_classes.searched_tasks(profile, identity)]
    known = {row.key for row in ledger.read(profile.results)}
    for name in sorted({task.sampler.name for task in grid if task.key not in known}):
        group = "ctgan" if name == "ctgan" else "peers"
        require_packages(f"The sampler '{name}'", SAMPLERS[name].packages, group=group)
    scored = [runner.missing_batch(profile, grid, known, refits=True), *sensitivity.missing_batches(profile)]
    tables = []
    if not profile.is_foreign:
        scored += [other_seeds.missing_batch(profile), scarcity.missing_batch(profile)]
        tables = many_tables.missing_batches(profile)
    batches = [batch for batch in (*scored, cgan_ablation.missing_batch(profile), *tables) if batch]
    if not batches:
        return
    with starting_workers(profile.dataset):
        from utils.benchmark import tracking  # takes seconds to import; only needed when something runs

        tracking.require_store(profile)
    rows = run_batches(batches)
    logged = [row for batch in scored if batch for row in rows[batch.path]]
    runner.log_computed(logged, profile)


def main() -> None:
    """Fill every ledger of a profile from the command line."""
    parser = argparse.ArgumentParser(description="Run the missing tasks of every experiment and fill the ledgers.")
    parser.add_argument("--profile", default="quick", choices=("quick", "full"))
    parser.add_argument("--study", default=CREDITCARD.name, help="name or file of the study (default: %(default)s)")
    options = parser.parse_args()
    with exit_with_a_sentence():
        run(load_profile(options.profile, options.study))


if __name__ == "__main__":
    main()
