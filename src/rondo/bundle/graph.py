"""Looks into an ONNX graph before ONNX Runtime does: nothing outside the file, no strange operators.

A graph may name files beside it (external data) and operators of other domains. Neither belongs into a
bundle, and the runtime would read the first from wherever the process happens to stand. The `onnx` package
is not there in a server, so this walks the protobuf wire format itself: only the few messages that matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rondo.errors import CorruptArtifact

STANDARD_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
MAX_DEPTH = 32

# message -> field number -> message that it holds (numbers of onnx.proto)
_HOLDS: dict[str, dict[int, str]] = {
    "model": {7: "graph", 8: "opset", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
_REFUSED = {
    ("model", 20): "training information",
    ("model", 25): "functions of its own",
    ("tensor", 13): "data outside the file",
    ("tensor", 14): "data outside the file",
}
_DOMAIN = {("opset", 1), ("node", 7)}
# Trees are long runs of unpacked numbers and of a few words: skipped at the speed of the regex engine.
_RUNS = re.compile(
    rb"(?:\x3d.{4}|\x40[\x80-\xff]{0,9}[\x00-\x7f]|\x4a\x0aBRANCH_LEQ|\x4a\x09BRANCH_LT|\x4a\x04LEAF)+",
    re.DOTALL,
)


def check_graph(graph: bytes, *, where: str) -> None:
    """Nothing, when the graph stands alone and uses standard operators only.

    Raises:
        CorruptArtifact: it does not, or it is no ONNX graph.
    """
    try:
        found = next(_strange(memoryview(graph), "model", 0), None)
    except (IndexError, UnicodeDecodeError) as error:
        raise CorruptArtifact(
            "not an ONNX graph",
            where=where,
            rule="Models are ONNX, never pickled",
            mend="Convert the model again",
        ) from error
    if found:
        raise CorruptArtifact(
            f"the graph has {found}",
            where=where,
            rule="A bundle's graph stands alone and uses the operators of ai.onnx and ai.onnx.ml only",
            mend="Convert the model again, with its data inside and without custom operators.",
        )


def _strange(data: memoryview, kind: str, depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH:
        yield "graphs within graphs beyond any use"
        return
    holds = _HOLDS.get(kind, {})
    for number, value in _fields(data, skip_runs=kind == "attribute"):
        if (kind, number) in _REFUSED and value != 0:
            yield _REFUSED[kind, number]
        elif isinstance(value, memoryview):
            if (kind, number) in _DOMAIN:
                domain = str(value, "utf-8")
                if domain not in STANDARD_DOMAINS:
                    yield f"operators of the domain {domain!r}"
            elif number in holds:
                yield from _strange(value, holds[number], depth + 1)


def _fields(data: memoryview, *, skip_runs: bool) -> Iterator[tuple[int, memoryview | int]]:
    """Every field of a message: number, and bytes or varint (fixed-width numbers are passed over)."""
    at, end = 0, len(data)
    while at < end:
        if skip_runs and (run := _RUNS.match(data, at)):
            at = run.end()
            continue
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        match wire:
            case 0:
                value, at = _varint(data, at)
                yield number, value
            case 1 | 5:
                at += 8 if wire == 1 else 4
            case 2:
                length, at = _varint(data, at)
                if length > end - at:
                    raise IndexError("a length beyond the end")
                yield number, data[at : at + length]
                at += length
            case _:
                raise IndexError(f"no such wire type: {wire}")
    if at != end:
        raise IndexError("a field beyond the end")


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise IndexError("a number beyond 64 bits")
