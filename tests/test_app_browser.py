"""The pages in a real browser: what an analyst does, and what the browser requests and complains about."""

import json
import re
import shutil
from urllib.parse import urlsplit

import pytest

from app.app import create_app
from tests.test_app import folder, server  # noqa: F401  (fixtures)

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed (uv sync installs it)")
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="Chromium is not installed (apt-get install chromium chromium-driver)"
)

from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
)
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS.split(), f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.set_page_load_timeout(60)
    yield driver
    driver.quit()


def look(browser, size="desktop", scheme="light"):
    """Emulate a screen and a colour scheme."""
    width, height = SIZES[size]
    screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "phone"}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    preference = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [preference]})


def wait_for(browser, condition):
    return WebDriverWait(browser, 30).until(condition)


def press(browser, element):
    """Activate a control as a keyboard user does."""
    browser.execute_script("arguments[0].focus()", element)
    browser.switch_to.active_element.send_keys(Keys.ENTER)


def answer_for(browser, url, kind):
    """Fill in an example and submit it with the button that then has the focus; text of the answer."""
    browser.get(url)
    press(browser, browser.find_element(By.CSS_SELECTOR, f"button[value={kind}]"))
    wait_for(browser, lambda driver: f"example={kind}" in driver.current_url)
    wait_for(
        browser, lambda driver: driver.execute_script("return document.activeElement.textContent.startsWith('Score')")
    )
    before = browser.current_url
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    wait_for(browser, lambda driver: driver.find_elements(By.ID, "probability"))
    assert browser.current_url == before  # answered in place, so that the live region speaks
    return browser.find_element(By.ID, "result").text


def complaints(browser):
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def requested(browser):
    """Addresses that the browser asked for since the last call."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]


def test_an_analyst_scores_both_examples_by_keyboard(browser, server, folder, tmp_path):  # noqa: F811
    look(browser)
    about = create_app(folder).extensions["served"]
    assert re.match("Alert: have", answer_for(browser, server, "fraud"))
    assert browser.title.startswith("Alert")
    browser.save_screenshot(str(tmp_path / "fraud.png"))
    assert re.match("No alert", answer_for(browser, server, "legitimate"))
    shown = float(browser.find_element(By.ID, "probability").get_attribute("data-exact"))
    values = {1: [about.about["examples"]["legitimate"][name] for name in about.columns]}
    from app.records import Batch

    assert shown == pytest.approx(about.score(Batch(values=values))[0]["probability"], abs=1e-9)
    assert complaints(browser) == []


def test_a_wrong_value_is_named_and_the_others_stay(browser, server):  # noqa: F811
    look(browser)
    browser.get(f"{server}/?example=fraud")
    field = browser.find_element(By.ID, "field-V4")
    browser.execute_script("arguments[0].value = '1e300'", field)
    press(browser, browser.find_element(By.CSS_SELECTOR, "#transaction button"))
    wait_for(browser, lambda driver: "Nothing was scored" in driver.find_element(By.ID, "result").text)
    assert field.get_attribute("aria-invalid") == "true"
    browser.execute_script("arguments[0].value = '1'", field)
    press(browser, browser.find_element(By.CSS_SELECTOR, "#transaction button"))
    wait_for(browser, lambda driver: driver.find_elements(By.ID, "probability"))
    assert field.get_attribute("aria-invalid") is None


def test_nothing_is_requested_from_another_host(browser, server):  # noqa: F811
    requested(browser)
    answer_for(browser, server, "fraud")
    browser.get(f"{server}/statistics")
    wait_for(browser, lambda driver: driver.find_elements(By.CSS_SELECTOR, ".js-plotly-plot .main-svg"))
    addresses = [urlsplit(address) for address in requested(browser)]
    assert {address.hostname for address in addresses if address.scheme in ("http", "https", "ws")} == {"127.0.0.1"}
    assert any(address.path.endswith("plotly.min.js") for address in addresses)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_pages_fit_the_screen_in_both_colour_schemes(browser, server, tmp_path, size, scheme):  # noqa: F811
    look(browser, size, scheme)
    for name in ("", "statistics"):
        browser.get(f"{server}/{name}")
        if name:
            wait_for(browser, lambda driver: driver.find_elements(By.CSS_SELECTOR, ".js-plotly-plot .main-svg"))
            height = browser.execute_script("return document.querySelector('.main-svg').getBoundingClientRect().height")
            assert 300 < height < 700
        assert browser.execute_script("return document.documentElement.dataset.bsTheme") == scheme
        assert browser.execute_script("return document.documentElement.scrollWidth") <= SIZES[size][0]
        browser.save_screenshot(str(tmp_path / f"{name or 'home'}_{size}_{scheme}.png"))
    background = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background)[:3])) < 3 * 128) == (scheme == "dark")


def test_the_form_works_without_scripts(browser, server):  # noqa: F811
    look(browser)
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(f"{server}/?example=fraud")
        browser.find_element(By.CSS_SELECTOR, "#transaction button").send_keys(Keys.ENTER)
        wait_for(browser, lambda driver: driver.find_elements(By.ID, "probability"))
        assert "Alert" in browser.find_element(By.ID, "result").text
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
