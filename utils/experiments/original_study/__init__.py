"""The study whose claim is tested: its protocol, its CGAN, and runs of both."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "cgan": ["OriginalCGAN"],
        "protocol": ["TrainingSizes"],
    },
)
