"""Help: each command shows how it is called, and what it shows can be called."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from tests.bad_inputs.in_process import rondo

from rondo.cli.app import app, debug_first

TOP: Any = typer.main.get_command(app)


def commands(group: Any = TOP, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that call it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name), command


def examples(command: Any) -> list[str]:
    """The lines under Examples, without what is said beside them."""
    lines = (command.epilog or "").splitlines()[2:]
    return [line.strip().partition("    ")[0].partition(" > ")[0] for line in lines]


EVERY = dict(commands())


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_command_has_examples_that_it_understands(words: tuple[str, ...]) -> None:
    shown = examples(EVERY[words])
    assert shown
    for example in shown:
        begin = ["rondo", *words]
        typed = shlex.split(example)
        assert typed[: len(begin)] == begin, example
        EVERY[words].make_context(words[-1], typed[len(begin) :])  # raises what Typer raises of a wrong word


def test_help_keeps_to_a_terminal_of_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for words in ((), ("policy",), *EVERY):
        said = rondo(*words, "--help")
        assert said.code == 0
        lines = said.out.splitlines()
        assert max(map(len, lines)) <= 80
        assert not [line for line in lines if line.endswith("...") and "Usage" not in line]


def test_the_first_help_says_how_to_begin_and_what_an_exit_code_means() -> None:
    said = rondo("--help").out
    for part in ("rondo init churn", "rondo run", "130 interrupted", "1 a gate said no"):
        assert part in said


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("run --debug", "--debug run"),
        ("--debug run", "--debug run"),
        ("run", "run"),
        ("check -- --debug", "check -- --debug"),
        ("run --debug --force -- x", "--debug run --force -- x"),
    ],
)
def test_debug_may_be_typed_anywhere(typed: str, read: str) -> None:
    assert debug_first(typed.split()) == read.split()
