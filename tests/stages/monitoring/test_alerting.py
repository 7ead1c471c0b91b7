from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from rondo.contract.monitoring import Monitoring
from rondo.records.monitoring import Alert, Observation, ObservationState
from rondo.stages.monitoring import alerts_after, due, message_of, name_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
AT_ONCE = Monitoring.model_validate(
    {"drift_metrics": {"psi": {"threshold": 0.1, "alert_on": "above", "severity": "critical"}}}
)
PATIENT = Monitoring.model_validate(
    {"drift_metrics": {"psi": {"threshold": 0.1, "alert_on": "above", "for": "1h"}}}
)


def psi(state: ObservationState, value: float | None = 0.3, feature: str = "spend") -> Observation:
    return Observation(
        "psi", value, 500, state, NOW, NOW, NOW, "1.0.0", feature, threshold=0.1, alert_on="above"
    )


def alert(**changes: object) -> Alert:
    one = Alert("psi/spend", "psi", "warning", "it moved", NOW, NOW, 0.3, 0.1, feature="spend", fired_at=NOW)
    return replace(one, **changes)  # type: ignore[arg-type]


def test_an_alert_opens_once_goes_on_and_closes_only_when_the_figure_is_fine() -> None:
    first = alerts_after(AT_ONCE, (), [psi("breached")], now=NOW)
    assert [(a.key, a.severity, a.fired_at) for a in first.opened] == [("psi/spend", "critical", NOW)]
    later = NOW + HOUR
    second = alerts_after(AT_ONCE, first.opened, [psi("breached", 0.4)], now=later)
    assert (second.opened, second.recovered) == ((), ())
    assert (second.kept[0].opened_at, second.kept[0].value) == (NOW, 0.4)
    silent = alerts_after(AT_ONCE, second.kept, [psi("not_enough", None)], now=later)
    assert silent.changed == ()
    fine = alerts_after(AT_ONCE, second.kept, [psi("fine", 0.01)], now=later)
    assert fine.recovered[0].recovered_at == later


def test_an_alert_waits_for_its_time_and_is_withdrawn_unheard_when_it_is_over_before() -> None:
    first = alerts_after(PATIENT, (), [psi("breached")], now=NOW)
    assert (first.opened, first.pending[0].fired_at) == ((), None)
    early = alerts_after(PATIENT, first.pending, [psi("breached")], now=NOW + HOUR - MINUTE)
    assert early.opened == ()
    fired = alerts_after(PATIENT, early.pending, [psi("breached")], now=NOW + HOUR)
    assert [(a.opened_at, a.fired_at) for a in fired.opened] == [(NOW, NOW + HOUR)]
    over = alerts_after(PATIENT, early.pending, [psi("fine", 0.01)], now=NOW + HOUR)
    assert (over.recovered, over.withdrawn[0].recovered_at) == ((), NOW + HOUR)


def test_an_alert_on_a_figure_that_nobody_looks_at_any_more_is_over() -> None:
    gone = alerts_after(AT_ONCE, [alert()], [psi("fine", 0.01, feature="age")], now=NOW + HOUR)
    assert [a.key for a in gone.recovered] == ["psi/spend"]


def test_an_alert_is_said_once_then_repeated_until_it_is_acknowledged() -> None:
    open_ = alert()
    heard = {name_of(open_): NOW}
    assert due([open_], {}, repeat_every=DAY, now=NOW) == (open_,)
    assert due([open_], heard, repeat_every=DAY, now=NOW + DAY - MINUTE) == ()
    assert due([open_], heard, repeat_every=DAY, now=NOW + DAY) == (open_,)
    known = alert(acknowledged_at=NOW + MINUTE, acknowledged_by="ann")
    assert due([known], heard, repeat_every=DAY, now=NOW + 10 * DAY) == ()


def test_a_pending_alert_is_not_said() -> None:
    assert due([alert(fired_at=None)], {}, repeat_every=DAY, now=NOW) == ()


def test_a_recovery_is_said_once_also_when_it_was_acknowledged() -> None:
    over = alert(recovered_at=NOW + HOUR, acknowledged_at=NOW + MINUTE)
    heard = {name_of(over): NOW}
    assert due([over], heard, repeat_every=DAY, now=NOW + HOUR) == (over,)
    assert due([over], {name_of(over): NOW + HOUR}, repeat_every=DAY, now=NOW + 3 * DAY) == ()


def test_what_fired_and_ended_while_nobody_could_be_told_is_told_afterwards() -> None:
    over = alert(recovered_at=NOW + HOUR)
    assert due([over], {}, repeat_every=DAY, now=NOW + 2 * HOUR) == (over,)
    message = message_of("shop", [over])
    assert message is not None
    assert (message.severity, message.title) == ("recovered", "shop: 1 over")


def test_a_figure_that_goes_back_and_forth_is_said_at_most_twice_an_hour() -> None:
    heard: dict[str, datetime] = {}
    alerts: list[Alert] = []
    said = 0
    for minute in range(0, 180, 2):
        now = NOW + minute * MINUTE
        alerts.append(alert(opened_at=now, fired_at=now))
        for moment in (now, now + MINUTE):
            if moment > now:
                alerts[-1] = replace(alerts[-1], recovered_at=moment)
            asked = due(alerts, heard, repeat_every=DAY, now=moment)
            said += bool(asked)
            heard |= {name_of(one): moment for one in asked}
    assert said <= 2 * 3


def test_a_message_names_the_worst_first_and_covers_everything() -> None:
    worse = alert(key="accuracy", metric="accuracy", feature=None, severity="critical", message="it fell")
    message = message_of("shop", [alert(), worse])
    assert message is not None
    assert message.title == "shop: 1 critical, 1 warning"
    assert message.body.index("it fell") < message.body.index("it moved")
    assert set(message.covers) == {name_of(alert()), name_of(worse)}
    assert message_of("shop", []) is None


def test_what_is_beyond_its_limit_never_reads_as_the_limit() -> None:
    slow = replace(psi("breached", 0.12), metric="latency_p99", feature=None, unit="s", n=40)
    down = replace(slow, metric="availability", value=0.99986, threshold=0.9999, alert_on="below", unit=None)
    said = [one.message for one in alerts_after(AT_ONCE, (), [slow, down], now=NOW).opened]
    assert said == [
        "latency_p99 is 120 ms, above 100 ms (n = 40)",
        "availability is 0.99986, below 0.9999 (n = 40)",
    ]
