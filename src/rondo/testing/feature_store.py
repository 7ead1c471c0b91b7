"""What every FeatureStore and its OnlineValues promise, as tests that each adapter inherits."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from rondo.bundle.plan import FeaturePlan, HistoryFeature, PlanInput, StatelessFeature
from rondo.errors import DataError
from rondo.ports.feature_store import FeatureStore

FIRST = datetime(2024, 1, 1, tzinfo=UTC)
AS_OF = datetime(2024, 2, 1, 0, 0, 0, 1, tzinfo=UTC)
VIEWS = ("user_features", "user_inputs")


def a_plan(entity_type: str = "int", ttl_s: float | None = None) -> FeaturePlan:
    """Two views with a field of every type."""
    kinds = {"visits": "int", "vip": "bool", "country": "string", "signup": "datetime"}
    return FeaturePlan(
        entity="user_id",
        event_time="at",
        inputs=tuple(PlanInput(name, kind) for name, kind in kinds.items()),  # type: ignore[arg-type]
        history=(HistoryFeature("spent", "sum", "amount", 86_400.0, default=0.0),),
        stateless=tuple(StatelessFeature(name, "column", (name,)) for name in ("visits", "vip", "country")),
        numerical=("spent", "visits", "vip"),
        categorical=("country",),
        views={VIEWS[0]: ("spent", "visits"), VIEWS[1]: ("vip", "country", "signup")},
        ttl_s=ttl_s,
        entity_type=entity_type,  # type: ignore[arg-type]
    )


def a_history() -> pl.DataFrame:
    """Earlier rows of users 1 and 2, and one row per user at `AS_OF`; every field is missing somewhere."""
    signup = FIRST - timedelta(days=365, microseconds=211)
    rows = [
        (1, FIRST, 1.0, 1, True, "DE", signup),
        (2, FIRST, 0.0, None, None, "FR", signup),
        (1, AS_OF, 0.1, 3, False, None, signup),
        (2, AS_OF, 2.5, None, None, "FR", signup),
        (3, AS_OF, None, 7, True, 'é"\n', None),
    ]
    names = ["user_id", "event_timestamp", "spent", "visits", "vip", "country", "signup"]
    moments = {"event_timestamp": pl.Datetime("us", "UTC"), "signup": pl.Datetime("us", "UTC")}
    table = pl.DataFrame(rows, schema=names, schema_overrides=moments, orient="row")
    return table.with_columns(pl.col("event_timestamp").alias("created_timestamp"))


def redefined(plan: FeaturePlan, *, window_s: float) -> FeaturePlan:
    """The same names, `spent` over another window."""
    return replace(plan, history=(replace(plan.history[0], window_s=window_s),))


def spending(folder: Path, value: float) -> Path:
    """A history in which everybody spent that much."""
    path = folder / f"spent-{value}.parquet"
    a_history().with_columns(pl.lit(value).alias("spent")).write_parquet(path)
    return path


def spent(rows: Sequence[Mapping[str, Any] | None]) -> object:
    """The first row's value."""
    return None if rows[0] is None else rows[0]["spent"]


class FeatureStoreTests:
    """Give a fresh store; the rest are promises."""

    @pytest.fixture
    def store(self) -> FeatureStore:
        """A store that knows nothing yet."""
        raise NotImplementedError("give a fresh store")

    @pytest.fixture
    def history(self, tmp_path: Path) -> Path:
        """The history as a file."""
        path = tmp_path / "history.parquet"
        a_history().write_parquet(path)
        return path

    def test_a_store_that_knows_nobody_says_so(self, store: FeatureStore) -> None:
        online = store.online()
        assert online.read(VIEWS, [1, "x", None]) == [None, None, None]
        online.close()

    def test_readers_get_the_newest_values_in_the_order_of_the_keys(
        self, store: FeatureStore, history: Path
    ) -> None:
        store.publish(a_plan(), history, AS_OF)
        online = store.online()
        first, unknown, second, again = online.read(VIEWS, [1, 99, 3, 1])
        assert unknown is None
        assert first == again
        assert first == {
            "_event_timestamp": AS_OF,
            "spent": 0.1,
            "visits": 3,
            "vip": False,
            "country": None,
            "signup": "2022-12-31T23:59:59.999789+00:00",
        }
        assert second is not None
        assert (second["spent"], second["country"], second["signup"]) == (None, 'é"\n', None)
        assert online.read(VIEWS[:1], [2]) == [{"_event_timestamp": AS_OF, "spent": 2.5, "visits": None}]
        online.close()

    def test_values_after_the_moment_do_not_go_online(self, store: FeatureStore, history: Path) -> None:
        store.publish(a_plan(), history, AS_OF)
        store.publish(a_plan(), history, FIRST)
        online = store.online()
        found = online.read(VIEWS, [1, 3])
        assert found[0] is not None
        assert (found[0]["spent"], found[0]["_event_timestamp"]) == (1.0, FIRST)
        assert found[1] is None
        online.close()

    def test_an_open_reader_sees_the_next_publication(
        self, store: FeatureStore, history: Path, tmp_path: Path
    ) -> None:
        online = store.online()
        assert online.read(VIEWS, [1]) == [None]
        store.publish(a_plan(), history, AS_OF)
        later = tmp_path / "later.parquet"
        a_history().with_columns(pl.lit(8.0).alias("spent")).write_parquet(later)
        for file, spent in ((history, 0.1), (later, 8.0)):
            store.publish(a_plan(), file, AS_OF)
            found = online.read(VIEWS, [1])[0]
            assert found is not None
            assert found["spent"] == spent
        online.close()

    def test_values_older_than_their_ttl_are_not_served(self, store: FeatureStore, history: Path) -> None:
        store.publish(a_plan(ttl_s=3600.0), history, AS_OF)
        online = store.online()
        assert online.read(VIEWS, [1]) == [None]
        store.publish(a_plan(ttl_s=1e9), history, AS_OF)
        assert online.read(VIEWS, [1]) != [None]
        online.close()

    def test_a_model_of_before_reads_the_rows_of_its_own_definition(
        self, store: FeatureStore, history: Path, tmp_path: Path
    ) -> None:
        plan, other = a_plan(), redefined(a_plan(), window_s=3600.0)
        store.publish(plan, history, AS_OF)
        store.publish(other, spending(tmp_path, 70.0), AS_OF)
        online = store.online()
        assert plan.kept_views[1:] == other.kept_views[1:]  # the view that nobody touched
        assert spent(online.read(plan.kept_views, [1])) == 0.1
        assert spent(online.read(other.kept_views, [1])) == 70.0
        assert spent(online.read(VIEWS, [1])) == 70.0  # a plain name is the newest definition
        store.publish(plan, spending(tmp_path, 5.0), AS_OF)
        assert spent(online.read(plan.kept_views, [1])) == spent(online.read(VIEWS, [1])) == 5.0
        assert spent(online.read(other.kept_views, [1])) == 70.0
        online.close()

    def test_what_is_still_made_in_the_same_way_stays_fresh_for_a_model_of_before(
        self, store: FeatureStore, history: Path, tmp_path: Path
    ) -> None:
        plan = a_plan()
        more = replace(plan, views={**plan.views, VIEWS[0]: ("spent", "visits", "vip")})
        store.publish(plan, history, AS_OF)
        store.publish(more, spending(tmp_path, 70.0), AS_OF, needed=plan.kept_views)
        online = store.online()
        assert plan.kept_views[0] != more.kept_views[0]
        assert spent(online.read(plan.kept_views, [1])) == 70.0
        online.close()

    def test_definitions_that_nobody_needs_are_forgotten(
        self, store: FeatureStore, history: Path, tmp_path: Path
    ) -> None:
        first, second, third = (redefined(a_plan(), window_s=days * 86_400.0) for days in (1, 2, 3))
        store.publish(first, history, AS_OF)
        store.publish(second, history, AS_OF)
        store.publish(third, history, AS_OF, needed=second.kept_views)
        online = store.online()
        known = [online.read(plan.kept_views[:1], [1]) != [None] for plan in (first, second, third)]
        assert known == [False, True, True]
        online.close()

    def test_a_reader_never_sees_half_a_publication(
        self, store: FeatureStore, history: Path, tmp_path: Path
    ) -> None:
        files = []
        for number in (1, 2):
            changed = a_history().with_columns(spent=pl.lit(float(number)), country=pl.lit(str(number)))
            files.append(tmp_path / f"{number}.parquet")
            changed.write_parquet(files[-1])
        store.publish(a_plan(), files[0], AS_OF)
        seen: set[tuple[object, ...]] = set()
        stop = threading.Event()

        def read() -> None:
            online = store.online()
            while not stop.is_set():
                rows = online.read(VIEWS[:1], [1, 2, 3]) + online.read(VIEWS[1:], [1, 2, 3])
                seen.update({tuple(row and row["spent"] for row in rows[:3])} if all(rows) else {("gone",)})
            online.close()

        reader = threading.Thread(target=read)
        reader.start()
        for round_ in range(12):
            store.publish(a_plan(), files[round_ % 2], AS_OF)
        stop.set()
        reader.join()
        assert seen <= {(1.0, 1.0, 1.0), (2.0, 2.0, 2.0)}

    def test_readers_in_many_threads_agree(self, store: FeatureStore, history: Path) -> None:
        store.publish(a_plan(), history, AS_OF)
        online = store.online()
        found: list[object] = []
        threads = [
            threading.Thread(target=lambda: found.extend(online.read(VIEWS, [1, 2, 3]) for _ in range(20)))
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 120
        assert all(each == found[0] for each in found)
        online.close()

    def test_texts_can_be_entities(self, store: FeatureStore, tmp_path: Path) -> None:
        path = tmp_path / "texts.parquet"
        a_history().with_columns(pl.format("user {}", "user_id").alias("user_id")).write_parquet(path)
        store.publish(a_plan("string"), path, AS_OF)
        online = store.online()
        assert [found is not None for found in online.read(VIEWS, ["user 1", "user 9"])] == [True, False]
        online.close()

    def test_a_rehearsal_reads_what_publishing_would_give_and_touches_nothing(
        self, store: FeatureStore, history: Path
    ) -> None:
        store.publish(a_plan(), history, AS_OF)
        rows = a_history().filter(pl.col("event_timestamp") == AS_OF)
        online = store.online()
        before = online.read(VIEWS, [3, 1])
        assert store.rehearse(a_plan(), rows.reverse()) == online.read(VIEWS, [3, 2, 1])
        store.rehearse(a_plan(), rows.with_columns(pl.lit(5.0).alias("spent")))
        assert online.read(VIEWS, [3, 1]) == before
        online.close()

    def test_a_history_without_a_field_is_refused(self, store: FeatureStore, tmp_path: Path) -> None:
        path = tmp_path / "short.parquet"
        a_history().drop("spent").write_parquet(path)
        with pytest.raises(DataError, match="lacks spent"):
            store.publish(a_plan(), path, AS_OF)

    def test_the_description_counts_entities(self, store: FeatureStore, history: Path) -> None:
        store.publish(a_plan(), history, AS_OF)
        views = store.describe()["views"]
        assert views[VIEWS[0]] == {"fields": ["spent", "visits"], "rows": 5, "entities_online": 3}
