"""What every SourceReader promises, as tests that an adapter inherits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from rondo.contract.data import Source
from rondo.errors import ContractError, DataError, NotAvailable, TemporaryPortError
from rondo.ports.sources import SourceReader

ROWS: list[dict[str, object]] = [
    {"user_id": 1, "name": "Ada", "amount": 1.5},
    {"user_id": 2, "name": "Bo; DROP TABLE users --", "amount": None},
    {"user_id": 3, "name": "정", "amount": -0.25},
]
SECRET = "s3cr3t-v4lue"  # noqa: S105 - no secret of anybody
SECRET_NAME = "${RONDO_TEST_SECRET}"  # noqa: S105 - a reference


def resolve(text: str) -> str:
    """Knows one secret."""
    return text.replace(SECRET_NAME, SECRET)


class SourceReaderTests:
    """Give the fixtures; a source that cannot be made for a kind is left as None and its promise is not asked.

    `make` turns rows into a source that gives them in this order.
    """

    @pytest.fixture
    def reader(self) -> SourceReader:
        """A fresh reader."""
        raise NotImplementedError("give a reader")

    @pytest.fixture
    def make(self) -> Callable[[list[dict[str, object]]], Source]:
        """Makes a source of these rows."""
        raise NotImplementedError("give a function that makes sources")

    @pytest.fixture
    def absent(self) -> Source:
        """A source that is not there."""
        raise NotImplementedError("give a source that is not there")

    @pytest.fixture
    def away(self) -> Source | None:
        """A source that does not answer right now."""
        return None

    @pytest.fixture
    def secretive(self) -> Source | None:
        """A source that cannot be read, with SECRET_NAME in its address or keys."""
        return None

    def test_every_row_is_read_in_order(
        self, reader: SourceReader, make: Callable[[list[dict[str, object]]], Source]
    ) -> None:
        assert_frame_equal(reader.read("s", make(ROWS), resolve), pl.DataFrame(ROWS))

    def test_reading_changes_nothing(
        self, reader: SourceReader, make: Callable[[list[dict[str, object]]], Source]
    ) -> None:
        source = make(ROWS)
        first = reader.read("s", source, resolve)
        assert_frame_equal(reader.read("s", source, resolve), first)

    def test_threads_may_read_at_once(
        self, reader: SourceReader, make: Callable[[list[dict[str, object]]], Source]
    ) -> None:
        source = make(ROWS)
        with ThreadPoolExecutor(4) as pool:
            tables = list(pool.map(lambda _: reader.read("s", source, resolve), range(8)))
        for table in tables:
            assert_frame_equal(table, pl.DataFrame(ROWS))

    def test_the_cap_on_rows_holds(
        self, reader: SourceReader, make: Callable[[list[dict[str, object]]], Source]
    ) -> None:
        source = make(ROWS)
        assert reader.read("s", source.model_copy(update={"max_rows": 3}), resolve).height == 3
        with pytest.raises(DataError, match="more than 2"):
            reader.read("s", source.model_copy(update={"max_rows": 2}), resolve)

    def test_what_is_not_there_is_not_available(self, reader: SourceReader, absent: Source) -> None:
        with pytest.raises(NotAvailable) as found:
            reader.read("orders", absent, resolve)
        assert not isinstance(found.value, TemporaryPortError)
        assert "source orders" in str(found.value)

    def test_what_does_not_answer_may_be_asked_again(self, reader: SourceReader, away: Source | None) -> None:
        if away is not None:
            with pytest.raises(TemporaryPortError):
                reader.read("s", away, resolve)

    def test_secrets_are_never_told(self, reader: SourceReader, secretive: Source | None) -> None:
        if secretive is None:
            return
        with pytest.raises((NotAvailable, DataError, ContractError)) as found:
            reader.read("s", secretive, resolve)
        assert SECRET not in str(found.value)
        assert SECRET not in reader.origin(secretive)
