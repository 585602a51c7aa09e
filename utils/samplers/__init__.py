"""Samplers: their registry, cleaning by nearest neighbours, the CGAN and the generators it is compared with."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "cgan.conditional_gan": ["ConditionalGAN"],
        "cgan.sampler": ["CGANSampler"],
        "registry": ["LABELS", "SAMPLERS", "STANDARD", "of_families"],
    },
)
