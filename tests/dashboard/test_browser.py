"""The dashboard in a real browser: it shows, it presses, it keeps itself fresh, and it loads nothing from elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

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
    held.get_by_placeholder("Your name").fill("kim")
    held.get_by_placeholder("Reason").fill("waiting for the night")
    held.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status")).to_contain_text("paused by kim (dashboard): waiting for the night")
    rollout = project.state.rollout()
    assert rollout is not None
    assert rollout.state == "paused"

    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".rollout-head .badge")).to_have_text("running")


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
    row.get_by_placeholder("Your name").fill("lee")
    row.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("row").filter(has_text="acknowledged by lee")).to_be_visible()
    (alert,) = project.state.alerts(open_only=True)
    assert alert.acknowledged_by == "lee (dashboard)"


def test_what_a_person_types_is_not_taken_away(page: Page, project: Assembly) -> None:
    page.goto("/releases")
    expect(page.locator("#live")).to_have_text("live")
    field = page.locator('form[action="/do/abort-rollout"]').get_by_placeholder("Reason")
    field.fill("it answers")
    with page.expect_response("**/releases"):  # the page asks for a fresh copy as soon as nobody types
        rollouts.pause(
            project,
            by="ann",
            reason="meanwhile",
            means=means(project.layout.root, project.state, project.registry),
        )
        expect(field).to_have_value("it answers")
        field.clear()
        field.blur()
    expect(page.locator(".rollout-head .badge")).to_have_text("paused")


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
