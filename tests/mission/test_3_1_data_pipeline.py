"""3.1: extract from a database, an object store and an API; transform; validate apart; load with its version."""

from __future__ import annotations

import inspect
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import polars as pl
import pytest

from mission.document import listing
from rondo import DataPipeline
from rondo.testing.servers import PostgresServer, S3Server
from rondo.testing.web import Answer, serving

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def sources(
    postgres: PostgresServer, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> dict[str, Any]:
    """The three sources of the listing, with its own query, bucket and prefix."""
    text = listing("3.1").text
    query = re.search(r'query="(SELECT .*?)"', text)
    bucket = re.search(r'bucket="([\w-]+)"', text)
    prefix = re.search(r'prefix=f"(\w+)/', text)
    assert query
    assert bucket
    assert prefix
    postgres.run(
        "CREATE TABLE transactions (user_id bigint, date date, amount double precision)",
        "INSERT INTO transactions VALUES (1, '2023-12-31', 1), (1, '2024-01-02', 20),"
        " (2, '2024-01-03', NULL), (3, '2024-01-04', 99999)",
    )
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    s3_server.bucket(bucket[1])
    pl.DataFrame({"user_id": [1], "clicks": [5]}).write_parquet(tmp_path / "part.parquet")
    store = boto3.client("s3", endpoint_url=s3_server.url)
    store.upload_file(str(tmp_path / "part.parquet"), bucket[1], f"{prefix[1]}/2024-01-03/part.parquet")
    monkeypatch.setenv("WAREHOUSE_URL", postgres.url)
    endpoint = {"aws_endpoint_url": s3_server.url, "aws_allow_http": "true", "aws_region": "us-east-1"}
    return {
        "transactions": {"sql": "${WAREHOUSE_URL}", "query": query[1], "params": ["2024-01-01"]},
        "user_events": {
            "files": f"s3://{bucket[1]}/{prefix[1]}/{{date_partition}}/*.parquet",
            "storage": endpoint,
        },
    }


def config(sources: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "data_sources": sources,
        "start_date": "2024-01-01",
        "date_partition": "2024-01-03",
        "min_rows": 2,
        "max_null_ratio": 0.7,
        "version": "1.0.0",
        "clean": {
            "missing": {"amount": {"fill": "median"}},
            "outliers": {"amount": {"max": 1000}},
            "types": {"amount": "float"},
        },
        **more,
    }


def test_it_has_the_methods_of_the_listing() -> None:
    for name, arguments in listing("3.1").methods("DataPipeline").items():
        ours = list(inspect.signature(getattr(DataPipeline, name)).parameters)
        assert set(arguments) <= set(ours), name


def test_the_listing_goes_all_the_way_over_real_servers(sources: dict[str, Any], tmp_path: Path) -> None:
    with serving(lambda _: Answer([{"user_id": 2, "score": 0.7}])) as api:
        sources["external_features"] = {"http": api.url, "allow_private": True}
        pipeline = DataPipeline(config(sources), folder=tmp_path)
        data = pipeline.extract()
    df = pipeline.transform(data)
    valid = pipeline.validate(df)
    pipeline.load(df, tmp_path / "processed")

    assert {name: table.height for name, table in data.items()} == {
        "transactions": 3,  # later than the start date, by the query's own placeholder
        "user_events": 1,
        "external_features": 1,
    }
    # Left join: every transaction stays. Missing values are filled first, then what is an outlier is cut.
    assert df.sort("user_id").select("user_id", "clicks", "score").rows() == [
        (1, 5, None),
        (2, None, 0.7),
        (3, None, None),
    ]
    assert df.sort("user_id")["amount"].to_list() == [20.0, 1000.0, 1000.0]
    assert valid
    kept = pl.read_parquet(tmp_path / "processed" / "data_v1.0.0.parquet")
    assert kept["_data_version"].unique().to_list() == ["1.0.0"]
    stamped = kept["_processed_at"].max()
    assert isinstance(stamped, datetime)
    assert stamped.astimezone(UTC) <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("table", "rule"),
    [
        (pl.DataFrame({"user_id": [1], "amount": [1.0]}), "row_count"),
        (pl.DataFrame({"user_id": [1, 2, 3], "amount": [None, None, None]}), "null_ratio"),
        (pl.DataFrame({"user_id": ["a", "b", "c"], "amount": [1.0, 2.0, 3.0]}), "schema_match"),
        (pl.DataFrame({"user_id": [1, 2, 3], "amount": [1.0, 2.0, -3.0]}), "value_ranges"),
    ],
    ids=["row_count", "null_ratio", "schema_match", "value_ranges"],
)
def test_each_validation_of_the_listing_stops_bad_data(table: pl.DataFrame, rule: str) -> None:
    assert f'"{rule}"' in listing("3.1").text
    rules = {
        "min_rows": 2,
        "max_null_ratio": 0.1,
        "schema": {"user_id": "int"},
        "value_ranges": {"amount": {"min": 0}},
    }
    pipeline = DataPipeline({"data_sources": {"t": {"files": "t.csv"}}, **rules})
    assert not pipeline.validate(table)
    assert [check for check in pipeline.checks if check.status == "failed"]
    assert pipeline.validate(pl.DataFrame({"user_id": [1, 2, 3], "amount": [1.0, 2.0, 3.0]}))
