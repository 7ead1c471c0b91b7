"""c.7 The command line: words that are no command, places that are no project, terminals that are none."""

from __future__ import annotations

import fcntl
import io
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.bad_inputs.catalogue import photograph
from tests.bad_inputs.in_process import rondo

from rondo.adapters.memory import MemoryModelRegistry
from rondo.adapters.sqlstate import SqlStateStore
from rondo.cli.errors import guarded
from rondo.records.layout import Layout
from rondo.testing.deployment import registered

FILE = """\
project: tiny
business_objective: "해지율 30% 감소 «α»"
ml_problem: {target: churned, entity: user_id, event_time: date, baseline: 0.65}
data: {sources: {a: {files: "고객.csv"}}}
"""


@dataclass(frozen=True, slots=True)
class Bad:
    """Words on the command line, the exit code, and parts of what is said; `alone`: in no project."""

    row: str
    words: tuple[str, ...]
    code: int
    says: tuple[str, ...]
    alone: bool = False

    def __str__(self) -> str:
        return f"{self.row} {' '.join(self.words) or 'nothing'}"


def bad(row: str, words: str, code: int, *says: str, alone: bool = False) -> Bad:
    return Bad(row, tuple(words.split()), code, says, alone)


# fmt: off
BAD = (
    bad("C1", "", 0, "Commands:"),
    bad("C1", "--help", 0, "Commands:"),
    bad("C1", "-h", 0, "Commands:"),
    bad("C1", "check --help", 0, "Usage: rondo check"),
    bad("C1", "statu", 2, "No such command 'statu'", "Did you mean 'status'"),
    bad("C1", "promot 1.0.0", 2, "Did you mean 'promote'"),
    bad("C1", "xyzzy", 2, "No such command 'xyzzy'"),
    bad("C1", "run --bad", 2, "No such option: --bad"),
    bad("C1", "run --forse", 2, "--forse", "--force"),
    bad("C1", "promote", 2, "Missing argument"),
    bad("C1", "init --template nosuch", 2, "no template is named 'nosuch'", "minimal", alone=True),
    bad("C1", "rollout dance", 2, "'dance'", "Known: show, pause"),
    bad("C1", "events erase", 2, "'erase'", "list or verify"),
    bad("C1", "deploy 1.0.0 --strategy green", 2, "'green' is no strategy", "blue_green"),
    bad("C2", "promote -1", 2, "No such option: -1"),
    bad("C2", "check -- more", 2, "unexpected extra argument"),
    bad("C2", "check -C", 2, "requires an argument"),
    bad("C2", "events --limit 0", 2, "--limit"),
    bad("C2", "events --limit many", 2, "--limit", "a valid integer"),
    bad("C2", "serve --port 99999", 2, "--port", "65535"),
    bad("C2", "serve --port -1", 2, "--port"),
    bad("C2", "models --at yesterday", 2, "'yesterday' is no moment", "2026-01-31"),
    bad("C2", "diff 1 2", 2, "no version '1' is registered"),
    bad("C2", "lineage 9.9.9", 2, "'9.9.9'"),
    *(
        bad("C3", words, 3, "there is no project file", "rondo init", alone=True)
        for words in (
            "check", "run", "plan", "status", "report", "models", "deploy 1.0.0", "promote 1.0.0", "rollback",
            "rollout", "events", "diff 1 2", "serve --port 0", "monitor", "retrain", "up --port 0",
        )
    ),
    bad("C3", "status -C folder", 3, "tiny/folder/rondo.yaml", "rondo init"),
    bad("C3", "init file", 5, "file", "Check the path"),
    bad("C3", "init file/below", 5, "file/below", "Check the path"),
    bad("C3", "init", 6, "there is a project here already", "Choose another folder"),
    bad("C3", "monitor", 5, "nothing is in production yet", "rondo run"),
    bad("C3", "predict none.csv out.csv", 5, "nothing is in production yet"),
    bad("C13", "serve --host 0.0.0.0 --port 0", 3, "0.0.0.0", "tokens"),
)
# fmt: on


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that says things in other alphabets, with a file and a folder beside it; we stand in it."""
    folder = tmp_path / "tiny"
    (folder / "folder").mkdir(parents=True)
    (folder / "file").touch()
    (folder / "rondo.yaml").write_text(FILE)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "200")
    return folder


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_what_cannot_be_done_is_said_and_does_nothing(
    bad: Bad, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if bad.alone:
        (project / "rondo.yaml").unlink()
    before = photograph(project)
    said = rondo(*bad.words)
    assert said.code == bad.code, said.err
    for part in bad.says:
        assert part in said.out + said.err
    assert "Traceback" not in said.out + said.err
    assert "fault of Rondo" not in said.err
    left = {name: content for name, content in photograph(project).items() if not name.startswith(".rondo")}
    assert left == before  # opening a project makes its store; nothing else


# ---- terminals, signals, languages -----------------------------------------------------------------------------


def called(shell: str, **env: str | None) -> subprocess.CompletedProcess[str]:
    """The shell's line, with `rondo` for the command of this environment."""
    given = {
        **os.environ,
        "COLUMNS": "200",
        **{name: value for name, value in env.items() if value is not None},
    }
    for name, value in env.items():
        if value is None:
            given.pop(name, None)
    command = f'rondo() {{ "{sys.executable}" -m rondo.cli "$@"; }}; {shell}'
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], env=given, capture_output=True, timeout=60, check=False,
        encoding="utf-8", errors="replace",
    )  # fmt: skip


# fmt: off
TERMINALS = {
    "C4 a reader that goes away": ("rondo schema | head -c 5", {}, '{'),
    "C4 no standard output": ("rondo check >&-", {}, ""),
    "C4 no standard input": ("rondo check --json <&-", {}, "warning"),
    "C4 a terminal of one column": ("rondo check", {"COLUMNS": "1", "TERM": "dumb"}, ""),
    "C6 the language of 1970": ("rondo check --json", {"LANG": "C", "LC_ALL": "C"}, "고객"),
    "C6 a terminal that knows ASCII only": ("rondo status", {"PYTHONIOENCODING": "ascii"}, r"\u"),
    "C6 another decimal sign": ("rondo check --json", {"LC_NUMERIC": "de_DE.UTF-8"}, "warning"),
    "C6 a time zone that is none": ("rondo models", {"TZ": "Mars/Olympus"}, "No version"),
    "C3 nobody's home": ("rondo models", {"HOME": None}, "No version"),
}
# fmt: on


@pytest.mark.parametrize("name", TERMINALS)
def test_any_terminal_will_do(name: str, project: Path) -> None:
    shell, env, part = TERMINALS[name]
    said = called(shell, **env)
    assert said.returncode in (0, 141 if "|" in shell else 0, 1 if "|" in shell else 0)
    assert part in said.stdout
    assert "Traceback" not in said.stderr
    assert "fault of Rondo" not in said.stderr


def test_c5_an_interrupted_command_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)

    assert guarded(interrupted) == 130
    assert "goes on where it stopped" in capsys.readouterr().err


def test_c7_a_second_round_says_who_is_at_it(project: Path) -> None:
    home = Layout(project).home
    home.mkdir()
    (project / "고객.csv").write_text("user_id,date,churned\n1,2024-01-01,1\n")
    with (home / "run.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write(f"process {os.getpid()} since 2026-01-01 00:00:00")
        held.flush()
        said = rondo("run", "--force")
    assert said.code == 6
    for part in (f"process {os.getpid()}", "since 2026-01-01", "Wait until it ends"):
        assert part in said.err


C8 = {
    "C8 nobody is asked": ("gc",),
    "C8 nobody is asked about one version": ("gc", "1.0.0"),
    "C8 a program is not asked": ("gc", "--json"),
}


@pytest.mark.parametrize("name", C8)
def test_nothing_is_removed_unasked(name: str, project: Path) -> None:
    a_refused_version_among_others(project)
    before = photograph(Layout(project).releases)
    said = rondo(*C8[name])
    assert said.code == 2
    for part in ("nobody is there to be asked", "Nothing is removed unasked", "--yes", "--dry-run"):
        assert part in said.err
    assert photograph(Layout(project).releases) == before


@pytest.mark.parametrize(("answer", "left"), [("n", 7), ("", 7), ("y", 5), ("yes", 5)])
def test_c8_a_person_is_asked(answer: str, left: int, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    a_refused_version_among_others(project)
    monkeypatch.setattr(sys, "stdin", Terminal(f"{answer}\n"))
    said = rondo("gc")
    assert said.code == 0
    assert "Remove them? [y/N]" in said.out
    assert ("Nothing was removed." in said.out) == (left == 7)
    assert len(list(Layout(project).releases.iterdir())) == left


def test_c8_no_more_goes_than_was_shown(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

        def readline(self, size: int | None = -1, /) -> str:
            """While the person thinks, a new version makes 1.2.0 one that nothing needs."""
            store = SqlStateStore(Layout(project).state)
            registered(project, store, MemoryModelRegistry(), "1.7.0", "reject")
            store.close()
            return "y\n"

    a_refused_version_among_others(project)
    monkeypatch.setattr(sys, "stdin", Terminal())
    assert "2 bundles removed" in rondo("gc").out
    assert len(list(Layout(project).releases.iterdir())) == 6


def test_c8_what_would_go_is_shown_and_with_a_yes_it_goes(project: Path) -> None:
    a_refused_version_among_others(project)
    said = rondo("gc", "--dry-run")
    assert said.code == 0
    for part in ("1.0.0", "1.1.0", "it is among the 5 newest", "Nothing was removed."):
        assert part in said.out
    assert len(list(Layout(project).releases.iterdir())) == 7
    told = json.loads(rondo("gc", "--yes", "--json").out)
    assert told["removed"]
    assert [one["version"] for one in told["removals"]] == ["1.0.0", "1.1.0"]
    assert len(list(Layout(project).releases.iterdir())) == 5
    assert "Nothing was removed." in rondo("gc", "--yes").out


def a_refused_version_among_others(project: Path) -> None:
    """Seven versions that the gates refused; five of them are new enough to stay."""
    store, registry = SqlStateStore(Layout(project).state), MemoryModelRegistry()
    for number in range(7):
        registered(project, store, registry, f"1.{number}.0", "reject")
    store.close()


C9: dict[str, Callable[[Path], object]] = {
    "C9 a broken project file": lambda folder: (folder / "rondo.yaml").write_text("project: [\n"),
    "C9 an impossible one": lambda folder: (folder / "rondo.yaml").write_text(FILE + "serving: []\n"),
    "C9 none": lambda folder: (folder / "rondo.yaml").unlink(),
}


@pytest.mark.parametrize("name", C9)
def test_errors_do_not_mix_with_records(name: str, project: Path) -> None:
    C9[name](project)
    for command in ("check", "status", "models", "events"):
        said = rondo(command, "--json")
        assert said.code == 3
        assert said.err.startswith("rondo: ")
        assert not said.out or json.loads(said.out)


def test_c9_findings_are_a_record_too(project: Path) -> None:
    (project / "rondo.yaml").write_text(FILE + "features: {numerical: {columns: []}}\n")
    said = rondo("check", "--json")
    assert said.code == 3
    assert {finding["level"] for finding in json.loads(said.out)} == {"warning", "error"}


def test_c10_a_hundred_thousand_versions_are_shown_by_their_newest(project: Path) -> None:
    store = SqlStateStore(Layout(project).state)
    registered(project, store, MemoryModelRegistry(), "1.0.0")
    store.close()
    count = 100_000
    with closing(sqlite3.connect(Layout(project).state)) as connection:
        (columns,) = [connection.execute("SELECT * FROM releases").description]
        names = [column[0] for column in columns]
        first = dict(zip(names, connection.execute("SELECT * FROM releases").fetchone(), strict=True))
        rows = []
        for number in range(2, count + 1):
            version = f"1.{number}.0"
            body = first["body"].replace('"version":"1.0.0"', f'"version":"{version}"')
            rows.append(
                tuple(
                    {
                        **first,
                        "version": version,
                        "position": number,
                        "stage": "Archived",
                        "body": body,
                    }.values()
                )
            )
        connection.executemany(f"INSERT INTO releases VALUES ({', '.join('?' * len(names))})", rows)
        connection.commit()
    said = rondo("models")
    assert said.code == 0
    assert len(said.out.splitlines()) < 60
    assert f"1.{count}.0" in said.out
    assert "99,950 earlier ones" in said.out


def test_c13_a_port_that_somebody_has_is_named(project: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = rondo("serve", "--port", str(port))
    assert said.code == 6
    assert f"port {port} of 127.0.0.1 is not free" in said.err
    assert "Stop who listens there" in said.err
