"""Files in S3, against a real S3 server of this machine."""

from __future__ import annotations

import io
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from rondo.adapters.files import FilesReader
from rondo.contract.data import Source
from rondo.errors import DataError, NotAvailable, RondoError, TemporaryPortError
from rondo.testing.sources import SECRET_NAME, SourceReaderTests, resolve


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


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        ends = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, "moto_server ended"
                assert time.monotonic() < ends, "moto_server did not start"
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def bucket(server: str) -> Iterator[Bucket]:
    import boto3

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
