"""Reads JSON records over HTTP, page by page, within a time and a size."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import msgspec
import polars as pl

from rondo.adapters.http import pages
from rondo.adapters.http.guard import GuardedTransport
from rondo.contract.data import Source
from rondo.contract.references import mask
from rondo.errors import ContractError, DataError, NotAvailable, RondoError, TemporaryPortError
from rondo.ports.columns import from_records
from rondo.ports.sources import Resolve

MOST_PAGE_BYTES = 256 * 2**20
PAGES_TIME = 20
"""The whole read may take this many times the source's timeout, which is the time of one page."""
_REDIRECTS = 5
_WAITS = 3  # Retry-After is obeyed so many times in a row
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class _Page:
    document: Any
    link: str | None
    digest: bytes


class HttpReader:
    """A SourceReader over httpx. Safe to call from several threads: each read has its own client."""

    def __init__(
        self,
        *,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        most_page_bytes: int = MOST_PAGE_BYTES,
    ) -> None:
        """`pause` waits as Retry-After says; `clock` measures the time limits, in seconds."""
        self._pause, self._clock, self._most_page_bytes = pause, clock, most_page_bytes

    def read(self, name: str, source: Source, resolve: Resolve) -> pl.DataFrame:
        """The records of every page in the order they came; at most `max_rows`."""
        where = f"source {name}"
        url = _checked_url(resolve(source.http or ""), where)
        headers = {"Accept": "application/json", "User-Agent": "rondo"}
        if source.auth:
            headers["Authorization"] = f"Bearer {_token(resolve(source.auth), where)}"
        timeout = source.timeout.total_seconds()
        transport = GuardedTransport(allow_private=source.allow_private, where=where)
        with httpx.Client(
            transport=transport,
            headers=headers,
            timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
            follow_redirects=True,
            max_redirects=_REDIRECTS,
            trust_env=False,
        ) as client:
            return from_records(self._records(client, url, source, where), where=where)

    def origin(self, source: Source) -> str:
        """The URL without login and query."""
        return _bare(source.http or "")

    def _records(self, client: httpx.Client, url: str, source: Source, where: str) -> list[Mapping[str, Any]]:
        timeout = source.timeout.total_seconds()
        ends = self._clock() + PAGES_TIME * timeout
        found: list[Mapping[str, Any]] = []
        seen: set[str] = set()
        last = b""
        following: str | None = pages.first(source, url, where=where)
        while following is not None:
            if following in seen:
                raise _loop(where, "the page after this one was read before")
            seen.add(following)
            page = self._page(client, following, min(ends, self._clock() + timeout), where)
            records = pages.records(page.document, source.records, where=where)
            if records and source.paginate in {"page", "offset"} and page.digest == last:
                raise _loop(where, "two pages in a row are the same")
            last = page.digest
            found.extend(records)
            if len(found) > source.max_rows:
                raise DataError(
                    f"there are more than {source.max_rows:,} records", where=where, mend="Raise max_rows"
                )
            following = pages.following(
                source, following, page.document, page.link, len(records), len(found), where=where
            )
        return found

    def _page(self, client: httpx.Client, url: str, ends: float, where: str) -> _Page:
        """One page; when the server says how long to wait, waits that long while there is time."""
        for _ in range(_WAITS):
            with _translated(where):
                answer = self._answer(client, url, ends, where)
            if isinstance(answer, _Page):
                return answer
            status, wait_s = answer
            if wait_s is None or self._clock() + wait_s >= ends:
                break
            self._pause(wait_s)
        raise _status(status, where)

    def _answer(
        self, client: httpx.Client, url: str, ends: float, where: str
    ) -> _Page | tuple[int, float | None]:
        with client.stream("GET", url) as response:
            if response.status_code in _TEMPORARY:
                return response.status_code, _retry_after(response.headers.get("retry-after"))
            if not response.is_success:
                raise _status(response.status_code, where)
            _check_type(response.headers.get("content-type", ""), where)
            data = self._body(response, ends, where)
            link = response.links.get("next", {}).get("url")
        try:
            document = msgspec.json.decode(data)
        except RecursionError as error:
            mend = "Ask for its parts"
            raise DataError("the answer is nested too deep to be read", where=where, mend=mend) from error
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise DataError(
                f"the answer is not JSON: {error}", where=where, mend="Check the URL; open it in a browser"
            ) from error
        return _Page(document, link, sha256(data).digest())

    def _body(self, response: httpx.Response, ends: float, where: str) -> bytes:
        body = bytearray()
        for part in response.iter_bytes():
            body += part
            if len(body) > self._most_page_bytes:
                raise DataError(
                    f"a page has more than {self._most_page_bytes:,} bytes",
                    where=where,
                    mend="Ask for smaller pages",
                )
            if self._clock() > ends:
                raise TemporaryPortError(
                    "the answer came too slowly", where=where, mend="Raise the source's timeout"
                )
        return bytes(body)


def _checked_url(url: str, where: str) -> str:
    try:
        parts = urlsplit(url)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise ContractError(
            f"{_bare(url)[:80]!r} cannot be read", where=where, rule="An http or https URL with a host"
        )
    return url


def _token(text: str, where: str) -> str:
    if not text.isascii() or any(sign.isspace() or not sign.isprintable() for sign in text.strip()):
        raise ContractError("the token of auth has signs that no header can carry", where=where)
    return text.strip()


def _bare(url: str) -> str:
    try:
        parts = urlsplit(url)
        return mask(urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")))
    except ValueError:
        return mask(url)


def _check_type(content_type: str, where: str) -> None:
    kind = content_type.partition(";")[0].strip().lower()
    if kind and not (kind in {"application/json", "text/json"} or kind.endswith("+json")):
        raise DataError(
            f"expected JSON, got {kind[:60]}",
            where=where,
            mend="Check the URL; a login page answers like this" if kind == "text/html" else "Check the URL",
        )


def _retry_after(value: str | None) -> float | None:
    """Seconds to wait; None when the server does not say."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (until.astimezone(UTC) - datetime.now(UTC)).total_seconds())


def _status(status: int, where: str) -> RondoError:
    try:
        said = f"the server answered {status} {HTTPStatus(status).phrase}"
    except ValueError:
        said = f"the server answered {status}"
    if status in _TEMPORARY:
        return TemporaryPortError(said, where=where, mend="Try again later")
    mends = {401: "Check `auth`", 403: "Check `auth` and its rights", 404: "Check the URL"}
    return NotAvailable(said, where=where, mend=mends.get(status, "Check the URL and its parameters"))


def _loop(where: str, what: str) -> DataError:
    return DataError(what, where=where, rule="Pages come to an end", mend="Check `paginate` and `next`")


@contextmanager
def _translated(where: str) -> Iterator[None]:
    """Errors of httpx as ours."""
    try:
        yield
    except RondoError:
        raise
    except httpx.TooManyRedirects as error:
        raise NotAvailable("the server redirects in a circle", where=where, mend="Check the URL") from error
    except httpx.TimeoutException as error:
        raise TemporaryPortError(
            "the server did not answer in time", where=where, mend="Raise the source's timeout"
        ) from error
    except httpx.RemoteProtocolError as error:
        raise TemporaryPortError(
            f"the answer is incomplete: {error}", where=where, mend="Try again later"
        ) from error
    except httpx.DecodingError as error:
        raise DataError(
            f"the answer cannot be unpacked: {error}",
            where=where,
            rule="It is packed as its Content-Encoding says",
            mend="Correct the server",
        ) from error
    except httpx.TransportError as error:
        said = str(error) or type(error).__name__
        if "certificate" in said.lower() or "ssl" in said.lower():
            raise NotAvailable(
                f"no secure connection: {said}",
                where=where,
                rule="The server shows a certificate of its name that a known authority signed",
                mend="Correct its certificate, or the name in the URL",
            ) from error
        raise TemporaryPortError(
            f"no connection: {said}", where=where, mend="Check the URL, and whether the server runs"
        ) from error
    except httpx.InvalidURL as error:
        raise ContractError(f"not a URL: {error}", where=where) from error
