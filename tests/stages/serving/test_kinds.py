"""Several classes and numbers are served as well as two classes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.linear_model import LinearRegression, LogisticRegression

from rondo.bundle.bundle import write_bundle
from rondo.bundle.golden import as_golden
from rondo.bundle.manifest import Manifest
from rondo.bundle.plan import FeaturePlan, PlanInput, StatelessFeature
from rondo.bundle.reference import describe_rows
from rondo.records.layout import Layout
from rondo.records.release import Release
from rondo.stages.serving import Application, make_ready
from rondo.testing.serving import House, ask

NAMES = ("a", "b", "c")
CHANCE = np.random.default_rng(5)
X = CHANCE.normal(size=(120, 3)).astype(np.float32)
WORDS = np.empty((120, 0), dtype=object)


def release(house: House, fitted: Any, answers: np.ndarray, classes: tuple[str, ...]) -> None:
    graph = to_onnx(
        fitted,
        initial_types=[("num", FloatTensorType([None, 3]))],
        options={"zipmap": False} if classes else None,
        target_opset={"": 15, "ai.onnx.ml": 3},
    )
    plan = FeaturePlan(
        None,
        None,
        tuple(PlanInput(name, "float") for name in NAMES),
        (),
        tuple(StatelessFeature(name, "column", (name,)) for name in NAMES),
        NAMES,
        (),
        {},
    )
    now = datetime(2026, 1, 1, tzinfo=UTC)
    kind = "multiclass_classification" if classes else "regression"
    manifest = Manifest(
        "tiny", "3.0.0", "", kind, "y", "", classes, 0.5, now, {}, NAMES, (), {}, "linear", {}, {}
    )
    folder = Layout(house.root).releases / "3.0.0"
    write_bundle(
        folder,
        manifest,
        model=graph.SerializeToString(),
        plan=plan,
        reference=describe_rows((NAMES, ()), X, WORDS, np.zeros(120), [], bins=5),
        golden=as_golden(X[:8], WORDS[:8], answers[:8]),
    )
    bundle_id = make_ready(folder).bundle.bundle_id
    where = folder.relative_to(house.root).as_posix()
    house.state.add_release(Release("3.0.0", bundle_id, where, now, judgement="ship"), by="test")
    house.route({"3.0.0": 1.0})


def row(place: int) -> dict[str, float]:
    return dict(zip(NAMES, X[place].tolist(), strict=True))


def test_several_classes(empty_house: House) -> None:
    classes = ("high", "low", "mid")
    fitted = LogisticRegression().fit(X, np.array(classes)[np.digitize(X[:, 0], [-0.5, 0.5])])
    wanted = fitted.predict_proba(X)
    release(empty_house, fitted, wanted, classes)

    async def talk(app: Application) -> Any:
        good = await ask(app, "POST", "/feedback", {"prediction_id": "p", "outcome": "mid"})
        bad = await ask(app, "POST", "/feedback", {"prediction_id": "q", "outcome": "none"})
        assert (good.status, bad.status) == (202, 422)
        return (await ask(app, "POST", "/predict", {"rows": [row(place) for place in range(40)]})).json

    for place, answer in enumerate(empty_house.run(talk)["predictions"]):
        assert answer["probabilities"] == pytest.approx(
            dict(zip(classes, wanted[place].tolist(), strict=True)), abs=1e-5
        )
        assert answer["label"] == classes[int(wanted[place].argmax())]
        assert answer["score"] == pytest.approx(wanted[place].max(), abs=1e-5)


def test_numbers(empty_house: House) -> None:
    fitted = LinearRegression().fit(X, X @ np.array([100.0, -20.0, 3.0]) + 7)
    wanted = fitted.predict(X)
    release(empty_house, fitted, wanted, ())

    async def talk(app: Application) -> Any:
        assert (await ask(app, "POST", "/feedback", {"prediction_id": "p", "outcome": 12.5})).status == 202
        tensors = [{"name": n, "shape": [1], "datatype": "FP32", "data": [v]} for n, v in row(0).items()]
        infer = (await ask(app, "POST", "/v2/models/tiny/infer", {"inputs": tensors})).json
        assert [one["name"] for one in infer["outputs"]] == ["prediction_id", "score"]
        return (await ask(app, "POST", "/predict", row(0))).json

    (answer,) = empty_house.run(talk)["predictions"]
    assert set(answer) == {"prediction_id", "score"}
    assert answer["score"] == pytest.approx(wanted[0], rel=1e-5)
    assert empty_house.log.predictions()["label"].to_list() == ["", ""]
