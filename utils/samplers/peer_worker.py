"""Fit one of `peer_generators.GENERATORS` and draw from it, in a separate process.

:mod:`utils.samplers.table_peers` starts this module, so that no package of another project is loaded beside TensorFlow:

    python -m utils.samplers.peer_worker PARENT

PARENT is the id of the process that waits for the answer. Standard input is a pickled `PeerRequest`. Standard output is
the pickled `DrawnRows`, or text about what the generator could not do. No file is written.
"""

from __future__ import annotations

import os
import pickle
import sys

from utils.samplers.ctgan_worker import exit_with_parent
from utils.samplers.peer_generators import fit_and_draw


def main(parent: int) -> None:
    """Carry out the request on standard input."""
    exit_with_parent(parent)
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints is not part of the answer
    request = pickle.load(sys.stdin.buffer)
    try:
        drawn = fit_and_draw(request)
    except Exception as error:
        drawn = f"{type(error).__name__}: {error}"
    with answer:
        pickle.dump(drawn, answer)


if __name__ == "__main__":
    main(int(sys.argv[1]))
