"""Every address of the dashboard, over a real socket: who may look, who may press, and what a page may do."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlencode, urlsplit

import pytest

from rondo.assembly import Assembly
from rondo.contract.serving import Access
from rondo.dashboard import application, pages, showing
from rondo.dashboard.actions import ACTIONS
from rondo.dashboard.guard import Guard
from rondo.errors import NotAvailable
from rondo.lifecycle.retraining import proposal, propose
from rondo.records.access import tokens_of
from rondo.records.monitoring import Decision

TOKENS = {role: f"{role}-token-of-the-tests" for role in ("predict", "view", "operate")}
FORM = "application/x-www-form-urlencoded"


@dataclass
class Answer:
    status: int
    headers: HTTPResponse
    text: str


def ask(url: str, path: str, method: str = "GET", body: str = "", **headers: str) -> Answer:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body or None, said)
        answer = connection.getresponse()
        return Answer(answer.status, answer, answer.read().decode())
    finally:
        connection.close()


def opened(url: str, path: str = "/releases") -> tuple[str, str]:
    """The cookie of a browser that looked at a page, and the secret of its forms."""
    answer = ask(url, path, accept="text/html")
    cookie = (answer.headers.getheader("set-cookie") or "").partition(";")[0]
    secret = re.search(r'name="secret" value="([^"]+)"', answer.text)
    return cookie, secret[1] if secret else ""


@pytest.mark.parametrize("name", pages.NAMES)
@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_page_answers_in_both_languages(looked_at: str, name: str, language: str) -> None:
    answer = ask(looked_at, pages.address_of(name), accept_language=language)
    assert answer.status == 200
    assert f'<html lang="{language}">' in answer.text
    assert ("개요" in answer.text) == (language == "ko")
    assert "<script>alert(1)</script>" not in answer.text
    policy = answer.headers.getheader("content-security-policy") or ""
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert not re.search(r'(?:src|href)="(?:https?:)?//', answer.text)  # works without a network


def test_the_pages_tell_what_is(looked_at: str) -> None:
    overview, releases = ask(looked_at, "/").text, ask(looked_at, "/releases").text
    assert "Keep customers &lt;script&gt;" in overview
    assert "churn_rate_reduction" in overview
    assert "95.0%" in overview
    assert "new tickets feature" in releases
    assert "nothing speaks against it" in releases
    assert "psi of age is 0.3" in ask(looked_at, "/alerts").text
    assert "<svg" in ask(looked_at, "/drift").text
    assert "the data drifted" in ask(looked_at, "/retraining").text
    assert "데이터 드리프트" in ask(looked_at, "/retraining", accept_language="ko").text
    assert "age의 psi: 0.3, 0.2 초과" in ask(looked_at, "/alerts", accept_language="ko").text
    assert "Needs you now" in overview  # an alert is critical
    assert "rollout.begun" in ask(looked_at, "/events").text


def test_a_pressed_button_does_what_its_command_does(address: str, project: Assembly) -> None:
    cookie, secret = opened(address)
    form = urlencode({"secret": secret, "number": 1, "by": "kim", "reason": "lunch"})
    answer = ask(address, "/do/pause-rollout", "POST", form, content_type=FORM, cookie=cookie)
    rollout = project.state.rollout()
    assert answer.status == 303
    assert rollout is not None
    assert (rollout.state, rollout.said) == ("paused", "paused by kim (dashboard): lunch")
    after = ask(address, answer.headers.getheader("location") or "", cookie=cookie)
    assert "paused by kim (dashboard): lunch" in after.text
    assert "Resume" in after.text


def test_what_was_done_is_not_told_for_ever(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie, secret = opened(address)
    form = urlencode({"secret": secret, "number": 1, "by": "kim", "reason": "lunch"})
    answer = ask(address, "/do/pause-rollout", "POST", form, content_type=FORM, cookie=cookie)
    told = answer.headers.getheader("location") or ""
    assert 'role="status"' in ask(address, told, cookie=cookie).text
    monkeypatch.setattr("rondo.dashboard.app.FLASH_S", 0.0)
    assert 'role="status"' not in ask(address, told, cookie=cookie).text


def test_what_cannot_be_done_is_said_and_changes_nothing(address: str, project: Assembly) -> None:
    cookie, secret = opened(address)
    before = project.state.events()
    form = urlencode({"secret": secret, "number": 7})
    answer = ask(address, "/do/abort-rollout", "POST", form, content_type=FORM, cookie=cookie)
    told = ask(address, answer.headers.getheader("location") or "", cookie=cookie)
    assert "another rollout has begun since this page was made" in told.text
    assert project.state.events() == before


@pytest.mark.parametrize("path", ["/nothing", "/reports/nothing.html", "/assets/nothing.css"])
def test_a_page_that_is_not_there_is_told_in_the_reader_s_language(looked_at: str, path: str) -> None:
    answer = ask(looked_at, path, accept_language="ko")
    assert answer.status == 404
    assert "없는 페이지입니다" in answer.text
    assert '<html lang="ko">' in answer.text
    assert "set-cookie" not in {name.lower() for name, _ in answer.headers.getheaders()}


def test_a_form_of_before_a_restart_is_told_and_leads_on(address: str) -> None:
    answer = ask(
        address,
        "/do/pause-rollout",
        "POST",
        "secret=old&number=1",
        content_type=FORM,
        cookie="rondo_session=old",
    )
    assert answer.status == 403
    assert "Nothing was changed" in answer.text
    assert 'href="/"' in answer.text


def test_a_project_that_cannot_be_read_is_told(
    address: str, project: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise NotAvailable("the state store does not answer")

    monkeypatch.setattr(type(project.state), "releases", gone)
    answer = ask(address, "/releases")
    assert answer.status == 503
    assert "The project cannot be read now" in answer.text
    assert "the state store does not answer" in answer.text


@pytest.mark.parametrize(
    "forged",
    [
        {"secret": ""},
        {"secret": "guessed"},
        {"cookie": ""},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"content_type": "text/plain"},
    ],
    ids=str,
)
def test_a_form_of_another_site_moves_nothing(
    address: str, project: Assembly, forged: dict[str, str]
) -> None:
    cookie, secret = opened(address)
    before = project.state.events()
    form = urlencode({"secret": forged.get("secret", secret), "number": 1})
    headers = {"content_type": FORM, "cookie": cookie, **{k: v for k, v in forged.items() if k != "secret"}}
    assert ask(address, "/do/abort-rollout", "POST", form, **headers).status == 403
    assert project.state.events() == before


@pytest.mark.parametrize("host", ["evil.example", "rondo.evil.example:8081", ""])
def test_it_answers_for_its_own_names_only(looked_at: str, host: str) -> None:
    assert ask(looked_at, "/", host=host).status in (400, 421)


@pytest.mark.parametrize("name", ["../secret.html", "..%2fsecret.html", "secret.html", "%2e%2e%2frondo.yaml"])
def test_only_reports_are_reports(looked_at: str, name: str) -> None:
    assert ask(looked_at, "/reports/evaluation.html").status == 200
    assert ask(looked_at, f"/reports/{name}").status == 404


def test_a_report_can_reach_nothing_of_the_dashboard(looked_at: str) -> None:
    policy = ask(looked_at, "/reports/evaluation.html").headers.getheader("content-security-policy") or ""
    assert "sandbox" in policy
    assert "allow-same-origin" not in policy
    assert "script" not in policy


NEEDED: dict[tuple[str, str], str | None] = {
    **{("GET", pages.address_of(name)): "view" for name in pages.NAMES},
    **{("POST", f"/do/{name}"): "operate" for name in ACTIONS},
    ("GET", "/live"): "view",
    ("GET", "/reports/{name}"): "view",
    ("GET", "/assets/{name}"): None,
    ("GET", "/sign-in"): None,
    ("POST", "/sign-in"): None,
    ("POST", "/sign-out"): None,
    ("GET", "/language/{language}"): None,
    ("GET", "/health"): None,
}
"""The role that each address asks for; an address that is not in here fails the test below."""


def test_every_address_asks_for_its_role(project: Assembly) -> None:
    env = {f"TOKEN_{role}": token for role, token in TOKENS.items()}
    tokens = tokens_of(Access(**{role: f"env:TOKEN_{role}" for role in TOKENS}), env)
    addresses = {
        (method, route.path)  # type: ignore[attr-defined]
        for route in application(project, Guard(tokens, "127.0.0.1")).routes
        for method in (route.methods or ())  # type: ignore[attr-defined]
        if method != "HEAD"
    }
    assert addresses == set(NEEDED)
    ranks = [None, "predict", "view", "operate"]
    with showing(project, port=0, tokens=tokens) as url:
        for (method, path), needed in NEEDED.items():
            asked = path.replace("{name}", "evaluation.html").replace("{language}", "ko")
            for role in ranks if needed is not None else ():
                if path == "/live" and role in ("view", "operate"):
                    continue  # a stream that never ends
                headers = {"authorization": f"Bearer {TOKENS[role]}"} if role else {}
                status = ask(url, asked, method, content_type=FORM, **headers).status
                refused = {None: 401}.get(role, 403) if ranks.index(role) < ranks.index(needed) else None
                # What is let in and presses without a form of its own is let in as a program; nothing is found.
                assert (status if status in (401, 403) else None) == refused, (method, path, role, status)
            if needed is not None:
                wrong = {"authorization": "Bearer wrong-token-of-the-tests"}
                assert ask(url, asked, method, **wrong).status == 401
                assert ask(url, f"{asked}?token={TOKENS['operate']}", method).status == 401


def test_a_person_signs_in_once_and_out_again(project: Assembly) -> None:
    tokens = tokens_of(Access(operate="env:TOKEN"), {"TOKEN": TOKENS["operate"]})
    with showing(project, port=0, tokens=tokens) as url:
        sent = ask(url, "/", accept="text/html")
        refused = ask(url, "/sign-in", "POST", "token=wrong-token", content_type=FORM)
        known = ask(url, "/sign-in", "POST", urlencode({"token": TOKENS["operate"]}), content_type=FORM)
        cookie = (known.headers.getheader("set-cookie") or "").partition(";")[0]
        inside = ask(url, "/releases", cookie=cookie)
        secret = re.search(r'name="secret" value="([^"]+)"', inside.text)
        assert secret
        ask(url, "/sign-out", "POST", urlencode({"secret": secret[1]}), content_type=FORM, cookie=cookie)
        outside = ask(url, "/", cookie=cookie)
    assert (sent.status, sent.headers.getheader("location")) == (303, "/sign-in")
    assert (refused.status, known.status, inside.status, outside.status) == (401, 303, 200, 401)
    kept = known.headers.getheader("set-cookie") or ""
    assert "HttpOnly" in kept
    assert "SameSite=strict" in kept
    assert TOKENS["operate"] not in kept


def test_a_person_approves_a_retrain_with_a_reason(address: str, project: Assembly) -> None:
    propose(project, Decision(True, ("data_drift",), ("largest PSI is 0.5",), datetime.now(UTC)))
    cookie, secret = opened(address, "/retraining")
    form = urlencode({"secret": secret, "by": "ann", "reason": ""})
    ask(address, "/do/approve-retrain", "POST", form, content_type=FORM, cookie=cookie)
    waiting = proposal(project)
    assert waiting is not None
    assert not waiting.approved
    form = urlencode({"secret": secret, "by": "ann", "reason": "drift is real"})
    assert ask(address, "/do/approve-retrain", "POST", form, content_type=FORM, cookie=cookie).status == 303
    waiting = proposal(project)
    assert waiting is not None
    assert (waiting.approved_by, waiting.approved_reason) == ("ann (dashboard)", "drift is real")
    assert "drift is real" in ask(address, "/retraining").text


def test_a_service_level_is_a_figure_of_the_system_and_no_drift(address: str, project: Assembly) -> None:
    seen = next(one for one in project.state.observations() if one.feature)
    level = replace(seen, metric="service_level", feature="availability", value=0.99996, threshold=0.9999)
    project.state.add_observations([level])
    assert "availability" not in ask(address, "/drift").text
    told = ask(address, "/performance").text
    assert "availability<small>service level</small>" in told
    assert "0.99996" in told


def test_a_decision_of_this_morning_is_not_pushed_out_by_those_of_every_minute(
    address: str, project: Assembly
) -> None:
    since = datetime.now(UTC)
    for minute in range(100):
        at = since + timedelta(minutes=minute)
        project.state.add_decision(Decision(False, (), (f"new rows is {minute}: does not fire",), at))
    told = ask(address, "/retraining").text
    assert "the data drifted" in told
    assert f"the same 100 times since {since:%Y-%m-%d %H:%M:%S} UTC" in told
