"""The conditional GAN: settings, networks, losses, training, scaling of columns, estimator and sampler."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "conditional_gan": ["ConditionalGAN"],
        "config": ["GANConfig"],
        "sampler": ["CGANSampler"],
        "scaler": ["ClassQuantileScaler"],
    },
)
