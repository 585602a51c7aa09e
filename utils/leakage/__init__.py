"""Data leakage: the audit of a split, its report, and the guards that check every task of the study."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "auditing": ["Claims", "audit"],
        "guards": ["LeakError", "require_clean_split", "require_training_rows"],
        "report": ["Finding", "Report"],
    },
)
