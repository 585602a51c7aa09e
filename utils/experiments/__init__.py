"""Studies beside the benchmark: choices of the study and of the CGAN, fidelity of synthetic rows, drift."""
