"""Recorded sentences in Korean: whole, part by part, and never a figure lost."""

from __future__ import annotations

import re
from time import perf_counter

import pytest

from rondo.dashboard.sentences import in_korean
from rondo.dashboard.words import Words

SAID = [
    ("at least 0.85, target 0.9", "0.85 이상, 목표 0.9"),
    ("alert above 0.2, per feature", "피처별로 0.2 초과 시 알림"),
    ("alert above 100 ms", "100 ms 초과 시 알림"),
    ("0.9109 (n = 2,625); 2,625 of 2,969 predictions have an outcome",
     "0.9109 (표본 2,625); 예측 2,969건 중 2,625건의 결과를 알고 있습니다"),
    ("0 of 25 beyond; orders_30d 0.183 (n = 2,969)", "25개 중 0개 초과; orders_30d 0.183 (표본 2,969)"),
    ("psi of sessions_7d is 0.3894, above 0.2 (n = 2,688)", "sessions_7d의 psi: 0.3894, 0.2 초과 (표본 2,688)"),
    ("latency_p99 is 120 ms, above 100 ms (n = 40)", "latency_p99: 120 ms, 100 ms 초과 (표본 40)"),
    ("largest PSI (orders_30d) is 0.1835; a retrain is due at > 0.25: does not fire",
     "가장 큰 PSI(orders_30d) 0.1835, 재학습 기준 > 0.25: 작동 안 함"),
    ("accuracy is 0.9109; a retrain is due at < 0.85: fires", "정확도 0.9109, 재학습 기준 < 0.85: 작동"),
    ("passed its gates: retrained on new data; code changed", "게이트 통과: 새 데이터로 재학습; 코드 변경"),
    ("canary passed: 88 requests, nothing speaks against it", "카나리 통과: 요청 88건, 문제가 발견되지 않았습니다"),
    ("version 1.0.2, 842,122 rows, 9 checks passed", "버전 1.0.2, 842,122행, 점검 9개 통과"),
    ("version 1.0.2, 842,122 rows, 9 checks passed, 1 warn", "버전 1.0.2, 842,122행, 점검 9개 통과, 경고 1건"),
    ("ship: 11 of 12 gates passed", "배포 가능: 게이트 12개 중 11개 통과"),
    ("reject: p99_latency failed: 4.10 ms, asked <= 2 ms (x). 8 of 9 checks passed.",
     "배포 불가: p99_latency failed: 4.10 ms, asked <= 2 ms (x). 점검 9개 중 8개 통과"),
    ("the rollout of 1.1.0 is aborted, in preflight", "1.1.0 버전의 롤아웃: 중단, 사전 점검 단계"),
    ("Rollout 5 of 1.1.2 (blue/green) is under way, in watch (3 of 3).",
     "1.1.2 버전의 롤아웃 5(블루/그린) 진행 중: 관찰 단계 (3단계 중 3)"),
    ("paused by kim (dashboard): lunch", "kim (dashboard) 일시 정지: lunch"),
    ("missing: ", "값 없음"),
    ("experiment passed: treatment is better. false_positive_rate: -7.33 points (-86.8% of control), "
     "interval [-10.82 points, -4.25 points]; latency_p95 is not worse by more than 150 ms: 7.63 ms against 7.62 ms, "
     "at most +1.63 ms",
     "A/B 테스트 통과: 실험군 개선. false_positive_rate: -7.33%p (대조군의 -86.8%), "
     "신뢰 구간 [-10.82%p, -4.25%p]; latency_p95: 150 ms 넘게 나빠지지 않음 (실험군 7.63 ms, 대조군 7.62 ms, "
     "최대 +1.63 ms)"),
    ("the rollout of 1.1.0 is running, in canary", "1.1.0 버전의 롤아웃: 진행 중, 카나리 단계"),
    ("rolled back from 1.1.0 to 1.0.0; 2 running servers held it ready",
     "1.1.0 버전에서 1.0.0 버전으로 롤백했습니다; 실행 중인 서버 2대가 준비되어 있었습니다"),
    ("rondo.yaml: features.numerical new", "rondo.yaml: features.numerical 추가됨"),
    ("nothing needs it here; the model registry has it",
     "이 컴퓨터에서는 더 이상 필요하지 않습니다; 모델 레지스트리에 사본이 있습니다"),
    ("0 over the last 5 minutes", "최근 5분간 0"),
    ("Rollout 5 of 1.1.2 (canary) is under way, in shadow (2 of 5).",
     "1.1.2 버전의 롤아웃 5(카나리) 진행 중: 섀도 단계 (5단계 중 2)"),
    ("demo: 2 critical, 1 warning, 3 over", "demo: 심각 2건, 경고 1건, 종료 3건"),
    ("the cooldown is 12 h, longer after 2 lost rounds",
     "대기 기간은 12시간이며, 게이트를 연속 2번 통과하지 못해 길어졌습니다"),
    ("the last round began 2026-03-02 00:01 UTC; the cooldown is 1 day",
     "마지막 라운드 시작: 2026-03-02 00:01 UTC; 대기 기간은 1일입니다"),
]  # fmt: skip


@pytest.mark.parametrize(("english", "korean"), SAID)
def test_a_known_sentence_is_said_in_korean(english: str, korean: str) -> None:
    assert in_korean(english) == korean


@pytest.mark.parametrize("english", [one for one, _ in SAID])
def test_no_figure_is_lost(english: str) -> None:
    figures = re.findall(r"\d[\d.,]*\d|\d", english)
    assert sorted(re.findall(r"\d[\d.,]*\d|\d", in_korean(english))) == sorted(figures)


def test_what_a_person_wrote_stays_and_is_marked_as_foreign() -> None:
    words = Words("ko")
    assert words.sentence("waiting for the night shift") == "waiting for the night shift"
    assert words.foreign("waiting for the night shift")
    assert not words.foreign("orders_30d 0.183 (표본 2,969)")
    assert not Words("en").foreign("waiting for the night shift")


@pytest.mark.parametrize("text", ["", "\\1 {1} {nobody}", "100% of \\g<0>", "a; ; b. c", "watch: " * 9000])
def test_no_text_breaks_it(text: str) -> None:
    assert isinstance(in_korean(text), str)


def test_a_long_text_costs_no_time() -> None:
    began = perf_counter()
    for text in ("x is " + "1" * 20_000, "x is " + ".," * 10_000 + "!"):
        assert in_korean(text) == text
    assert perf_counter() - began < 1.0
