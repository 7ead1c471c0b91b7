"""Files in S3, against a real S3 server of this machine."""

from __future__ import annotations

import io
import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from rondo.adapters.files import FilesReader, remote
from rondo.contract.data import Source
from rondo.errors import Conflict, ContractError, DataError, NotAvailable, RondoError, TemporaryPortError
from rondo.testing.servers import S3Server
from rondo.testing.sources import SECRET, SECRET_NAME, SourceReaderTests, resolve

Options = dict[str, Any]


@dataclass
class Bucket:
    """A bucket named `lake` and the options to reach it."""

    client: Any
    endpoint: str

    @property
    def storage(self) -> dict[str, str]:
        return {
            "aws_endpoint_url": self.endpoint,
            "aws_allow_http": "true",
            "aws_region": "us-east-1",
            "aws_access_key_id": "key",
            "aws_secret_access_key": SECRET_NAME,
        }

    def put(self, key: str, content: bytes | pl.DataFrame) -> None:
        if isinstance(content, pl.DataFrame):
            buffer = io.BytesIO()
            content.write_parquet(buffer)
            content = buffer.getvalue()
        self.client.put_object(Bucket="lake", Key=key, Body=content)

    def source(self, path: str, **options: object) -> Source:
        return Source.model_validate({"files": f"s3://lake/{path}", "storage": self.storage, **options})


@pytest.fixture
def bucket(s3_server: S3Server) -> Iterator[Bucket]:
    import boto3

    server = s3_server.url
    client = boto3.client(
        "s3", endpoint_url=server, aws_access_key_id="key", aws_secret_access_key="x", region_name="us-east-1"
    )
    client.create_bucket(Bucket="lake")
    yield Bucket(client, server)
    for item in client.list_objects_v2(Bucket="lake").get("Contents", []):
        client.delete_object(Bucket="lake", Key=item["Key"])
    client.delete_bucket(Bucket="lake")
    client.close()


@pytest.fixture
def reader() -> FilesReader:
    return FilesReader(Path("/nowhere"))


class TestParquetPromises(SourceReaderTests):
    @pytest.fixture
    def reader(self) -> FilesReader:
        return FilesReader(Path("/nowhere"))

    @pytest.fixture
    def make(self, bucket: Bucket) -> Callable[[list[dict[str, object]]], Source]:
        def make(rows: list[dict[str, object]]) -> Source:
            bucket.put("t/part-0.parquet", pl.DataFrame(rows))
            return bucket.source("t/")

        return make

    @pytest.fixture
    def absent(self, bucket: Bucket) -> Source:
        return bucket.source("none/*.parquet")

    @pytest.fixture
    def away(self, bucket: Bucket) -> Iterator[Source]:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
            storage = {**bucket.storage, "aws_endpoint_url": endpoint, "max_retries": "0"}
            yield Source.model_validate({"files": "s3://lake/*.parquet", "storage": storage, "timeout": "2s"})

    @pytest.fixture
    def secretive(self, bucket: Bucket) -> Source:
        return Source.model_validate({"files": "s3://no-such-lake/*.parquet", "storage": bucket.storage})


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl"])
def test_texts_are_read_as_from_a_folder(bucket: Bucket, reader: FilesReader, name: str) -> None:
    rows = [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
    lines = b"\n".join(map(msgspec.json.encode, rows))
    bucket.put(f"texts/{name}", lines if name.endswith("jsonl") else b"a,b\r\n1,x\r\n2,\r\n")
    assert reader.read("s", bucket.source(f"texts/*.{name[2:]}"), resolve).to_dicts() == rows


def test_partitions_become_columns_and_hidden_files_are_none(bucket: Bucket, reader: FilesReader) -> None:
    for day in (1, 2):
        bucket.put(f"events/date=2024-01-0{day}/part-0.parquet", pl.DataFrame({"x": [day]}))
    bucket.put("events/_temporary/0/part-0.parquet", b"half a file")
    bucket.put("events/_SUCCESS", b"")
    table = reader.read("s", bucket.source("events/**/*.parquet"), resolve)
    assert table.rows() == [(1, date(2024, 1, 1)), (2, date(2024, 1, 2))]
    source = bucket.source("events/date={date_partition}/*.parquet", params={"date_partition": "2024-01-02"})
    assert reader.read("s", source, resolve).rows() == [(2, date(2024, 1, 2))]


def test_an_object_without_bytes_is_a_mark_and_no_data(bucket: Bucket, reader: FilesReader) -> None:
    bucket.put("marked/a.parquet", whole())
    bucket.put("marked/b.parquet", b"")
    assert reader.read("s", bucket.source("marked/"), resolve).height == 100


def whole() -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame({"a": range(100)}).write_parquet(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "kind", "told"),
    [
        (whole()[:-5], DataError, r"b\.parquet is an incomplete file"),
        (b"PAR1", DataError, r"b\.parquet is an incomplete file"),
        (
            pl.DataFrame({"a": ["x"]}),
            DataError,
            r"b\.parquet differs from .*a\.parquet: 'a' is String and was Int64",
        ),
        (pl.DataFrame({"a": [1], "b": [1]}), DataError, "'b' is added"),
    ],
)
def test_a_bad_file_among_good_ones(
    bucket: Bucket, reader: FilesReader, content: bytes | pl.DataFrame, kind: type[RondoError], told: str
) -> None:
    bucket.put("bad/a.parquet", whole())
    bucket.put("bad/b.parquet", content)
    with pytest.raises(kind, match=told):
        reader.read("s", bucket.source("bad/*.parquet"), resolve)


def test_a_missing_bucket_is_not_available(bucket: Bucket, reader: FilesReader) -> None:
    source = Source.model_validate({"files": "s3://no-such-lake/*.csv", "storage": bucket.storage})
    with pytest.raises(NotAvailable, match="no file matches") as found:
        reader.read("s", source, resolve)
    assert not isinstance(found.value, TemporaryPortError)


def test_the_format_of_other_stores_is_refused(reader: FilesReader) -> None:
    with pytest.raises(ValueError, match="gs:// cannot be read"):
        reader.read("s", Source.model_validate({"files": "gs://lake/*.csv"}), resolve)


def test_the_listing_of_the_mission_reads_its_prefix_with_keys_from_the_environment(
    bucket: Bucket, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_lake = s3_server.bucket("data-lake")
    assert data_lake == "s3://data-lake"
    for part in (0, 1):
        buffer = io.BytesIO()
        pl.DataFrame({"user_id": [part]}).write_parquet(buffer)
        bucket.client.put_object(
            Bucket="data-lake", Key=f"events/2026-01-01/part-{part}.parquet", Body=buffer.getvalue()
        )
    for name, value in {**s3_server.environment, "AWS_ALLOW_HTTP": "true"}.items():
        monkeypatch.setenv(name, value)
    source = Source.model_validate(
        {
            "files": "s3://data-lake/events/{date_partition}/*.parquet",
            "params": {"date_partition": "2026-01-01"},
        }
    )
    assert FilesReader(Path("/nowhere")).read("s", source, resolve).rows() == [(0,), (1,)]


@contextmanager
def answering(reply: Callable[[BaseHTTPRequestHandler], None], storage: dict[str, str]) -> Iterator[Options]:
    """The options of a store that answers every request like this."""

    class Store(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reply(self)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Store) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        yield {"storage": {**storage, "aws_endpoint_url": endpoint, "max_retries": "0"}, "timeout": "2s"}
        server.shutdown()
        thread.join()


def saying(status: int, code: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """A refusal that repeats a secret and names other statuses, as a path or a port may."""
    said = f"<Error><Code>{code}</Code><Message>404 403 503 {SECRET}</Message></Error>".encode()

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("content-length", str(len(said)))
        handler.end_headers()
        handler.wfile.write(said)

    return reply


def hang_up_within(handler: BaseHTTPRequestHandler) -> None:
    """Less than was promised."""
    handler.send_response(200)
    handler.send_header("content-length", "1000")
    handler.end_headers()
    handler.wfile.write(b"a,b")


@pytest.mark.parametrize(
    ("status", "code", "temporary", "told"),
    [
        (401, "Unauthorized", False, "refuses .*Check the keys"),
        (403, "AccessDenied", False, "refuses .*Check the keys"),
        (403, "InvalidAccessKeyId", False, "refuses .*Check the keys"),
        (400, "ExpiredToken", False, "refuses .*ExpiredToken.*Check the keys"),
        (404, "NoSuchKey", False, "no file matches"),
        (404, "NoSuchBucket", False, "no file matches"),
        (408, "RequestTimeout", True, "did not answer"),
        (429, "TooManyRequests", True, "did not answer"),
        (500, "InternalError", True, "did not answer"),
        (503, "SlowDown", True, "did not answer.*503 SlowDown"),
    ],
)
@pytest.mark.parametrize("files", ["s3://lake/*.parquet", "s3://lake/403/a.parquet", "s3://lake/500.csv"])
def test_a_refusal_is_told_by_its_status_and_without_what_the_store_says(
    bucket: Bucket, reader: FilesReader, files: str, status: int, code: str, temporary: bool, told: str
) -> None:
    with answering(saying(status, code), bucket.storage) as options:
        source = Source.model_validate({"files": files, **options})
        with pytest.raises(NotAvailable, match=told) as refused:
            reader.read("s", source, resolve)
    assert isinstance(refused.value, TemporaryPortError) == temporary
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("reply", [hang_up_within, lambda handler: handler.connection.close()])
def test_an_answer_that_breaks_off_may_be_asked_again(
    bucket: Bucket, reader: FilesReader, reply: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    with answering(reply, bucket.storage) as options:
        source = Source.model_validate({"files": "s3://lake/a.csv", **options})
        with pytest.raises(TemporaryPortError, match="did not answer"):
            reader.read("s", source, resolve)


@pytest.mark.parametrize(
    ("storage", "told"),
    [
        ({"aws_endpoint_uri": "http://127.0.0.1"}, "Did you mean 'aws_endpoint_url'"),
        ({"max_retries": "many"}, "max_retries is 'many'"),
        ({"aws_endpoint_url": "http://store.example"}, "in the clear.*https"),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused_before_anything_is_sent(
    bucket: Bucket, reader: FilesReader, storage: dict[str, str], told: str
) -> None:
    source = Source.model_validate(
        {"files": "s3://lake/a.csv", "storage": {**bucket.storage, "aws_allow_http": "", **storage}}
    )
    with pytest.raises(ContractError, match=told):
        reader.read("s", source, resolve)


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("s3://lake/a.csv", "http://me:hunter2@store.example:9000"),
        ("s3://me:hunter2@lake/a.csv", "http://127.0.0.1:1"),
    ],
)
def test_no_error_names_a_password_of_an_address(reader: FilesReader, path: str, endpoint: str) -> None:
    storage = {"aws_endpoint_url": endpoint, "aws_access_key_id": "a", "aws_secret_access_key": "b"}
    source = Source.model_validate({"files": path, "storage": {**storage, "aws_region": "x"}})
    with pytest.raises(RondoError) as found:
        reader.read("s", source, resolve)
    assert "hunter2" not in str(found.value)
    assert "lake" in str(found.value) or "store.example:9000" in str(found.value)


@pytest.mark.parametrize(("endpoint", "profile"), [("no url", None), (None, "no-such-profile")])
def test_what_no_client_can_be_made_of_is_not_available(
    reader: FilesReader, endpoint: str | None, profile: str | None
) -> None:
    said = {"aws_endpoint_url": endpoint, "aws_profile": profile}
    storage = {name: value for name, value in said.items() if value}
    source = Source.model_validate({"files": "s3://lake/a.csv", "storage": storage})
    with pytest.raises(NotAvailable, match=r"cannot be asked.*Check the keys, the endpoint"):
        reader.read("s", source, resolve)


@pytest.mark.parametrize("seed", range(5))
def test_a_damaged_object_is_refused_or_read_and_never_ends_the_process(
    bucket: Bucket, reader: FilesReader, seed: int
) -> None:
    chance, damaged = random.Random(seed), bytearray(whole())
    for place in chance.sample(range(len(damaged)), 20):
        damaged[place] = chance.randrange(256)
    bucket.put("damaged/a.parquet", bytes(damaged))
    with pytest.raises(DataError, match=r"a\.parquet is (an incomplete file|damaged)"):
        reader.read("s", bucket.source("damaged/*.parquet"), resolve)


def test_a_change_after_the_listing_is_a_conflict(
    bucket: Bucket, reader: FilesReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put("pinned/a.parquet", whole())
    listed = remote._listed

    def overtaken(*given: Any) -> Any:
        found = listed(*given)
        bucket.put("pinned/a.parquet", pl.DataFrame({"a": [0]}))
        return found

    monkeypatch.setattr(remote, "_listed", overtaken)
    with pytest.raises(Conflict, match="changed while it was read"):
        reader.read("s", bucket.source("pinned/*.parquet"), resolve)


def test_an_object_that_is_overwritten_is_read_whole_as_before_or_as_after(
    bucket: Bucket, reader: FilesReader
) -> None:
    bucket.put("over/a.parquet", pl.DataFrame({"a": [0] * 50_000}))
    stop = threading.Event()

    def overwrite() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            bucket.put("over/a.parquet", pl.DataFrame({"a": [number] * 50_000}))

    writer = threading.Thread(target=overwrite)
    writer.start()
    try:
        for _ in range(8):
            try:
                table = reader.read("s", bucket.source("over/*.parquet"), resolve)
            except (DataError, TemporaryPortError, Conflict):
                continue  # told, and may be read again: never a mixture
            assert (table.height, table["a"].n_unique()) == (50_000, 1)
    finally:
        stop.set()
        writer.join()
