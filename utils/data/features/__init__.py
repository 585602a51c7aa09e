"""From raw columns to features: numbers, parts of dates, and the encoder of mixed tables."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "building": ["build_features", "raw_columns"],
        "encoding": ["TableEncoder", "build_encoder"],
    },
)
