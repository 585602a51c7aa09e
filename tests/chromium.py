"""The server and Debian's Chromium for tests that look at pages as people do."""

from __future__ import annotations

import base64
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import JavascriptException
from selenium.webdriver.support.ui import WebDriverWait

from app.client import OPENER
from utils.config import ROOT

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars"
)
SIZES = {"desktop": (1200, 900), "phone": (390, 844)}
SECONDS = 60  # to wait for anything on a busy machine
STARTING = 240  # to wait for a server, which gives a model's first reasons before it answers


@contextmanager
def serving(folder: Path, port: int | None = None, ending: signal.Signals = signal.SIGTERM) -> Iterator[str]:
    """Address of a server process for the model in `folder`.

    It ends by the signal `ending`. RuntimeError with its output if it does not start, or does not end in order.
    """
    port = port or free_port()
    command = [sys.executable, "-m", "app.app", "--port", str(port), "--folder", str(folder)]
    # To a file: a pipe that nobody reads would stop the server once it is full.
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT)
        try:
            url = f"http://127.0.0.1:{port}"
            if not _answers(process, url):
                log.seek(0)
                raise RuntimeError(f"The server did not get ready: {log.read()}")
            yield url
        finally:
            process.send_signal(ending)
            status = process.wait(timeout=20)
        log.seek(0)
        output = log.read()
        if status or "Traceback" in output:
            raise RuntimeError(f"The server ended with {status}: {output}")


def free_port() -> int:
    """A port that nobody has right now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _answers(process: subprocess.Popen, url: str) -> bool:
    end = time.monotonic() + STARTING
    while time.monotonic() < end and process.poll() is None:
        try:
            with OPENER.open(f"{url}/v2/health/ready", timeout=5):
                return True
        except OSError:
            time.sleep(0.1)
    return False


@contextmanager
def chromium(profile: Path, downloads: Path) -> Iterator[webdriver.Chrome]:
    """A headless browser with an empty profile that keeps a log of its console and its requests."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS.split(), f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        driver.set_page_load_timeout(SECONDS)
        driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)})
        yield driver
    finally:
        driver.quit()


def look(browser: webdriver.Chrome, size: str = "desktop", scheme: str = "light") -> None:
    """Emulate a screen of `SIZES` and a colour scheme."""
    width, height = SIZES[size]
    screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "phone"}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    preference = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [preference]})


def wait_for(browser: webdriver.Chrome, condition: Any) -> Any:
    """Wait until a script's result, or what a function makes of the browser, is true; returns it.

    A page that is being replaced lacks its elements for a moment, which is an error in a script and no result.
    """
    waiting = WebDriverWait(browser, SECONDS, poll_frequency=0.05, ignored_exceptions=[JavascriptException])
    if isinstance(condition, str):
        script = f"return {condition}"
        return waiting.until(lambda driver: driver.execute_script(script))
    return waiting.until(condition)


def open_page(browser: webdriver.Chrome, address: str) -> None:
    """Open a page and wait until its scripts have run: the driver sometimes answers before they have."""
    browser.get(address)
    wait_for(browser, "document.readyState === 'complete'")


def whole_page(browser: webdriver.Chrome, most: int = 6000) -> bytes:
    """The page as PNG from its top, also what lies below the screen, up to `most` pixels of height."""
    size = browser.execute_script("const e = document.documentElement; return [e.clientWidth, e.scrollHeight]")
    clip = {"x": 0, "y": 0, "width": size[0], "height": min(size[1], most), "scale": 1}
    shot = browser.execute_cdp_cmd(
        "Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True, "clip": clip}
    )
    return base64.b64decode(shot["data"])
