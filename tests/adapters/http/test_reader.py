"""JSON records come page by page, from where they may, or a message says why not."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from rondo.adapters.http import HttpReader
from rondo.contract.data import Source
from rondo.errors import ContractError, DataError, TemporaryPortError
from rondo.testing.sources import SECRET, SECRET_NAME, SourceReaderTests, resolve
from rondo.testing.web import Answer, Asked, Server, serving

Serve = Callable[[Callable[[Asked], Answer]], Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as servers:
        yield lambda script: servers.enter_context(serving(script))


def url(address: str, **options: object) -> Source:
    return Source.model_validate({"http": address, "allow_private": True, "timeout": "5s", **options})


def pages(count: int, size: int = 2) -> list[list[dict[str, object]]]:
    return [[{"id": page * size + at} for at in range(size)] for page in range(count)]


class TestPromises(SourceReaderTests):
    @pytest.fixture
    def reader(self) -> HttpReader:
        return HttpReader()

    @pytest.fixture
    def make(self, serve: Serve) -> Callable[[list[dict[str, object]]], Source]:
        return lambda rows: url(serve(lambda _: Answer({"items": rows})).url, records="$.items")

    @pytest.fixture
    def absent(self, serve: Serve) -> Source:
        return url(serve(lambda _: Answer({}, status=404)).url)

    @pytest.fixture
    def away(self) -> Iterator[Source]:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers there
            yield url(f"http://127.0.0.1:{taken.getsockname()[1]}/")

    @pytest.fixture
    def secretive(self, serve: Serve) -> Source:
        address = serve(lambda _: Answer({}, status=401)).url
        return url(f"{address}/x?token={SECRET_NAME}", auth=SECRET_NAME)


def test_the_cursor_is_followed(serve: Serve) -> None:
    pieces = pages(3)

    def script(asked: Asked) -> Answer:
        at = int(asked.query.get("cursor", "0"))
        return Answer({"data": {"items": pieces[at]}, "next": str(at + 1) if at < 2 else None})

    server = serve(script)
    source = url(f"{server.url}/scores?limit=2", records="$.data.items", paginate="cursor", params={"day": 1})
    assert HttpReader().read("s", source, resolve)["id"].to_list() == list(range(6))
    assert server.asked[2].query == {"limit": "2", "day": "1", "cursor": "2"}


def test_pages_offsets_and_links_are_followed(serve: Serve) -> None:
    pieces = [*pages(3), []]

    def script(asked: Asked) -> Answer:
        at = int(asked.query.get("page", "1")) - 1 + int(asked.query.get("offset", "0")) // 2
        more = {"Link": f'</r?page={at + 2}>; rel="next"'} if at < 2 else {}
        return Answer(pieces[at], headers=more)

    server = serve(script)
    for paginate in ("page", "offset", "link"):
        table = HttpReader().read("s", url(server.url, paginate=paginate), resolve)
        assert table["id"].to_list() == list(range(6)), paginate


def test_the_token_goes_along_and_not_to_another_server(serve: Serve) -> None:
    other = serve(lambda _: Answer([{"a": 1}]))
    server = serve(
        lambda _: Answer({}, status=302, headers={"Location": other.url.replace("127.0.0.1", "localhost")})
    )
    table = HttpReader().read("s", url(server.url, auth=SECRET_NAME), resolve)
    assert table["a"].to_list() == [1]
    assert server.asked[0].headers["Authorization"] == f"Bearer {SECRET}"
    assert "Authorization" not in other.asked[0].headers


def test_retry_after_is_obeyed_while_there_is_time(serve: Serve) -> None:
    waited: list[float] = []
    answers = [Answer({}, status=429, headers={"Retry-After": "3"}), Answer([{"a": 1}])]
    server = serve(lambda _: answers.pop(0))
    reader = HttpReader(pause=waited.append)
    assert reader.read("s", url(server.url), resolve).height == 1
    assert waited == [3.0]
    late = serve(lambda _: Answer({}, status=503, headers={"Retry-After": "3600"}))
    with pytest.raises(TemporaryPortError, match="503 Service Unavailable"):
        reader.read("s", url(late.url), resolve)
    assert waited == [3.0]


def test_a_bomb_is_cut_off(serve: Serve) -> None:
    bomb = Answer(gzip.compress(b" " * 5_000_000), headers={"Content-Encoding": "gzip"})
    with pytest.raises(DataError, match="more than 1,000,000 bytes"):
        HttpReader(most_page_bytes=1_000_000).read("s", url(serve(lambda _: bomb).url), resolve)


def test_an_answer_that_drips_is_cut_off(serve: Serve) -> None:
    ticks = iter(range(0, 10_000, 3))
    reader = HttpReader(clock=lambda: float(next(ticks)))
    with pytest.raises(TemporaryPortError, match="too slowly"):
        reader.read("s", url(serve(lambda _: Answer(b" " * 3_000_000)).url, timeout="5s"), resolve)


def test_a_name_that_leads_inside_is_refused_when_it_connects(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The name is looked up once, and the connection goes to what was looked up: no second answer can differ.
    server = serve(lambda _: Answer([{"a": 1}]))
    answers = iter(["93.184.215.14", "127.0.0.1"])
    looked_up: list[str] = []

    def resolve_name(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    connected: list[str] = []

    def connect(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        connected.append(address[0])
        raise OSError("not in this test")

    monkeypatch.setattr(socket, "getaddrinfo", resolve_name)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(TemporaryPortError):
        HttpReader().read("s", url("http://rebind.example/", allow_private=False), resolve)
    assert (looked_up, connected) == (["rebind.example"], ["93.184.215.14"])
    with pytest.raises(ContractError, match="private network"):
        HttpReader().read("s", url("http://rebind.example/", allow_private=False), resolve)
    assert connected == ["93.184.215.14"]
    assert server.asked == []


def test_a_token_that_no_header_can_carry_is_refused(serve: Serve) -> None:
    with pytest.raises(ContractError, match="no header can carry"):
        HttpReader().read("s", url("http://127.0.0.1:9/", auth="a\r\nX-Evil: 1"), resolve)


def test_the_origin_has_no_login_and_no_query() -> None:
    source = url("https://me:secret@api.example/v1/scores?api_key=x#y")
    assert HttpReader().origin(source) == "https://api.example/v1/scores"
