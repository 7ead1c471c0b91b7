"""Files that the project file names and that are not there."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from rondo.contract.checks._finding import Path as KeyPath
from rondo.contract.loading import LoadedProject
from rondo.errors import Problem, nearest


def missing_files(loaded: LoadedProject, made: Collection[str] = ()) -> tuple[Problem, ...]:
    """What is named and not there: scripts, inputs, parameters, functions, local sources.

    Args:
        made: paths that the run itself makes; they, what lies in them, and the folders that they lie in are
            not missed. The outputs of the script stages are known.
    """
    stages = loaded.project.pipeline.stages
    coming = [PurePosixPath(path) for path in (*made, *(out for stage in stages for out in stage.outputs))]
    found: list[Problem] = []
    for path, text in _named(loaded):
        named = PurePosixPath(text)
        if any(named.is_relative_to(path) or path.is_relative_to(named) for path in coming):
            continue
        if not _there(loaded.folder, text):
            rule = "A run needs it"
            found.append(
                Problem(
                    loaded.where(*path), f"{text!r} does not exist", rule, "Create it, or correct the path"
                )
            )
    return (*found, *_functions(loaded))


def _named(loaded: LoadedProject) -> Iterator[tuple[KeyPath, str]]:
    project = loaded.project
    for name, source in project.data.sources.items():
        if source.files is not None and "://" not in source.files and "${" not in source.files:
            yield ("data", "sources", name, "files"), source.files
    for index, stage in enumerate(project.pipeline.stages):
        at = ("pipeline", "stages", index)
        yield (*at, "script"), stage.script
        for key, texts in (("inputs", stage.inputs), ("params", stage.params)):
            yield from (((*at, key, n), text) for n, text in enumerate(texts))
    for name, definition in project.features.definitions.items():
        if definition.python is not None:
            yield ("features", "definitions", name, "python"), definition.python.partition(":")[0]


def _there(folder: Path, text: str) -> bool:
    """Whether the file is there; of a pattern, whether anything fits, with {fields} taken for anything."""
    pattern = re.sub(r"\{[^{}]*\}", "*", text)
    try:
        if not re.search(r"[*?\[]", pattern):
            return (folder / text).exists()
        anchor = Path(pattern).anchor
        start = Path(anchor) if anchor else folder
        return next(start.glob(str(PurePosixPath(pattern).relative_to(anchor or "."))), None) is not None
    except (OSError, ValueError):
        return False


def _functions(loaded: LoadedProject) -> Iterator[Problem]:
    """Python features whose file is there and whose function is not."""
    for name, definition in loaded.project.features.definitions.items():
        if definition.python is None:
            continue
        file, _, function = definition.python.partition(":")
        where = loaded.where("features", "definitions", name, "python")
        if not function:
            yield Problem(where, f"{definition.python!r} names no function", "", f"Write {file}:FUNCTION")
            continue
        try:
            tree = ast.parse((loaded.folder / file).read_text(encoding="utf-8"))
        except SyntaxError as error:
            yield Problem(
                where, f"{file} line {error.lineno} is not Python: {error.msg}", "", "Correct the file"
            )
            continue
        except (OSError, ValueError):
            continue  # that the file is not there is said once, above
        known = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        known |= {
            alias.asname or alias.name
            for node in tree.body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        if function not in known:
            yield Problem(where, f"{file} has no function {function!r}", "", nearest(function, known))
