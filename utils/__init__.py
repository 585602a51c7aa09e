"""Shared helpers of the study; `tests/test_layers.py` holds which module may import which."""
