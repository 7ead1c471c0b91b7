"""Files in S3, against a real S3 server of this machine."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from rondo.adapters.files import FilesReader
from rondo.contract.data import Source
from rondo.errors import Conflict, DataError, NotAvailable, RondoError, TemporaryPortError
from rondo.testing.servers import S3Server
from rondo.testing.sources import SECRET, SECRET_NAME, SourceReaderTests, resolve


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


@pytest.mark.parametrize(("status", "code"), [(403, "AccessDenied"), (403, "InvalidAccessKeyId")])
def test_a_store_that_refuses_is_told_without_its_keys(
    bucket: Bucket, reader: FilesReader, status: int, code: str
) -> None:
    said = f"<Error><Code>{code}</Code><Message>no: {SECRET}</Message></Error>".encode()

    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Refusing) as refusing:
        thread = threading.Thread(target=refusing.serve_forever)
        thread.start()
        storage = {**bucket.storage, "aws_endpoint_url": f"http://127.0.0.1:{refusing.server_port}"}
        for files in ("s3://lake/*.parquet", "s3://lake/a.csv"):
            source = Source.model_validate({"files": files, "storage": storage})
            with pytest.raises(NotAvailable, match=r"refuses.*Check the keys") as refused:
                reader.read("s", source, resolve)
            assert not isinstance(refused.value, TemporaryPortError)
            assert SECRET not in str(refused.value)
        refusing.shutdown()
        thread.join()


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
