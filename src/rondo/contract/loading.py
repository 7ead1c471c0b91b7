"""From the file on the disk to a Project, or to everything that keeps it from being one."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import rondo
from rondo.contract.project import PROJECT_FILE, Project
from rondo.contract.references import unresolved
from rondo.contract.wording import problems_of
from rondo.contract.yaml_nodes import MAX_BYTES, Tree, holds, line_number, line_of, place, read_yaml
from rondo.errors import ContractError, Problem

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class LoadedProject:
    """A project file that was read: its values, and where each stands."""

    project: Project
    path: Path
    folder: Path
    lines: Mapping[KeyPath, int]
    """The line of each key and list item; what an alias repeats has the line of the alias only."""
    raw: Mapping[str, Any]
    """The values as they were written, before defaults and units."""

    def line(self, path: KeyPath) -> int:
        """The line of the key, or of the nearest key around it that stands in the file."""
        return line_of(self.lines, path)

    def where(self, *path: str | int) -> str:
        """`rondo.yaml:41 data.join[0].on`, for a Problem."""
        return place(self.path.name, self.line(path), path)

    def says(self, *path: str | int) -> bool:
        """Whether the file itself holds the key, rather than leaving it to the default."""
        value: Any = self.raw
        for step in path:
            if not holds(value, step):
                return False
            value = value[step]
        return True


def load_project(folder_or_file: Path, env: Mapping[str, str] | None = None) -> LoadedProject:
    """The project that the file describes; references to the environment stay unresolved.

    Args:
        folder_or_file: a folder with a rondo.yaml, or such a file under any name.
        env: where given, every `${NAME}` and `env:NAME` must be set in it; where not, they are not looked at.

    Raises:
        ContractError: with every problem of the file, in the order of its lines.
    """
    path = _find(Path(folder_or_file))
    name = path.name
    tree = read_yaml(_content(path), name)
    if not isinstance(tree.value, dict) or not tree.value:
        raise _no_contract(tree, name)
    _refuse_newer(tree.value, tree.lines, name)
    project, problems = _project(tree, name)
    if env is not None:
        problems += [
            problem
            for key, text in texts_of(tree.value)
            for problem in unresolved(text, env, place(name, line_of(tree.lines, key), key))
        ]
    if project is None or problems:
        ordered = sorted(problems, key=lambda problem: line_number(problem.where))
        count = "1 problem" if len(ordered) == 1 else f"{len(ordered)} problems"
        raise ContractError(f"{path}: {count}", problems=ordered)
    return LoadedProject(project, path, path.parent, tree.lines, tree.value)


def texts_of(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """Every text in the values, with its key."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from texts_of(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from texts_of(inner, (*path, index))


def _find(given: Path) -> Path:
    meant = given.is_dir() or not (given.suffix or os.path.lexists(given))  # a folder may be missing, too
    path = given / PROJECT_FILE if meant else given
    path = Path(os.path.abspath(path))  # not resolve(): the name of a link is the name that the person knows
    mend = _where_one_is(path.parent)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        reason = f": {error.strerror}" if isinstance(error, PermissionError) else ""
        raise ContractError(f"there is no project file{reason}", where=str(path), mend=mend) from None
    if not stat.S_ISREG(mode):
        raise ContractError("this is not a regular file", where=str(path), mend=mend)
    return path


def _where_one_is(folder: Path) -> str:
    """What to do in a folder without a project file: go to the one above or just below, or make one."""
    above = next((one for one in folder.parents if os.path.isfile(one / PROJECT_FILE)), None)
    near = above or min((one.parent for one in folder.glob(f"*/{PROJECT_FILE}")), default=None)
    make = f"rondo init {folder if folder != Path.cwd() else '.'}"
    if near is None:
        return f"Make one with: {make}"
    shown = os.path.relpath(near) if folder == Path.cwd() else near
    return f"There is one in {near}: say -C {shown}, or make another with: {make}"


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ContractError(
            f"the project file cannot be read: {error.strerror}",
            where=str(path),
            mend="Check its permissions",
        ) from None


def _no_contract(tree: Tree, name: str) -> ContractError:
    if tree.problems:
        return ContractError(f"{name} is no project file", problems=[problem for _, problem in tree.problems])
    mend = "Write at least project, ml_problem and data, or start from: rondo init"
    if tree.value is None or tree.value == {}:
        return ContractError("no contract: the file says nothing", where=name, mend=mend)
    kind = "a list" if isinstance(tree.value, list) else "a single value"
    return ContractError(f"no contract: the file is {kind}", where=f"{name}:{tree.lines[()]}", mend=mend)


def _refuse_newer(raw: Mapping[str, Any], lines: Mapping[KeyPath, int], name: str) -> None:
    """Raise when the file needs a newer Rondo: then whatever else seems wrong with it may be right."""
    wanted = re.fullmatch(r">= *([0-9]+(?:\.[0-9]+){0,2})", str(raw.get("requires_rondo", "")))
    if wanted and len(wanted[1]) < 40 and _version(wanted[1]) > _version(rondo.__version__):
        raise ContractError(
            f"the file needs Rondo >= {wanted[1]}, this is {rondo.__version__}",
            where=place(name, lines[("requires_rondo",)], ("requires_rondo",)),
            mend=f"Upgrade with: pip install --upgrade 'rondo-ml>={wanted[1]}'",
        )


def _version(text: str) -> tuple[int, ...]:
    numbers = [int(part) for part in re.findall(r"\d+", text)[:3]]
    return tuple(numbers + [0] * (3 - len(numbers)))


def _project(tree: Tree, name: str) -> tuple[Project | None, list[Problem]]:
    said = [problem for _, problem in tree.problems]
    try:
        # JSON mode: strict about types ("5" is no number, nor is true), and a list may stand for a tuple.
        project = Project.model_validate_json(
            json.dumps(tree.value), strict=True, by_alias=True, by_name=False
        )
    except ValidationError as error:
        already = [path for path, _ in tree.problems]
        for path, problem in problems_of(error, tree, name):
            if path not in already:
                said.append(problem)
        return None, said
    return project, said
