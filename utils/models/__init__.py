"""Classifiers: their registry, forests, Keras networks, and ensembles that handle imbalance by themselves."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "ensembles": ["LogOddsMean", "OutlierClassifier", "SelfPacedEnsemble"],
        "networks": ["NetworkClassifier"],
        "registry": ["CLASSICAL", "DEEP", "LABELS", "MODELS", "models_without_sampler"],
    },
)
