from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rondo.adapters.memory import MemoryModelRegistry, MemoryStateStore
from rondo.errors import Conflict, CorruptArtifact, GateSaidNo
from rondo.records.layout import Layout
from rondo.records.release import REGISTERED
from rondo.stages.deployment import promote, register, verify_bundle
from rondo.testing.bundles import tiny_bundle
from rondo.testing.deployment import PROJECT, means, registered, verdict
from rondo.testing.state import NOW


def test_a_release_is_kept_and_known_everywhere(
    tmp_path: Path, store: MemoryStateStore, registry: MemoryModelRegistry
) -> None:
    release = registered(tmp_path, store, registry, "1.0.0")
    assert (release.version, release.stage, release.registry_version) == ("1.0.0", "Staging", "1")
    assert release.bundle == f".rondo/releases/{release.bundle_id}"
    assert verify_bundle(tmp_path / release.bundle).bundle_id == release.bundle_id
    assert store.releases() == (release,)
    assert registry.roles("tiny") == {"staging": "1"}


def test_registering_again_changes_nothing(
    tmp_path: Path, store: MemoryStateStore, registry: MemoryModelRegistry
) -> None:
    first = registered(tmp_path, store, registry, "1.0.0")
    assert registered(tmp_path, store, registry, "1.0.0") == first
    assert [event.kind for event in store.events()] == [REGISTERED]


def test_a_refused_bundle_is_known_but_cannot_be_promoted(
    tmp_path: Path, store: MemoryStateStore, registry: MemoryModelRegistry
) -> None:
    release = registered(tmp_path, store, registry, "1.0.0", "reject")
    assert release.stage == "None"
    with pytest.raises(GateSaidNo, match="'reject'"):
        promote("1.0.0", means(tmp_path, store, registry), by="ann", reason="")
    assert registry.roles("tiny") == {}


def test_a_damaged_copy_is_replaced(
    tmp_path: Path, store: MemoryStateStore, registry: MemoryModelRegistry
) -> None:
    kept = tmp_path / registered(tmp_path, store, registry, "1.0.0").bundle
    (kept / "model.onnx").write_bytes(b"damaged")
    registered(tmp_path, store, registry, "1.0.0")
    assert verify_bundle(kept).version == "1.0.0"


def test_a_verdict_on_another_bundle_does_not_count(
    tmp_path: Path, store: MemoryStateStore, registry: MemoryModelRegistry
) -> None:
    bundle = tiny_bundle(tmp_path / "bundle", "1.0.0")
    right = verdict(bundle.bundle_id, "1.0.0")
    for wrong in (replace(right, bundle_id="other"), replace(right, version="1.0.1")):
        with pytest.raises(Conflict, match="the verdict is on version"):
            register(
                PROJECT,
                bundle.folder,
                wrong,
                layout=Layout(tmp_path),
                store=store,
                registry=registry,
                now=NOW,
                by="ann",
            )
    assert store.releases() == ()


def test_a_damaged_bundle_is_not_registered(
    tmp_path: Path, store: MemoryStateStore, registry: MemoryModelRegistry
) -> None:
    bundle = tiny_bundle(tmp_path / "bundle", "1.0.0")
    (bundle.folder / "plan.json").write_text("{}")
    with pytest.raises(CorruptArtifact):
        register(
            PROJECT,
            bundle.folder,
            verdict(bundle.bundle_id, "1.0.0"),
            layout=Layout(tmp_path),
            store=store,
            registry=registry,
            now=NOW,
            by="ann",
        )
    assert store.releases() == ()


def test_a_version_is_one_bundle_for_ever(
    tmp_path: Path, store: MemoryStateStore, registry: MemoryModelRegistry
) -> None:
    registered(tmp_path, store, registry, "1.0.0")
    other = tiny_bundle(tmp_path / "other", "1.0.0", slope=0.5)
    with pytest.raises(Conflict, match="another bundle"):
        register(
            PROJECT,
            other.folder,
            verdict(other.bundle_id, "1.0.0"),
            layout=Layout(tmp_path),
            store=store,
            registry=registry,
            now=NOW,
            by="ann",
        )
    assert registry.roles("tiny") == {"staging": "1"}
