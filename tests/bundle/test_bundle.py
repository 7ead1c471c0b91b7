"""A bundle answers as it was recorded, and is refused when any byte of it changed."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rondo.bundle.bundle import bundle_id_of, load_bundle, read_manifest, write_bundle
from rondo.bundle.golden import as_golden, choose_rows, differences
from rondo.errors import CorruptArtifact, NotAvailable
from rondo.testing.bundles import tiny_answers, tiny_bundle, tiny_graph, tiny_plan, tiny_rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "one"
    tiny_bundle(folder)
    return folder


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    shutil.copytree(folder, tmp_path / "copy")
    return tmp_path / "copy"


def test_scores_are_those_of_the_model(folder: Path) -> None:
    bundle = load_bundle(folder)
    numbers, words = tiny_rows(bundle.plan, 50)
    scores = bundle.scores(numbers, words)
    assert scores.dtype == np.float64
    np.testing.assert_allclose(scores, tiny_answers(bundle.plan, numbers, words, 0.05), atol=1e-6)
    numbers_out, labels = bundle.decide(scores)
    assert [label == "yes" for label in labels] == [score >= 0.5 for score in numbers_out]


def test_golden_rows_are_answered_as_recorded(folder: Path) -> None:
    assert load_bundle(folder).replay_golden() < 1e-6


def test_the_id_is_the_hash_of_the_manifest_and_is_asked_for(folder: Path) -> None:
    bundle = load_bundle(folder, bundle_id=bundle_id_of(folder))
    assert len(bundle.bundle_id) == 64
    with pytest.raises(CorruptArtifact, match="this is bundle"):
        load_bundle(folder, bundle_id="0" * 64)


def test_equal_contents_have_equal_ids(folder: Path, tmp_path: Path) -> None:
    assert tiny_bundle(tmp_path / "again").bundle_id == bundle_id_of(folder)


def test_a_bundle_that_is_not_there_is_said_to_be_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotAvailable, match="there is no bundle"):
        load_bundle(tmp_path / "nothing")


def test_one_hundred_random_corruptions_are_refused_by_name(copy: Path) -> None:
    chance = random.Random(20261122)
    files = sorted(path for path in copy.rglob("*") if path.is_file())
    for _ in range(100):
        path = chance.choice(files)
        before = path.read_bytes()
        damaged = bytearray(before)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(CorruptArtifact) as refused:
            load_bundle(copy)
        named = "manifest.json" if path.name.startswith("manifest") else path.name
        assert named in str(refused.value)
        path.write_bytes(before)
    load_bundle(copy)


@pytest.mark.parametrize(
    "name", ["model.onnx", "plan.json", "reference.json", "golden.json", "manifest.sha256"]
)
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(CorruptArtifact, match=name.replace("sha256", "json")):
        load_bundle(copy)


def test_a_file_too_many_is_named(copy: Path) -> None:
    (copy / "python").mkdir()
    (copy / "python" / "extra.py").write_text("x = 1")
    with pytest.raises(CorruptArtifact, match=r"python/extra\.py: the manifest does not know it"):
        load_bundle(copy)


def test_a_link_is_refused_even_to_the_same_bytes(copy: Path, folder: Path) -> None:
    (copy / "model.onnx").unlink()
    (copy / "model.onnx").symlink_to(folder / "model.onnx")
    with pytest.raises(CorruptArtifact, match="not a plain file"):
        load_bundle(copy)


def test_a_model_that_answers_otherwise_is_not_published(folder: Path, tmp_path: Path) -> None:
    bundle = load_bundle(folder)
    with pytest.raises(CorruptArtifact, match="golden rows"):
        write_bundle(
            tmp_path / "bad",
            bundle.manifest,
            model=tiny_graph(bundle.plan, 0.05, shift=1e-3),
            plan=bundle.plan,
            reference=bundle.reference,
            golden=bundle.golden,
        )
    assert not (tmp_path / "bad").exists()


def test_no_golden_rows_prove_nothing(folder: Path, tmp_path: Path) -> None:
    bundle = load_bundle(folder)
    with pytest.raises(CorruptArtifact, match="0 of 0 golden rows"):
        write_bundle(
            tmp_path / "none",
            bundle.manifest,
            model=tiny_graph(bundle.plan, 0.05),
            plan=bundle.plan,
            reference=bundle.reference,
            golden=replace(bundle.golden, numerical=(), categorical=(), answers=()),
        )


def test_a_graph_of_other_width_is_refused(folder: Path, tmp_path: Path) -> None:
    bundle = load_bundle(folder)
    with pytest.raises(CorruptArtifact, match=r"its input 'num' is tensor\(float\)"):
        write_bundle(
            tmp_path / "wide",
            bundle.manifest,
            model=tiny_graph(tiny_plan(width=5), 0.05),
            plan=bundle.plan,
            reference=bundle.reference,
            golden=bundle.golden,
        )


def test_the_manifest_lists_every_file_with_its_size(folder: Path) -> None:
    manifest = read_manifest(folder)
    assert {name: file.bytes for name, file in manifest.files.items()} == {
        path.name: path.stat().st_size for path in folder.iterdir() if not path.name.startswith("manifest")
    }


def test_golden_rows_survive_their_file_bit_by_bit() -> None:
    numbers, words = tiny_rows(tiny_plan(), 20)
    found = as_golden(numbers, words, np.linspace(0, 1, 20)).matrices()
    np.testing.assert_array_equal(found[0], numbers)
    assert found[1].tolist() == words.tolist()


def test_golden_rows_cover_the_scores_and_the_missing_values() -> None:
    numbers, words = tiny_rows(tiny_plan(), 500)
    numbers[3] = np.nan
    numbers[4, 0] = np.inf
    scores = np.random.default_rng(1).random(500)
    chosen = choose_rows(numbers, words, scores, 32)
    assert len(chosen) == 32
    assert 3 in chosen
    assert 4 not in chosen
    assert scores[chosen].min() < 0.05 < 0.95 < scores[chosen].max()


def test_a_difference_is_relative_above_one_and_infinite_for_nan() -> None:
    found = differences(np.array([1000.0, 0.5, np.nan]), np.array([[1001.0], [0.25], [0.0]]))
    assert found.tolist() == [pytest.approx(1 / 1001), 0.25, np.inf]
