"""Carrying the feature stage out: matrix, proofs, feature store, and the folder that training reads."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path

import polars as pl

from rondo.bundle.plan import FeaturePlan
from rondo.bundle.user_functions import UserFunctions
from rondo.contract.project import Project
from rondo.errors import DataError
from rondo.ports.feature_store import FeatureStore
from rondo.ports.progress import Progress, Silent
from rondo.records.dataset import Dataset
from rondo.records.features import COMPANIONS, FeatureTable
from rondo.records.files import publish_folder, read_record, write_record
from rondo.stages.features.examples import Examples, make_examples
from rondo.stages.features.leakage import identifiers, leaks
from rondo.stages.features.list_proof import prove_lists
from rondo.stages.features.matrix import matrix_of, store_rows, with_features
from rondo.stages.features.plan import compile_plan
from rondo.stages.features.proof import Built, prove
from rondo.stages.features.python_files import copy_files
from rondo.stages.features.ranking import list_sources, make_list_examples
from rondo.stages.features.versions import next_version

TASK = "features"
STEPS = 5


def build(
    project: Project,
    *,
    root: Path,
    processed: Path,
    out: Path,
    previous: tuple[FeaturePlan, FeatureTable] | None,
    store: FeatureStore,
    now: datetime,
    needed: Collection[str] | None = None,
    progress: Progress | None = None,
) -> FeatureTable:
    """The features of the processed table, published to `out` and to the feature store.

    Args:
        project: what to compute.
        root: the project's folder, where the files of Python features lie.
        processed: the data room's folder, with `dataset.json`.
        out: gets matrix.parquet, online_source.parquet, plan.json, table.json and python/, all or none.
        previous: the plan and table of the last version; None for the first.
        store: gets the views and the online values, after every proof.
        now: the moment of online values where the data has no event time.
        needed: definitions of the store's views that released models read; None forgets none.
        progress: told how far the work is.

    Raises:
        ContractError: the definitions cannot be.
        DataError: nothing to learn from, a leak, or batch and online disagree; nothing was published.
        UserCodeError: a Python feature failed.
    """
    tell = progress or Silent()
    dataset = read_record(processed / "dataset.json", Dataset)
    plan = compile_plan(project, dataset.columns, root)
    version, reason = next_version(None if previous is None else (previous[0], previous[1].version), plan)
    tell.step(TASK, 1, STEPS, "examples")
    examples = _examples(project, plan, pl.read_parquet(processed / dataset.file), now)
    for note in examples.notes:
        tell.say(f"features: {note}")
    target = project.ml_problem.target
    with publish_folder(out) as folder:
        copy_files(root, plan.python_files, folder / "python")
        functions = UserFunctions(plan, folder / "python")
        tell.step(TASK, 2, STEPS, f"{len(plan.features)} features of {examples.rows.height} examples")
        companions = (plan.item, *COMPANIONS)
        beside = tuple(name for name in companions if name is not None and name in examples.rows.columns)
        rows = with_features(plan, examples.events, _needed(plan, examples.rows, target, *beside), functions)
        matrix = matrix_of(plan, rows, target, beside)
        _refuse_leaks(project, plan, matrix)
        tell.step(TASK, 3, STEPS, "replaying examples through the online path")
        built = Built(plan, examples.events, rows, matrix, project.data.snapshots is not None)
        proof = prove if plan.lists is None else prove_lists
        parity = proof(built, folder / "python", store, seed=0)
        matrix.write_parquet(folder / "matrix.parquet")
        table = FeatureTable(
            version=version,
            version_reason=reason,
            plan_hash=plan.hash,
            data_version=dataset.version,
            data_hash=dataset.content_hash,
            rows=matrix.height,
            numerical=plan.numerical,
            categorical=plan.categorical,
            target=target,
            entity=plan.entity,
            event_time=plan.event_time,
            as_of=examples.as_of,
            parity=parity,
            companions=beside,
            item=plan.item,
        )
        write_record(folder / "plan.json", plan)
        write_record(folder / "table.json", table)
        if plan.entity is not None and examples.as_of is not None:
            tell.step(TASK, 4, STEPS, f"publishing {examples.latest.height} entities to the feature store")
            sources = _sources(plan, examples, rows, functions, folder)
            store.publish(plan, sources, examples.as_of, needed=needed)
    tell.step(TASK, STEPS, STEPS, f"version {version}: {reason}")
    return table


def _examples(project: Project, plan: FeaturePlan, table: pl.DataFrame, now: datetime) -> Examples:
    if plan.lists is not None:
        return make_list_examples(project, plan, table)
    return make_examples(project, table, now=now)


def _sources(
    plan: FeaturePlan, examples: Examples, rows: pl.DataFrame, functions: UserFunctions, folder: Path
) -> dict[str, Path]:
    """What the store is published from: a Parquet file per key column of the views."""
    if plan.lists is None:
        assert plan.entity is not None
        frames = {plan.entity: _online_source(plan, examples, rows, functions)}
    else:
        frames = list_sources(plan, examples, rows)
    files = {}
    for place, (key, frame) in enumerate(frames.items()):
        files[key] = folder / ("online_source.parquet" if place == 0 else f"online_source_{place}.parquet")
        frame.write_parquet(files[key])
    return files


def _needed(plan: FeaturePlan, rows: pl.DataFrame, *others: str) -> pl.DataFrame:
    names = [plan.entity, plan.event_time, *others, *(each.name for each in plan.inputs)]
    return rows.select(list(dict.fromkeys(name for name in names if name is not None)))


def _refuse_leaks(project: Project, plan: FeaturePlan, matrix: pl.DataFrame) -> None:
    """Where the target is read from later rows, what looks at earlier ones may foretell it as well as it likes."""
    python = {feature.name for feature in plan.stateless if feature.kind == "python"}
    skip = plan.of_the_past - python if project.ml_problem.label is not None else frozenset[str]()
    problems = [*leaks(plan, matrix, project.ml_problem.target, skip=skip), *identifiers(plan, matrix)]
    if problems:
        raise DataError(f"{len(problems)} features cannot be used", problems=problems)


def _online_source(
    plan: FeaturePlan, examples: Examples, rows: pl.DataFrame, functions: UserFunctions
) -> pl.DataFrame:
    """Every example as the store keeps it, and one row per entity as of now."""
    latest = with_features(plan, examples.events, _needed(plan, examples.latest), functions)
    latest = store_rows(plan, latest, at=examples.as_of)
    if plan.event_time is None:
        return latest
    return pl.concat([store_rows(plan, rows), latest], how="vertical")
