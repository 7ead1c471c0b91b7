"""A helper command serves its URL for the time of the block, and is gone after it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from rondo.adapters.http import HttpReader, running
from rondo.contract.data import Source
from rondo.errors import Conflict, ContractError, NotAvailable
from rondo.testing.web import Answer, serving


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def test_it_serves_for_the_time_of_the_block(tmp_path: Path) -> None:
    (tmp_path / "scores.json").write_text('[{"user_id": 1}]')
    port = free_port()
    address = f"http://127.0.0.1:{port}/scores.json"
    with running("python -m http.server {port} --bind 127.0.0.1", address, folder=tmp_path):
        source = Source.model_validate({"http": address, "allow_private": True})
        assert HttpReader().read("s", source, str)["user_id"].to_list() == [1]
    assert not answers(port)


def test_it_ends_when_the_block_raises(tmp_path: Path) -> None:
    port = free_port()
    with (
        pytest.raises(RuntimeError),
        running(
            "python -m http.server {port} --bind 127.0.0.1", f"http://127.0.0.1:{port}/", folder=tmp_path
        ),
    ):
        raise RuntimeError
    assert not answers(port)


def test_its_last_words_are_told() -> None:
    with (
        pytest.raises(NotAvailable, match="ended with 3: no world here"),
        running(
            "python -c 'import sys; print(\"no world here\"); sys.exit(3)'",
            f"http://127.0.0.1:{free_port()}/",
        ),
    ):
        raise AssertionError


def test_one_that_never_serves_is_ended() -> None:
    with (
        pytest.raises(NotAvailable, match="did not serve port"),
        running("sleep 60", f"http://127.0.0.1:{free_port()}/", within_s=0.2),
    ):
        raise AssertionError


def test_a_port_that_somebody_serves_is_a_conflict() -> None:
    with (
        serving(lambda _: Answer([])) as server,
        pytest.raises(Conflict, match="already served"),
        running("sleep 60", server.url),
    ):
        raise AssertionError


@pytest.mark.parametrize(
    ("command", "kind"), [("", ContractError), ("'open", ContractError), ("no-such-command-x", NotAvailable)]
)
def test_commands_that_cannot_run(command: str, kind: type[Exception]) -> None:
    with pytest.raises(kind), running(command, f"http://127.0.0.1:{free_port()}/"):
        raise AssertionError
