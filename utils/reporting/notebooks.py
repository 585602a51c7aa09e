"""Execute a notebook of the study with papermill, completely or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Collection
from pathlib import Path

from utils.config import NOTEBOOKS, Profile
from utils.files import replacing
from utils.reporting.adaptation import OTHERWISE, adapt

QUIET = "--quiet"  # papermill interrupts a kernel before it ends, which would be reported as an error


class NotebookError(RuntimeError):
    """A notebook's cell failed."""


def source_hash(path: Path) -> str:
    """Hash of a notebook's cells without outputs, so that executing the notebook does not make it out of date.

    Source, tags and the text that replaces a cell in other studies (see `adaptation`) count.
    """
    cells = json.loads(path.read_text())["cells"]
    content = [
        (cell["cell_type"], "".join(cell["source"]), *(cell["metadata"].get(name, []) for name in ("tags", OTHERWISE)))
        for cell in cells
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def has_tag(name: str, tag: str) -> bool:
    """Whether a cell of `notebooks/<name>.ipynb` has the tag."""
    cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text())["cells"]
    return any(tag in cell["metadata"].get("tags", []) for cell in cells)


def execute(name: str, profile: Profile, unmet: Collection[str] = ()) -> None:
    """Execute `notebooks/<name>.ipynb` and write it with its outputs to the profile's folder.

    The default parameters of the notebooks are the full profile of the credit-card study, so it is executed without
    parameters and replaced in place. Another profile or study is passed as parameters, and the notebook is adapted to
    the study, for which `unmet` names the needs that the rows do not meet; see `adaptation`.

    Raises
    ------
    NotebookError
        If a cell fails or the kernel dies; the message names notebook, cell and error, and the notebook so far is saved
        below `build`.
    """
    import nbformat
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError
    from traitlets.config import Config

    kernel = {"kernel_name": "python3", "progress_bar": False, "extra_arguments": [QUIET]}
    source = NOTEBOOKS / f"{name}.ipynb"
    notebook = adapt(nbformat.read(source, as_version=4), profile, unmet)
    is_default = profile.name == "full" and not profile.is_foreign
    parameters = {} if is_default else {"study": profile.study, "profile_name": profile.name}
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / source.name
        if os.name == "posix":  # sockets in a separate folder instead of open ports
            kernel["config"] = Config({"KernelManager": {"transport": "ipc", "ip": f"{folder}/kernel"}})
        try:
            papermill.execute_notebook(notebook, output, parameters=parameters, cwd=NOTEBOOKS, **kernel)
        except PapermillExecutionError as error:
            reason = f"{source.name}, cell {error.exec_count}: {error.ename}: {error.evalue}"
            raise NotebookError(f"{reason}; {_keep_failed(output, profile)}.") from None
        except DeadKernelError:
            reason = f"{source.name}: its kernel was ended from outside, as happens when memory runs out"
            raise NotebookError(f"{reason}; {_keep_failed(output, profile)}.") from None
        write_clean(output, profile.notebooks / source.name)
    print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)


def _keep_failed(output: Path, profile: Profile) -> str:
    """Keep the notebook so far; returns where it is, in words."""
    kept = profile.failures / output.name
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(output.read_bytes())
    return f"the notebook up to there is {kept.name} in {kept.parent.name}/"


def write_clean(executed: Path, target: Path) -> None:
    """Write an executed notebook in one step, without the runner's times and paths.

    Pieces of a stream are joined, because where a kernel splits its output depends on the machine's load.
    """
    import nbformat
    from nbconvert.preprocessors import CoalesceStreamsPreprocessor

    notebook, _ = CoalesceStreamsPreprocessor(enabled=True)(nbformat.read(executed, as_version=4), {})
    notebook["metadata"].pop("papermill", None)
    notebook["metadata"].get("language_info", {}).pop("version", None)
    for cell in notebook["cells"]:
        for name in ("papermill", "execution"):
            cell["metadata"].pop(name, None)
        cell["metadata"] = {key: value for key, value in cell["metadata"].items() if key != "tags" or value}
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as temporary:
        nbformat.write(notebook, temporary)
