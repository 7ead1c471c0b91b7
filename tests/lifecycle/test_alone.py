from __future__ import annotations

import os
import threading
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from rondo.errors import Conflict
from rondo.lifecycle.alone import alone, is_held


def held(home: Path) -> AbstractContextManager[None]:
    return alone(home, "some.lock", what="another one works here", mend="Wait.")


def test_one_works_at_a_time_and_the_other_hears_who_it_is(tmp_path: Path) -> None:
    with held(tmp_path):
        assert is_held(tmp_path, "some.lock")
        with (
            pytest.raises(Conflict, match=rf"another one works here \(process {os.getpid()} since"),
            held(tmp_path),
        ):
            pass
    assert not is_held(tmp_path, "some.lock")


def test_nothing_is_held_where_nobody_ever_worked(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "nowhere", "some.lock")


def test_asking_never_keeps_anybody_from_beginning(tmp_path: Path) -> None:
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            is_held(tmp_path, "some.lock")

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        for _ in range(200):
            with held(tmp_path):
                pass
    finally:
        over.set()
        asker.join()
