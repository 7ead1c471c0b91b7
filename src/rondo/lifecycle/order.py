"""The stages of a round, what each depends on, and the user's own stages among them. Pure.

A stage depends on files and on keys of the project file; what it leaves are files. The order follows from that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePosixPath
from typing import Any

from rondo.contract import PROJECT_FILE, Project
from rondo.contract.pipeline import ScriptStage
from rondo.errors import ContractError
from rondo.ports.pipeline import StageDeclaration

RAW = "data/raw"
PROCESSED = "data/processed"
FEATURES = "build/features"
TRAINING = "build/training"
BUNDLE = "build/bundle"
VALIDATION = "build/validation"
METRICS = "metrics/evaluation.json"


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A stage that Rondo brings: on which keys of the project file and on which files its result depends."""

    name: str
    description: str
    keys: tuple[str, ...]
    deps: tuple[str, ...]
    outs: tuple[str, ...]
    metrics: tuple[str, ...] = ()


BUILT_IN = (
    BuiltIn("extract", "reads every source", ("data.sources",), (), ()),  # a file per source, see `extracted`
    BuiltIn(
        "data",
        "joins, cleans, checks and versions the data",
        (
            "data.join",
            "data.clean",
            "data.validate",
            "data.load",
            "data_requirements",
            "ml_problem.event_time",
        ),
        (),
        (PROCESSED,),
    ),
    BuiltIn(
        "features",
        "computes the features and proves that batch and online agree",
        (
            "features",
            "data.snapshots",
            "ml_problem.type",
            "ml_problem.target",
            "ml_problem.entity",
            "ml_problem.event_time",
            "ml_problem.positive",
            "ml_problem.label",
            "ml_problem.item",
            "ml_problem.candidates",
        ),
        (PROCESSED,),
        (FEATURES,),
    ),
    BuiltIn(
        "training",
        "tunes and trains the candidates",
        ("training", "ml_problem.success_metric", "features.numerical", "features.categorical"),
        (FEATURES,),
        (TRAINING,),
    ),
    BuiltIn("packaging", "makes the release bundle", ("monitoring.bins",), (FEATURES, TRAINING), (BUNDLE,)),
    BuiltIn(
        "validation",
        "judges the bundle against the contract and production",
        (
            "success_criteria.offline_metrics",
            "constraints",
            "validation",
            "ml_problem.baseline",
            "ml_problem.success_metric",
        ),
        (FEATURES, TRAINING, BUNDLE),
        (VALIDATION,),
        (METRICS,),
    ),
)
BUILT_IN_NAMES = tuple(stage.name for stage in BUILT_IN)


@dataclass(frozen=True, slots=True)
class Step:
    """One stage in its place; `script` is set when it is the user's own."""

    declaration: StageDeclaration
    script: ScriptStage | None = None

    @property
    def name(self) -> str:
        """The stage's name."""
        return self.declaration.name


def steps(project: Project, raw: Mapping[str, Any]) -> tuple[Step, ...]:
    """Every stage of the project, in an order in which they can run.

    Args:
        project: the contract.
        raw: the project file as read, to know which keys it really has.

    Raises:
        ContractError: two stages share a name or an output, or they wait for each other.
    """
    built_in = [_built_in(stage, project, raw) for stage in BUILT_IN] if project.pipeline.builtin else []
    scripts = [Step(_script(stage), stage) for stage in project.pipeline.stages]
    return _ordered([*built_in, *scripts])


def extracted(project: Project) -> tuple[str, ...]:
    """What the stage extract leaves: files, not the folder, so that a person can keep raw data beside them."""
    return (*(f"{RAW}/{name}.parquet" for name in sorted(project.data.sources)), f"{RAW}/extracts.json")


def claimed_outputs(project: Project) -> frozenset[str]:
    """Paths that the user's own stages write: Rondo's pages keep away from them."""
    return frozenset(_clean(path) for stage in project.pipeline.stages for path in stage.outputs)


def downstream(all_steps: Sequence[Step], name: str) -> frozenset[str]:
    """The stages that (directly or not) read what the stage leaves, and the stage itself."""
    reached = {name}
    for step in all_steps:  # in running order, so one pass is enough
        if any(other.name in reached and _reads(step, other) for other in all_steps if other is not step):
            reached.add(step.name)
    return frozenset(reached)


def _built_in(stage: BuiltIn, project: Project, raw: Mapping[str, Any]) -> Step:
    keys = tuple(key for key in stage.keys if _present(raw, key))
    deps, outs = [*stage.deps], stage.outs
    if stage.name == "extract":
        outs = extracted(project)
        deps += _kept_apart(_local_files(project), outs)
    if stage.name == "data":
        deps += extracted(project)
    if stage.name == "features":
        deps += sorted(
            {d.python.partition(":")[0] for d in project.features.definitions.values() if d.python}
        )
    return Step(
        StageDeclaration(
            name=stage.name,
            command=f"rondo run {stage.name} --alone",
            deps=tuple(deps),
            params={PROJECT_FILE: keys} if keys else None,
            outs=outs,
            metrics=stage.metrics,
            description=stage.description,
        )
    )


def _script(stage: ScriptStage) -> StageDeclaration:
    return StageDeclaration(
        name=stage.name,
        command=f"python {stage.script}",
        deps=(_clean(stage.script), *(_clean(path) for path in stage.inputs)),
        params={_clean(path): () for path in stage.params} or None,
        outs=tuple(_clean(path) for path in stage.outputs),
    )


def _local_files(project: Project) -> list[str]:
    """What the file sources read on this machine: the file, or the folder in which a pattern begins."""
    found = set()
    for source in project.data.sources.values():
        if source.files is None or "://" in source.files or source.files.startswith("${"):
            continue
        parts = PurePosixPath(source.files).parts
        fixed = []
        for part in parts:
            if re.search(r"[*?\[{]", part):
                break
            fixed.append(part)
        if fixed:
            found.add(str(PurePosixPath(*fixed)))
    return sorted(found)


def _kept_apart(read: list[str], written: tuple[str, ...]) -> list[str]:
    """The paths that sources read.

    Raises:
        ContractError: what is extracted would be written over, or among, what it is read from.
    """
    for path in read:
        if any(_overlap(path, out) for out in written):
            raise ContractError(
                f"a source reads {path}, and what is extracted is written there",
                where=f"{PROJECT_FILE} data.sources",
                rule=f"A source NAME is extracted to {RAW}/NAME.parquet",
                mend=f"Keep what is read in a folder of its own, such as {RAW}/files/.",
            )
    return read


def _present(raw: Mapping[str, Any], key: str) -> bool:
    here: Any = raw
    for part in key.split("."):
        if not isinstance(here, Mapping) or part not in here:
            return False
        here = here[part]
    return here is not None


def _clean(path: str) -> str:
    return str(PurePosixPath(path))


def _reads(step: Step, other: Step) -> bool:
    return any(
        _overlap(dep, out)
        for dep in step.declaration.deps
        for out in (*other.declaration.outs, *other.declaration.metrics)
    )


def _overlap(one: str, other: str) -> bool:
    a, b = PurePosixPath(one), PurePosixPath(other)
    return a == b or a in b.parents or b in a.parents


def _ordered(found: Sequence[Step]) -> tuple[Step, ...]:
    by_name: dict[str, Step] = {}
    for step in found:
        if step.name in by_name:
            raise ContractError(
                f"two stages are named {step.name!r}",
                where=f"{PROJECT_FILE} pipeline.stages",
                rule=f"stage names are unique; {', '.join(BUILT_IN_NAMES)} are built in",
                mend="Rename yours.",
            )
        by_name[step.name] = step
    _refuse_shared_outputs(found)
    graph = {
        step.name: [other.name for other in found if other is not step and _reads(step, other)]
        for step in found
    }
    try:
        # In the order of the file wherever the files leave it open, so that runs read alike.
        return tuple(by_name[name] for name in TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise ContractError(
            f"stages wait for each other: {' -> '.join(error.args[1])}",
            where=f"{PROJECT_FILE} pipeline.stages",
            rule="a stage cannot read what is made from its own output",
        ) from error


def _refuse_shared_outputs(found: Iterable[Step]) -> None:
    owners: list[tuple[str, str]] = []
    for step in found:
        for out in (*step.declaration.outs, *step.declaration.metrics):
            for taken, owner in owners:
                if _overlap(out, taken):
                    raise ContractError(
                        f"{owner!r} and {step.name!r} both write {out}",
                        where=f"{PROJECT_FILE} pipeline.stages",
                        rule="an output belongs to one stage",
                    )
            owners.append((out, step.name))
