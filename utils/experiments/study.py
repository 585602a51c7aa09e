"""Every experiment of a profile, one after the other in one process.

python -m utils.experiments.study --profile quick

Workers are shared: what they have imported, compiled and loaded for one experiment serves the next.
"""

from __future__ import annotations

import argparse

from utils.benchmark import runner
from utils.benchmark.errors import exit_with_a_sentence
from utils.config import Profile, load_profile
from utils.experiments import cgan_ablation, sensitivity
from utils.experiments.original_study import run as original_run


def run(profile: Profile) -> None:
    """Run what is missing of the benchmark, of the studies beside it and of the original study's protocol."""
    n_tasks = {"benchmark": len(runner.run(profile))}
    n_tasks |= {study.__name__: len(study(profile)) for study in sensitivity.STUDIES}
    n_tasks |= {"ablation": len(cgan_ablation.run(profile)), "original protocol": len(original_run.replica(profile))}
    print("In the ledgers: " + ", ".join(f"{count} tasks of {name}" for name, count in n_tasks.items()) + ".")


def main() -> None:
    """Fill every ledger of a profile from the command line."""
    parser = argparse.ArgumentParser(description="Run the missing tasks of every experiment and fill the ledgers.")
    parser.add_argument("--profile", default="quick", choices=("quick", "full"))
    options = parser.parse_args()
    with exit_with_a_sentence():
        run(load_profile(options.profile))


if __name__ == "__main__":
    main()
