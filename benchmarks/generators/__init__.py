"""The study's CGAN beside other generators: on the fraud data (`frauds`), and over design tables (`on_tables`)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={"frauds": ["FOLDS", "published"]})
