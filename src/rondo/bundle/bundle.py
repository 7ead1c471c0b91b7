"""Writing a release bundle once, whole; loading it only when every byte is as it was written."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from rondo.bundle.explanation import FILES, Contributions, Explainer, read_explainer
from rondo.bundle.golden import TOLERANCE, Golden, differences
from rondo.bundle.manifest import BundleFile, Manifest
from rondo.bundle.model import Model
from rondo.bundle.plan import FeaturePlan
from rondo.bundle.reference import Reference
from rondo.errors import CorruptArtifact, NotAvailable, Problem
from rondo.records.files import from_json, publish_folder, to_json, write_bytes

MANIFEST, SEAL = "manifest.json", "manifest.sha256"
MODEL, PLAN, REFERENCE, GOLDEN, PYTHON = (
    "model.onnx",
    "plan.json",
    "reference.json",
    "golden.json",
    "python",
)
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle, ready to answer. Safe to use from several threads."""

    folder: Path
    bundle_id: str
    manifest: Manifest
    plan: FeaturePlan
    reference: Reference
    golden: Golden
    model: Model
    explainer: Explainer | None = None

    @property
    def python_folder(self) -> Path:
        """Where the user's feature functions lie; need not exist."""
        return self.folder / PYTHON

    @property
    def size_bytes(self) -> int:
        """Bytes of all its files."""
        return sum(file.bytes for file in self.manifest.files.values())

    @property
    def several_classes(self) -> bool:
        """Whether `scores` gives a column per class."""
        return len(self.manifest.classes) > 2

    def scores(self, numerical: NDArray[np.float32], categorical: NDArray[np.object_]) -> NDArray[np.float64]:
        """What the model says of each row, in order.

        Args:
            numerical: float32 [n, k] in the order of `manifest.numerical`; missing = NaN.
            categorical: [n, c] in the order of `manifest.categorical`; missing = None.

        Returns:
            [n] the probability of the positive class, or the number; [n, classes] with more than two classes.
        """
        return class_scores(self.manifest, self.model.run(numerical, categorical))

    def decide(self, scores: NDArray[np.float64]) -> tuple[list[float], list[str]]:
        """Per row the score as a Prediction has it, and the decision (empty text for a number)."""
        return decide(self.manifest, scores)

    def explain(self, numerical: NDArray[np.float32], categorical: NDArray[np.object_]) -> Contributions:
        """Which features made the scores of these rows what they are; arguments as of `scores`.

        Raises:
            NotAvailable: this bundle gives no explanations; says why.
        """
        if self.explainer is None:
            raise NotAvailable(self.why_unexplained, where=self.manifest.version)
        return self.explainer.contributions(numerical, categorical)

    @property
    def why_unexplained(self) -> str:
        """Why there are no contributions; empty when there are."""
        if self.explainer is not None:
            return ""
        return self.manifest.unexplained or "the bundle was made before contributions were kept"

    def replay_golden(self) -> float:
        """The largest difference between the answers of now and the recorded ones.

        Raises:
            CorruptArtifact: a row is answered otherwise than when the bundle was made, or its contributions do
                not add up to the answer.
        """
        rows = len(self.golden.answers)
        gaps = differences(self.scores(*self.golden.matrices()), self.golden.answers) if rows else np.empty(0)
        wrong = int((gaps > TOLERANCE).sum())
        if wrong or not rows:
            raise CorruptArtifact(
                f"{wrong} of {rows} golden rows are answered otherwise than they were recorded",
                where=str(self.folder),
                rule=f"Every golden row is answered within {TOLERANCE:g}, and there is at least one",
                mend="Package the model again with the versions of this environment.",
            )
        self._replay_explanation()
        return float(gaps.max())

    def _replay_explanation(self) -> None:
        if self.explainer is None:
            return
        rows = self.golden.matrices()
        gaps = self.explain(*rows).gaps(self.scores(*rows))
        within = self.explainer.record.tolerance
        if wrong := int((gaps > within).sum()):
            raise CorruptArtifact(
                f"the contributions of {wrong} of {len(gaps)} golden rows do not add up to the answer",
                where=str(self.folder),
                rule=f"Base and contributions give the score within {within:.2g}",
                mend="Package the model again with the versions of this environment.",
            )


def class_scores(manifest: Manifest, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """The graph's outputs [n, outputs] as `Bundle.scores` gives them."""
    if not manifest.classes:
        return outputs[:, 0]
    if len(manifest.classes) == 2:
        # Some graphs give the probability of the second class alone.
        place = manifest.classes.index(manifest.positive)
        return outputs[:, place] if outputs.shape[1] == 2 else np.abs(outputs[:, 0] - (1 - place))
    return outputs


def decide(manifest: Manifest, scores: NDArray[np.float64]) -> tuple[list[float], list[str]]:
    """As `Bundle.decide`."""
    if not manifest.classes:
        return scores.tolist(), [""] * len(scores)
    if len(manifest.classes) == 2:
        positive = manifest.positive
        negative = next(name for name in manifest.classes if name != positive)
        numbers: list[float] = scores.tolist()
        threshold = manifest.threshold
        return numbers, [positive if score >= threshold else negative for score in numbers]
    best = scores.argmax(axis=1)
    return (
        scores[np.arange(len(scores)), best].tolist(),
        [manifest.classes[place] for place in best.tolist()],
    )


def write_bundle(
    out: Path,
    manifest: Manifest,
    *,
    model: bytes,
    plan: FeaturePlan,
    reference: Reference,
    golden: Golden,
    python: Mapping[str, bytes] | None = None,
    explanation: Mapping[str, bytes] | None = None,
) -> Manifest:
    """Puts the bundle at `out`, whole or not at all, after it has been loaded and its golden rows replayed.

    Args:
        out: the bundle's folder; an older bundle there is replaced.
        manifest: everything but `files`, which are filled in.
        model: the ONNX graph.
        plan: how the features are made.
        reference: statistics of the rows it was trained on.
        golden: rows with the answers of the trained model.
        python: the user's feature functions, file name -> content.
        explanation: what `explanation_files` gave; the manifest says why where there is none.

    Returns:
        The manifest as it was written.

    Raises:
        CorruptArtifact: the bundle would not load, or not answer as recorded; `out` stays as it was.
    """
    contents = {
        MODEL: model,
        PLAN: to_json(plan),
        REFERENCE: to_json(reference),
        GOLDEN: to_json(golden),
        **{f"{PYTHON}/{name}": content for name, content in (python or {}).items()},
        **(explanation or {}),
    }
    files = {name: BundleFile(hashlib.sha256(data).hexdigest(), len(data)) for name, data in contents.items()}
    whole = replace(manifest, files=files, format=FORMAT)
    text = to_json(whole)
    with publish_folder(out) as folder:
        for name, data in {**contents, MANIFEST: text, SEAL: _seal(text)}.items():
            write_bytes(folder / name, data)
        load_bundle(folder).replay_golden()
    return whole


def _seal(manifest: bytes) -> bytes:
    return hashlib.sha256(manifest).hexdigest().encode() + b"\n"


def bundle_id_of(folder: Path) -> str:
    """SHA-256 of the manifest of the bundle in that folder.

    Raises:
        NotAvailable: there is no bundle.
    """
    return hashlib.sha256(_manifest_bytes(folder)).hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """The manifest alone; nothing else is checked.

    Raises:
        NotAvailable: there is no bundle.
        CorruptArtifact: it is not a manifest.
    """
    return from_json(_manifest_bytes(folder), Manifest, where=str(folder / MANIFEST))


def _manifest_bytes(folder: Path) -> bytes:
    try:
        return (folder / MANIFEST).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotAvailable(
            "there is no bundle", where=str(folder), mend="Run `rondo run` to make one."
        ) from error


def load_bundle(folder: Path, *, bundle_id: str | None = None) -> Bundle:
    """The bundle in that folder, after every file of it has been compared with its hash.

    Args:
        folder: the bundle's folder.
        bundle_id: the bundle that is wanted; any whole one when None.

    Raises:
        NotAvailable: there is no bundle.
        CorruptArtifact: a file is missing, too many or changed (named), or the bundle is another one.
    """
    text = _manifest_bytes(folder)
    found_id = hashlib.sha256(text).hexdigest()
    if bundle_id is not None and found_id != bundle_id:
        raise _corrupt(folder, MANIFEST, f"this is bundle {found_id[:12]}, not {bundle_id[:12]}")
    contents = _listed(folder)
    if contents.pop(SEAL, None) != _seal(text):
        raise _corrupt(folder, MANIFEST, "the manifest does not have the hash that was written beside it")
    contents.pop(MANIFEST, None)
    manifest = from_json(text, Manifest, where=str(folder / MANIFEST))
    if manifest.format != FORMAT:
        raise _corrupt(folder, MANIFEST, f"format {manifest.format} is not known here (known: {FORMAT})")
    _compare(folder, manifest, contents)
    return _assemble(folder, found_id, manifest, contents)


def _listed(folder: Path) -> dict[str, bytes]:
    """Every file below the folder by its relative name; a link or device is refused."""
    contents: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*")):
        name = PurePosixPath(path.relative_to(folder)).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise _corrupt(folder, name, "it is not a plain file")
        if path.is_file():
            contents[name] = path.read_bytes()
    return contents


def _compare(folder: Path, manifest: Manifest, contents: Mapping[str, bytes]) -> None:
    problems: list[tuple[str, str]] = []
    for name in sorted({*manifest.files, *contents}):
        asked, data = manifest.files.get(name), contents.get(name)
        if asked is None:
            problems.append((name, "the manifest does not know it"))
        elif data is None:
            problems.append((name, "it is missing"))
        elif len(data) != asked.bytes or hashlib.sha256(data).hexdigest() != asked.sha256:
            problems.append((name, f"its {len(data)} bytes are not the {asked.bytes} that were written"))
    problems += [
        (name, "the manifest does not list it")
        for name in (MODEL, PLAN, REFERENCE, GOLDEN, *(FILES if set(FILES) & set(contents) else ()))
        if name not in manifest.files and name not in contents
    ]
    if problems:
        raise CorruptArtifact(
            f"{len(problems)} files of the bundle are not as they were written",
            problems=[
                Problem(str(folder / name), what, _RULE, _MEND if place == 0 else "")
                for place, (name, what) in enumerate(problems)
            ],
        )


_RULE = "A bundle is loaded only when every byte is as it was written"
_MEND = "Fetch the bundle again, or package the model again."


def _corrupt(folder: Path, name: str, what: str) -> CorruptArtifact:
    return CorruptArtifact(what, where=str(folder / name), rule=_RULE, mend=_MEND)


def _assemble(folder: Path, found_id: str, manifest: Manifest, contents: Mapping[str, bytes]) -> Bundle:
    plan = from_json(contents[PLAN], FeaturePlan, where=str(folder / PLAN))
    features: Sequence[tuple[str, ...]] = (manifest.numerical, manifest.categorical)
    if (plan.numerical, plan.categorical) != tuple(features):
        raise _corrupt(folder, PLAN, "its features are not those of the manifest")
    if len(manifest.classes) == 2 and manifest.positive not in manifest.classes:
        raise _corrupt(folder, MANIFEST, f"the positive class {manifest.positive!r} is not among its classes")
    return Bundle(
        folder,
        found_id,
        manifest,
        plan,
        from_json(contents[REFERENCE], Reference, where=str(folder / REFERENCE)),
        from_json(contents[GOLDEN], Golden, where=str(folder / GOLDEN)),
        Model(
            contents[MODEL],
            numerical=len(plan.numerical),
            categorical=len(plan.categorical),
            where=str(folder / MODEL),
        ),
        _explainer(folder, plan, contents),
    )


def _explainer(folder: Path, plan: FeaturePlan, contents: Mapping[str, bytes]) -> Explainer | None:
    if FILES[0] not in contents:
        return None
    explainer = read_explainer(
        contents, numerical=len(plan.numerical), categorical=len(plan.categorical), where=str(folder)
    )
    if len(explainer.record.widths) != len(plan.features):
        raise _corrupt(folder, FILES[0], "its features are not those of the plan")
    return explainer
