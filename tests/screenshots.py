"""Pictures of every page: `python -m tests.screenshots` writes them to figures/app.

They show the model in app/model (`python -m app.building` writes it) and, on the page for files, the first rows of the
study's test set.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By

from app.settings import FOLDER
from tests.chromium import chromium, look, open_page, serving, wait_for, whole_page
from utils.config import ROOT
from utils.data import loading, splits

TARGET = ROOT / "figures" / "app"
N_COLOURS = 64
HIGHEST, HIGHEST_OF = 4700, {"api": 2400, "models": 2400}  # pixels; what lies below is more of the same
MAX_BYTES = 150_000
N_ROWS = 20_000
Browser = webdriver.Chrome


def wait_for_figures(browser: Browser) -> None:
    """Wait until every section of the statistics page has its figure."""
    wait_for(
        browser, "document.querySelectorAll('.js-plotly-plot').length === document.querySelectorAll('section').length"
    )


def score_transaction(browser: Browser) -> None:
    """Score the transaction that is filled in."""
    browser.execute_script("document.getElementById('transaction').requestSubmit()")
    wait_for(browser, "document.getElementById('probability')")
    browser.execute_script("document.activeElement.blur(); window.scrollTo(0, 0)")


def score_file(browser: Browser, path: Path) -> None:
    """Score a file."""
    browser.find_element(By.ID, "file").send_keys(str(path))
    browser.execute_script("document.getElementById('upload').requestSubmit()")
    wait_for(browser, "!document.getElementById('outcome').hidden")
    browser.execute_script("window.scrollTo(0, 0)")


def optimised(png: bytes) -> bytes:
    """The picture with few colours, which pages hardly have more of."""
    small = io.BytesIO()
    # Maximum coverage keeps colours that few pixels have, such as the one line that stands out.
    picture = Image.open(io.BytesIO(png)).convert("RGB").quantize(N_COLOURS, Image.Quantize.MAXCOVERAGE)
    picture.save(small, "PNG", optimize=True)
    return small.getvalue()


def main(argv: list[str] | None = None) -> int:
    """Write the pictures; 1 if one of them is too large for the repository."""
    parser = argparse.ArgumentParser(description="Write a picture of every page to figures/app.")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the model is (default: app/model)")
    folder = parser.parse_args(argv).folder
    TARGET.mkdir(parents=True, exist_ok=True)
    too_large = []
    with tempfile.TemporaryDirectory() as temporary:
        rows = Path(temporary) / "transactions.parquet"
        dataset = loading.load()
        _, test = splits.split_off_test(dataset)
        dataset.frame.iloc[test[:N_ROWS]].to_parquet(rows, index=False)
        with serving(folder) as url, chromium(Path(temporary) / "profile", Path(temporary)) as browser:
            for name, address, size, scheme, prepare in pages(rows):
                look(browser, size, scheme)
                open_page(browser, url + address)
                prepare(browser)
                picture = optimised(whole_page(browser, HIGHEST_OF.get(name, HIGHEST)))
                (TARGET / f"{name}.png").write_bytes(picture)
                print(f"{name}.png: {len(picture) / 1000:.0f} kB")
                too_large += [name] * (len(picture) > MAX_BYTES)
    if too_large:
        print(f"Larger than {MAX_BYTES:,} bytes: {', '.join(too_large)}; lower N_COLOURS.", file=sys.stderr)
    return int(bool(too_large))


def pages(rows: Path) -> list[tuple[str, str, str, str, Callable[[Browser], None]]]:
    """Name, address, size, colour scheme and what to do before the picture is taken."""

    def nothing(browser: Browser) -> None:
        pass

    def file(browser: Browser) -> None:
        score_file(browser, rows)

    example = "/predict?example=fraud"
    return [
        ("home", "/", "desktop", "light", nothing),
        ("statistics", "/statistics", "desktop", "light", wait_for_figures),
        ("statistics_dark", "/statistics", "desktop", "dark", wait_for_figures),
        ("transaction", example, "desktop", "light", score_transaction),
        ("transaction_dark", example, "desktop", "dark", score_transaction),
        ("transaction_phone", example, "phone", "light", score_transaction),
        ("file", "/file", "desktop", "light", file),
        ("file_phone", "/file", "phone", "dark", file),
        ("models", "/models", "desktop", "light", nothing),
        ("card", "/models/champion", "desktop", "light", nothing),
        ("api", "/docs", "desktop", "light", nothing),
    ]


if __name__ == "__main__":
    sys.exit(main())
