"""Experiments beside the benchmark: ablation of the CGAN, fidelity of synthetic rows, sensitivity, drift."""
