"""What every StateStore promises, as tests that each adapter inherits."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from rondo.errors import Conflict, DataError, NotAvailable
from rondo.ports.state import StateStore, Switch
from rondo.records.monitoring import OBSERVATIONS_KEPT, Alert, Decision, Observation
from rondo.records.release import (
    JUDGED,
    PROMOTED,
    REGISTERED,
    ROLLED_BACK,
    ROUTES_SHIFTED,
    Release,
    ServerReport,
    WarmRequest,
)
from rondo.records.rollout import Evidence, Phase, Rollout
from rondo.records.verdict import Judgement

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def release(version: str, *, judgement: Judgement = "ship", bundle_id: str = "") -> Release:
    """A release of that version."""
    return Release(
        version=version,
        bundle_id=bundle_id or f"bundle-of-{version}",
        bundle=f".rondo/releases/{version}",
        registered_at=NOW,
        registry_version=version[-1],
        version_reason="retrained",
        judgement=judgement,
        judgement_reasons=("every gate passed",),
        lineage={"data_version": "1.0.0", "rows": 3},
    )


def promotion(store: StateStore, version: str, **other: Any) -> Switch:
    """A switch of all traffic to the version, decided on the store as it is."""
    present = store.production()
    plain = Switch(
        production=version,
        previous=None if present is None else present.version,
        weights={version: 1.0},
        shadow=None,
        kind=PROMOTED,
        by="ann",
        reason="it is better",
        expected_generation=store.routes().generation,
    )
    return replace(plain, **other)


def rollback(store: StateStore) -> Switch:
    """A switch of all traffic back to the version before."""
    history = store.production_history()
    previous = history[-3] if len(history) > 2 else None
    return promotion(store, history[-2], kind=ROLLED_BACK, previous=previous)


def promote(store: StateStore, *versions: str) -> None:
    """Registers and promotes the versions, one after the other."""
    for version in versions:
        store.add_release(release(version), by="ann")
        store.switch(promotion(store, version), at=NOW)


def canary(candidate: str, stable: str | None) -> Rollout:
    """A rollout of the candidate that has not begun: one canary step, then all of it."""
    step = {candidate: 0.05, stable or "": 0.95}
    return Rollout(
        number=0,
        strategy="canary",
        candidate=candidate,
        stable=stable,
        phases=(Phase("canary", step, hold_s=600, min_requests=1000), Phase("promote", {candidate: 1.0})),
        state="running",
        started_at=NOW,
        by="ann",
        reason="it is better",
        phase_since=NOW,
    )


def shift(store: StateStore, shares: dict[str, float], **other: Any) -> Switch:
    """A switch that moves shares and leaves production where it is."""
    history = store.production_history()
    previous = history[-2] if len(history) > 1 else None
    change = {"previous": previous, "weights": shares, "kind": ROUTES_SHIFTED, **other}
    return promotion(store, history[-1], **change)


def stages(store: StateStore) -> dict[str, str]:
    """Version -> stage word."""
    return {one.version: one.stage for one in store.releases()}


class StateStoreTests:
    """Inherit and give a fixture `store`: an empty store."""

    @pytest.fixture
    def store(self) -> StateStore:
        """An empty store."""
        raise NotImplementedError

    # releases

    def test_a_release_comes_back_as_it_was(self, store: StateStore) -> None:
        kept = store.add_release(release("1.0.0"), by="ann")
        assert store.releases() == (kept,)
        assert kept == replace(release("1.0.0"), stage="Staging")

    def test_the_same_release_again_changes_nothing(self, store: StateStore) -> None:
        store.add_release(release("1.0.0"), by="ann")
        later = replace(release("1.0.0"), registered_at=NOW + MINUTE, registry_version="9")
        assert store.add_release(later, by="bob").registered_at == NOW
        assert [event.kind for event in store.events()] == [REGISTERED]

    def test_a_version_is_one_bundle_for_ever(self, store: StateStore) -> None:
        store.add_release(release("1.0.0"), by="ann")
        with pytest.raises(Conflict, match="another bundle"):
            store.add_release(release("1.0.0", bundle_id="other"), by="ann")

    def test_only_the_newest_accepted_release_waits_in_staging(self, store: StateStore) -> None:
        for version, judgement in (("1.0.0", "ship"), ("1.0.1", "reject"), ("1.0.2", "ship")):
            store.add_release(release(version, judgement=judgement), by="ann")  # type: ignore[arg-type]
        assert stages(store) == {"1.0.0": "Archived", "1.0.1": "None", "1.0.2": "Staging"}

    def test_a_new_judgement_takes_the_place_of_the_old_one(self, store: StateStore) -> None:
        store.add_release(release("1.0.0", judgement="inconclusive"), by="ann")
        kept = store.add_release(release("1.0.0"), by="ann")
        assert (kept.judgement, kept.stage) == ("ship", "Staging")
        assert [event.kind for event in store.events()] == [REGISTERED, JUDGED]

    # the switch

    def test_nothing_is_in_production_before_the_first_switch(self, store: StateStore) -> None:
        store.add_release(release("1.0.0"), by="ann")
        assert store.production() is None
        assert store.production_history() == ()
        assert (store.routes().generation, dict(store.routes().weights)) == (0, {})

    def test_a_promotion_moves_everything_at_once(self, store: StateStore) -> None:
        promote(store, "1.0.0", "1.1.0")
        assert store.production() == replace(release("1.1.0"), stage="Production")
        assert stages(store) == {"1.0.0": "Archived", "1.1.0": "Production"}
        assert (store.routes().generation, dict(store.routes().weights)) == (2, {"1.1.0": 1.0})
        told = store.events(kind=PROMOTED)[-1]
        assert (told.subject, told.by, told.reason) == ("1.1.0", "ann", "it is better")
        assert told.details["previous"] == "1.0.0"

    def test_rolling_back_twice_goes_two_versions_back(self, store: StateStore) -> None:
        promote(store, "1.0.0", "1.1.0", "1.2.0")
        for _ in range(2):
            store.switch(rollback(store), at=NOW)
        assert store.production_history() == ("1.0.0",)
        assert stages(store) == {"1.0.0": "Production", "1.1.0": "Archived", "1.2.0": "Archived"}

    def test_a_rollback_leaves_the_waiting_candidate_waiting(self, store: StateStore) -> None:
        promote(store, "1.0.0", "1.1.0")
        store.add_release(release("1.2.0"), by="ann")
        store.switch(rollback(store), at=NOW)
        assert stages(store)["1.2.0"] == "Staging"

    def test_shares_can_move_without_a_new_production(self, store: StateStore) -> None:
        promote(store, "1.0.0")
        store.add_release(release("1.1.0"), by="ann")
        step = shift(store, {"1.0.0": 0.95, "1.1.0": 0.05})
        assert store.switch(step, at=NOW).weights == {"1.0.0": 0.95, "1.1.0": 0.05}
        assert store.production_history() == ("1.0.0",)
        assert stages(store) == {"1.0.0": "Production", "1.1.0": "Staging"}
        store.switch(shift(store, {"1.0.0": 1.0}), at=NOW)
        assert stages(store) == {"1.0.0": "Production", "1.1.0": "Archived"}

    @pytest.mark.parametrize(
        ("wrong", "error"),
        [
            ({"expected_generation": 0}, Conflict),
            ({"previous": None}, Conflict),
            ({"weights": {}}, Conflict),
            ({"weights": {"1.1.0": 1.5, "1.0.0": -0.5}}, Conflict),
            ({"weights": {"1.1.0": 0.5, "9.9.9": 0.5}}, NotAvailable),
            ({"shadow": "9.9.9"}, NotAvailable),
            ({"production": "9.9.9", "weights": {"9.9.9": 1.0}}, NotAvailable),
            ({"kind": ROLLED_BACK}, Conflict),
            ({"kind": ROUTES_SHIFTED}, Conflict),
            ({"fence": ("deployment", 7)}, Conflict),
        ],
        ids=str,
    )
    def test_a_refused_switch_changes_nothing(
        self, store: StateStore, wrong: dict[str, Any], error: type[Exception]
    ) -> None:
        promote(store, "1.0.0")
        store.add_release(release("1.1.0"), by="ann")
        before = (store.releases(), store.routes(), store.production_history(), store.events())
        with pytest.raises(error):
            store.switch(promotion(store, "1.1.0", **wrong), at=NOW)
        assert (store.releases(), store.routes(), store.production_history(), store.events()) == before

    def test_a_switch_under_a_lost_lease_is_refused(self, store: StateStore) -> None:
        promote(store, "1.0.0")
        store.add_release(release("1.1.0"), by="ann")
        with store.lease("deployment", "slow", MINUTE, now=NOW) as old:
            with store.lease("deployment", "quick", MINUTE, now=NOW + 2 * MINUTE) as new:
                with pytest.raises(Conflict, match="lease"):
                    store.switch(promotion(store, "1.1.0", fence=("deployment", old)), at=NOW)
                store.switch(promotion(store, "1.1.0", fence=("deployment", new)), at=NOW)
            with pytest.raises(Conflict, match="lease"):
                store.switch(promotion(store, "1.0.0", fence=("deployment", new)), at=NOW)

    # rollouts

    def test_a_rollout_and_its_routes_change_together(self, store: StateStore) -> None:
        promote(store, "1.0.0")
        store.add_release(release("1.1.0"), by="ann")
        assert store.rollout() is None
        change = shift(store, {"1.0.0": 0.95, "1.1.0": 0.05})
        begun = store.advance_rollout(
            canary("1.1.0", "1.0.0"), kind="rollout.begun", by="ann", reason="why", at=NOW, change=change
        )
        assert begun == replace(canary("1.1.0", "1.0.0"), number=1, revision=1)
        assert store.rollout() == begun
        assert store.routes().weights == {"1.0.0": 0.95, "1.1.0": 0.05}
        assert [event.kind for event in store.events()[-2:]] == [ROUTES_SHIFTED, "rollout.begun"]
        told = store.events()[-1]
        assert (told.subject, told.by, told.reason) == ("1.1.0", "ann", "why")
        assert told.details["rollout"] == 1

    def test_a_rollout_comes_back_with_its_evidence(self, store: StateStore) -> None:
        promote(store, "1.0.0")
        seen = Evidence(
            "inconclusive", ("too few",), NOW, NOW, NOW + MINUTE, 3, 1000, {"candidate": {"p99": None}}
        )
        whole = replace(
            canary("1.0.0", None),
            evidence=seen,
            history=(seen, replace(seen, judgement="ship")),
            experiment={"primary": "conversion_rate"},
        )
        kept = store.advance_rollout(whole, kind="rollout.begun", by="ann", reason="", at=NOW)
        assert kept == replace(whole, number=1, revision=1)
        assert store.rollouts() == (kept,)

    def test_one_rollout_is_under_way_at_a_time(self, store: StateStore) -> None:
        promote(store, "1.0.0")
        new = canary("1.1.0", "1.0.0")
        begun = store.advance_rollout(new, kind="rollout.begun", by="ann", reason="", at=NOW)
        with pytest.raises(Conflict, match="is under way"):
            store.advance_rollout(new, kind="rollout.begun", by="bob", reason="", at=NOW)
        over = store.advance_rollout(
            replace(begun, state="aborted"), kind="rollout.aborted", by="ann", reason="", at=NOW
        )
        with pytest.raises(Conflict, match="has ended"):
            store.advance_rollout(over, kind="rollout.moved", by="ann", reason="", at=NOW)
        second = store.advance_rollout(new, kind="rollout.begun", by="bob", reason="", at=NOW)
        assert second.number == 2
        assert store.rollouts() == (over, second)
        assert store.rollouts(limit=1) == (second,)

    def test_a_rollout_that_changed_since_it_was_read_is_not_written_over(self, store: StateStore) -> None:
        promote(store, "1.0.0")
        begun = store.advance_rollout(
            canary("1.1.0", "1.0.0"), kind="rollout.begun", by="ann", reason="", at=NOW
        )
        paused = store.advance_rollout(
            replace(begun, state="paused"), kind="rollout.paused", by="ann", reason="", at=NOW
        )
        with pytest.raises(Conflict, match="changed since"):
            store.advance_rollout(begun, kind="rollout.moved", by="bob", reason="", at=NOW)
        assert store.rollout() == paused

    @pytest.mark.parametrize(
        ("wrong", "error"),
        [
            ({"expected_generation": 0}, Conflict),
            ({"weights": {"1.0.0": 0.5, "9.9.9": 0.5}}, NotAvailable),
            ({"fence": ("deployment", 7)}, Conflict),
        ],
        ids=str,
    )
    def test_a_rollout_whose_routes_are_refused_stays_as_it_was(
        self, store: StateStore, wrong: dict[str, Any], error: type[Exception]
    ) -> None:
        promote(store, "1.0.0")
        store.add_release(release("1.1.0"), by="ann")
        begun = store.advance_rollout(
            canary("1.1.0", "1.0.0"), kind="rollout.begun", by="ann", reason="", at=NOW
        )
        before = (store.releases(), store.routes(), store.production_history(), store.events())
        change = shift(store, {"1.0.0": 0.5, "1.1.0": 0.5}, **wrong)
        with pytest.raises(error):
            store.advance_rollout(
                replace(begun, place=1), kind="rollout.moved", by="ann", reason="", at=NOW, change=change
            )
        assert (store.releases(), store.routes(), store.production_history(), store.events()) == before
        assert store.rollouts() == (begun,)

    # what the model registry is to be told

    def test_the_registry_is_told_only_what_changed(self, store: StateStore) -> None:
        promote(store, "1.0.0")
        told = store.roles_to_mirror()
        assert told is not None
        assert told.roles == {"production": "1.0.0", "previous": None, "staging": None}
        assert told.stages == {"1.0.0": "Production"}
        store.roles_mirrored(told)
        assert store.roles_to_mirror() is None
        store.add_release(release("1.1.0"), by="ann")
        told = store.roles_to_mirror()
        assert told is not None
        assert (told.roles["staging"], told.stages) == ("1.1.0", {"1.1.0": "Staging"})

    def test_what_changed_while_the_registry_was_told_stays_to_be_told(self, store: StateStore) -> None:
        promote(store, "1.0.0")
        told = store.roles_to_mirror()
        assert told is not None
        promote(store, "1.1.0")
        store.roles_mirrored(told)
        rest = store.roles_to_mirror()
        assert rest is not None
        assert rest.stages == {"1.0.0": "Archived", "1.1.0": "Production"}

    # servers

    def test_a_warm_request_gets_a_new_number_every_time(self, store: StateStore) -> None:
        assert store.wanted_warm() == WarmRequest(0, None)
        assert store.want_warm("1.0.0") == WarmRequest(1, "1.0.0")
        assert store.want_warm("1.0.0") == WarmRequest(2, "1.0.0")
        assert store.wanted_warm() == WarmRequest(2, "1.0.0")

    def test_the_switch_fulfils_the_warm_request(self, store: StateStore) -> None:
        store.want_warm("1.0.0")
        promote(store, "1.0.0")
        assert store.wanted_warm() == WarmRequest(1, None)

    def test_a_server_is_known_by_its_last_report_while_it_is_seen(self, store: StateStore) -> None:
        first = ServerReport("a", 1, "127.0.0.1:8080", ("1.0.0",), {}, 1, NOW)
        last = replace(first, warm=("1.0.0", "1.1.0"), failed={"2.0.0": "no"}, seen_at=NOW + MINUTE)
        other = replace(first, server_id="b")
        for report in (other, first, last):
            store.report_server(report)
        assert store.servers(MINUTE, now=NOW + MINUTE) == (last, other)
        assert store.servers(MINUTE / 2, now=NOW + MINUTE) == (last,)
        store.server_gone("a")
        store.server_gone("a")
        assert store.servers(MINUTE, now=NOW + MINUTE) == (other,)

    # the log

    def test_events_come_back_in_order_and_the_newest_with_a_limit(self, store: StateStore) -> None:
        for number in range(5):
            store.append(
                "odd" if number % 2 else "even", str(number), by="ann", reason="", details={}, at=NOW
            )
        assert [event.subject for event in store.events()] == ["0", "1", "2", "3", "4"]
        assert [event.subject for event in store.events(limit=2)] == ["3", "4"]
        assert [event.subject for event in store.events(kind="even", limit=2)] == ["2", "4"]
        assert store.events(limit=0) == ()
        assert store.verify_events() == 5

    def test_an_event_with_a_text_that_not_every_database_holds_is_refused(self, store: StateStore) -> None:
        with pytest.raises(DataError, match="the reason of an event holds the character NUL"):
            store.append("x", "x", by="ann", reason="a\0b", details={"text": "a\0b"}, at=NOW)
        store.append("x", "x", by="ann", reason="", details={"text": "a\0b"}, at=NOW)
        assert [event.details for event in store.events()] == [{"text": "a\0b"}]
        assert store.verify_events() == 1

    def test_an_event_keeps_its_moment_and_details(self, store: StateStore) -> None:
        there = NOW.astimezone(timezone(timedelta(hours=9)))
        details = {"text": "안녕 \u0000 \n", "n": 1.5, "none": None, "list": (1, 2), "at": NOW}
        event = store.append("x", "y", by="ann", reason="r", details=details, at=there)
        assert store.events() == (event,)
        assert event.at == NOW
        assert event.details["list"] == [1, 2]
        assert store.verify_events() == 1

    # monitoring

    def test_observations_come_back_oldest_first(self, store: StateStore) -> None:
        seen = [
            Observation(
                "psi" if number % 2 else "ks", 0.1 * number, 10, "fine", NOW + number * MINUTE, NOW, NOW
            )
            for number in range(6)
        ]
        store.add_observations(seen[:3])
        store.add_observations(())
        store.add_observations(seen[3:])
        assert store.observations() == tuple(seen)
        assert store.observations(metric="psi", limit=2) == (seen[3], seen[5])

    def test_an_observation_of_the_same_window_takes_the_place_of_the_earlier(
        self, store: StateStore
    ) -> None:
        first = Observation("accuracy", 0.9, 10, "fine", NOW, NOW + MINUTE, NOW, "1.0.0")
        other = replace(first, version="1.1.0")
        revised = replace(first, value=0.8, n=12, observed_at=NOW + MINUTE)
        store.add_observations([first, other])
        store.add_observations([revised])
        assert store.observations() == (other, revised)

    def test_observations_of_long_ago_are_let_go(self, store: StateStore) -> None:
        old = Observation("psi", 0.1, 10, "fine", NOW, NOW, NOW)
        new = replace(old, window_from=NOW + MINUTE, observed_at=NOW + OBSERVATIONS_KEPT)
        store.add_observations([old])
        store.add_observations([new])
        assert store.observations() == (old, new)
        store.add_observations([replace(new, observed_at=new.observed_at + MINUTE)])
        assert [seen.window_from for seen in store.observations()] == [NOW + MINUTE]

    def test_of_several_who_change_an_alert_nobody_s_word_is_lost(self, store: StateStore) -> None:
        alert = Alert("psi/spend", "psi", "warning", "drift", NOW, NOW, 0.2, 0.1, feature="spend")
        over = replace(alert, key="old", recovered_at=NOW)
        store.put_alerts([alert, over, replace(over, key="older", recovered_at=NOW - MINUTE)])

        def change(number: int) -> None:
            def once_more(known: tuple[Alert, ...]) -> list[Alert]:
                return [replace(one, acknowledged_by=f"{one.acknowledged_by}{number}") for one in known]

            store.change_alerts(once_more)

        threads = [threading.Thread(target=change, args=(number,)) for number in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (noted,) = store.alerts(open_only=True)
        assert sorted(noted.acknowledged_by) == list("01234")
        assert [one.key for one in store.alerts(over_since=NOW)] == ["old", "psi/spend"]
        seen: list[str] = []
        store.change_alerts(lambda known: seen.extend(one.key for one in known) or (), over_since=NOW)  # type: ignore[func-returns-value]
        assert seen == ["old", "psi/spend"]

    def test_a_change_of_alerts_that_fails_changes_nothing(self, store: StateStore) -> None:
        alert = Alert("psi/spend", "psi", "warning", "drift", NOW, NOW, 0.2, 0.1, feature="spend")
        with pytest.raises(DataError, match="not a number"):
            store.change_alerts(lambda _: [alert, replace(alert, key="psi/plan", value=float("nan"))])
        assert store.alerts() == ()

    def test_an_alert_is_one_by_key_and_opening(self, store: StateStore) -> None:
        alert = Alert("psi/spend", "psi", "warning", "drift", NOW, NOW, 0.2, 0.1, feature="spend")
        recovered = replace(alert, recovered_at=NOW + MINUTE)
        again = replace(alert, opened_at=NOW + 2 * MINUTE)
        store.put_alerts([alert])
        store.put_alerts([recovered, again])
        assert store.alerts() == (recovered, again)
        assert store.alerts(open_only=True) == (again,)
        with pytest.raises(DataError, match="not a number"):
            store.put_alerts([replace(alert, value=float("nan"))])

    def test_decisions_come_back_oldest_first(self, store: StateStore) -> None:
        made = [Decision(bool(n % 2), ("data_drift",), (f"psi {n}",), NOW) for n in range(3)]
        for decision in made:
            store.add_decision(decision)
        assert store.decisions() == tuple(made)
        assert store.decisions(limit=2) == tuple(made[1:])

    # marks and leases

    def test_a_mark_comes_back_as_json(self, store: StateStore) -> None:
        assert store.get("schedule") is None
        store.put("schedule", {"last": [1, 2.5, "x", None]})
        store.put("schedule", {"last": [1, 2.5, "y", None]})
        assert store.get("schedule") == {"last": [1, 2.5, "y", None]}

    def test_a_lease_is_held_by_one(self, store: StateStore) -> None:
        with store.lease("deployment", "ann", MINUTE, now=NOW) as first:
            with (
                pytest.raises(Conflict, match="ann holds 'deployment' since 2026-03-01 12:30:00"),
                store.lease("deployment", "bob", MINUTE, now=NOW),
            ):
                pass
            with store.lease("other", "bob", MINUTE, now=NOW):
                pass
        with store.lease("deployment", "bob", MINUTE, now=NOW) as second:
            assert second > first

    def test_a_lease_passes_on_when_its_time_is_over_or_its_owner_is_gone(self, store: StateStore) -> None:
        with ExitStack() as held:
            tokens = [
                held.enter_context(lease)
                for lease in (
                    store.lease("deployment", "ann", MINUTE, now=NOW),
                    store.lease("deployment", "bob", MINUTE, now=NOW + MINUTE),
                    store.lease("deployment", "eve", MINUTE, now=NOW, gone=lambda owner: owner == "bob"),
                )
            ]
        assert tokens == [1, 2, 3]

    def test_who_lost_a_lease_cannot_give_it_back(self, store: StateStore) -> None:
        late = ExitStack()
        late.enter_context(store.lease("deployment", "ann", MINUTE, now=NOW))
        with store.lease("deployment", "bob", MINUTE, now=NOW + MINUTE):
            late.close()
            with (
                pytest.raises(Conflict, match="bob holds"),
                store.lease("deployment", "eve", MINUTE, now=NOW + MINUTE),
            ):
                pass
