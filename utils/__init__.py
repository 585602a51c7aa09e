"""Shared helpers of the study, in packages. `pyproject.toml` says which package may import which."""
