"""What is sent for an answer, in each protocol."""

from __future__ import annotations

import msgspec

from rondo.stages.serving.answering import Answered
from rondo.stages.serving.asking import Asked

_encode = msgspec.json.Encoder().encode


def write_predict(answered: Answered, asked: Asked, request_id: str) -> bytes:
    """Rondo's own form."""
    if len(answered.versions) > 1:  # each prediction says its own
        return _encode({"versions": answered.versions, "predictions": answered.predictions})
    return _encode({"version": answered.versions[0], "predictions": answered.predictions})


def write_invocations(answered: Answered, asked: Asked, request_id: str) -> bytes:
    """As MLflow's scoring protocol has it."""
    return _encode({"predictions": answered.predictions})


def write_infer(model: str, answered: Answered, asked: Asked, request_id: str) -> bytes:
    """As the Open Inference protocol has it: a tensor per column."""
    predictions = answered.predictions
    if "items" in predictions[0]:  # a list has no width of its own: it is one text
        predictions = [{**one, "items": _encode(one["items"]).decode()} for one in predictions]
    outputs = [
        ("prediction_id", "BYTES"),
        ("items", "BYTES") if "items" in predictions[0] else ("score", "FP64"),
    ]
    outputs += [("label", "BYTES")] if "label" in predictions[0] else []
    several = len(answered.versions) > 1
    outputs += [("version", "BYTES")] if several else []
    return _encode(
        {
            "model_name": model,
            **({} if several else {"model_version": answered.versions[0]}),
            "id": asked.id or request_id,
            "outputs": [
                {
                    "name": name,
                    "datatype": kind,
                    "shape": [len(predictions)],
                    "data": [one[name] for one in predictions],
                }
                for name, kind in outputs
            ],
        }
    )
