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
from rondo.errors import DataError
from rondo.testing.servers import PostgresServer, S3Server
from rondo.testing.web import Answer, serving

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
START_DATE = "2024-01-01"


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
        "transactions": {"sql": "${WAREHOUSE_URL}", "query": query[1], "params": [START_DATE]},
        "user_events": {
            "files": f"s3://{bucket[1]}/{prefix[1]}/{{date_partition}}/*.parquet",
            "storage": endpoint,
        },
    }


def config(sources: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "data_sources": sources,
        "start_date": START_DATE,
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
    down_once = iter([Answer("try later", status=503)])
    told = Answer([{"user_id": 2, "score": 0.7}])
    with serving(lambda _: next(down_once, told)) as api:
        given = config(sources, external_api={"http": api.url, "allow_private": True})
        pipeline = DataPipeline(given, folder=tmp_path)
        data = pipeline.extract()
    assert len(api.asked) == 2  # each source tries again by itself
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
    ("table", "rule", "found"),
    [
        (pl.DataFrame({"user_id": [1], "amount": [1.0]}), "row_count", "1 rows"),
        (pl.DataFrame({"user_id": [1, 2, 3], "amount": [None, 5.0, 5.0]}), "null_ratio", "33.3% missing"),
        (pl.DataFrame({"user_id": ["a", "b", "c"], "amount": [1.0, 2.0, 3.0]}), "schema_match", "string"),
        (
            pl.DataFrame({"user_id": [1, 2, 3], "amount": [1.0, 2.0, -3.0]}),
            "value_ranges",
            "1 values outside",
        ),
    ],
    ids=["row_count", "null_ratio", "schema_match", "value_ranges"],
)
def test_each_validation_of_the_listing_stops_bad_data(table: pl.DataFrame, rule: str, found: str) -> None:
    assert f'"{rule}"' in listing("3.1").text
    rules = {
        "min_rows": 2,
        "max_null_ratio": 0.1,
        "schema": {"user_id": "int"},
        "value_ranges": {"amount": {"min": 0}},
    }
    pipeline = DataPipeline({"data_sources": {"t": {"files": "t.csv"}}, **rules})
    assert not pipeline.validate(table)
    (failed,) = (check for check in pipeline.checks if check.status == "failed")
    assert failed.name == rule.removesuffix("s")
    assert found in failed.found
    assert pipeline.validate(pl.DataFrame({"user_id": [1, 2, 3], "amount": [1.0, 2.0, 3.0]}))


def test_the_bounds_themselves_are_enough() -> None:
    """The listing asks for more rows than `min_rows`, and for less than its share of missing values."""
    pipeline = DataPipeline(
        {"data_sources": {"t": {"files": "t.csv"}}, "min_rows": 10, "max_null_ratio": 0.1}
    )
    assert pipeline.validate(pl.DataFrame({"amount": [None, *[1.0] * 9]}))
    assert not pipeline.validate(pl.DataFrame({"amount": [None, *[1.0] * 8]}))


def test_a_source_of_another_schema_is_named_before_anything_is_joined(tmp_path: Path) -> None:
    pl.DataFrame({"user_id": ["x"], "clicks": [1]}).write_csv(tmp_path / "events.csv")
    events = {"files": "events.csv", "schema": {"user_id": "int"}}
    with pytest.raises(DataError, match="user_events"):
        DataPipeline({"data_sources": {"user_events": events}}, folder=tmp_path).extract()
