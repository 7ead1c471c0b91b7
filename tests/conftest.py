"""What all tests share: their order, Hypothesis' examples, and servers, each started when a test first asks for it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import settings

from rondo.testing import servers

# A busy machine is no failure, and the same commit gives the same result; `--hypothesis-profile search` looks further.
settings.register_profile("same", deadline=None, derandomize=True, database=None)
settings.register_profile("search", deadline=None)
settings.load_profile("same")

_numbers = itertools.count(1)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The story is the longest of all: begun last it would run alone while the other processes have nothing left.
    items.sort(key=lambda item: item.path.name != "test_demo.py")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[servers.PostgresServer]:
    """PostgreSQL; take `postgres` unless the test stops it."""
    with servers.postgres() as server:
        yield server


@pytest.fixture
def postgres(postgres_server: servers.PostgresServer) -> servers.PostgresServer:
    """An empty database of PostgreSQL for this test alone."""
    return postgres_server.another(f"test_{next(_numbers)}")


@pytest.fixture(scope="session")
def redis_server() -> Iterator[servers.RedisServer]:
    """Redis."""
    with servers.redis() as server:
        yield server


@pytest.fixture(scope="session")
def s3_server() -> Iterator[servers.S3Server]:
    """An object store."""
    with servers.s3() as server:
        yield server
