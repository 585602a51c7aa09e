"""The benchmark: tasks, search, training, the runner, and the ledger of finished tasks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "ledger": ["scorings"],
        "run_task": ["all_folds", "days_covered", "audit_inputs", "fit_fold", "fold_parts", "load_dataset"],
        "runner": ["run", "run_equal"],
        "search": ["select_trial"],
        "tasks": ["make_task"],
        "tracking": ["download_champion", "register_champion"],
        "training": ["fit"],
    },
)
