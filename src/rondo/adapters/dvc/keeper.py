"""The pipeline's state in `dvc.yaml` and `dvc.lock`, through DVC's Python API.

A stage that Rondo ran is committed as if DVC had run it, so `dvc repro` finds nothing to do; and what
`dvc repro` ran, Rondo finds up to date. Stages that somebody else wrote into `dvc.yaml` are never touched.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rondo.errors import Conflict, ContractError, NotAvailable
from rondo.ports.pipeline import StageDeclaration

OURS = "rondo"  # the key in a stage's `meta` that marks it as declared by Rondo
_QUIET = {"DVC_NO_ANALYTICS": "1", "DVC_DAEMON": "1"}  # a daemon is what DVC's usage reports are sent by

# DVC shows its bars on a terminal while these would tell an error.
_SPEAKERS = {"dvc": logging.ERROR, "dvc.progress": logging.CRITICAL, "dvc_data.callbacks": logging.CRITICAL}


class DvcKeeper:
    """A PipelineKeeper over the DVC repository in `root`, which is made when it is not there.

    Not safe for concurrent use; DVC's own lock keeps processes apart.
    """

    def __init__(self, root: Path) -> None:
        os.environ.update({name: os.environ.get(name, value) for name, value in _QUIET.items()})
        self._root = root = root.resolve()
        self._file = str(root / "dvc.yaml")
        with _translated(root):
            if not (root / ".dvc" / "config").exists():
                _initialise(root)
            self._repo = _open(root)

    def declare(self, stages: Sequence[StageDeclaration]) -> None:
        """Writes the stages down; stages that are not ours stay as they are, ours that are gone go."""
        from dvc.utils.serialize import modify_yaml

        path = Path(self._file)
        if not path.exists():
            path.write_text("stages: {}\n", encoding="utf-8")
        wanted = {stage.name: _entry(stage) for stage in stages}
        with _translated(self._root):
            present = _stages_of(path)
            foreign = {name for name, entry in present.items() if not _is_ours(entry)}
            if clash := foreign & wanted.keys():
                raise ContractError(
                    f"dvc.yaml already has a stage named {sorted(clash)[0]!r} that Rondo did not write",
                    where="dvc.yaml",
                    rule="stage names are unique",
                    mend="Rename that stage.",
                )
            if {name: entry for name, entry in present.items() if name not in foreign} == wanted:
                return
            with modify_yaml(str(path)) as content:
                kept = content.setdefault("stages", {})
                for name in [name for name in kept if name not in foreign and name not in wanted]:
                    del kept[name]
                kept.update(wanted)
            self._reload()

    def changes(self, stage: str) -> tuple[str, ...]:
        """Why the stage has to run, in words; empty when it is up to date."""
        with _translated(self._root), self._repo.lock:
            found = self._repo.stage.load_one(path=self._file, name=stage)
            if stage not in found.dvcfile.lockfile_contents.get("stages", {}):
                return ("has not run yet",)
            status = found.status(check_updates=False)
        return tuple(_words(next(iter(status.values()), [])))

    def commit(self, stage: str) -> None:
        """Records that the stage ran with today's inputs, and stores its outputs."""
        # Not `Repo.commit`, and without the run cache: both resolve paths against the working directory,
        # which need not be the project.
        with _translated(self._root), self._repo.lock:
            found = self._repo.stage.load_one(path=self._file, name=stage)
            found.save(run_cache=False)
            found.commit()
            found.dvcfile.dump_stages([found], update_pipeline=False)
        self._reload()

    def versions(self, paths: Sequence[str]) -> Mapping[str, str]:
        """Content hash of each tracked output, as last committed; untracked ones are left out."""
        with _translated(self._root):
            outs = {
                os.path.relpath(out.fs_path, self._root): out.hash_info.value
                for out in self._repo.index.outs
                if out.hash_info and out.hash_info.value
            }
        return {path: outs[os.path.normpath(path)] for path in paths if os.path.normpath(path) in outs}

    def restore(self, identity: str, into: Path) -> None:
        """Puts the files that had that content hash into the folder, from the cache or else from the remote."""
        from dvc_data.hashfile import load
        from dvc_data.hashfile.hash_info import HashInfo
        from dvc_data.hashfile.tree import Tree

        with _translated(self._root), self._repo.lock:
            cache, wanted = self._repo.cache.local, HashInfo("md5", identity)
            self._fetch(wanted)
            found = load(cache, wanted)
            files = dict(_files_of(found)) if isinstance(found, Tree) else {"": wanted}
            self._fetch(*files.values())
            for name, file in files.items():
                target = into / (name or "content")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(cache.oid_to_path(file.value), target)

    def _fetch(self, *wanted: Any) -> None:
        """Nothing, once all of that is in the cache.

        Raises:
            NotAvailable: some of it is not, and no remote has it.
        """
        cache = self._repo.cache.local
        missing = [one for one in wanted if not cache.exists(one.value)]
        if missing and self._repo.config["core"].get("remote"):
            self._repo.cloud.pull(missing)
            missing = [one for one in missing if not cache.exists(one.value)]
        if missing:
            raise NotAvailable(
                f"DVC has no content {missing[0].value} any more, here or in a remote",
                where=str(self._root),
                mend="`dvc pull --all-commits`, where a remote still has it.",
            )

    def _reload(self) -> None:
        self._repo._reset()


def _files_of(tree: Any) -> Iterator[tuple[str, Any]]:
    for parts, _, hash_info in tree:
        yield "/".join(parts), hash_info


def _entry(stage: StageDeclaration) -> dict[str, Any]:
    entry: dict[str, Any] = {"cmd": stage.command}
    if stage.deps:
        entry["deps"] = list(stage.deps)
    if stage.params:
        entry["params"] = [
            {file: list(keys)} if keys else {file: None} for file, keys in stage.params.items()
        ]
    if stage.outs:
        entry["outs"] = list(stage.outs)
    if stage.metrics:
        entry["metrics"] = [{path: {"cache": False}} for path in stage.metrics]
    if stage.description:
        entry["desc"] = stage.description
    if stage.ours:
        entry["meta"] = {OURS: True}
    return entry


def _stages_of(path: Path) -> dict[str, Any]:
    from dvc.utils.serialize import load_yaml

    return dict(load_yaml(str(path)).get("stages") or {})


def _is_ours(entry: Any) -> bool:
    return isinstance(entry, Mapping) and bool((entry.get("meta") or {}).get(OURS))


def _words(status: Sequence[Any]) -> Iterator[str]:
    """DVC's nested status of one stage as sentences."""
    for part in status:
        if isinstance(part, str):
            yield part
            continue
        for kind, found in part.items():
            if not isinstance(found, Mapping):
                yield f"{kind}: {found}"
                continue
            for path, state in found.items():
                if isinstance(state, Mapping):
                    yield from (f"{path}: {key} {how}" for key, how in state.items())
                else:
                    what = "output " if kind == "changed outs" else ""
                    yield f"{what}{path} {state}"


def _initialise(root: Path) -> None:
    """A DVC repository: beside git where there is git, alone where there is none; no usage reports."""
    from dvc.repo import Repo

    git_root = next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), None)
    made = Repo.init(str(root), no_scm=git_root is None, subdir=git_root is not None and git_root != root)
    with made.config.edit("repo") as config:
        config["core"]["analytics"] = False
    made.close()


def _open(root: Path) -> Any:
    from dvc.repo import Repo

    return Repo(str(root))


@contextmanager
def _quiet() -> Iterator[None]:
    """DVC's own lines and bars stay away: the one who called tells the progress."""
    before = {name: logging.getLogger(name).level for name in _SPEAKERS}
    for name, level in _SPEAKERS.items():
        logging.getLogger(name).setLevel(level)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


@contextmanager
def _translated(root: Path) -> Iterator[None]:
    """DVC's errors as ours, and no other word of it."""
    from dvc.exceptions import DvcException
    from dvc.lock import LockError

    try:
        with _quiet():
            yield
    except LockError as error:
        raise Conflict(
            "another DVC process works in this project", where=str(root), mend="Wait until it ends."
        ) from error
    except DvcException as error:
        cause = str(error.__cause__ or "")
        detail = f"{error} ({cause})" if cause and cause not in str(error) else str(error)
        raise NotAvailable(f"DVC refused: {detail}", where=str(root / "dvc.yaml")) from error
