"""The semantic version of the features."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rondo.bundle.plan import FeaturePlan, HistoryFeature, PlanInput, StatelessFeature
from rondo.errors import CorruptArtifact
from rondo.stages.features.versions import next_version

BASE = FeaturePlan(
    "who", "at", (PlanInput("a", "float"), PlanInput("c", "string")), (HistoryFeature("h", "sum", "a", 86_400.0),),
    (StatelessFeature("a", "column", ("a",)), StatelessFeature("c", "column", ("c",)),
     StatelessFeature("e", "expr", ("h",), expression="h + 1"),
     StatelessFeature("f", "expr", ("e",), expression="e * 2"),
     StatelessFeature("p", "python", ("a",), function="f.py:p")),
    ("a", "f", "p"), ("c",), {"v": ("h", "a", "c")}, python_files={"f.py": "1" * 64},
)  # fmt: skip


def longer(plan: FeaturePlan) -> FeaturePlan:
    return replace(plan, history=(HistoryFeature("h", "sum", "a", 7 * 86_400.0),))


@pytest.mark.parametrize(
    ("plan", "version", "reason"),
    [
        (BASE, "1.4.2", "the features are the same"),
        (replace(BASE, numerical=("a", "f")), "2.0.0", "gone: p"),
        (replace(BASE, numerical=("a", "f", "p", "c"), categorical=()), "2.0.0", "of another type: c"),
        (replace(BASE, numerical=("a", "f", "p", "e")), "1.5.0", "new: e"),
        (longer(BASE), "1.5.0", "made differently: f"),
        (longer(replace(BASE, numerical=("a", "f", "p", "e"))), "1.5.0", "new: e; made differently: f"),
        (replace(BASE, python_files={"f.py": "2" * 64}), "1.5.0", "made differently: p"),
        (
            replace(BASE, inputs=(PlanInput("a", "int"), PlanInput("c", "string"))),
            "1.5.0",
            "made differently: a, p",
        ),
        (replace(BASE, ttl_s=60.0), "1.4.3", "the same features are kept or read in another way"),
    ],
)
def test_the_version_tells_what_changed(plan: FeaturePlan, version: str, reason: str) -> None:
    assert next_version((BASE, "1.4.2"), plan) == (version, reason)


def test_the_first_version() -> None:
    assert next_version(None, BASE) == ("1.0.0", "the first features")
    with pytest.raises(CorruptArtifact):
        next_version((BASE, "one"), longer(BASE))
