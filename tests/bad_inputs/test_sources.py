"""c.2 Sources: files, databases, services and buckets that are not what they should be."""

from __future__ import annotations

import gzip
import io
import json
import os
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.bad_inputs.catalogue import Bad, Taken, refused, told

from rondo.adapters.files import FilesReader, local, parquet
from rondo.adapters.http import HttpReader
from rondo.adapters.sql import SqlReader
from rondo.contract.data import Source
from rondo.errors import Conflict, ContractError, DataError, NotAvailable, TemporaryPortError
from rondo.ports.progress import Silent
from rondo.ports.sources import SourceReader
from rondo.stages.data.extract import read_sources
from rondo.testing.servers import PostgresServer, S3Server
from rondo.testing.web import Answer, Asked, serving

Options = dict[str, Any]
Made = Callable[["World"], Options]


class World:
    """A folder, and servers that are started when a row asks for them."""

    def __init__(self, folder: Path, request: pytest.FixtureRequest, opened: ExitStack) -> None:
        self.folder, self._request, self._opened = folder, request, opened
        self.asked: list[Asked] = []

    def put(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def serve(self, script: Callable[[Asked], Answer]) -> str:
        server = self._opened.enter_context(serving(script))
        self.asked = server.asked
        return server.url

    def secure(self) -> str:
        """A server with a certificate that it signed itself; gives its URL."""
        key, certificate = self.folder / "key.pem", self.folder / "certificate.pem"
        subprocess.run(
            [
                *(
                    "openssl",
                    "req",
                    "-x509",
                    "-newkey",
                    "ec",
                    "-pkeyopt",
                    "ec_paramgen_curve:prime256v1",
                    "-nodes",
                ),
                *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
                *("-keyout", str(key), "-out", str(certificate)),
            ],
            check=True,
            capture_output=True,
        )
        server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        for end in (server.server_close, thread.join, server.shutdown):
            self._opened.callback(end)
        return f"https://localhost:{server.server_port}/"

    def warehouse(self) -> PostgresServer:
        found: PostgresServer = self._request.getfixturevalue("postgres")
        return found

    def bucket(self, **objects: bytes) -> Options:
        """The options of a source in an object store that holds these."""
        import boto3

        server: S3Server = self._request.getfixturevalue("s3_server")
        name = server.bucket("bad-inputs").removeprefix("s3://")
        keys = {"aws_access_key_id": "key", "aws_secret_access_key": "x"}
        client = boto3.client("s3", endpoint_url=server.url, region_name="us-east-1", **keys)
        for key, content in objects.items():
            client.put_object(Bucket=name, Key=f"lake/{key}.parquet", Body=content)
        more = {"aws_endpoint_url": server.url, "aws_allow_http": "true", "aws_region": "us-east-1"}
        return {"files": f"s3://{name}/lake/*.parquet", "storage": {**keys, **more}}

    def read(self, options: Options) -> pl.DataFrame:
        """What a run would read, retries included."""
        readers: dict[str, SourceReader] = {
            "files": FilesReader(self.folder),
            "sql": SqlReader(self.folder),
            "http": HttpReader(pause=lambda _: None),
        }
        source = Source.model_validate(options)
        return read_sources({"bad": source}, readers, str, Silent(), _no_helper, pause=lambda _: None)[
            "bad"
        ].table


def _no_helper(command: str, url: str) -> Any:
    raise AssertionError(f"nothing starts {command} for {url}")


@pytest.fixture
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    with ExitStack() as opened:
        yield World(tmp_path, request, opened)


# ---- how inputs are made -----------------------------------------------------------------------------------------


def csv(content: str | bytes, **options: Any) -> Made:
    """A CSV file."""

    def made(world: World) -> Options:
        world.put("t.csv", content.encode() if isinstance(content, str) else content)
        return {"files": "t.csv", **options}

    return made


def declared(kind: str, value: str) -> Made:
    """One declared column that holds a good value and this one."""
    return csv(f'x,y\n1,a\n"{value}",b\n', schema={"x": kind})


def files(wanted: str, contents: dict[str, bytes], **options: Any) -> Made:
    """Files, and which of them are read."""

    def made(world: World) -> Options:
        for name, content in contents.items():
            world.put(name, content)
        return {"files": wanted, **options}

    return made


def table(**columns: list[Any]) -> bytes:
    """A Parquet file."""
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_parquet(buffer)
    return buffer.getvalue()


def nested() -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame({"a": [[1, 2], [3]], "b": [{"c": 1}, {"c": 2}]}).write_parquet(buffer)
    return buffer.getvalue()


def a_zip(name: str = "a.csv", content: bytes = b"a,b\n1,2\n") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def special(make: Callable[[Path], object], name: str = "t.csv") -> Made:
    """Something else than a plain file under that name."""

    def made(world: World) -> Options:
        make(world.folder / name)
        return {"files": name}

    return made


def sql(query: str, **options: Any) -> Made:
    """A query to a small database."""

    def made(world: World) -> Options:
        with closing(sqlite3.connect(world.folder / "shop.db")) as connection:
            connection.execute("CREATE TABLE sales (id INTEGER, day TEXT, price NUMERIC, note)")
            connection.execute(
                "INSERT INTO sales VALUES (1, '2024-01-01', 5, 'a'), (2, '2024-01-02', 7.5, NULL)"
            )
            connection.execute("CREATE TABLE mixed (a)")
            connection.execute("INSERT INTO mixed VALUES (1), ('x'), ('y')")
            connection.commit()
        return {"sql": "sqlite:///shop.db", "query": query, **options}

    return made


def address(url: str) -> Made:
    """A database at that address."""

    def made(world: World) -> Options:
        world.put("text.db", b"this is not a database, it is a text that is long enough" * 20)
        return {"sql": url, "query": "SELECT a FROM t", "timeout": "2s"}

    return made


def warehouse(query: str) -> Made:
    """A query to PostgreSQL."""
    return lambda world: {"sql": world.warehouse().url, "query": query, "timeout": "10s"}


def answers(*said: Answer, **options: Any) -> Made:
    """A service that gives these answers one after the other, the last one for ever."""

    def made(world: World) -> Options:
        left = list(said)
        url = world.serve(lambda _: left.pop(0) if len(left) > 1 else left[0])
        return {"http": f"{url}/", "records": "$.items", "allow_private": True, "timeout": "5s", **options}

    return made


def http(url: str) -> Made:
    """A service elsewhere; {port} is that of one that listens here."""

    def made(world: World) -> Options:
        port = world.serve(lambda _: Answer({"items": [{"a": 1}]})).rpartition(":")[2]
        return {"http": url.replace("{port}", port), "records": "$.items", "timeout": "2s"}

    return made


def redirected(to: str) -> Made:
    return lambda world: {
        "http": world.serve(lambda _: Answer({}, status=302, headers={"Location": to})),
        "timeout": "2s",
        "allow_private": to.startswith(("file", "gopher", "/")),
    }


def repeats(paginate: str) -> Made:
    """Pages that never end."""
    return lambda world: {
        "http": world.serve(
            lambda asked: Answer(
                {"items": [{"a": 1}], "next": "same"}, headers={"Link": f'<{asked.path}>; rel="next"'}
            )
        )
        + "/",
        "records": "$.items",
        "paginate": paginate,
        "allow_private": True,
    }


WIDE = {f"c{n}": [n] for n in range(100_000)}
LONG = "x" * 10**7


def deep(levels: int) -> Any:
    """A number in so many lists."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


GOOD = table(a=list(range(100)), b=[f"word {n % 7}" for n in range(100)])
HTML = {"Content-Type": "text/html; charset=utf-8"}

# fmt: off
BAD = (
    Bad("S1", "a file that is not there", files("none.csv", {}), NotAvailable, ("none.csv", "Check the path")),
    Bad("S1", "a pattern that fits nothing", files("x/*.parquet", {}),
        NotAvailable, ("no file matches", "x/*.parquet")),
    Bad("S1", "a folder", special(Path.mkdir), NotAvailable, ("t.csv is a folder", "folder/*.parquet")),
    Bad("S1", "a pipe", special(os.mkfifo), NotAvailable, ("t.csv is no regular file",)),
    Bad("S1", "a device", lambda _: {"files": "/dev/zero", "format": "csv"},
        NotAvailable, ("/dev/zero is no regular",)),
    Bad("S1", "a link to nowhere", special(lambda path: path.symlink_to("gone")),
        NotAvailable, ("there is no file",)),
    Bad("S2", "zero bytes of CSV", csv(""), DataError, ("t.csv has 0 bytes", "Write it again")),
    Bad("S2", "zero bytes of Parquet", files("t.parquet", {"t.parquet": b""}), DataError, ("t.parquet has 0 bytes",)),
    Bad("S2", "a header alone", csv("a,b\n"), DataError, ("0 rows", "Check its query, path")),
    Bad("S2", "blank lines of JSON", files("t.jsonl", {"t.jsonl": b"\n\n"}), DataError, ("0 rows",)),
    Bad("S2", "Parquet without rows", files("t.parquet", {"t.parquet": table(a=[])}), DataError, ("0 rows",)),
    Bad("S3", "a short row", csv("a,b\n1,2\n3\n"), DataError, ("line 3 of", "t.csv has 1 values", "2 columns")),
    Bad("S3", "a long row after a blank line", csv("a,b\n1,2\n\n3,4,5\n"), DataError, ("line 4 of", "has 3 values")),
    Bad("S3", "a short row after a value of two lines", csv('a,b\n"1\n2",2\n3\n'), DataError, ("line 4 of",)),
    Bad("S3", "an open quote", csv('a,b\n1,2\n3,"4\n5,6\n'), DataError, ("begins on line 3", "A quote that opens")),
    Bad("S3", "semicolons", csv("a;b\n1;2\n"), DataError, ("separated by a semicolon",)),
    Bad("S3", "tabs", csv("a\tb\n1\t2\n"), DataError, ("separated by a tab",)),
    Bad("S3", "bars", csv("a|b\n1|2\n"), DataError, ("separated by a bar",)),
    Bad("S3", "a line of 33 MiB", csv(b"a,b\n1," + b"x" * (33 * 2**20) + b"\n"),
        DataError, ("line of more than 16 MiB",)),
    Bad("S4", "two columns of one name", csv("a,b,a\n1,2,3\n"), DataError, ("several columns are named 'a'",)),
    Bad("S4", "a column without a name", csv("a,,c\n1,2,3\n"), DataError, ("column 2 has no name",)),
    Bad("S4", "a name with spaces around it", csv("a, b\n1,2\n"), DataError, ("spaces around them: ' b'",)),
    Bad("S4", "a name over two lines", csv('a,"b\nc"\n1,2\n'), DataError, ("over several lines",)),
    Bad("S3", "half an object in a line of JSON",
        files("t.jsonl", {"t.jsonl": b'{"a": 1}\n{"a": \n'}), DataError, ("line 2 of", "one JSON object")),
    Bad("S3", "a list in a line of JSON",
        files("t.jsonl", {"t.jsonl": b'{"a": 1}\n[1]\n'}), DataError, ("line 2 of", "Expected `object`")),
    Bad("S3", "numbers, texts and objects in a column of JSON",
        files("t.jsonl", {"t.jsonl": b'{"a": 1}\n{"a": "1"}\n{"a": {}}\n'}), DataError,
        ("column 'a' mixes types", "1 int", "1 string", "1 object", "A column has one type")),
    Bad("S4", "no header", csv("\n\n"), DataError, ("no header",)),
    *(
        Bad("S5", f"{value} as {kind}", declared(kind, value), DataError,
            ("column 'x'", f"are no {kind}: ", f"'{value}'", f"declared as {kind}", "Correct the source"))
        for kind, value in (
            ("float", "1,234"), ("float", "1.234,5"), ("float", "1e400"), ("float", "-inf"), ("float", "0x10"),
            ("float", "१२"), ("float", "NaN"), ("float", "NULL"), ("float", "-"), ("int", "1.5"), ("int", "0x10"),
            ("int", "१२"), ("int", "1e3"), ("bool", "si"), ("date", "31.12.2024"), ("datetime", "yesterday"),
        )
    ),
    Bad("S6", "a whole number of 20 digits", declared("int", "12345678901234567890"), DataError, ("are no int",)),
    Bad("S6", "a number of 20 digits in JSON",
        files("t.jsonl", {"t.jsonl": b'{"a": 18446744073709551616}\n'}), DataError, ("column 'a'", "Convert it")),
    Bad("S8", "latin-1", csv(b"a,b\n1,x\n2,caf\xe9\n"),
        DataError, ("line 3 of", "not UTF-8 (byte 0xe9 at 13)", "iconv")),
    Bad("S8", "UTF-16", csv("a,b\n1,2\n".encode("utf-16")), DataError, ("line 1 of", "not UTF-8")),
    Bad("S8", "a broken byte in row 100,000",
        csv(b"a,b\n" + b"1,2\n" * 99_999 + b"1,\xff\n"), DataError, ("line 100,001 of", "0xff at 400,002")),
    Bad("S8", "a broken byte in JSON",
        files("t.jsonl", {"t.jsonl": b'{"a": 1}\n{"a": "\xff"}\n'}), DataError, ("line 2 of", "one JSON object")),
    *(
        Bad("S9", f"Parquet without its last {lost} bytes", files("t.parquet", {"t.parquet": GOOD[:-lost]}),
            DataError, ("t.parquet is an incomplete file", "the writer of this one died", "Write it again"))
        for lost in (1, 8, 40, len(GOOD) - 4)
    ),
    Bad("S9", "a text as Parquet", files("t.parquet", {"t.parquet": b"PAR1 no PAR2"}),
        DataError, ("incomplete file",)),
    Bad("S9", "a second file is half",
        files("*.parquet", {"a.parquet": GOOD, "b.parquet": GOOD[:-9]}), DataError, ("b.parquet is an incomplete",)),
    Bad("S10", "pages of zeros", files("t.parquet", {"t.parquet": GOOD[:4] + bytes(60) + GOOD[64:]}), DataError,
        ("t.parquet is damaged", "Write it again")),
    Bad("S10", "a footer that is longer than the file",
        files("t.parquet", {"t.parquet": GOOD[:-8] + b"\xff\xff\xff\x7fPAR1"}), DataError, ("incomplete file",)),
    Bad("S10", "lists and objects", files("t.parquet", {"t.parquet": nested()}), DataError,
        ("column 'a' holds List", "column 'b' holds Struct", "Select or convert its parts")),
    Bad("S11", "more rows than are allowed",
        files("t.parquet", {"t.parquet": GOOD}, max_rows=99), DataError, ("more than 99 rows", "raise max_rows")),
    Bad("S12", "another type in another part",
        files("*.parquet", {"a.parquet": table(a=[1]), "b.parquet": table(a=[1.5])}), DataError,
        ("b.parquet differs from", "a.parquet: 'a' is Float64 and was Int64", "the same columns")),
    Bad("S12", "a text in another part",
        files("*.parquet", {"a.parquet": table(a=[1]), "b.parquet": table(a=["x"])}), DataError, ("'a' is String",)),
    Bad("S12", "a column less", files("*.csv", {"a.csv": b"x,y\n1,2\n", "b.csv": b"x\n5\n"}), DataError,
        ("b.csv differs from", "'y' is missing")),
    Bad("S12", "a column more",
        files("*.parquet", {"a.parquet": table(a=[1]), "b.parquet": table(a=[1], c=[2])}),
            DataError, ("'c' is added",)),
    Bad("S12", "partitions beside plain files",
        files("lake/**/*.parquet", {"lake/a.parquet": GOOD, "lake/day=1/b.parquet": GOOD}), DataError,
        ("lies in a folder day=", "lake/a.parquet does not")),
    *(
        Bad("S13", f"an archive: {name}", files(name, {name: content}, **options), ContractError,
            (f"'{name}' is an archive", "Archives are not unpacked", "Unpack it"))
        for name, content, options in (
            ("a.zip", a_zip(), {}), ("evil.zip", a_zip("../../evil.csv"), {}),
            ("bomb.zip", a_zip(content=bytes(10**7)), {}),
            ("a.csv.gz", gzip.compress(b"a\n1\n"), {"format": "csv"}), ("a.tar.gz", b"x", {}), ("a.tgz", b"x", {}),
            ("a.parquet.zst", b"x", {"format": "parquet"}), ("a.tar", b"x", {}), ("a.jsonl.bz2", b"x", {}),
        )
    ),
    Bad("S13", "a zip that is called CSV", csv(a_zip()), DataError, ("not UTF-8",)),
    Bad("S13", "gzip that is called CSV", csv(gzip.compress(b"a\n1\n")), DataError, ("not UTF-8",)),
    Bad("S13", "a zip that is called Parquet", files("t.parquet", {"t.parquet": a_zip()}),
        DataError, ("incomplete",)),
    Bad("S13", "a workbook", files("t.xlsx", {"t.xlsx": b"PK"}),
        ContractError, ("does not tell the format", "format:")),
    Bad("S15", "no SELECT", sql("SELEC 1"), ContractError, ("begins with SELEC",)),
    Bad("S15", "an unknown column", sql("SELECT nosuch FROM sales"), ContractError, ("no such column",)),
    Bad("S15", "an unknown table", sql("SELECT * FROM nosuch"), ContractError, ("no such table",)),
    Bad("S15", "an unfinished condition", sql("SELECT * FROM sales WHERE"), ContractError, ("incomplete input",)),
    Bad("S15", "a parameter that is not given", sql("SELECT * FROM sales WHERE id = :id"), ContractError, ("'id'",)),
    Bad("S15", "a database that is not there", address("sqlite:///no/such.db"), NotAvailable, ("such.db",)),
    Bad("S15", "a text as database", address("sqlite:///text.db"), DataError, ("not a database",)),
    Bad("S15", "an address that is none", address("not a url"), ContractError, ("URL",)),
    Bad("S15", "a database in memory", address("sqlite://"), ContractError, ("names no SQLite file",)),
    Bad("S15", "an unknown product", address("nosuch://me:hunter2@host/db"), ContractError, ("nosuch",)),
    Bad("S15", "a warehouse that is away", address("postgresql://me:hunter2@127.0.0.1:1/db"), TemporaryPortError, ()),
    *(
        Bad("S16", query[:36], sql(query), ContractError, (told,))
        for query, told in (
            ("SELECT 1 AS a; SELECT 2 AS b", "more after the ;"),
            ("SELECT 1 AS a; DROP TABLE sales", "more after the ;"),
            ("DROP TABLE sales", "begins with DROP"), ("PRAGMA writable_schema = 1", "begins with PRAGMA"),
            ("ATTACH 'x.db' AS x", "begins with ATTACH"), ("COPY sales TO PROGRAM 'sh'", "begins with COPY"),
            ("INSTALL httpfs", "begins with INSTALL"), ("SELECT * INTO copy FROM sales", "contains INTO"),
            ("WITH gone AS (DELETE FROM sales RETURNING *) SELECT * FROM gone", "contains DELETE"),
            ("-- nothing", "begins with nothing"),
        )
    ),
    Bad("S18", "a query of nothing", sql("SELECT * FROM sales WHERE 0"), DataError, ("0 rows", "Check its query")),
    Bad("S18", "two columns of one name",
        sql("SELECT a.id, b.id FROM sales a JOIN sales b ON a.id = b.id"),
            DataError, ("several columns named 'id'",)),
    Bad("S18", "more rows than are allowed", sql("SELECT * FROM sales", max_rows=1),
        DataError, ("more than 1 rows",)),
    Bad("S18", "a query without end",
        sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n",
            timeout="100ms"),
        NotAvailable, ("took too long",)),
    Bad("S19", "bytes", sql("SELECT x'00ff' AS b"), DataError, ("column 'b' cannot be held", "Convert it")),
    Bad("S19", "numbers and texts", sql("SELECT a FROM mixed"),
        DataError, ("column 'a' mixes types: 2 string", "1 int")),
    *(
        Bad("S19", f"PostgreSQL's {value}", warehouse(f"SELECT 1 AS ok, {value} AS x"), DataError, ("'x'",))
        for value in (
            "123456789012345678901234567890::numeric(38,0)", "'1 month'::interval", "'\\x00'::bytea",
            "'infinity'::timestamp", "'10:30'::time",
        )
    ),
    *(
        Bad("S21", f"the status {status}", answers(Answer({}, status=status)), kind, (str(status), more))
        for status, kind, more in (
            (401, NotAvailable, "Check `auth`"), (403, NotAvailable, "its rights"),
            (404, NotAvailable, "Check the URL"),
            (410, NotAvailable, "Gone"), (499, NotAvailable, "499"), (429, TemporaryPortError, "Too Many Requests"),
            (500, TemporaryPortError, "Try again"), (502, TemporaryPortError, "Try again"),
            (503, TemporaryPortError, "Try again"),
        )
    ),
    Bad("S21", "an answer that leads back to itself", redirected("/"), NotAvailable, ("in a circle",)),
    Bad("S21", "nobody answers", lambda _: {"http": "http://127.0.0.1:1/", "allow_private": True, "timeout": "1s"},
        TemporaryPortError, ("no connection",)),
    Bad("S22", "a page to log in", answers(Answer(b"<a>", headers=HTML)),
        DataError, ("expected JSON, got text/html", "login")),
    Bad("S22", "half JSON", answers(Answer(b"{")), DataError, ("not JSON",)),
    Bad("S22", "nothing at all", answers(Answer(b"")), DataError, ("not JSON",)),
    Bad("S22", "less than was promised", answers(Answer(b'[{"a": 1}', promised=500)),
        TemporaryPortError, ("incomplete",)),
    Bad("S22", "records elsewhere", answers(Answer({"rows": []})), DataError, ("nothing at $.items; it has 'rows'",)),
    Bad("S22", "one record instead of many", answers(Answer({"items": {"a": 1}})), DataError, ("a single object",)),
    Bad("S22", "numbers instead of records", answers(Answer({"items": [{"a": 1}, 2]})),
        DataError, ("record 1 at $.items",)),
    Bad("S22", "numbers and texts in a column", answers(Answer({"items": [{"a": 1}, {"a": "x"}]})), DataError,
        ("column 'a' mixes types",)),
    Bad("S22", "no records", answers(Answer({"items": []})), DataError, ("0 rows",)),
    Bad("S22", "a broken archive", answers(Answer(b"no gzip", headers={"Content-Encoding": "gzip"})),
        DataError, ("unpacked",)),
    *(
        Bad("S23", url, http(url), ContractError, ("private network", "allow_private"))
        for url in (
            "http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://0x7f000001:{port}/",
                "http://2130706433:{port}/",
            "http://[::1]:{port}/", "http://[::ffff:127.0.0.1]:{port}/", "http://[64:ff9b::7f00:1]:{port}/",
            "http://[2002:7f00:1::]:{port}/", "http://0.0.0.0:{port}/", "http://169.254.169.254/latest/meta-data",
            "http://10.0.0.1/", "http://192.168.1.1/", "http://100.64.0.1/", "http://224.0.0.1/",
        )
    ),
    *(
        Bad("S23", url, http(url), ContractError, ("http or https",))
        for url in ("file:///etc/passwd", "gopher://x/", "http://", "example.com/x", "http://x:0/", "http://[::1/")
    ),
    Bad("S24", "a certificate that nobody signed",
        lambda world: {"http": world.secure(), "allow_private": True, "timeout": "5s"}, NotAvailable,
        ("no secure connection", "certificate")),
    Bad("S24", "a server that knows no TLS",
        lambda world: {"http": world.serve(lambda _: Answer([])).replace("http", "https"), "allow_private": True},
        NotAvailable, ("no secure connection", "SSL")),
    *(
        Bad("S25", f"pages by {paginate} without end", repeats(paginate), DataError, ("Pages come to an end",))
        for paginate in ("cursor", "page", "offset", "link")
    ),
    Bad("S25", "the next page on another server",
        answers(Answer({"items": [], "next": "http://elsewhere.example/x"}), paginate="cursor"), DataError,
        ("another server, elsewhere.example",)),
    Bad("S26", "no such key", lambda world: {**world.bucket(),
        "files": "s3://bad-inputs/none/*.parquet"}, NotAvailable,
        ("no file matches s3://bad-inputs/none", "Check bucket, path")),
    Bad("S26", "no such bucket", lambda world: {**world.bucket(), "files": "s3://no-such-lake/*.csv"}, NotAvailable,
        ("no file matches s3://no-such-lake",)),
    Bad("S26", "half an object among whole ones", lambda world: world.bucket(a=GOOD, b=GOOD[:-5]), DataError,
        ("b.parquet is an incomplete file",)),
    Bad("S26", "another store", lambda _: {"files": "gs://lake/*.csv"},
        ContractError, ("gs:// cannot be read", "s3://")),
)

D20_BAD = (
    Bad("D20", "100,000 columns of Parquet", files("t.parquet", {"t.parquet": table(**WIDE)}), DataError,
        ("source bad: there are 100,000 columns", "at most 10,000 columns", "Select those that are needed")),
    Bad("D20", "100,000 columns of CSV", csv(",".join(WIDE) + "\n" + ",".join(["1"] * len(WIDE)) + "\n"), DataError,
        ("source bad: there are 100,000 columns",)),
    Bad("D20", "100,000 columns of JSON", files("t.jsonl", {"t.jsonl": json.dumps(WIDE).encode()}), DataError,
        ("source bad: there are 100,000 columns",)),
    Bad("D20", "100,000 columns of a service", answers(Answer({"items": [dict.fromkeys(WIDE, 1)]})), DataError,
        ("source bad: there are 100,000 columns",)),
    Bad("D20", "lists nested 50 deep in Parquet", files("t.parquet", {"t.parquet": table(a=[deep(50)])}), DataError,
        ("column 'a' holds List", "Select or convert its parts")),
    Bad("D20", "lists nested 100,000 deep in JSON",
        files("t.jsonl", {"t.jsonl": b'{"a": ' + b"[" * 10**5 + b"]" * 10**5 + b"}"}), DataError,
        ("line 1 of", "a value is nested too deep")),
    Bad("D20", "lists nested 100,000 deep of a service",
        answers(Answer(b'{"items": [{"a": ' + b"[" * 10**5 + b"]" * 10**5 + b"}]}")), DataError,
        ("source bad", "nested too deep")),
)
D20_TAKEN = (
    Taken("D20", "a cell of 10 million characters in CSV", csv(f"a,b\n{LONG},1\n"), {"a": [LONG], "b": [1]}),
    Taken("D20", "a cell of 10 million characters in Parquet",
          files("t.parquet", {"t.parquet": table(a=[LONG])}), {"a": [LONG]}),
    Taken("D20", "a cell of 10 million characters in JSON",
          files("t.jsonl", {"t.jsonl": json.dumps({"a": LONG}).encode()}), {"a": [LONG]}),
    Taken("D20", "lists nested 50 deep in JSON, as text",
          files("t.jsonl", {"t.jsonl": json.dumps({"a": deep(50)}).encode()}), {"a": [json.dumps(deep(50))]}),
)

TAKEN = (
    Taken("S4", "a byte order mark", csv("\ufeffa,b\r\n1,2\r\n"), {"a": [1], "b": [2]}),
    Taken("S5", "an undeclared number with a comma stays text", csv('a\n"1,234"\n2\n'), {"a": ["1,234", "2"]}),
    Taken("S5", "a sign", csv("a\n+5\n", schema={"a": "int"}), {"a": [5]}),
    Taken("S5", "NaN and 1e400 stay text", csv("a\nNaN\n1e400\n"), {"a": ["NaN", "1e400"]}),
    Taken("S6", "leading zeros", csv("a\n00123\n5\n"), {"a": ["00123", "5"]}),
    Taken("S6", "a number above 2^53", csv("a\n9007199254740993\n"), {"a": [9007199254740993]}),
    Taken("S6", "a number beyond 64 bits", csv("a\n12345678901234567890\n1\n"), {"a": ["12345678901234567890", "1"]}),
    Taken("S7", "a formula", csv("a\n=cmd()\n@x\n"), {"a": ["=cmd()", "@x"]}),
    Taken("S12", "files of a writer that died, and marks",
          files("lake/", {"lake/_temporary/0/p.parquet": b"half", "lake/.p.parquet.crc": b"x", "lake/_SUCCESS": b"",
                          "lake/p.parquet": table(a=[1])}), {"a": [1]}),
    Taken("S12", "the columns in another order",
          files("*.csv", {"a.csv": b"x,y\n1,2\n", "b.csv": b"y,x\n3,4\n"}), {"x": [1, 4], "y": [2, 3]}),
    Taken("S12", "partitions that are numbers and words",
          files("lake/", {"lake/k=1/p.parquet": table(a=[1]), "lake/k=x/p.parquet": table(a=[2])}),
          {"a": [1, 2], "k": ["1", "x"]}),
    Taken("S17", "a value that would end the statement",
          sql("SELECT id FROM sales WHERE note = :note OR id = 1", params={"note": "a'; DROP TABLE sales; --"}),
          {"id": [1]}),
    Taken("S21", "wait and ask again",
          answers(Answer({}, status=429, headers={"Retry-After": "1"}), Answer({"items": [{"a": 1}]})), {"a": [1]}),
)
# fmt: on


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_a_bad_source_is_refused(bad: Bad, world: World) -> None:
    options = bad.made(world)
    with refused(bad, world.folder):
        world.read(options)
    if bad.row == "S23":
        assert world.asked == []


@pytest.mark.parametrize("taken", TAKEN, ids=str)
def test_what_only_looks_bad_is_read_as_it_is(taken: Taken, world: World) -> None:
    assert world.read(taken.made(world)).to_dict(as_series=False) == taken.gives


@pytest.mark.parametrize("bad", D20_BAD, ids=str)
def test_d20_what_is_far_too_wide_or_too_deep_is_refused_within_seconds(bad: Bad, world: World) -> None:
    options = bad.made(world)
    began = time.process_time()
    with refused(bad, world.folder):
        world.read(options)
    assert time.process_time() - began < 5


@pytest.mark.parametrize("taken", D20_TAKEN, ids=str)
def test_d20_what_is_long_is_read_whole(taken: Taken, world: World) -> None:
    assert world.read(taken.made(world)).to_dict(as_series=False) == taken.gives


CHANGES: dict[str, Callable[[Path], object]] = {
    "appended to": lambda path: path.write_bytes(path.read_bytes() + b"3\n"),
    "replaced": lambda path: os.replace(path.with_suffix(".new"), path),
    "removed": Path.unlink,
}


@pytest.mark.parametrize("change", CHANGES)
def test_s14_a_file_that_changes_while_it_is_read_is_a_conflict(
    change: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put("t.csv", b"a\n1\n2\n")
    world.put("t.new", b"a\n1\n2\n")
    whole = local.content

    def meanwhile(file: Path, where: str) -> bytes:
        content = whole(file, where)
        CHANGES[change](file)
        return content

    monkeypatch.setattr(local, "content", meanwhile)
    bad = Bad(
        "S14", change, None, Conflict, ("t.csv changed while it was read", "Write elsewhere and rename")
    )
    with pytest.raises(Conflict) as caught:
        world.read({"files": "t.csv"})
    told(bad, caught.value)


def test_s11_what_takes_more_memory_than_there_is_is_refused_from_the_footer_alone(tmp_path: Path) -> None:
    # A few bytes for each row group, and 8 in memory for each row.
    path = tmp_path / "bomb.parquet"
    zeros = pl.repeat(0, 10**7, dtype=pl.Int64, eager=True)
    pl.DataFrame({"a": zeros}).write_parquet(path, row_group_size=10**6)
    assert path.stat().st_size < 100_000
    bad = Bad("S11", "", None, DataError, ("about 0.1 GB", "of memory are free", "Narrow the path"))
    with refused(bad, tmp_path):
        parquet.read({str(path): None}, max_rows=10**9, most_bytes=50_000_000, where="source bad")


MUTATED = """
import random, sys
from pathlib import Path
from rondo.adapters.files import FilesReader
from rondo.contract.data import Source
from rondo.errors import DataError
folder, first, last = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
good, source = (folder / "good.parquet").read_bytes(), Source.model_validate({"files": "bad.parquet"})
whole = 0
for seed in range(first, last):
    chance, data = random.Random(seed), bytearray(good)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at = chance.randrange(chance.choice((0, len(data) * 2 // 3)), len(data))
        match chance.randrange(4):
            case 0: del data[at : at + chance.randrange(1, 9)]
            case 1: data[at:at] = chance.randbytes(chance.randrange(1, 9))
            case _: data[at] ^= 1 << chance.randrange(8)
    (folder / "bad.parquet").write_bytes(data)
    try:
        FilesReader(folder).read("bad", source, str)
        whole += 1
    except DataError as error:
        assert "bad.parquet" in str(error) and error.problems[0].mend, error
print(whole)
"""
"""Reads so many files that differ a little from a good one; ends well when each is read or refused as bad data."""


@pytest.mark.parametrize(
    "seeds", [range(50), pytest.param(range(50, 3000), marks=pytest.mark.long)], ids=["some", "many"]
)
def test_s10_no_mutation_of_a_parquet_file_ends_the_process(seeds: range, tmp_path: Path) -> None:
    columns = {"a": range(50), "b": [f"word {n % 7}" for n in range(50)], "c": [n / 3 for n in range(50)]}
    pl.DataFrame({**columns, "d": [None if n % 3 else True for n in range(50)]}).write_parquet(
        tmp_path / "good.parquet"
    )
    ended = subprocess.run(
        [sys.executable, "-c", MUTATED, str(tmp_path), str(seeds.start), str(seeds.stop)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert int(ended.stdout) < len(seeds) / 2
