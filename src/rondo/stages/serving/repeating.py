"""A request that is sent again under the same `Idempotency-Key` gets the reply that it got, and is logged once.

Kept in this process, bounded: what is pushed out is answered anew, as any request without the header.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b

from rondo.stages.serving.problems import one_fault

MOST_REPLIES, MOST_BYTES = 1000, 16 * 2**20
_KEY = re.compile(rb"^[\x21-\x7e]{1,200}$")
_LOC = ("headers", "idempotency-key")


@dataclass(frozen=True, slots=True)
class Kept:
    """A reply as it was sent."""

    reply: bytes
    versions: bytes


@dataclass(slots=True)
class _Seen:
    digest: bytes
    kept: Kept | None = None  # None while it is being answered


class Repeats:
    """The newest replies by key. Called from the answering thread only."""

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, _Seen] = OrderedDict()
        self._bytes = 0

    def begin(self, key: bytes, path: str, body: bytes) -> Kept | None:
        """The reply that this request got before; None when it is new, and then under way until `end`.

        Raises:
            Refusal: 400, no key; 409, the first one is still under way; 422, the key was another request's.
        """
        if not _KEY.match(key):
            raise one_fault(400, "invalid_key", "It has 1 to 200 visible ASCII characters", loc=_LOC)
        digest = blake2b(path.encode() + b"\x00" + body, digest_size=16).digest()
        seen = self._seen.get(key)
        if seen is None:
            self._seen[key] = _Seen(digest)
            self._make_room()
            return None
        if seen.digest != digest:
            raise one_fault(
                422, "key_reused", "This key was used for another request", loc=_LOC, hint="Take a new key."
            )
        if seen.kept is None:
            hint = "Send it again when the first one is answered."
            raise one_fault(409, "in_flight", "The request with this key is under way", loc=_LOC, hint=hint)
        self._seen.move_to_end(key)
        return seen.kept

    def end(self, key: bytes, kept: Kept | None) -> None:
        """The request was answered so; None: it was not, and may be tried again."""
        seen = self._seen.get(key)
        if seen is None:
            return
        if kept is None:
            del self._seen[key]
            return
        seen.kept = kept
        self._bytes += len(kept.reply)
        self._make_room()

    def _make_room(self) -> None:
        while len(self._seen) > MOST_REPLIES or self._bytes > MOST_BYTES:
            _, gone = self._seen.popitem(last=False)
            if gone.kept is not None:
                self._bytes -= len(gone.kept.reply)
