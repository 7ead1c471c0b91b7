"""What the answers to the judged rows are made of: feature by feature over all of them, and row by row for a few."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rondo.bundle.bundle import Bundle
from rondo.bundle.explanation import Contributions
from rondo.pages import number
from rondo.records.verdict import Gate
from rondo.stages.validation.answers import Floats, rounded

MOST_ROWS, LEAST_ROWS = 500, 50
BYTES_PER_ROW = 50  # of the explanation's files: a forest of megabytes takes tens of milliseconds for a row
SHOWN_PARTS = 8

Interpretability = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class Example:
    """One row: what its features brought, greatest first; the small ones are summed up in `rest`."""

    title: str
    score: float
    base: float
    parts: tuple[tuple[str, float], ...]  # "feature = value", contribution
    rest: float = 0.0
    features_in_rest: int = 0


@dataclass(frozen=True, slots=True)
class Attributions:
    """Contributions to the answers; `why_not` says why there are none, then nothing else is filled."""

    why_not: str = ""
    scale: str = ""
    method: str = ""
    rows: int = 0
    additivity: float | None = None  # the largest gap between score and sum, golden rows included
    tolerance: float = 0.0
    verified: int = 0  # rows, golden ones included
    importance: tuple[tuple[str, float], ...] = ()  # mean size of the contributions, greatest first
    examples: tuple[Example, ...] = ()


def attribute(
    bundle: Bundle, numerical: NDArray[np.float32], categorical: NDArray[np.object_]
) -> Attributions:
    """What the bundle's answers to a sample of these rows, evenly chosen, are made of.

    The importance of a feature is the mean of |contribution| over the rows, and over the classes where there are
    more than two.
    """
    if bundle.explainer is None:
        return Attributions(why_not=bundle.why_unexplained)
    record = bundle.explainer.record
    verified = _gaps(bundle, *bundle.golden.matrices()) if bundle.golden.answers else np.empty(0)
    made = Attributions(
        scale=record.scale(classification=bool(bundle.manifest.classes)),
        method="coefficients" if record.method == "linear" else "Shapley values of the trees",
        additivity=float(verified.max()) if len(verified) else None,
        tolerance=record.tolerance,
        verified=len(verified),
    )
    rows = _sample(bundle, len(numerical))
    return _shown(bundle, made, numerical[rows], categorical[rows]) if len(rows) else made


def _gaps(bundle: Bundle, numbers: NDArray[np.float32], words: NDArray[np.object_]) -> Floats:
    return bundle.explain(numbers, words).gaps(bundle.scores(numbers, words))


def _shown(
    bundle: Bundle, made: Attributions, numbers: NDArray[np.float32], words: NDArray[np.object_]
) -> Attributions:
    """With what these rows show."""
    found, scores = bundle.explain(numbers, words), bundle.scores(numbers, words)
    worst = float(found.gaps(scores).max())
    sizes = np.abs(found.values).mean(axis=(0, 1))
    order = np.argsort(-sizes, kind="stable")
    names = bundle.plan.features
    return replace(
        made,
        rows=len(scores),
        verified=made.verified + len(scores),
        additivity=None if made.additivity is None else max(made.additivity, worst),
        importance=tuple((names[place], rounded(sizes[place])) for place in order),
        examples=_examples(bundle, found, scores, numbers, words),
    )


def interpretability_gate(
    asked: Interpretability, attributions: Attributions, importance: bool
) -> Gate | None:
    """The gate of constraints.interpretability; nothing where `low` is asked.

    `high` wants contributions that add up to every answer; `medium` wants `importance`, a ranking of the features.
    """
    name, within = "interpretability", attributions.tolerance
    match asked:
        case "low":
            return None
        case "medium":
            told = "global importance of the features"
            known = importance or bool(attributions.importance)
            status: Literal["passed", "failed"] = "passed" if known else "failed"
            what = told if known else f"the model ranks no features; {attributions.why_not}".rstrip("; ")
            return Gate(name, "constraint", f"medium: {told}", float(known), status, what)
    told = "high: contributions of the features that add up to every answer"
    if attributions.why_not:
        return Gate(name, "constraint", told, None, "failed", attributions.why_not)
    told = f"{told} within {within:.2g}"
    if attributions.additivity is None:
        return Gate(name, "constraint", told, None, "missing", "there are no golden rows to verify them with")
    status = "passed" if attributions.additivity <= within else "failed"
    what = f"largest gap of {attributions.verified} rows, golden ones included; {attributions.method}"
    return Gate(name, "constraint", told, attributions.additivity, status, what, n=attributions.verified)


def _sample(bundle: Bundle, rows: int) -> NDArray[np.intp]:
    files = bundle.manifest.files
    size = sum(file.bytes for name, file in files.items() if name.startswith("explanation."))
    wished = min(rows, MOST_ROWS, max(LEAST_ROWS, 10**9 // BYTES_PER_ROW // max(size, 1)))
    return np.linspace(0, rows - 1, wished).round().astype(np.intp) if rows else np.empty(0, dtype=np.intp)


def _examples(
    bundle: Bundle,
    found: Contributions,
    scores: Floats,
    numbers: NDArray[np.float32],
    words: NDArray[np.object_],
) -> tuple[Example, ...]:
    """The highest, the lowest and the most doubtful score; with several classes the surest and the least sure."""
    if bundle.several_classes:
        best = scores.max(axis=1)
        chosen = {
            "A row it is surest of": int(best.argmax()),
            "A row it is least sure of": int(best.argmin()),
        }
    else:
        middle = bundle.manifest.threshold if bundle.manifest.classes else float(np.median(scores))
        between = "A row near the threshold" if bundle.manifest.classes else "A row in the middle"
        chosen = {
            "A row with the highest score": int(scores.argmax()),
            between: int(np.abs(scores - middle).argmin()),
            "A row with the lowest score": int(scores.argmin()),
        }
    return tuple(
        _example(bundle, found, scores, row, title, (*numbers[row].tolist(), *words[row].tolist()))
        for title, row in chosen.items()
    )


def _example(
    bundle: Bundle, found: Contributions, scores: Floats, row: int, title: str, values: tuple[Any, ...]
) -> Example:
    output = int(scores[row].argmax()) if bundle.several_classes else 0
    parts = found.values[row, output]
    order = np.argsort(-np.abs(parts), kind="stable")
    shown = order if len(order) <= SHOWN_PARTS + 1 else order[:SHOWN_PARTS]
    names = bundle.plan.features
    if bundle.several_classes:
        title = f"{title}, for {bundle.manifest.classes[output]}"
    return Example(
        title=title,
        score=float(scores[row, output] if bundle.several_classes else scores[row]),
        base=float(found.base[output]),
        parts=tuple((f"{names[place]} = {_word(values[place])}", float(parts[place])) for place in shown),
        rest=float(parts.sum() - parts[shown].sum()),
        features_in_rest=len(order) - len(shown),
    )


def _word(value: Any) -> str:
    if value is None or value == "" or value != value:
        return "missing"
    return number(value) if isinstance(value, float) else str(value)
