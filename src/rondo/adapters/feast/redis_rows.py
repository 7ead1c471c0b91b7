"""Online feature values in Redis: a hash per kept view, a field per entity, the newest event time wins.

The same rows as in rows.py, without Feast. A publication writes new hashes beside those that are read; one MULTI then
points at them, so that a reader, whose script follows the pointer and reads in one step, never sees half of it.
Not for Redis Cluster: the script's keys lie on one server.

PREFIX = rondo:PROJECT:
PREFIX live       hash   `rows:VIEW@REVISION` -> generation, `newest:VIEW` -> VIEW@REVISION
PREFIX recipes    hash   VIEW@REVISION -> field -> digest of its definition, as JSON
PREFIX rows:VIEW@REVISION:GENERATION   hash   entity -> event time, end of life, fields, as MessagePack
PREFIX writer     who writes now
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import msgspec

from rondo.adapters.feast.rows import EPOCH, KeptView, OnlineRow, key_text, merged, micros
from rondo.bundle.plan import entity_text
from rondo.contract.references import mask
from rondo.errors import (
    Conflict,
    ContractError,
    CorruptArtifact,
    MissingExtra,
    NotAvailable,
    TemporaryPortError,
)

_ROWS_AT_ONCE = 1000
_WRITER_MS = 30_000  # a writer that says nothing for so long is gone
_ORPHAN_S = 3600  # hashes that nobody came to point at go by themselves
_READ = """
local found, views = {}, tonumber(ARGV[2])
for place = 1, views do
  local name, rows = ARGV[2 + place], {}
  if not string.find(name, '@', 1, true) then
    name = redis.call('HGET', KEYS[1], 'newest:' .. name) or name
  end
  local generation = redis.call('HGET', KEYS[1], 'rows:' .. name)
  if generation then
    for first = 3 + views, #ARGV, 1000 do
      local last = math.min(first + 999, #ARGV)
      local part = redis.call('HMGET', ARGV[1] .. name .. ':' .. generation, unpack(ARGV, first, last))
      for _, row in ipairs(part) do rows[#rows + 1] = row end
    end
  end
  found[place] = rows
end
return found
"""

_Kept = tuple[int, int | None, dict[str, Any]]
_encode = msgspec.msgpack.Encoder().encode
_decode: Callable[[bytes], _Kept] = msgspec.msgpack.Decoder(_Kept).decode


class RedisOnlineValues:
    """Reads and writes online values; safe to call from several threads and processes at once."""

    def __init__(
        self,
        url: str,
        *,
        project: str,
        space: str = "",
        patience: timedelta = timedelta(seconds=10),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        tick: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connects when first used.

        Args:
            url: redis://, rediss:// or unix://, with its password.
            project: names of its own in a Redis that projects share.
            space: apart from what serves, for rehearsals.
            patience: how long Redis may take to answer; a server takes less than a person.
            now: for values that have an end of life.
            tick: seconds, for the pause after a failure.

        Raises:
            ContractError: it is no such URL.
            MissingExtra: the driver is not installed.
        """
        try:
            import redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ImportError as error:
            raise MissingExtra("redis", extra="redis", needed_for="an online store in Redis") from error
        self._errors = redis.exceptions
        self._patience_s = patience.total_seconds()
        try:
            self._client: Any = redis.Redis.from_url(
                url,
                protocol=2,
                socket_timeout=self._patience_s,
                socket_connect_timeout=self._patience_s,
                retry=Retry(NoBackoff(), 1),  # once more: a kept connection may have been closed meanwhile
            )
        except ValueError as error:
            raise ContractError(
                "not the URL of a Redis",
                where="features.store.online",
                mend="Write redis://:${PASSWORD}@host:6379/0",
            ) from error
        self.name = mask(url)
        self._prefix = f"rondo:{project}:{space}"
        self._live, self._recipes, self._writer = (
            self._prefix + key for key in ("live", "recipes", "writer")
        )
        self._now, self._tick = now, tick
        self._script = self._client.register_script(_READ)
        self._silent_until = 0.0

    def read(self, views: Sequence[str], keys: Sequence[Any]) -> list[dict[str, Any] | None]:
        """For each key the fields of all those views in one mapping; see EmbeddedOnlineValues.read.

        Raises:
            TemporaryPortError: Redis does not answer; for a second after that it is not asked again, so that
                requests are refused at once instead of waiting in a row.
            NotAvailable: it refuses.
        """
        texts = [entity_text(key) for key in keys]
        wanted = [text for text in dict.fromkeys(texts) if text is not None]
        if not wanted or not views:
            return [None] * len(keys)
        if self._tick() < self._silent_until:
            raise TemporaryPortError("Redis did not answer a moment ago", where=self.name)
        now_us, found = micros(self._now()), dict[str, dict[str, Any]]()
        try:
            with self._translated():
                told = self._script(
                    keys=[self._live], args=[f"{self._prefix}rows:", len(views), *views, *wanted]
                )
        except TemporaryPortError:
            self._silent_until = self._tick() + 1.0
            raise
        for rows in told:
            for key, packed in zip(wanted, rows, strict=False):
                if packed is None:
                    continue
                event_us, expires_us, fields = self._unpacked(packed)
                if expires_us is not None and expires_us < now_us:
                    continue
                here = found.setdefault(key, {"_event_timestamp": event_us})
                oldest = min(here["_event_timestamp"], event_us)
                here.update(fields)
                here["_event_timestamp"] = oldest
        for row in found.values():
            row["_event_timestamp"] = EPOCH + timedelta(microseconds=row["_event_timestamp"])
        return [dict(found[text]) if text is not None and text in found else None for text in texts]

    def entities(self, view: str) -> int:
        """How many entities the view knows."""
        with self._translated():
            live = self._pointers()
            place = self._rows(live, _newest(live, view))
            return int(self._client.hlen(place)) if place else 0

    def kept(self) -> dict[str, dict[str, str]]:
        """The definitions that rows are kept of: `view@revision` -> field -> digest of its recipe."""
        with self._translated():
            found = self._client.hgetall(self._recipes)
        return {name.decode(): msgspec.json.decode(recipes) for name, recipes in sorted(found.items())}

    def create(self, views: Iterable[str]) -> None:
        """Makes room for the views, which are the newest from now on; those that are there stay as they are."""
        with self._writing() as writer:
            live, change = self._pointers(), dict[str, str]()
            for name in views:
                if f"rows:{name}" not in live:
                    change[f"rows:{name}"] = writer
                change[f"newest:{name.partition('@')[0]}"] = name
            if change:
                self._at_once(writer, lambda pipe: pipe.hset(self._live, mapping=change))

    def write(self, view: str, rows: Iterable[OnlineRow], *, ttl_s: float | None = None) -> int:
        """Writes the rows, all of them or none, and gives their number; older rows do not replace newer ones."""
        with self._writing() as writer:
            live = self._pointers()
            name = _newest(live, view)
            generation = live.get(f"rows:{name}", writer)
            place = f"{self._prefix}rows:{name}:{generation}"
            parts = [part for part, _ in self._merged(rows, place, ttl_s, None) if part]

            def put(pipe: Any) -> None:
                pipe.hset(self._live, f"rows:{name}", generation)
                for part in parts:
                    pipe.hset(place, mapping=part)

            self._at_once(writer, put)
            return sum(map(len, parts))

    def publish(
        self,
        newest: Iterable[KeptView],
        others: Iterable[KeptView] = (),
        *,
        ttl_s: float | None = None,
        until: datetime,
        needed: Collection[str] | None = None,
    ) -> None:
        """Brings the views to the moment `until`, at once for every reader; see EmbeddedOnlineValues.publish."""
        with self._writing() as writer:
            live, first = self._pointers(), list(newest)
            names = [view.name for view in first]
            staged = dict[str, str]()
            recipes = dict[str, bytes]()
            try:
                for view in (*first, *others):
                    staged[view.name] = place = f"{self._prefix}rows:{view.name}:{writer}"
                    self._stage(view, place, self._rows(live, view.name), ttl_s, until, writer)
                    recipes[view.name] = msgspec.json.encode(view.recipes)
                known = {name.removeprefix("rows:") for name in live if name.startswith("rows:")}
                gone = known - staged.keys() - set(needed) if needed is not None else set()

                def point(pipe: Any) -> None:
                    change = {f"rows:{name}": writer for name in staged}
                    change |= {f"newest:{name.partition('@')[0]}": name for name in names}
                    pipe.hset(self._live, mapping=change)
                    pipe.hset(self._recipes, mapping=recipes)
                    for place in staged.values():
                        pipe.persist(place)
                    for name in staged.keys() | gone:
                        if old := self._rows(live, name):
                            pipe.unlink(old)
                    self._forget(pipe, live, gone)

                if staged:
                    self._at_once(writer, point)
            except BaseException:
                self._clear(staged.values())
                raise

    def drop(self, views: Iterable[str]) -> None:
        """Forgets the views and all their values."""
        with self._writing() as writer:
            live = self._pointers()
            names = {_newest(live, view) for view in views}

            def forget(pipe: Any) -> None:
                for name in names:
                    if place := self._rows(live, name):
                        pipe.unlink(place)
                self._forget(pipe, live, names)

            self._at_once(writer, forget)

    def clear(self) -> None:
        """Forgets everything, after a rehearsal."""
        with self._translated():
            live = self._pointers()
            places = [
                self._rows(live, name.removeprefix("rows:")) for name in live if name.startswith("rows:")
            ]
            self._client.unlink(self._live, self._recipes, self._writer, *filter(None, places))

    def close(self) -> None:
        """Lets go of the connections."""
        self._client.close()

    def _stage(
        self,
        view: KeptView,
        place: str,
        before: str | None,
        ttl_s: float | None,
        until: datetime,
        writer: str,
    ) -> None:
        """Writes the view's rows where nobody reads yet, over those of before that are newer."""
        for part, kept in self._merged(view.rows, before, ttl_s, micros(until)):
            pipe = self._client.pipeline(transaction=False)
            pipe.hset(place, mapping={**kept, **part})
            pipe.expire(place, _ORPHAN_S)
            pipe.execute()
            self._still_ours(writer)

    def _merged(
        self, rows: Iterable[OnlineRow], place: str | None, ttl_s: float | None, until_us: int | None
    ) -> Iterator[tuple[dict[str, bytes], dict[str, bytes]]]:
        """Part by part: the rows as they are to be kept, and those of `place` that stay because they are newer."""
        left = iter(rows)
        while some := list(islice(left, _ROWS_AT_ONCE)):
            keys = [key_text(row) for row in some]
            known: dict[str, bytes | None] = dict.fromkeys(keys)
            if place is not None:
                known = dict(zip(keys, self._client.hmget(place, keys), strict=True))
            put, stay = dict[str, bytes](), dict[str, bytes]()
            for key, row in zip(keys, some, strict=True):
                packed = put.get(key) or known[key]
                before = None if packed is None else self._unpacked(packed)
                if before is not None and until_us is not None and before[0] > until_us:
                    before = None
                after = merged(row, None if before is None else (before[0], before[2]), ttl_s)
                if after is not None:
                    put[key] = _encode(after)
                elif packed is not None and key not in put:
                    stay[key] = packed
            yield put, stay

    @contextmanager
    def _writing(self) -> Iterator[str]:
        """One writer at a time; gives its name, which is also that of the generation that it writes."""
        writer = uuid.uuid4().hex
        give_up = time.monotonic() + max(self._patience_s, 1.0)
        with self._translated():
            while not self._client.set(self._writer, writer, nx=True, px=_WRITER_MS):
                if time.monotonic() > give_up:
                    raise Conflict(
                        "somebody else writes to the online store",
                        where=self.name,
                        mend=f"Try again; a writer that died is forgotten after {_WRITER_MS // 1000} s.",
                    )
                time.sleep(0.02)
            try:
                yield writer
            finally:
                # A writer that cannot say good-bye is forgotten soon; it must not hide how the block ended.
                with suppress(self._errors.RedisError):
                    if self._client.get(self._writer) == writer.encode():
                        self._client.delete(self._writer)

    def _still_ours(self, writer: str) -> None:
        if self._client.get(self._writer) != writer.encode():
            raise self._overtaken()
        self._client.pexpire(self._writer, _WRITER_MS)

    def _overtaken(self) -> Conflict:
        return Conflict(
            "another writer took over the online store meanwhile", where=self.name, mend="Try again."
        )

    def _at_once(self, writer: str, change: Callable[[Any], Any]) -> None:
        """Carries the change out in one MULTI, provided that we still are the writer."""
        self._still_ours(writer)
        with self._client.pipeline(transaction=True) as pipe:
            pipe.watch(self._writer)
            if pipe.get(self._writer) != writer.encode():
                raise self._overtaken()
            pipe.multi()
            change(pipe)
            pipe.execute()

    def _forget(self, pipe: Any, live: Mapping[str, str], names: Collection[str]) -> None:
        fields = [f"rows:{name}" for name in names]
        fields += [key for key, name in live.items() if key.startswith("newest:") and name in names]
        if fields:
            pipe.hdel(self._live, *fields)
            pipe.hdel(self._recipes, *names)

    def _clear(self, places: Collection[str]) -> None:
        # Otherwise they go by themselves; the error that brought us here is the one to tell.
        with suppress(self._errors.RedisError):
            if places:
                self._client.unlink(*places)

    def _pointers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self._client.hgetall(self._live).items()}

    def _rows(self, live: Mapping[str, str], name: str) -> str | None:
        generation = live.get(f"rows:{name}")
        return f"{self._prefix}rows:{name}:{generation}" if generation else None

    def _unpacked(self, packed: bytes) -> _Kept:
        try:
            return _decode(packed)
        except msgspec.MsgspecError as error:
            raise CorruptArtifact(
                f"not a row of an online store: {error}",
                where=self.name,
                mend="Remove the project's keys; the next run writes them again.",
            ) from error

    @contextmanager
    def _translated(self) -> Iterator[None]:
        errors = self._errors
        try:
            yield
        except (errors.AuthenticationError, errors.AuthorizationError, errors.NoPermissionError) as error:
            raise NotAvailable(
                f"Redis refuses: {error}", where=self.name, mend="Check user and password."
            ) from error
        except errors.WatchError as error:
            raise self._overtaken() from error
        except (errors.ConnectionError, errors.TimeoutError) as error:
            raise TemporaryPortError(
                f"Redis does not answer: {mask(str(error))}",
                where=self.name,
                mend="Check that it runs and can be reached.",
            ) from error
        except errors.RedisError as error:
            raise NotAvailable(f"Redis refuses: {mask(str(error))}", where=self.name) from error


def _newest(live: Mapping[str, str], view: str) -> str:
    return view if "@" in view else live.get(f"newest:{view}", view)
