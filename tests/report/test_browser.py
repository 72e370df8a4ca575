"""The report in a real browser: no errors, all parts visible, nothing wider than the screen, both themes."""

import io
import shutil
import wave

import numpy as np
import pytest

from boulder.report import render
from boulder.report.pictures import of_search, spectrogram_panel, view

pytestmark = pytest.mark.chromium

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in [*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # Given the path of a driver, selenium does not try to download one.
    browser = webdriver.Chrome(options=options, service=Service(driver))
    yield browser
    browser.quit()


@pytest.fixture
def show(browser, tmp_path):
    def show(html: str, width: int, theme: str = "light"):
        path = tmp_path / "report.html"
        path.write_text(html, encoding="utf-8")
        browser.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": theme}]}
        )
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        browser.get(path.as_uri())
        browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
        assert browser.get_log("browser") == []
        return browser

    return show


def visible(browser, selector: str) -> list[dict]:
    """:return: text, width and height in pixels of each visible element"""
    return browser.execute_script(
        """return [...document.querySelectorAll(arguments[0])].filter(e => e.checkVisibility()).map(
            e => ({text: e.textContent, width: e.getBoundingClientRect().width, height: e.getBoundingClientRect().height})
        ).filter(e => e.width > 0 && e.height > 0)""",
        selector,
    )


@pytest.mark.parametrize("width", [1280, 800, 400])
def test_all_parts_of_a_finished_pipeline_are_visible(show, finished_html, width):
    browser = show(finished_html, width)
    assert len(visible(browser, "#phases tbody tr")) == 4
    assert len(visible(browser, "#error-rates tbody tr")) == 2
    assert len(visible(browser, "#scores tbody tr")) == 15
    assert len(visible(browser, "#examples article")) == 6
    assert [found["text"] for found in visible(browser, "#headline .first dd:not(.note)")] == ["9.7 %", "40.3 %"]
    curves = visible(browser, "#curves svg")
    assert len(curves) == 2
    assert all(curve["width"] > 0.85 * (min(width, 1080) - 64) for curve in curves)
    assert browser.execute_script("return document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("width", [1280, 400])
def test_an_unfinished_pipeline_is_visible(show, unfinished_html, width):
    browser = show(unfinished_html, width)
    assert len(visible(browser, "#phases tbody tr.planned")) == 2
    assert len(visible(browser, "#curves svg")) == 2
    assert browser.execute_script("return document.documentElement.scrollWidth") == width


def test_long_names_and_values_do_not_widen_the_page(show, finished):
    long = "a_very_long_layer_name_without_any_space_in_it" * 4
    phase = finished["phases"][1]
    phase.update(added=[long], removed=[long], changed={long: [long]}, config={long: {long: long}}, job=long)
    finished.update(title=long, description=long, environment={"x": long, "flags": long})
    finished["scores"] = [{**row, "train": {long: 1.0}} for row in finished["scores"]]
    finished["examples"] = [{"word": long, "hypothesis": ["AH"] * 60, "references": [["AH"]], "edits": 59}]
    html = render(finished)
    for width in (1280, 400):
        browser = show(html, width)
        assert browser.execute_script("return document.documentElement.scrollWidth") == width


def test_the_curves_follow_the_theme(show, finished_html):
    def colors(theme):
        browser = show(finished_html, 1280, theme)
        read = "const s = getComputedStyle(document.querySelector(arguments[0])); return s[arguments[1]]"
        page = browser.execute_script(read, "body", "backgroundColor")
        return page, browser.execute_script(read, "#curves svg.wide text", "fill")

    light, dark = colors("light"), colors("dark")
    assert light[0] == "rgb(255, 255, 255)"
    assert dark[0] != light[0]
    assert dark[1] != light[1]


def test_text_in_the_curves_is_legible_on_a_phone(show, finished_html):
    browser = show(finished_html, 400)
    heights = browser.execute_script(
        "return [...document.querySelectorAll('#curves svg.narrow text')].map(t => t.getBoundingClientRect().height)"
    )
    assert min(heights) >= 10  # pixels


def many_hand_overs(num_phases: int, num_layers: int) -> dict:
    """:return: a report in which each phase adds layers and widens the existing ones"""
    report = {"title": "large", "phases": [], "scores": [], "growth": []}
    old: dict[str, list[int]] = {}
    for number in range(num_phases):
        layers, width = num_layers * (number + 1), 1024 + 64 * number
        new = {"embedding/W": [30, 40]} | {
            f"encoder_layer{i:03}_fw/rec/W_re": [width, 4 * width] for i in range(layers)
        }
        entry = {
            "phase": number, "mode": "subset_by_source", "carry_optimizer": "grow", "shapes": new, "old_shapes": old,
            "copied": [path for path in new if new[path] == old.get(path)],
            "grown": {path: [old[path], new[path]] for path in new if path in old and new[path] != old[path]},
            "initialised": [path for path in new if path not in old], "dropped": [],
        }  # fmt: skip
        names = [path.split("/")[0] for path in new]
        wider = {name: [f"n_out: {width - 64} → {width}"] for name in names[1:]} if number else {}
        report["growth"].append(entry)
        report["phases"].append({
            "phase": number, "index": number, "first_epoch": number + 1, "last_epoch": number + 1, "is_pretrain": True,
            "num_params": 4 * width**2 * layers, "num_layers": len(names), "added": names, "changed": wider,
            "growth": {"copied": 1, "grown": len(entry["grown"]), "initialised": len(entry["initialised"]), "dropped": 0},
        })  # fmt: skip
        report["scores"].append({
            "epoch": number + 1, "phase": number, "learning_rate": 0.001 / (number + 1),
            "train": {"cost:output": 1.0, "cost:aux": 2.0}, "dev": {"cost:output": 1.0 + number},
        })  # fmt: skip
        old = new
    return report


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 420])
def test_many_hand_overs_fit_the_page(show, width, theme):
    browser = show(render(many_hand_overs(num_phases=30, num_layers=10)), width, theme)
    assert len(visible(browser, "#growth details.hand-over")) == 30
    assert len(visible(browser, "#growth .params tbody tr")) == sum(1 + 10 * (number + 1) for number in range(30))
    assert browser.execute_script("return document.documentElement.scrollWidth") == width
    clipped = browser.execute_script(
        "return [...document.querySelectorAll('#growth td, #growth summary > *')].filter(e => e.scrollWidth > e.clientWidth + 1"
        " && getComputedStyle(e).display !== 'inline').map(e => e.textContent)"
    )
    assert clipped == []


@pytest.mark.parametrize("width", [1280, 420])
def test_closed_hand_overs_are_short(show, width):
    browser = show(render(many_hand_overs(num_phases=30, num_layers=10)), width)
    browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = false")
    lines = visible(browser, "#growth details.hand-over")
    assert len(lines) == 30
    assert max(line["height"] for line in lines) < (160 if width > 600 else 240)
    assert visible(browser, "#growth .params") == []


def test_a_link_in_the_phase_table_scrolls_to_the_hand_over(show):
    browser = show(render(many_hand_overs(num_phases=3, num_layers=2)), 1280)
    browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = false")
    browser.execute_script("document.querySelector('#phases a[href=\"#hand-over-2\"]').click()")
    tops = browser.execute_script("return document.querySelector('#hand-over-2').getBoundingClientRect().top")
    assert 0 <= tops < 900


@pytest.mark.parametrize("width", [1280, 400])
def test_recordings_are_visible_and_their_sounds_can_be_played(show, width, unfinished):
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(np.zeros(4000, "int16").tobytes())
    spectrogram = np.linspace(0, 1, 400).reshape(50, 8)
    views = [
        view(caption, [spectrogram_panel("spectrogram", spectrogram, spectrogram)], 0.5, wav=buffer.getvalue())
        for caption in ("true", "predicted")
    ]
    posteriors = np.eye(4, dtype="float32")[[0, 3, 1, 3, 2]]
    decoded = of_search("abc", posteriors, list("abc"), spectrogram, list("abd"), 0.5)
    browser = show(render(unfinished | {"recordings": [decoded, {"title": "abc", "views": views}]}), width)
    images = visible(browser, "#recordings img")
    assert len(images) == 4
    assert all(image["width"] > 200 for image in images)
    assert [mark["text"] for mark in visible(browser, "#recordings .marks span")] == ["a", "b", "c"]
    assert len(visible(browser, "#recordings audio")) == 2
    play = """const done = arguments[0], sound = document.querySelector('#recordings audio');
        sound.load(); sound.onloadedmetadata = () => done(sound.duration); sound.onerror = () => done(sound.error.message)"""
    assert browser.execute_async_script(play) == pytest.approx(0.5)
    assert browser.execute_script("return document.documentElement.scrollWidth") == width
