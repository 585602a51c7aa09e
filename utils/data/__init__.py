"""From a file to features and splits: fetch, read, validate, derive features, split."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "errors": ["DataError"],
        "fetching": ["fetch"],
        "loading": ["Dataset", "distinct_rows", "load"],
        "reading": ["read_table"],
        "splits": ["Fold", "split_off_test", "folds"],
    },
)
