"""The dashboard in a real browser: it shows, it presses, it keeps itself fresh, and it loads nothing from elsewhere."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from rondo.assembly import Assembly
from rondo.lifecycle import rollouts
from rondo.records.monitoring import Alert
from rondo.testing.deployment import means

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert found, "Chromium is not installed: apt-get install chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(base_url=address, locale="en-US", viewport={"width": 1200, "height": 900})
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("request", lambda one: wrong.append(one.url) if not one.url.startswith(address) else None)
    opened.on("console", lambda one: wrong.append(one.text) if one.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    yield opened
    context.close()
    assert wrong == []


def test_a_canary_is_paused_and_resumed_by_its_buttons(page: Page, project: Assembly) -> None:
    page.goto("/releases")
    expect(page.locator("#rollout")).to_contain_text("1.1.0")
    held = page.locator('form[action="/do/pause-rollout"]')
    held.get_by_label("Your name").fill("kim")
    held.get_by_label("Reason").fill("waiting for the night")
    held.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status")).to_contain_text("paused by kim (dashboard): waiting for the night")
    rollout = project.state.rollout()
    assert rollout is not None
    assert rollout.state == "paused"

    asked = page.locator("#ask-resume-rollout-1")
    asked.locator("summary").click()
    expect(asked).to_contain_text("The phase “canary” of 1.1.0 goes on from its beginning")
    asked.get_by_role("button", name="Yes, go on").click()
    expect(page.locator(".rollout-head .badge")).to_have_text("running")
    expect(page.get_by_role("status")).to_have_text("the rollout of 1.1.0 is running, in canary")


def test_what_moves_traffic_says_what_it_would_do_first(page: Page, project: Assembly) -> None:
    page.goto("/releases")
    asked = page.locator("#ask-abort-rollout-1")
    expect(asked.get_by_role("button", name="Yes, abort")).to_be_hidden()
    asked.locator("summary").press("Enter")
    expect(asked).to_contain_text("1.1.0 gets no request any more, and 1.0.0 all of them")
    rollout = project.state.rollout()
    assert rollout is not None
    assert rollout.state == "running"  # asking moved nothing
    asked.get_by_role("button", name="Yes, abort").click()
    expect(page.locator(".rollout-head .badge")).to_have_text("aborted")
    assert dict(project.state.routes().weights) == {"1.0.0": 1.0}


def test_an_open_page_follows_what_happens(page: Page, project: Assembly) -> None:
    page.goto("/alerts")
    expect(page.locator("#live")).to_have_text("live")
    now = project.clock() + timedelta(seconds=1)
    alert = Alert(
        "availability", "availability", "critical", "availability is 97%", now, now, 0.97, 0.999, fired_at=now
    )
    project.state.put_alerts([alert])
    expect(page.locator("main")).to_contain_text("availability is 97%")


def test_an_alert_is_noted_with_a_name(page: Page, project: Assembly) -> None:
    page.goto("/alerts")
    row = page.get_by_role("row").filter(has_text="psi of age is 0.3")
    row.get_by_label("Your name").fill("lee")
    row.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("row").filter(has_text="acknowledged by lee")).to_be_visible()
    (alert,) = project.state.alerts(open_only=True)
    assert alert.acknowledged_by == "lee (dashboard)"


def test_what_a_person_types_is_not_taken_away(page: Page, project: Assembly) -> None:
    page.goto("/releases")
    expect(page.locator("#live")).to_have_text("live")
    asked = page.locator("#ask-abort-rollout-1")
    asked.locator("summary").click()
    name, reason = asked.get_by_label("Your name"), asked.get_by_label("Reason")
    name.fill("kim")
    reason.fill("it answers")
    page.evaluate("scrollTo(0, 300)")
    at = page.evaluate("scrollY")
    rollouts.pause(
        project,
        by="ann",
        reason="meanwhile",
        means=means(project.layout.root, project.state, project.registry),
    )
    # The page is up to date at once, and what a person has in hand stays in his hand.
    expect(page.locator(".rollout-head .badge")).to_have_text("paused")
    expect(name).to_have_value("kim")
    expect(reason).to_have_value("it answers")
    expect(reason).to_be_focused()
    assert abs(page.evaluate("scrollY") - at) < 120  # a line more or less above moves it by that


@pytest.mark.parametrize("name", ["", "releases", "drift", "performance", "alerts", "retraining", "events"])
def test_a_page_can_be_read_by_ear_and_by_key(browser: Browser, looked_at: str, name: str) -> None:
    page = browser.new_page(base_url=looked_at, locale="ko-KR")
    page.goto(f"/{name}", wait_until="domcontentloaded")
    assert page.title().endswith(" · tiny · Rondo")
    assert page.evaluate("[...document.querySelectorAll('h1')].length") == 1
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map((one) => +one.tagName[1])")
    assert all(after - before <= 1 for before, after in pairwise(levels))
    unnamed = (
        "[...document.querySelectorAll('main input:not([type=hidden])')].filter((one) => !one.labels.length)"
    )
    assert page.evaluate(f"{unnamed}.length") == 0
    assert (
        page.evaluate("[...document.querySelectorAll('th')].filter((one) => !one.textContent.trim()).length")
        == 0
    )
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="본문으로 건너뛰기")).to_be_focused()
    page.close()


def test_without_a_script_a_page_says_how_old_it_is(browser: Browser, looked_at: str) -> None:
    context = browser.new_context(base_url=looked_at, java_script_enabled=False)
    page = context.new_page()
    page.goto("/releases")
    expect(page.locator("footer")).to_contain_text(re.compile(r"As of [-0-9]+ [:0-9]+ UTC"))
    expect(page.locator("#live")).to_be_hidden()
    page.locator("#ask-abort-rollout-1 summary").click()
    expect(page.get_by_role("button", name="Yes, abort")).to_be_visible()
    context.close()


@pytest.mark.parametrize(
    ("status", "body"), [(503, ""), (200, "<main>the page that asks for a token</main>")]
)
def test_a_page_that_could_not_be_read_for_a_while_says_so_and_is_live_again(
    browser: Browser, address: str, project: Assembly, status: int, body: str
) -> None:
    page, alert = browser.new_page(base_url=address, locale="en-US"), project.state.alerts(open_only=True)[0]
    page.goto("/alerts")
    expect(page.locator("#live")).to_have_text("live")
    page.route("**/alerts", lambda route: route.fulfill(status=status, body=body, content_type="text/html"))
    now = project.clock()
    project.state.put_alerts([replace(alert, message="first", last_seen_at=now)])
    expect(page.locator("#live")).to_have_text("connection lost: this page may be old")
    page.unroute("**/alerts")
    project.state.put_alerts([replace(alert, message="second", last_seen_at=now + timedelta(seconds=1))])
    expect(page.locator("main")).to_contain_text("second")
    expect(page.locator("#live")).to_have_text("live")
    page.close()


def test_of_two_answers_the_later_question_s_counts(browser: Browser, address: str) -> None:
    page = browser.new_page(base_url=address, locale="en-US")
    page.goto("/alerts")
    expect(page.locator("#live")).to_have_text("live")
    held: list[Route] = []
    page.route("**/alerts", lambda route: held.append(route))
    page.evaluate("void refresh(); void refresh()")
    page.wait_for_timeout(300)
    slow, fast = held
    for route, word in ((fast, "newer"), (slow, "older")):
        route.fulfill(body=f"<span id=live data-mark=x></span><main>{word}</main>", content_type="text/html")
        page.wait_for_timeout(300)
    expect(page.locator("main")).to_have_text("newer")
    page.close()


def test_the_language_is_chosen_and_kept(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="한국어").click()
    expect(page.get_by_role("link", name="배포").first).to_be_visible()
    page.goto("/drift")
    expect(page.get_by_role("heading", name="시간에 따른 드리프트")).to_be_visible()


@pytest.mark.parametrize("width", [380, 1200])
@pytest.mark.parametrize("name", ["", "releases", "drift", "performance", "alerts", "retraining", "events"])
def test_no_page_is_wider_than_its_window(browser: Browser, looked_at: str, name: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(f"{looked_at}/{name}", wait_until="domcontentloaded")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
