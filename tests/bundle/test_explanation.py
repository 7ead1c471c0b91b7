"""A bundle that explains: verified before it is published, and again when it is loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rondo.bundle.bundle import Bundle, load_bundle, write_bundle
from rondo.bundle.explanation import (
    ARRAYS,
    FILES,
    LINKS,
    RECORD,
    Contributions,
    Explanation,
    apply_link,
    explanation_files,
    read_explainer,
    tolerance_for,
)
from rondo.errors import CorruptArtifact, NotAvailable
from rondo.records.files import to_json
from rondo.testing.bundles import tiny_bundle, tiny_explanation, tiny_graph, tiny_plan, tiny_rows


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return tiny_bundle(tmp_path / "bundle", explained=True)


def again(bundle: Bundle, explanation: dict[str, bytes], out: Path) -> None:
    write_bundle(
        out,
        bundle.manifest,
        model=tiny_graph(bundle.plan, 0.05),
        plan=bundle.plan,
        reference=bundle.reference,
        golden=bundle.golden,
        explanation=explanation,
    )


def test_contributions_of_a_linear_model_are_its_formula(bundle: Bundle) -> None:
    numbers, words = tiny_rows(bundle.plan, 200)
    found = bundle.explain(numbers, words)
    filled = np.nan_to_num(numbers.astype(np.float64), nan=0.0)
    np.testing.assert_allclose(found.values[:, 0, :2], 0.05 * (filled - filled.mean(axis=0)), atol=1e-6)
    np.testing.assert_allclose(found.values.mean(axis=0), 0, atol=1e-6)  # around the mean of these rows
    assert found.gaps(bundle.scores(numbers, words)).max() < 1e-6


def test_its_files_are_verified_like_every_other(bundle: Bundle) -> None:
    assert set(FILES) <= set(bundle.manifest.files)
    path = bundle.folder / ARRAYS
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(CorruptArtifact, match=ARRAYS):
        load_bundle(bundle.folder)


@pytest.mark.parametrize("name", FILES)
def test_a_part_of_an_explanation_is_none(bundle: Bundle, tmp_path: Path, name: str) -> None:
    numbers, words = tiny_rows(bundle.plan, 50)
    files = tiny_explanation(bundle.plan, 0.05, numbers, words)
    del files[name]
    with pytest.raises(CorruptArtifact, match="the manifest does not list it"):
        again(bundle, files, tmp_path / "other")


def test_contributions_that_do_not_add_up_are_not_published(bundle: Bundle, tmp_path: Path) -> None:
    numbers, words = tiny_rows(bundle.plan, 50)
    with pytest.raises(CorruptArtifact, match="8 of 8 golden rows do not add up"):
        again(bundle, tiny_explanation(bundle.plan, 0.06, numbers, words), tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_without_an_explanation_it_says_why(tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "bundle")
    numbers, words = tiny_rows(bundle.plan, 1)
    with pytest.raises(NotAvailable, match="made before contributions were kept"):
        bundle.explain(numbers, words)
    told = replace(bundle, manifest=replace(bundle.manifest, unexplained="it is a net"))
    assert told.why_unexplained == "it is a net"


def test_arrays_that_do_not_fit_are_refused() -> None:
    plan = tiny_plan()
    numbers, words = tiny_rows(plan, 5)
    files = tiny_explanation(plan, 0.05, numbers, words)
    size = {"numerical": len(plan.numerical), "categorical": 1, "where": "here"}
    for contents, match in (
        (files | {ARRAYS: b"no zip"}, "not arrays"),
        (
            files | {RECORD: to_json(Explanation("linear", "logistic", 2, (1, 1, 3), (0.0, 0.0)))},
            "do not fit",
        ),
        (files | {RECORD: to_json(Explanation("trees", "logistic", 1, (1, 1, 3), (0.0,)))}, "do not fit"),
        (files | {RECORD: b"{}"}, "not a Explanation"),
    ):
        with pytest.raises(CorruptArtifact, match=match):
            read_explainer(contents, **size)  # type: ignore[arg-type]


def test_equal_explanations_are_equal_bytes() -> None:
    arrays = {"coefficients": np.ones((1, 2)), "background": np.zeros(2)}
    record = Explanation("linear", "identity", 1, (1, 1), (0.0,))
    assert explanation_files(record, arrays, b"g") == explanation_files(record, arrays, b"g")


def test_links_give_what_models_give() -> None:
    margins = np.array([[0.0, np.log(3.0)]])
    np.testing.assert_allclose(apply_link("softmax", margins), [[0.25, 0.75]])
    np.testing.assert_allclose(apply_link("logistic", margins[:, 1:]), [0.75])
    np.testing.assert_allclose(apply_link("exp", margins[:, 1:]), [3.0])
    assert apply_link("identity", margins) is margins
    with np.errstate(all="raise"):
        assert apply_link("softmax", np.array([[1e4, -1e4, 0.0]])).tolist() == [[1.0, 0.0, 0.0]]


@pytest.mark.parametrize("link", LINKS)
def test_a_gap_is_measured_whatever_the_link_and_nan_never_fits(link: str) -> None:
    outputs = 2 if link == "softmax" else 1
    found = Contributions(np.zeros(outputs), np.full((3, outputs, 2), 0.25), link)  # type: ignore[arg-type]
    scores = found.scores.copy()
    scores[1] += 0.01
    scores[2] = np.nan
    gaps = found.gaps(scores)
    assert gaps[0] < 1e-12
    assert 1e-3 < gaps[1] < 0.011
    assert gaps[2] == np.inf


def test_the_tolerance_is_a_millionth_until_float32_sums_of_many_terms_need_more() -> None:
    assert tolerance_for(1) == tolerance_for(16) == 1e-6
    assert tolerance_for(200) == pytest.approx(1.19e-5, rel=0.01)
