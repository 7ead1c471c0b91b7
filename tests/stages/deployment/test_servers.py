from __future__ import annotations

from dataclasses import replace

from rondo.records.release import ServerReport, WarmRequest
from rondo.stages.deployment.servers import Readiness, behind, readiness
from rondo.testing.state import NOW

REPORT = ServerReport("a", 1, "127.0.0.1:8080", ("1.0.0",), {}, 3, NOW, answered=2)
ASKED = WarmRequest(2, "1.0.0")


def test_nobody_runs_so_nobody_is_waited_for() -> None:
    assert readiness(ASKED, ()) == Readiness()


def test_an_answer_to_an_earlier_request_does_not_count() -> None:
    old_failure = replace(REPORT, warm=(), failed={"1.0.0": "no"}, answered=1)
    assert readiness(ASKED, [replace(REPORT, answered=1)]).loading == ("a",)
    assert readiness(ASKED, [old_failure]) == Readiness(loading=("a",))


def test_servers_are_ready_loading_or_failed() -> None:
    loading = replace(REPORT, server_id="b", warm=())
    failed = replace(REPORT, server_id="c", warm=(), failed={"1.0.0": "no memory"})
    assert readiness(ASKED, [REPORT, loading, failed]) == Readiness(("a",), ("b",), {"c": "no memory"})


def test_who_answers_by_older_routes_is_behind() -> None:
    assert behind(3, [REPORT, replace(REPORT, server_id="b", generation=2)]) == ("b",)
