"""Run the comparison over tables if `--tables` is given, and on the fraud data otherwise; `--help` lists options."""

import sys


def main() -> None:
    """Run one of the two comparisons."""
    # Worker processes import this module, so nothing here may import TensorFlow.
    if any(argument.partition("=")[0] == "--tables" for argument in sys.argv):
        from benchmarks.generators import on_tables as comparison
    else:
        from benchmarks.generators import frauds as comparison
    comparison.main()


if __name__ == "__main__":
    main()
