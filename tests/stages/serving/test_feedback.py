"""One truth per prediction: repeated ones change nothing, others need to say that they correct."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from rondo.records.prediction import WITHDRAWN, Outcome
from rondo.stages.serving.feedback import Issued, Outcomes, take
from rondo.stages.serving.problems import Refusal

NOW = datetime(2026, 5, 1, tzinfo=UTC)
CLASSES = ("no", "yes")
ABOUT = {"mine": NOW - timedelta(days=100)}  # what this server predicted, and about which moment


def send(body: Any, known: dict[str, str] | None = None, classes: tuple[str, ...] = CLASSES) -> Any:
    return take(body, (known or {}).get, classes, now=NOW, about=ABOUT.get)


def test_an_outcome_is_taken_whether_or_not_its_prediction_is_known() -> None:
    taken = send({"prediction_id": "p", "outcome": "yes", "happened_at": "2026-04-01T00:00:00Z"})
    assert (taken.accepted, taken.repeated, taken.corrected) == (1, 0, 0)
    assert taken.outcomes[0].happened_at == datetime(2026, 4, 1, tzinfo=UTC)


def test_the_same_again_stores_nothing() -> None:
    taken = send({"prediction_id": "p", "outcome": "yes"}, {"p": "yes"})
    assert (taken.outcomes, taken.repeated) == ((), 1)


def test_another_outcome_is_a_conflict_unless_it_corrects() -> None:
    with pytest.raises(Refusal) as refused:
        send({"prediction_id": "p", "outcome": "no"}, {"p": "yes"})
    assert refused.value.status == 409
    taken = send({"prediction_id": "p", "outcome": "no", "corrects": True}, {"p": "yes"})
    assert (taken.accepted, taken.corrected, taken.outcomes[0].value) == (0, 1, "no")


def test_a_batch_is_taken_whole_or_not_at_all() -> None:
    items = [{"prediction_id": "a", "outcome": "yes"}, {"prediction_id": "b", "outcome": "maybe"}]
    with pytest.raises(Refusal) as refused:
        send({"items": items})
    assert refused.value.status == 422
    assert [fault.loc for fault in refused.value.faults] == [("items", 1, "outcome")]


def test_a_batch_that_contradicts_itself_is_a_conflict_in_every_order() -> None:
    items = [{"prediction_id": "a", "outcome": "yes"}, {"prediction_id": "a", "outcome": "no"}]
    for order in permutations(items):
        with pytest.raises(Refusal) as refused:
            send({"items": list(order)})
        assert refused.value.status == 409


@pytest.mark.parametrize(
    ("outcome", "classes", "value"),
    [
        ("yes", ("no", "yes"), "yes"),
        (True, ("0", "1"), "1"),
        (False, ("0", "1"), "0"),
        (True, ("False", "True"), "True"),
        (1, ("0", "1"), "1"),
        (1.0, ("0", "1"), "1"),
        (2, ("1.0", "2.0"), "2.0"),
        (12.5, (), "12.5"),
        (12, (), "12.0"),
    ],
)
def test_outcomes_are_spelled_as_training_spelled_them(
    outcome: Any, classes: tuple[str, ...], value: str
) -> None:
    assert send({"prediction_id": "p", "outcome": outcome}, classes=classes).outcomes[0].value == value


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"prediction_id": "p"},
        {"outcome": "yes"},
        {"prediction_id": "", "outcome": "yes"},
        {"prediction_id": 3, "outcome": "yes"},
        {"prediction_id": "p" * 300, "outcome": "yes"},
        {"prediction_id": "p", "outcome": None},
        {"prediction_id": "p", "outcome": "other"},
        {"prediction_id": "p", "outcome": ["yes"]},
        {"prediction_id": "p", "outcome": "yes", "corrects": "yes"},
        {"prediction_id": "p", "outcome": "yes", "label": "yes"},
        {"prediction_id": "p", "outcome": "yes", "happened_at": "yesterday"},
        {"prediction_id": "p", "outcome": "yes", "happened_at": (NOW + timedelta(days=1)).isoformat()},
        {"items": []},
        {"items": [3]},
        {"items": [{"prediction_id": "p", "outcome": "yes"}], "more": 1},
        [],
        "p",
    ],
)
def test_what_cannot_be_an_outcome_is_refused(item: Any) -> None:
    with pytest.raises(Refusal) as refused:
        send(item)
    assert refused.value.status == 422
    assert refused.value.faults


def test_memory_of_outcomes_is_bounded_and_forgets_the_oldest() -> None:
    outcomes = Outcomes(most=3)
    outcomes.remember([Outcome(str(number), "yes", NOW) for number in range(5)])
    assert [outcomes.get(str(number)) for number in range(5)] == [None, None, "yes", "yes", "yes"]
    assert len(outcomes) == 3


def test_the_newest_outcome_is_remembered_in_whatever_order_they_come() -> None:
    told = [Outcome("p", value, NOW + timedelta(hours=hour)) for hour, value in enumerate("xyz")]
    for order in permutations(told):
        outcomes = Outcomes()
        outcomes.remember(order)
        outcomes.remember(order)
        assert outcomes.get("p") == "z"


def test_an_outcome_before_its_prediction_cannot_be() -> None:
    body = {"prediction_id": "mine", "outcome": "yes", "happened_at": (NOW - timedelta(days=101)).isoformat()}
    with pytest.raises(Refusal) as refused:
        send(body)
    assert (refused.value.status, refused.value.faults[0].code) == (422, "before_prediction")
    assert send({**body, "prediction_id": "anothers"}).accepted == 1  # nothing is known of that one here


def test_early_and_late_outcomes_are_stored_and_counted() -> None:
    late = {"prediction_id": "mine", "outcome": "yes", "happened_at": (NOW - timedelta(days=1)).isoformat()}
    early = {"prediction_id": "not-yet", "outcome": "no"}
    taken = send({"items": [late, early]})
    assert (taken.accepted, taken.late, taken.parked, len(taken.outcomes)) == (2, 1, 1, 2)


def test_an_outcome_is_withdrawn_once_and_may_be_given_anew() -> None:
    body = {"prediction_id": "p", "outcome": None, "corrects": True}
    taken = send(body, {"p": "yes"})
    assert (taken.withdrawn, taken.accepted, taken.outcomes[0].value) == (1, 0, WITHDRAWN)
    assert send(body, {"p": WITHDRAWN}).repeated == 1
    assert send({"prediction_id": "p", "outcome": "no"}, {"p": WITHDRAWN}).accepted == 1


def test_what_a_server_predicted_is_known_by_its_id_up_to_a_number() -> None:
    issued = Issued("boot", most=4)
    for number in range(6):
        issued.add(number, NOW + timedelta(hours=number))
    assert issued.about("boot00000005") == NOW + timedelta(hours=5)
    for unknown in ("boot00000001", "boot00000006", "boot", "bootzz", "other00000005", "boot-0000005"):
        assert issued.about(unknown) is None
