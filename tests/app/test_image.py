"""The container's image holds all that the application reads, and sends along nothing else."""

import json
import os
import re
import shutil
import subprocess
import sys

from utils.paths import ROOT

pytest_plugins = ["tests.app_fixtures"]
CRAWL = """
import json, re, sys
from importlib import metadata
from pathlib import Path

installed = metadata.Distribution.from_name
def from_name(name):  # the image has the libraries, but the project is not installed
    if name == "imbalanced-cgan":
        raise metadata.PackageNotFoundError(name)
    return installed(name)
metadata.Distribution.from_name = from_name

from app.app import create_app
from app.settings import Settings

client = create_app(Settings(folder=Path(sys.argv[1]))).test_client()
waiting, seen = ["/"], {}
while waiting:
    address = waiting.pop()
    answer = client.get(address)
    seen[address] = answer.status_code
    links = re.findall(r'href="(/[^"#]*)', answer.text) if answer.mimetype == "text/html" else []
    waiting += sorted({link.replace("&amp;", "&") for link in links} - seen.keys() - set(waiting))
print(json.dumps(seen))
"""


def copied_paths():
    """Files and folders of the checkout that the Dockerfile copies, in its order."""
    lines = re.findall(r"^COPY (.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    return [path for line in lines for path in line.split()]


def test_dockerignore_lets_through_what_the_dockerfile_copies_and_nothing_else():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == set(copied_paths())


def test_the_image_shows_every_page(folder, tmp_path):
    for path in copied_paths():
        source, target = ROOT / path, tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("model", "pairs", "__pycache__"))
        else:
            shutil.copy(source, target)
    done = subprocess.run(
        [sys.executable, "-c", CRAWL, str(folder)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert len(seen) > 20 and set(seen.values()) == {200}, seen
    assert "not shown" not in done.stderr
