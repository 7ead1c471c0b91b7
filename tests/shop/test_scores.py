"""The external scores: pages, a token, and a process that stops when told to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from rondo.errors import Conflict, UsageError
from rondo.shop import SavedWorld, ScoreService, Shop, save_world, scores_at, scores_in
from rondo.shop.__main__ import main

TOKEN = "let me in"


def get(url: str, token: str | None = TOKEN) -> Any:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    with urlopen(Request(url, headers=headers), timeout=10) as answer:
        return json.load(answer)


def refusal(url: str, token: str | None = TOKEN) -> tuple[int, dict[str, str], Any]:
    with pytest.raises(HTTPError) as found:
        get(url, token)
    with found.value as answer:
        return answer.code, dict(answer.headers), json.load(answer)


def all_pages(url: str, query: str = "") -> list[list[dict[str, Any]]]:
    pages: list[list[dict[str, Any]]] = []
    following: str | None = ""
    while following is not None:
        page = get(f"{url}/scores?{query}&cursor={following}" if following else f"{url}/scores?{query}")
        pages.append(page["items"])
        following = page["next"]
    return pages


@pytest.fixture(scope="module")
def service(little: Shop) -> Iterator[ScoreService]:
    with ScoreService(scores_at(little, little.spec.last_day), token=TOKEN, page_rows=20) as running:
        yield running


def test_the_pages_together_are_all_scores_once(service: ScoreService, little: Shop) -> None:
    pages = all_pages(service.url)
    assert [row for page in pages for row in page] == little.scores.to_dicts()
    assert all(len(page) == 20 for page in pages[:-1])


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_the_page_size_can_be_asked_for(service: ScoreService, little: Shop, rows: int) -> None:
    pages = all_pages(service.url, f"limit={rows}")
    assert sum(map(len, pages)) == little.scores.height
    assert all(1 <= len(page) <= rows for page in pages)


@pytest.mark.parametrize("token", [None, "", "let me out", "läßt"])
def test_without_the_token_there_is_nothing(service: ScoreService, token: str | None) -> None:
    code, headers, body = refusal(f"{service.url}/scores", token)
    assert (code, body["status"]) == (401, 401)
    assert headers["www-authenticate"].startswith("Bearer")
    assert headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "query", ["cursor=-1", "cursor=x", "cursor=²", "limit=0", "limit=5001", "limit=many"]
)
def test_what_the_service_never_gave_is_refused(service: ScoreService, query: str) -> None:
    assert refusal(f"{service.url}/scores?{quote(query, safe='=')}")[0] == 400


def test_a_cursor_beyond_the_end_gives_an_empty_last_page(service: ScoreService) -> None:
    assert get(f"{service.url}/scores?cursor=999999") == {"items": [], "next": None}


def test_health_needs_no_token(service: ScoreService) -> None:
    assert get(f"{service.url}/health", token=None) == {"status": "ok"}


def test_the_service_is_gone_after_its_block(little: Shop) -> None:
    with ScoreService(scores_at(little, little.spec.last_day), token=TOKEN) as running:
        port = int(running.url.rsplit(":", 1)[1])
        with pytest.raises(Conflict, match=str(port)):
            ScoreService(scores_at(little, little.spec.last_day), token=TOKEN, port=port)
    with ScoreService(scores_at(little, little.spec.last_day), token=TOKEN, port=port) as again:
        assert get(f"{again.url}/health") == {"status": "ok"}


def test_an_empty_token_is_refused(little: Shop) -> None:
    with pytest.raises(UsageError, match="token"):
        ScoreService(scores_at(little, little.spec.last_day), token="")


def test_the_scores_follow_the_published_world(little: Shop, tmp_path: Path) -> None:
    early = little.customers["signup_date"].sort()[-10]
    source = scores_in(tmp_path)
    save_world(tmp_path, SavedWorld(little.spec, early))
    before = source()
    save_world(tmp_path, SavedWorld(replace(little.spec, days=120), little.spec.last_day))
    assert before.height < source().height == little.scores.height
    assert source().head(before.height).equals(before)


def test_the_process_answers_and_ends_on_sigterm(little: Shop, tmp_path: Path) -> None:
    save_world(tmp_path, SavedWorld(little.spec, little.spec.last_day))
    command = [
        sys.executable,
        "-m",
        "rondo.shop",
        "scores",
        "--folder",
        str(tmp_path),
        "--token-env",
        "MY_TOKEN",
    ]
    with subprocess.Popen(
        command,
        env=os.environ | {"MY_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().removeprefix("scores on ").strip()
        assert sum(map(len, all_pages(url))) == little.scores.height
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("token", "code", "missing"), [("", 2, "SHOP_SCORES_TOKEN"), (TOKEN, 5, "shop.json")]
)
def test_the_command_says_what_is_missing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    token: str,
    code: int,
    missing: str,
) -> None:
    monkeypatch.setenv("SHOP_SCORES_TOKEN", token)
    assert main(["scores", "--folder", str(tmp_path)]) == code
    assert missing in capsys.readouterr().err
