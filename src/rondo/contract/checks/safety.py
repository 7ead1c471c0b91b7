"""Rules about secrets in clear text and about paths that lead out of the project."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path as FilePath
from pathlib import PurePosixPath

from rondo.contract.checks._finding import Finding, Path, error, warning
from rondo.contract.loading import LoadedProject, texts_of
from rondo.contract.references import login_in_clear, references

_SECRET_KEY = re.compile(r"(?i)(^|_)(password|passwd|pwd|secret|token|key|credential|credentials)$")
_DRIVE = re.compile(r"[A-Za-z]:([\\/]|$)")
_BY_REFERENCE = "A secret comes from the environment, by reference"


def secrets_are_references(loaded: LoadedProject) -> Iterator[Finding]:
    """No password, token or key stands in the file; the value itself is never shown."""
    for path, text in texts_of(loaded.raw):
        if login_in_clear(text):
            what = "the URL carries a password in clear text"
            yield warning(
                loaded, path, what, _BY_REFERENCE, "Write ${NAME} in its place and set that variable"
            )
        elif _holds_a_secret(path) and not _refers(text):
            what = "a secret stands here in clear text"
            yield warning(loaded, path, what, _BY_REFERENCE, "Write env:NAME and set that variable")


def _holds_a_secret(path: Path) -> bool:
    match path:
        case ("data", "sources", _, "auth"):
            return True
        case ("monitoring", "notify", _) | ("serving", "access", _):
            return True
        case ("data", "sources", _, "storage" | "params", *_, str(key)):
            return bool(_SECRET_KEY.search(key))
        case _:
            return False


def _refers(text: str) -> bool:
    return any(True for _ in references(text))


def written_paths_stay_inside(loaded: LoadedProject) -> Iterator[Finding]:
    """What a run writes or executes lies in the project: not absolute, no `..`, `~`, drive or link out."""
    for path, text in _own_paths(loaded):
        if why := _leads_out(text, loaded.folder):
            rule = "What a run writes or executes lies inside the project"
            yield error(
                loaded, path, f"{text!r} {why}", rule, "Write a path relative to the project's folder"
            )


def read_paths_are_portable(loaded: LoadedProject) -> Iterator[Finding]:
    """What a run reads may lie elsewhere; another machine may not have it there."""
    for path, text in _read_paths(loaded):
        if why := _leads_out(text, loaded.folder):
            rule = "Another machine may not have it there"
            yield warning(loaded, path, f"{text!r} {why}", rule, "Prefer a path inside the project, or a URL")


def _own_paths(loaded: LoadedProject) -> Iterator[tuple[Path, str]]:
    project = loaded.project
    for index, stage in enumerate(project.pipeline.stages):
        at = ("pipeline", "stages", index)
        yield (*at, "script"), stage.script
        yield from (((*at, "outputs", n), text) for n, text in enumerate(stage.outputs))
    for name, definition in project.features.definitions.items():
        if definition.python is not None:
            yield ("features", "definitions", name, "python"), definition.python.partition(":")[0]
    if not _is_url(project.stores.artifacts):
        yield ("stores", "artifacts"), project.stores.artifacts


def _read_paths(loaded: LoadedProject) -> Iterator[tuple[Path, str]]:
    project = loaded.project
    for name, source in project.data.sources.items():
        if source.files is not None and not _is_url(source.files):
            yield ("data", "sources", name, "files"), source.files
    for index, stage in enumerate(project.pipeline.stages):
        for key, texts in (("inputs", stage.inputs), ("params", stage.params)):
            yield from ((("pipeline", "stages", index, key, n), text) for n, text in enumerate(texts))


def _is_url(text: str) -> bool:
    return "://" in text or _refers(text)


def _leads_out(text: str, folder: FilePath) -> str:
    """Why the path leaves the folder; empty when it does not."""
    if text.startswith(("\\\\", "//")):
        return "is a network path"
    if text.startswith(("/", "\\")):
        return "is absolute"
    if _DRIVE.match(text):
        return "names a Windows drive"
    if text.startswith("~"):
        return "begins in a home folder"
    if ".." in PurePosixPath(text.replace("\\", "/")).parts:
        return "leads out of the project with .."
    inside = folder.resolve()
    if not re.search(r"[*?\[{]", text) and not (inside / text).resolve().is_relative_to(inside):
        return "is a link that leads out of the project"
    return ""
