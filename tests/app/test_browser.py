"""The pages in a real browser: what an analyst does, and what the browser requests and complains about."""

import csv
import hashlib
import json
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from app.building import figures
from app.building.embedding import Synthetic
from app.parsing.mixed import read_rows
from app.parsing.records import Batch
from app.server.gunicorn_conf import graceful_timeout
from app.serving.catalog import Catalog
from app.serving.model_files import STATISTICS, write_statistics
from app.views import formatting
from tests import small_mixed
from tests.chromium import CHROMIUM, DRIVER, SIZES, chromium, free_port, look, open_page, serving, wait_for
from tests.small_app import COLUMNS, SCHEMA, transactions, write_champion
from utils.config import ROOT, ULB
from utils.data.features import build_features
from utils.serving import bundle

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="Chromium is not installed (apt-get install chromium chromium-driver)"
)

PAGES = (
    "/",
    "/statistics",
    "/predict",
    "/predict?example=fraud",
    "/file",
    "/models",
    "/models/champion",
    "/models/none+rf",
    "/docs",
    "/notebooks/04_smote",
    "/nothing",
)
V4 = f"#field-{COLUMNS.index('V4')}"  # its box in the form
DRAWN = "document.querySelectorAll('.js-plotly-plot .main-svg').length"
RULES = """
const done = arguments[arguments.length - 1];
axe.run().then((found) => done(found.violations)).catch((error) => done(String(error)));
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small model with every figure of the statistics page."""
    place = tmp_path_factory.mktemp("browser") / "model"
    write_champion(place)
    frame, champion = transactions(), Catalog(place).champion
    X = build_features(frame, SCHEMA, champion.model.columns)
    y = frame["Class"].to_numpy()
    # Any rows do to see whether they are drawn: no time for a CGAN.
    drawn = Synthetic(X, y, X[y == 1] + np.random.default_rng(0).normal(0, 0.3, X[y == 1].shape), updates=0)
    every = [
        figures.class_balance(frame["Class"].to_numpy()),
        figures.amounts(frame["Amount"].to_numpy(), frame["Class"].to_numpy()),
        figures.hour_of_day(frame["Time"].to_numpy() // 3600 % 24, frame["Class"].to_numpy()),
        figures.correlations(drawn),
        figures.embedding(drawn),
        figures.importances(champion, figures.sample_of(frame, SCHEMA, 50)),
        figures.precision_recall_curves(figures.measured(ULB), 0.05, {"none": "No resampling"}),
    ]
    write_statistics(place, every)
    bundle.seal(place)
    return place


@pytest.fixture(scope="module")
def catalog(folder):
    return Catalog(folder)


class Running:
    """A server for the model in a folder, which can be stopped and started again at the same address."""

    def __init__(self, folder):
        self._folder, self._port, self._stack = folder, free_port(), ExitStack()

    def start(self):
        self.url = self._stack.enter_context(serving(self._folder, self._port))

    def stop(self):
        self._stack.close()


@pytest.fixture(scope="module")
def running(folder):
    """The server of all tests here; a test that stops it starts it again."""
    running = Running(folder)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def server(running):
    return running.url


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(tmp_path_factory, downloads):
    with chromium(tmp_path_factory.mktemp("profile"), downloads) as driver:
        yield driver


@pytest.fixture(scope="module")
def axe():
    """axe-core from npm, of the locked version; installed once below `build`."""
    source = ROOT / "tests" / "axe"
    lock = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()[:12]
    place = ROOT / "build" / "axe" / lock
    if not place.exists():
        if not shutil.which("npm"):
            pytest.fail(
                "npm is needed to fetch axe-core for the accessibility tests; install it (apt-get install npm)."
            )
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as parent:
            staging = Path(parent) / "new"
            shutil.copytree(source, staging)
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(command, cwd=staging, capture_output=True, text=True)
            if done.returncode:
                pytest.fail(f"npm could not fetch axe-core: {done.stderr.strip()[-400:]}")
            staging.rename(place)
    return (place / "node_modules" / "axe-core" / "axe.min.js").read_text()


def press(browser, element, key=Keys.ENTER):
    """Activate a control as a keyboard user does."""
    browser.execute_script("arguments[0].focus()", element)
    browser.switch_to.active_element.send_keys(key)


def find(browser, selector):
    return browser.find_element(By.CSS_SELECTOR, selector)


def complaints(browser):
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def requested(browser):
    """Addresses that the browser asked for since the last call."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]


def exact(browser):
    """The probability on the page, once the answer is there."""
    wait_for(browser, "document.getElementById('probability') && !document.querySelector('[aria-busy=true]')")
    return float(find(browser, "#probability").get_attribute("data-exact"))


def probability_of(served, example):
    return served.score(Batch(values={1: [example[name] for name in served.columns]}))[0].probability


def tab_to(browser, wanted):
    """Press Tab until the element that a script's test accepts has the focus."""
    for _ in range(80):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        if browser.execute_script(f"const e = document.activeElement; return {wanted}"):
            return browser.switch_to.active_element
    raise AssertionError(f"Tab never reaches {wanted}")


# --- a row of a mixed table


PASTED = "13/02/2024 10:11:12\tc1\tshop 999\tonline\t\t13/02/2021\t12\t1\tno"  # all columns of the file
PASTE = """
const data = new DataTransfer();
data.setData("text", arguments[0]);
const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
document.querySelector(".fields input").dispatchEvent(event);
"""


def test_predict_page_of_a_mixed_table_takes_a_row_of_a_spreadsheet(browser, tmp_path):
    small_mixed.write(tmp_path / "model")
    look(browser)
    complaints(browser)
    with serving(tmp_path / "model") as url:
        open_page(browser, f"{url}/predict")
        browser.execute_script(PASTE, PASTED)
        fields = browser.find_elements(By.CSS_SELECTOR, ".fields input, .fields select")
        values = {find(browser, f"label[for={field.get_attribute('id')}]").text: field for field in fields}
        assert {name: field.get_attribute("value") for name, field in values.items()} == {
            "when": "13/02/2024 10:11:12",
            "merchant": "shop 999",
            "channel": "online",
            "balance": "",
            "opened": "13/02/2021",
            "points": "12",
            "urgent": "1",
        }
        assert find(browser, "#pasted").text == "Filled 6 of 7 boxes with a row of 9 cells. Left empty: balance."
        press(browser, find(browser, "#transaction button"))
        exact(browser)
        assert "Scored as missing: balance." in find(browser, "#result").text
        assert "merchant 'shop 999'" in find(browser, "#result").text
        names = "\t".join(["points", "channel", "merchant", "balance", "when"])
        browser.execute_script(PASTE, f"{names}\n7\tphone\tshop 1\t5,5\t2024-01-02 03:04:05")
        assert values["points"].get_attribute("value") == "7"
        assert values["channel"].get_attribute("value") == "phone"
        assert values["when"].get_attribute("value") == "2024-01-02T03:04:05"
        assert values["opened"].get_attribute("value") == "13/02/2021"  # as it was
        press(browser, find(browser, "#transaction button"))
        wait_for(browser, lambda driver: "balance is 5.5" in find(driver, "#result").text)
    assert complaints(browser) == []


PASTED_DATES = {  # what a box for a time holds after pasting, and the moment that the server reads
    "2024-02-13 10:11:12": ("2024-02-13T10:11:12", "2024-02-13T10:11:12"),
    "2024-02-13T10:11:12+02:00": ("2024-02-13T10:11:12+02:00", "2024-02-13T08:11:12"),
    "2024-02-30 10:11": ("2024-02-30 10:11", None),
    "2024-02-13": ("2024-02-13", "2024-02-13T00:00:00"),
    "13/02/2024 01:55 PM": ("13/02/2024 01:55 PM", "2024-02-13T13:55:00"),
    "13.02.98": ("13.02.98", "1998-02-13T00:00:00"),
    "13/2/2024 9:05": ("13/2/2024 9:05", "2024-02-13T09:05:00"),
    "13 Feb 2024": ("13 Feb 2024", "2024-02-13T00:00:00"),
    "20240213": ("20240213", "2024-02-13T00:00:00"),
}


def test_predict_page_sends_a_pasted_date_in_any_spelling_to_the_server(browser, tmp_path):
    small_mixed.write(tmp_path / "model")
    (when,) = (column for column in small_mixed.fit("xgb").raw if column.name == "when")
    look(browser)
    with serving(tmp_path / "model") as url:
        open_page(browser, f"{url}/predict")
        for text, (value, moment) in PASTED_DATES.items():
            browser.execute_script(
                PASTE, f"when\tmerchant\tchannel\topened\tpoints\n{text}\tshop 1\tchip\t2020-01-01\t1"
            )
            assert find(browser, "#field-0").get_attribute("value") == value
            assert find(browser, "#pasted").text == "Filled 5 of 7 boxes with a row of 5 cells."
            sent = find(browser, "#field-0").get_attribute("value")
            seconds = read_rows([{"when": sent}], [when], "form").values[0, 0]
            assert np.isnan(seconds) if moment is None else seconds == pd.Timestamp(moment).timestamp()
        press(browser, find(browser, "#transaction button"))
        exact(browser)


# --- one transaction


def test_predict_page_scores_a_fraud_and_asks_another_model_by_keyboard_alone(browser, server, catalog):
    look(browser)
    complaints(browser)
    open_page(browser, server)
    tab_to(browser, "e.textContent === 'One transaction'").send_keys(Keys.ENTER)
    wait_for(browser, "document.getElementById('transaction')")
    tab_to(browser, "e.value === 'fraud'").send_keys(Keys.ENTER)
    wait_for(browser, "document.activeElement.textContent.startsWith('Score')")
    before = browser.current_url
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    example = catalog.champion.about.examples["fraud"]
    assert exact(browser) == pytest.approx(probability_of(catalog.champion, example), abs=1e-9)
    assert browser.current_url == before  # answered in place, so that the live region speaks
    assert re.match("Alert: check", find(browser, "#result").text) and browser.title.startswith("Alert")

    # The bars are the model's own reasons, and what raises the probability points to the right.
    (explanation,) = catalog.champion.explain([[example[name] for name in COLUMNS]])
    rows = browser.find_elements(By.CSS_SELECTOR, ".reasons tbody tr")
    assert len(rows) == formatting.N_BARS + 1
    for row, part in zip(rows[:-1], explanation.contributions[: formatting.N_BARS], strict=True):
        name, value, contribution = (cell.text for cell in row.find_elements(By.CSS_SELECTOR, "th, .number"))
        assert name == part.feature
        assert (value, contribution) == (formatting.short(part.value), formatting.signed(part.contribution))
        bar, middle = (row.find_element(By.TAG_NAME, tag).rect for tag in ("rect", "line"))
        side = bar["x"] + bar["width"] / 2 - middle["x"]
        assert abs(part.contribution) < 0.01 or (side > 0) == (part.contribution > 0)

    # Another model answers the same transaction as soon as it is chosen.
    press(browser, find(browser, "#model"), "L")
    lr = catalog.get("none+lr")
    wait_for(browser, lambda driver: exact(driver) == pytest.approx(probability_of(lr, example), abs=1e-9))
    press(browser, find(browser, "button[value=legitimate]"))
    wait_for(browser, "location.search.includes('example=legitimate')")
    assert find(browser, "#model").get_attribute("value") == "none+lr"
    press(browser, find(browser, "#transaction button"))
    assert exact(browser) == pytest.approx(probability_of(lr, lr.about.examples["legitimate"]), abs=1e-9)
    assert complaints(browser) == []


def test_predict_page_names_a_wrong_value_and_keeps_the_others(browser, server):
    look(browser)
    open_page(browser, f"{server}/predict?example=fraud")
    field = find(browser, V4)
    browser.execute_script("arguments[0].value = '1e300'", field)
    press(browser, find(browser, "#transaction button"))
    wait_for(browser, lambda driver: "Nothing was scored" in find(driver, "#result").text)
    assert field.get_attribute("aria-invalid") == "true"
    browser.execute_script("arguments[0].value = '1'", field)
    press(browser, find(browser, "#transaction button"))
    exact(browser)
    assert field.get_attribute("aria-invalid") is None


def test_predict_page_says_that_the_model_was_replaced_by_one_with_other_columns(browser, server):
    look(browser)
    open_page(browser, f"{server}/predict?example=fraud")
    browser.execute_script("arguments[0].name = 'column-of-another-model'", find(browser, V4))
    press(browser, find(browser, "#transaction button"))
    wait_for(browser, lambda driver: "The model was replaced" in find(driver, "#result").text)
    assert find(browser, V4).get_attribute("value") != ""


def test_predict_page_keeps_a_comma_in_its_box_and_says_that_an_answer_is_to_other_values(browser, server, catalog):
    look(browser)
    open_page(browser, f"{server}/predict?example=fraud")
    field, outdated = find(browser, V4), find(browser, "#outdated")
    field.clear()
    field.send_keys("1,5")
    assert field.get_attribute("value") == "1,5" and not outdated.is_displayed()
    press(browser, find(browser, "#transaction button"))
    example = {**catalog.champion.about.examples["fraud"], "V4": 1.5}
    assert exact(browser) == pytest.approx(probability_of(catalog.champion, example), abs=1e-9)
    assert "V4 is 1.5" in find(browser, "#result").text and not outdated.is_displayed()
    field.send_keys("1")
    assert outdated.is_displayed() and "about the old values" in outdated.text
    assert "outdated" in find(browser, "#result").get_attribute("class")
    field.send_keys(Keys.BACKSPACE)
    assert not outdated.is_displayed()


def test_predict_page_keeps_what_was_typed_when_the_server_restarts(browser, running):
    look(browser)
    open_page(browser, f"{running.url}/predict?example=fraud")
    typed = find(browser, V4)
    typed.clear()
    typed.send_keys("0.5")
    start = time.monotonic()
    running.stop()
    assert time.monotonic() - start < graceful_timeout  # though the browser keeps connections open
    try:
        press(browser, find(browser, "#transaction button"))
        wait_for(browser, lambda driver: "start it again with `make app`" in find(driver, "#result").text.lower())
        assert typed.get_attribute("value") == "0.5" and not find(browser, "#busy").is_displayed()
    finally:
        running.start()
    press(browser, find(browser, "#transaction button"))
    exact(browser)
    assert typed.get_attribute("value") == "0.5"
    complaints(browser)  # the browser logs that there was no server, and the status of the old token


def test_predict_page_works_without_scripts(browser, server):
    look(browser)
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        open_page(browser, f"{server}/predict?example=fraud&model=none%2Blr")
        find(browser, "#transaction button").send_keys(Keys.ENTER)
        wait_for(browser, lambda driver: driver.find_elements(By.ID, "probability"))
        assert "Alert" in find(browser, "#result").text
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


# --- statistics


def points(browser, name):
    """How many points of a trace are drawn in the map of frauds."""
    return browser.execute_script(
        "const places = [...document.querySelectorAll('.figure')];"
        "const place = places.find((one) => one.data?.some((trace) => trace.name === 'Real fraud'));"
        "const at = place.data.findIndex((trace) => trace.name === arguments[0]);"
        "return at < 0 ? 0 : place.querySelectorAll('.scatter')[at].querySelectorAll('.point').length",
        name,
    )


def test_statistics_page_switches_synthetic_frauds_off_and_on(browser, server):
    look(browser)
    open_page(browser, f"{server}/statistics")
    wait_for(browser, f"{DRAWN} >= 7")
    button = find(browser, "button[aria-pressed]")
    assert (points(browser, "Synthetic fraud"), points(browser, "Real fraud")) == (30, 30)
    press(browser, button)
    assert button.get_attribute("aria-pressed") == "false" and button.text == "Show synthetic frauds"
    assert (points(browser, "Synthetic fraud"), points(browser, "Real fraud")) == (0, 30)
    press(browser, button, Keys.SPACE)
    assert button.get_attribute("aria-pressed") == "true" and points(browser, "Synthetic fraud") == 30


def test_statistics_page_draws_the_curves_of_a_model_or_of_a_sampler(browser, server, folder):
    figure = json.loads((folder / STATISTICS).read_text())[-1]
    traces = [trace["meta"] for trace in figure["data"] if "meta" in trace]
    look(browser)
    open_page(browser, f"{server}/statistics")
    wait_for(browser, f"{DRAWN} >= 7")
    *_, choice = browser.find_elements(By.CSS_SELECTOR, "select")
    names = "return [...document.querySelectorAll('.figure')].at(-1).data.map((trace) => trace.name)"
    (_, classifiers), (_, samplers) = figure["choices"]
    for values, others in ((classifiers, samplers), (samplers, classifiers)):
        value = values[0][0]
        browser.execute_script(
            "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change'))", choice, value
        )
        *drawn, last = browser.execute_script(names)
        assert drawn == [meta[value]["name"] for meta in traces if value in meta] and last == "chance"
        labels = [label for _, label in others]
        assert drawn and all(name.rpartition(" (")[0] in labels for name in drawn)


OUTSIDE = """
const figures = [...document.querySelectorAll('.figure')].filter((figure) => figure.clientWidth);
const texts = figures.flatMap((figure) => [...figure.querySelectorAll('text')].map((text) => [figure, text]));
const isOutside = ([figure, text]) => {
  const [inner, outer] = [text, figure].map((element) => element.getBoundingClientRect());
  return inner.width && (inner.left < outer.left - 2 || inner.right > outer.right + 2);
};
return texts.filter(isOutside).map(([, text]) => text.textContent);
"""


@pytest.mark.parametrize("size", SIZES)
def test_statistics_page_cuts_no_text_of_a_figure(browser, server, size):
    look(browser, size)
    open_page(browser, f"{server}/statistics")
    wait_for(browser, f"{DRAWN} >= 7")
    assert browser.execute_script(OUTSIDE) == []


def test_statistics_page_shortens_long_names_in_a_narrow_figure(browser, server):
    look(browser, "phone")
    open_page(browser, f"{server}/statistics")
    wait_for(browser, f"{DRAWN} >= 7")
    shorten = (
        "return shortNames({ clientWidth: arguments[0] }, [{ orientation: 'h', y: arguments[1] }]).ticktext ?? null"
    )
    names = ["age &amp; sex of the card's holder", "\N{GRINNING FACE}" * 16, "a &lt; b"]
    short = ["age &amp; sex of th\N{HORIZONTAL ELLIPSIS}", names[1], names[2]]
    assert browser.execute_script(shorten, 360, names) == short
    assert browser.execute_script(shorten, 900, names) is None


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("Promise.reject(new TypeError())", "The server cannot be reached. Start it again with `make app`"),
        ("Promise.resolve(Response.json({ error: 'The disk is full.' }, { status: 507 }))", "The disk is full."),
        ("Promise.resolve(new Response('<html>', { status: 502 }))", "The server answered 502; look into its log."),
        ("Promise.resolve(Response.json([]))", "The model was replaced. Reload this page"),
    ],
)
def test_statistics_page_says_why_the_figures_cannot_be_drawn(browser, server, answer, reason):
    look(browser)
    script = {"source": f"window.fetch = () => {answer};"}
    added = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", script)
    try:
        open_page(browser, f"{server}/statistics")
        wait_for(browser, "document.querySelector('[role=alert]')")
        assert find(browser, "[role=alert]").text.startswith(f"The figures cannot be drawn. {reason}")
        assert not any(box.is_displayed() for box in browser.find_elements(By.CSS_SELECTOR, "[data-figure]"))
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


# --- a file


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """A table with its label, as CSV with two lines that cannot be read, and as Parquet."""
    place = tmp_path_factory.mktemp("files")
    frame = transactions(300, seed=3)
    frame.to_parquet(place / "rows.parquet", index=False)
    lines = frame.to_csv(index=False).splitlines()
    lines[4] = "1,2,3"
    lines[7] = lines[7].replace(",", ",=x", 1)
    (place / "rows.csv").write_text("\n".join(lines) + "\n")
    return place, frame


def upload(browser, server, path, model="champion"):
    """Choose a file and send it by keyboard; waits until the page says something."""
    open_page(browser, f"{server}/file?model={model.replace('+', '%2B')}")
    find(browser, "#file").send_keys(str(path))
    press(browser, find(browser, "#send"))
    shown = "(id) => !document.getElementById(id).hidden"
    wait_for(browser, f"['outcome', 'problem'].some({shown}) && document.getElementById('work').hidden")


def facts(browser):
    pairs = browser.find_elements(By.CSS_SELECTOR, "#facts > div")
    return {pair.find_element(By.TAG_NAME, "dt").text: pair.find_element(By.TAG_NAME, "dd").text for pair in pairs}


def column(browser, place):
    return browser.execute_script(
        "const rows = [...document.querySelectorAll('#top tbody tr')];"
        "return rows.map((row) => Number(row.cells[arguments[0]].dataset.value))",
        place,
    )


def test_file_page_scores_sorts_and_downloads_a_csv_file(browser, server, catalog, labelled, downloads):
    place, frame = labelled
    look(browser)
    complaints(browser)
    upload(browser, server, place / "rows.csv")
    good = np.delete(np.arange(300), [3, 6])
    probability = catalog.champion.model.predict_proba(frame.iloc[good])
    alerts = probability >= catalog.champion.model.threshold
    told = facts(browser)
    assert told["Transactions"] == "300" and told["Not readable"] == "2"
    assert told["Alerts"] == str(alerts.sum())
    assert told["Amount at risk"] == f"{frame['Amount'].iloc[good][alerts].sum():,.2f}"
    errors = [row.text for row in browser.find_elements(By.CSS_SELECTOR, "#unreadable tbody tr")]
    assert [error.split()[:2] for error in errors] == [["4", "5"], ["7", "8"]] and "V1" in errors[1]
    assert "298 of 300 transactions" in find(browser, "#status").get_attribute("textContent")

    # Against the labels: the confusion matrix adds up, and the curve ends at every fraud found.
    counts = {name: int(find(browser, f"#{name}").text) for name in ("tp", "fp", "fn", "tn")}
    frauds = frame["Class"].iloc[good].to_numpy() == 1
    assert counts["tp"] == (alerts & frauds).sum() and counts["fn"] == (~alerts & frauds).sum()
    assert sum(counts.values()) == 298
    assert browser.execute_script("return document.getElementById('curve').data[0].x.at(-1)") == 1
    assert browser.execute_script("return document.getElementById('histogram').data[0].y").count(0) < 36

    assert column(browser, 1) == sorted(column(browser, 1), reverse=True)
    np.testing.assert_allclose(column(browser, 1), np.sort(probability)[::-1], atol=1e-9)
    press(browser, find(browser, "#top th:nth-child(4) button"))
    assert column(browser, 3) == sorted(column(browser, 3), reverse=True)
    assert find(browser, "#top th:nth-child(4)").get_attribute("aria-sort") == "descending"
    press(browser, find(browser, "#top th:nth-child(4) button"))
    assert column(browser, 3) == sorted(column(browser, 3))

    press(browser, find(browser, "#download"))
    result = downloads / "scored.csv"
    wait_for(browser, lambda _: result.exists())
    with result.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["row"]) for row in rows] == list(range(1, 301))
    assert [row["row"] for row in rows if row["error"]] == ["4", "7"]
    np.testing.assert_allclose([float(rows[place]["probability"]) for place in good], probability, atol=1e-9)
    assert complaints(browser) == []


def test_file_page_says_how_equal_probabilities_count_and_rounds_no_share_to_all(browser, server, labelled, tmp_path):
    _, frame = labelled
    pd.concat([frame.head(1)] * 40).assign(Class=[1] + [0] * 39).to_csv(tmp_path / "equal.csv", index=False)
    look(browser)
    upload(browser, server, tmp_path / "equal.csv")
    assert re.search(
        r"Average precision 0\.107; .* about 0\.025, .* with the frauds last among them, .* it is 0\.025\.",
        find(browser, "#judged-text").text,
    )
    shares = [(237, 238), (1, 400), (0, 400), (400, 400), (1, 4), (0, 0)]
    shown = [browser.execute_script("return share(...arguments)", *pair) for pair in shares]
    assert shown == ["more than 99 %", "less than 1 %", "0 %", "100 %", "25 %", "none"]


def test_file_page_sorts_dates(browser, tmp_path):
    small_mixed.write(tmp_path / "model")
    frame = small_mixed.table(40).sample(frac=1, random_state=0)
    frame.iloc[0, frame.columns.get_loc("when")] = ""
    frame.to_csv(tmp_path / "claims.csv", index=False)
    look(browser)
    with serving(tmp_path / "model") as url:
        upload(browser, url, tmp_path / "claims.csv")
        times = "return [...document.querySelectorAll('#top tbody tr')].map((row) => [...row.cells].at(-1).innerText)"
        for reverse in (False, True):
            press(browser, find(browser, "#top th:last-child button"))
            *shown, last = browser.execute_script(times)
            assert last == "–" and shown == sorted(shown, reverse=reverse) and len(set(shown)) == 39


def test_file_page_scores_a_parquet_file_by_the_chosen_model(browser, server, catalog, labelled):
    place, frame = labelled
    look(browser)
    upload(browser, server, place / "rows.parquet", "none+lr")
    assert facts(browser)["Model"] == "Logistic regression with no resampling"
    assert not find(browser, "#unreadable").is_displayed()
    expected = catalog.get("none+lr").model.predict_proba(frame)
    np.testing.assert_allclose(column(browser, 1), np.sort(expected)[::-1], atol=1e-9)
    assert browser.execute_script("return document.activeElement.id") == "outcome"


def test_file_page_takes_a_file_that_is_dropped_onto_it(browser, server, labelled):
    look(browser)
    open_page(browser, f"{server}/file")
    browser.execute_script(
        "const carried = new DataTransfer(); carried.items.add(new File([arguments[0]], 'dropped.csv'));"
        "document.getElementById('drop').dispatchEvent("
        "new DragEvent('drop', { dataTransfer: carried, bubbles: true, cancelable: true }))",
        (labelled[0] / "rows.csv").read_text(),
    )
    assert find(browser, "#file-facts").text.startswith("dropped.csv, ")
    press(browser, find(browser, "#send"))
    wait_for(browser, "!document.getElementById('outcome').hidden")
    assert find(browser, "#outcome-title").text == "Result for dropped.csv"


def test_file_page_refuses_a_file_that_cannot_be_used_with_the_servers_reason(browser, server, tmp_path):
    look(browser)
    path = tmp_path / "short.csv"
    path.write_text("Time,V1\n1,2\n")
    upload(browser, server, path)
    problem = find(browser, "#problem")
    assert problem.get_attribute("role") == "alert" and "Columns are missing: V2, V3" in problem.text
    assert not find(browser, "#outcome").is_displayed() and find(browser, "#send").is_enabled()
    complaints(browser)  # the browser logs the status of the refusal


def test_file_page_says_that_a_file_is_no_longer_as_it_was_chosen(browser, server, labelled, tmp_path):
    look(browser)
    path = tmp_path / "rows.csv"
    path.write_bytes((labelled[0] / "rows.csv").read_bytes())
    open_page(browser, f"{server}/file")
    find(browser, "#file").send_keys(str(path))
    path.unlink()
    press(browser, find(browser, "#send"))
    wait_for(browser, "!document.getElementById('problem').hidden")
    assert find(browser, "#problem").text == (
        "rows.csv was changed, moved or deleted after it was chosen, so nothing was scored; choose it again."
    )
    assert find(browser, "#send").is_enabled()
    complaints(browser)  # the browser logs that it could not send the file


def test_file_page_writes_probabilities_as_the_other_pages_do(browser, server):
    look(browser)
    open_page(browser, f"{server}/file")
    probabilities = [2e-5, 0.00996, 0.012345, 0.05, 0.5, 0.899, 0.9, 0.99, 0.9984]
    shown = [browser.execute_script("return percent(arguments[0])", probability) for probability in probabilities]
    assert shown == [formatting.percent(value).replace(formatting.SPACE, " ") for value in probabilities]


@pytest.mark.parametrize("size", SIZES)
def test_file_page_draws_the_whole_scale_of_probabilities(browser, server, labelled, size):
    look(browser, size)
    upload(browser, server, labelled[0] / "rows.csv")
    ticks = "return [...document.querySelectorAll('#histogram .xtick text')].map((text) => text)"
    texts = browser.execute_script(ticks)
    assert [text.text for text in texts][:: len(texts) - 1] == ["0.0001 %", "100 %"]
    assert browser.execute_script(OUTSIDE) == []


def test_file_page_has_no_result_of_a_file_of_which_nothing_can_be_read(browser, server, tmp_path):
    look(browser)
    frame = transactions(30, seed=4).astype({"V1": object})
    frame["V1"] = "x"
    frame.to_csv(tmp_path / "unreadable.csv", index=False)
    upload(browser, server, tmp_path / "unreadable.csv")
    assert find(browser, "#outcome-title").text == "Nothing in unreadable.csv could be scored"
    assert "Alerts" not in facts(browser) and facts(browser)["Not readable"] == "30"
    assert "None of the 30 rows could be read" in find(browser, "#notes").text
    assert not find(browser, "#top").is_displayed() and not find(browser, "#histogram").is_displayed()
    frauds = transactions()
    frauds = frauds[frauds["Class"] == 1].iloc[:1]
    frauds.loc[frauds.index.repeat(502)].to_csv(tmp_path / "alerts.csv", index=False)
    upload(browser, server, tmp_path / "alerts.csv")
    assert facts(browser)["Alerts"] == "502" and find(browser, "#top").is_displayed()
    assert "The list ends at 500 of 502 alerts" in find(browser, "#notes").text


# --- the models, and the API


def test_models_page_sorts_its_table_and_leads_to_cards(browser, server, catalog):
    look(browser)
    open_page(browser, f"{server}/models")
    labels = "return [...document.querySelectorAll('#models tbody th a')].map((link) => link.textContent)"
    wait_for(browser, "document.querySelector('#models th button')")
    press(browser, find(browser, "#models th button"))
    assert browser.execute_script(labels) == sorted(pair.label for pair in catalog.pairs)
    press(browser, browser.find_element(By.LINK_TEXT, "Logistic regression with no resampling"))
    wait_for(browser, "location.pathname.startsWith('/models/')")
    assert find(browser, "h1").text == "Logistic regression with no resampling"
    assert catalog.get("none+lr").version in find(browser, "main").text
    press(browser, browser.find_element(By.LINK_TEXT, "Score one transaction"))
    wait_for(browser, "document.getElementById('transaction')")
    assert find(browser, "#model").get_attribute("value") == "none+lr"


def test_docs_page_breaks_no_word_in_the_first_column_on_a_phone(browser, server):
    look(browser, "phone")
    open_page(browser, f"{server}/docs")
    broken = """
        const isBroken = (cell) => {
          const range = document.createRange();
          range.selectNodeContents(cell);
          return new Set([...range.getClientRects()].map((line) => Math.round(line.top))).size > 1;
        };
        return [...document.querySelectorAll(".wide th")].filter(isBroken).map((cell) => cell.textContent);
    """
    assert browser.execute_script(broken) == []


# --- every page


@dataclass(frozen=True)
class Visit:
    """What the browser shows of a page and logs about it, the addresses that it asks for, and what axe finds."""

    page: str
    width: int
    background: list[int]
    complaints: list[str]
    addresses: list[str]
    violations: list


def visit(browser, server, page, scheme, axe):
    for log in (complaints, requested):
        log(browser)  # those of the page before
    open_page(browser, f"{server}{page}")
    if page == "/statistics":
        wait_for(browser, f"{DRAWN} >= 7")
    wait_for(browser, f"document.documentElement.dataset.bsTheme === '{scheme}'")
    width = browser.execute_script("return document.documentElement.scrollWidth")
    background = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    shown = width, [int(number) for number in re.findall(r"\d+", background)[:3]], complaints(browser)
    if "example" in page:
        press(browser, find(browser, "#transaction button"))
        exact(browser)
    return Visit(page, *shown, requested(browser), grave(browser, axe))


@dataclass(frozen=True)
class Visits:
    """A visit to every page on a screen of `SIZES` in a colour scheme, and what axe finds in a file's result."""

    size: str
    scheme: str
    pages: list[Visit]
    violations_of_result: list


@pytest.fixture(scope="module", params=[(size, scheme) for size in SIZES for scheme in ("light", "dark")], ids="-".join)
def visits(request, browser, server, axe, labelled):
    size, scheme = request.param
    look(browser, size, scheme)
    pages = [visit(browser, server, page, scheme, axe) for page in PAGES]
    upload(browser, server, labelled[0] / "rows.csv")
    return Visits(size, scheme, pages, grave(browser, axe))


def test_pages_fit_the_screen_in_the_systems_colours_without_complaint(visits):
    for shown in visits.pages:
        assert shown.width <= SIZES[visits.size][0], shown.page
        assert (sum(shown.background) < 3 * 128) == (visits.scheme == "dark"), shown.page
        # The browser itself logs that the last page is not there.
        assert shown.complaints == [] or shown.page == "/nothing", shown.page


def test_pages_have_nothing_serious_that_axe_finds(visits):
    assert {shown.page: shown.violations for shown in visits.pages if shown.violations} == {}
    assert visits.violations_of_result == []


def test_pages_request_nothing_from_another_host(visits):
    addresses = [urlsplit(address) for shown in visits.pages for address in shown.addresses]
    assert {address.hostname for address in addresses if address.scheme in ("http", "https", "ws")} == {"127.0.0.1"}
    assert any(address.path.startswith("/plotly-") for address in addresses)


def grave(browser, axe):
    """Rules that the page breaks seriously, with the places."""
    browser.execute_script(axe)
    violations = browser.execute_async_script(RULES)
    assert isinstance(violations, list), violations
    return [
        (one["id"], [node["html"][:120] for node in one["nodes"][:3]])
        for one in violations
        if one["impact"] in ("serious", "critical")
    ]


def test_axe_would_find_something(browser, server, axe):
    open_page(browser, server)
    browser.execute_script("document.querySelector('main').append(document.createElement('input'))")
    assert [rule for rule, _ in grave(browser, axe)] == ["label"]
