"""Model versions, MAJOR.MINOR.PATCH, told by comparing what two models were made from.

    MAJOR   incompatible: another architecture, a feature or an input gone or of another type, another problem
    MINOR   more or otherwise: a new feature, another definition of one, other hyperparameters or preparation
    PATCH   the same again: retrained on new or the same data, a correction of the code
    same    nothing at all differs: it is that version

Pure: the caller reads the manifests and knows which versions are taken.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import msgspec

from rondo.bundle.manifest import Manifest
from rondo.bundle.plan import FeaturePlan, HistoryFeature, StatelessFeature
from rondo.errors import CorruptArtifact
from rondo.records.candidate import TrainingResult

FIRST = "1.0.0"
SHOWN_NAMES = 8
_SEMANTIC = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")

# How a fit is carried out, not what is learnt: a change is a retrain, not another model.
_NOT_HYPERPARAMETERS = frozenset(
    {"random_state", "seed", "n_jobs", "num_threads", "nthread", "verbose", "verbosity", "device"}
)

Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a model was made from, as far as its version depends on it; empty means not known.

    `definitions` and `inputs` are known where the feature plan is: a digest per feature, a type per raw
    column that a request may carry. `model` is the SHA-256 of the model file.
    """

    version: str
    problem_type: str
    target: str
    estimator: str
    params: Mapping[str, Any]
    numerical: tuple[str, ...]
    categorical: tuple[str, ...]
    plan_hash: str
    data_hash: str
    classes: tuple[str, ...] = ()
    positive: str = ""
    entity: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    definitions: Mapping[str, str] = field(default_factory=dict)
    preparation: str = ""  # encoders, scaler, imputation, in words
    code: str = ""  # the commit, and behind a plus the hash of what was changed on top of it
    seed: int | None = None
    threshold: float | None = None  # from which score on it decides for the positive class
    model: str = ""

    @property
    def features(self) -> Mapping[str, str]:
        """Every feature and its type, numerical or categorical."""
        return dict.fromkeys(self.numerical, "numerical") | dict.fromkeys(self.categorical, "categorical")


def fingerprint(manifest: Manifest, plan: FeaturePlan | None = None) -> Fingerprint:
    """The fingerprint of a bundle; with its plan definitions compare one by one, else by the plan's hash."""
    lineage = manifest.lineage
    model = manifest.files.get("model.onnx")
    seed = lineage.get("seed")
    return Fingerprint(
        version=manifest.version,
        problem_type=manifest.problem_type,
        target=manifest.target,
        estimator=manifest.estimator,
        params=manifest.params,
        numerical=manifest.numerical,
        categorical=manifest.categorical,
        plan_hash=str(lineage.get("plan_hash") or ""),
        data_hash=str(lineage.get("data_hash") or ""),
        classes=manifest.classes,
        positive=manifest.positive,
        preparation=_text(lineage.get("preparation")),
        code=_code(lineage.get("code")),
        seed=seed if isinstance(seed, int) else None,
        threshold=manifest.threshold,
        model=model.sha256 if model else "",
        **_of_plan(plan),
    )


def candidate_fingerprint(
    result: TrainingResult,
    plan: FeaturePlan,
    *,
    problem_type: str,
    target: str,
    positive: str = "",
    lineage: Mapping[str, Any],
    model: str = "",
) -> Fingerprint:
    """The fingerprint of a trained model that has no version yet.

    Args:
        positive: the positive class as text; empty when not known, then it is not compared.
        lineage: the mapping that its bundle will carry; `code` and `preparation` are read from it.
        model: SHA-256 of the model file; empty when not known, then it is not compared.
    """
    best = result.best
    return Fingerprint(
        version="",
        problem_type=problem_type,
        target=target,
        estimator=best.estimator,
        params=best.params,
        numerical=plan.numerical,
        categorical=plan.categorical,
        plan_hash=result.plan_hash,
        data_hash=result.data_hash,
        classes=result.classes,
        positive=positive,
        preparation=_text(lineage.get("preparation")),
        code=_code(lineage.get("code")),
        seed=result.seed,
        threshold=best.threshold,
        model=model,
        **_of_plan(plan),
    )


def next_version(
    previous: Fingerprint | None, new: Fingerprint, *, taken: Collection[str] = ()
) -> tuple[str, str]:
    """The version that `new` gets after `previous`, and the reason in words.

    Args:
        previous: what is in production; None before the first release.
        taken: versions that exist already; the number that the rule raises is raised past them.

    Raises:
        CorruptArtifact: `previous` carries no semantic version.
    """
    known = {parse_version(version) for version in taken}
    if previous is None:
        return _free((1, 0, 0), 0, known), "first release"
    version = parse_version(previous.version)
    added, tuned = _extended(previous, new), _tuned(previous, new)
    if major := _incompatible(previous, new):
        return _free((version[0] + 1, 0, 0), 0, known), "; ".join([*major, *added])
    if minor := [*added, *tuned]:
        return _free((version[0], version[1] + 1, 0), 1, known), "; ".join(minor)
    if patch := _repeated(previous, new):
        return _free((version[0], version[1], version[2] + 1), 2, known), "; ".join(patch)
    return previous.version, f"the same data, features, parameters and code as {previous.version}"


def parse_version(text: str) -> Version:
    """The three numbers of a semantic version.

    Raises:
        CorruptArtifact: it is something else.
    """
    found = _SEMANTIC.fullmatch(text)
    if not found:
        raise CorruptArtifact(
            f"{text!r} is not a version", rule="A model version is MAJOR.MINOR.PATCH, such as 1.4.0"
        )
    return int(found[1]), int(found[2]), int(found[3])


def _free(wanted: Version, place: int, taken: Collection[Version]) -> str:
    """The wanted version, its number at `place` past every taken one with the same numbers before it."""
    rivals = [version[place] for version in taken if version[:place] == wanted[:place]]
    raised = max([wanted[place], *(number + 1 for number in rivals)])
    return ".".join(map(str, (*wanted[:place], raised, *wanted[place + 1 :])))


def _incompatible(old: Fingerprint, new: Fingerprint) -> list[str]:
    reasons = []
    if _architecture(old.estimator) != _architecture(new.estimator):
        reasons.append(f"architecture changed: {_class(old.estimator)} -> {_class(new.estimator)}")
    for what, before, after in (
        ("problem type", old.problem_type, new.problem_type),
        ("target", old.target, new.target),
    ):
        if before != after:
            reasons.append(f"{what} changed: {before or 'none'} -> {after or 'none'}")
    if old.classes != new.classes:
        reasons.append(f"classes changed: {_names(old.classes)} -> {_names(new.classes)}")
    if old.positive and new.positive and old.positive != new.positive:
        reasons.append(f"positive class changed: {old.positive} -> {new.positive}")
    reasons += _gone_or_other("feature", old.features, new.features)
    if _plans_known(old, new):
        if old.entity != new.entity:
            reasons.append(f"entity changed: {old.entity or 'none'} -> {new.entity or 'none'}")
        reasons += _gone_or_other("input", old.inputs, new.inputs)
    return reasons


def _plans_known(old: Fingerprint, new: Fingerprint) -> bool:
    return bool(old.definitions and new.definitions)


def _gone_or_other(kind: str, old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    reasons = []
    if gone := sorted(old.keys() - new.keys()):
        reasons.append(f"{kind}s removed: {_names(gone)}")
    if other := sorted(name for name in old.keys() & new.keys() if old[name] != new[name]):
        told = [f"{name} ({old[name]} -> {new[name]})" for name in other]
        reasons.append(f"{kind}s of another type: {_names(told)}")
    return reasons


def _extended(old: Fingerprint, new: Fingerprint) -> list[str]:
    reasons = []
    if added := sorted(new.features.keys() - old.features.keys()):
        reasons.append(f"features added: {_names(added)}")
    if _plans_known(old, new):
        shared = old.definitions.keys() & new.definitions.keys()
        if changed := sorted(name for name in shared if old.definitions[name] != new.definitions[name]):
            reasons.append(f"features defined otherwise: {_names(changed)}")
        if not added and (inputs := sorted(new.inputs.keys() - old.inputs.keys())):
            reasons.append(f"inputs added: {_names(inputs)}")
    elif not added and old.plan_hash != new.plan_hash:
        reasons.append("feature definitions changed")
    return reasons


def _tuned(old: Fingerprint, new: Fingerprint) -> list[str]:
    reasons = []
    if changed := _changed_params(_hyperparameters(old.params), _hyperparameters(new.params)):
        reasons.append(f"hyperparameters changed: {_names(changed)}")
    if old.preparation and new.preparation and old.preparation != new.preparation:
        reasons.append(f"preparation changed: {old.preparation} -> {new.preparation}")
    return reasons


def _repeated(old: Fingerprint, new: Fingerprint) -> list[str]:
    reasons = []
    if old.data_hash != new.data_hash:
        reasons.append("retrained on new data")
    if old.code.partition("+")[0] != new.code.partition("+")[0]:
        reasons.append("code changed")
    if old.seed is not None and new.seed is not None and old.seed != new.seed:
        reasons.append(f"seed changed: {old.seed} -> {new.seed}")
    if changed := _changed_params(old.params, new.params):
        reasons.append(f"fitted otherwise: {_names(changed)}")
    # On new data a threshold that is chosen by its validation rows moves with them: that is the same retrain.
    before, after = old.threshold, new.threshold
    if old.data_hash == new.data_hash and before is not None and after is not None and before != after:
        reasons.append(f"decision threshold changed: {before:g} -> {after:g}")
    if (old.numerical, old.categorical) != (new.numerical, new.categorical):
        reasons.append("order of the features changed")
    elif old.plan_hash != new.plan_hash:
        reasons.append("views of the feature store changed")
    if not reasons and old.code != new.code:
        reasons.append("uncommitted changes differ")
    if not reasons and old.model and new.model and old.model != new.model:
        reasons.append("retrained on the same data")
    return reasons


def _hyperparameters(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name not in _NOT_HYPERPARAMETERS}


def _changed_params(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """`name old -> new` for every parameter that differs; 100 and 100.0, a tuple and a list, are the same."""
    absent = object()
    told = []
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name, absent), new.get(name, absent)
        if before is absent or after is absent or _plain(before) != _plain(after):
            told.append(
                f"{name} {'unset' if before is absent else before} -> {'unset' if after is absent else after}"
            )
    return told


def _plain(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int | float):
        return "nan" if value != value else float(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return value


def _architecture(estimator: str) -> tuple[str, str]:
    # sklearn.ensemble.X and sklearn.ensemble._forest.X are one class reached by two paths.
    return estimator.partition(".")[0], _class(estimator)


def _class(estimator: str) -> str:
    return estimator.rpartition(".")[2]


def _names(names: Iterable[str]) -> str:
    every = list(names)
    hidden = len(every) - SHOWN_NAMES
    return ", ".join(every[:SHOWN_NAMES]) + (f" and {hidden} more" if hidden > 0 else "")


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return msgspec.json.encode(value, order="sorted").decode()


def _code(value: Any) -> str:
    if not isinstance(value, Mapping):
        return _text(value)
    commit, diff = str(value.get("commit") or ""), str(value.get("diff") or "")
    return f"{commit}+{diff}" if diff else commit


def _of_plan(plan: FeaturePlan | None) -> dict[str, Any]:
    """Entity, inputs, and per feature a digest of all that makes it, with the features that it rests on."""
    if plan is None:
        return {}
    every: list[HistoryFeature | StatelessFeature] = [*plan.history, *plan.stateless]
    steps = {step.name: step for step in every}
    texts = {name: _step_text(step, plan.python_files) for name, step in steps.items()}

    def whole(name: str, seen: tuple[str, ...] = ()) -> str:
        if name not in steps or name in seen:
            return name
        below = [whole(part, (*seen, name)) for part in getattr(steps[name], "inputs", ())]
        return f"{texts[name]}({';'.join(below)})"

    return {
        "entity": plan.entity or "",
        "inputs": {item.name: item.type for item in plan.inputs},
        "definitions": {name: hashlib.sha256(whole(name).encode()).hexdigest() for name in plan.features},
    }


def _step_text(step: HistoryFeature | StatelessFeature, python_files: Mapping[str, str]) -> str:
    told = {item.name: getattr(step, item.name) for item in fields(step)}
    function = told.get("function") or ""
    source = python_files.get(function.partition(":")[0], "") if function else ""
    return msgspec.json.encode([told, source], order="sorted").decode()
