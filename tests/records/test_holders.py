from __future__ import annotations

import subprocess
import sys

from rondo.records.holders import is_gone, this_process


def test_this_process_is_not_gone() -> None:
    assert this_process() == this_process()
    assert not is_gone(this_process())


def test_a_process_that_ended_is_gone() -> None:
    program = "from rondo.records.holders import this_process; print(this_process())"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert is_gone(found.stdout.strip())


def test_a_pid_that_was_given_to_another_process_is_not_the_same_holder() -> None:
    host, pid, _ = this_process().rsplit("/", 2)
    assert is_gone(f"{host}/{pid}/1")


def test_nothing_is_known_of_other_machines_and_other_names() -> None:
    assert not is_gone("elsewhere/1/1")
    assert not is_gone("ann")
    assert not is_gone("")
