"""The sentences that rooms write down, in Korean.

Rooms record why they did something as an English sentence with figures: in the event log, in an alert, as a reason.
They stay as they were written; here they are said in Korean where the dashboard is read in Korean. A sentence of
several parts (`; ` or `. ` between them) is said part by part; a part that is not known stays English.
"""

from __future__ import annotations

import re
from functools import lru_cache, partial

from rondo.dashboard.texts import TEXTS

_SHARED = ("state", "phase", "reason", "strategy")
"""Kinds of texts whose words stand in sentences, too."""
_WORDS = {
    key.partition(".")[2]: korean for key, (_, korean) in TEXTS.items() if key.partition(".")[0] in _SHARED
}
_WORDS |= {
    "missing": "값 없음",
    "above": "초과",
    "below": "미달",
    "fires": "작동",
    "does_not_fire": "작동 안 함",
    "accuracy": "정확도",
    "largest_PSI": "가장 큰 PSI",
    "days_since_training": "학습 후 일수",
    "new_rows": "새 행",
    "modified": "변경됨",
    "new": "추가됨",
    "deleted": "삭제됨",
    "removed": "삭제됨",
    "treatment": "실험군",
    "control": "대조군",
    "better": "개선",
    "worse": "악화",
}
_NUMBER = r"-?[\d.,]+(?:e[-+]?\d+)?"

# Pattern, and what is said: \1 is the text as it stands, {1} the text in its own Korean.
_KNOWN: tuple[tuple[str, str], ...] = (
    # what a criterion asks
    (r"at least (\S+)", r"\1 이상"),
    (r"at most (\S+)", r"\1 이하"),
    (r"target (\S+)", r"목표 \1"),
    (r"better than (\S+)", r"\1보다 좋음"),
    (r"at least (\S+), target (\S+)", r"\1 이상, 목표 \2"),
    (r"at most (\S+), target (\S+)", r"\1 이하, 목표 \2"),
    (r"alert (above|below) (\S+(?: \S+)?), per feature", r"피처별로 \2 {1} 시 알림"),
    (r"alert (above|below) (\S+(?: \S+)?)", r"\2 {1} 시 알림"),
    (r"success metric", "성공 지표"),
    (r"([\d,.]+) days?", r"\1일"),
    (r"([\d,.]+) h", r"\1시간"),
    (r"([\d,.]+) min", r"\1분"),
    (r"([\d,]+) rows", r"\1행"),
    (r"gain >= (\S+) \((.+) of (.+)\)", r"\1 이상 향상 (\3의 \2)"),
    (r"every difference <= (\S+)", r"모든 차이 \1 이하"),
    (r"plan and data of the test rows", "테스트 행의 계획과 데이터"),
    (r">= (\d+) different, all finite", r"서로 다른 답 \1개 이상, 모두 유한값"),
    # what enforces it
    (r"online metrics", "온라인 지표"),
    (r"gate", "게이트"),
    (r"pre-flight", "사전 점검"),
    (r"data check", "데이터 점검"),
    (r"features", "피처"),
    (r"outcomes", "실제 결과"),
    (r"monitoring", "모니터링"),
    (r"service level", "서비스 수준"),
    (r"nothing", "없음"),
    # what was last measured
    (r"no online metric", "온라인 지표가 없습니다"),
    (r"(\d+) of (\d+) online metrics are measured", r"온라인 지표 \2개 중 \1개가 측정되었습니다"),
    (r"no baseline is given", "기준선이 없습니다"),
    (r"no features were made yet", "아직 만든 피처가 없습니다"),
    (
        r"a target alone asks nothing: add min or max",
        "목표만으로는 요구가 되지 않습니다. min이나 max를 추가하세요",
    ),
    (r"(?:not measured yet|nothing was measured yet|not measured)", "아직 측정되지 않았습니다"),
    (r"(\S+): not measured", r"\1: 측정되지 않음"),
    (r"not measured: (.+)", r"측정되지 않음: {1}"),
    (
        r"(not enough|not a number|not available|missing|not_enough|not_a_number|not_available): (.+)",
        r"{1}: {2}",
    ),
    (r"(not enough|not a number|not available|missing|not_enough|not_a_number|not_available): ?", "{1}"),
    (r"(\d+) of (\d+) beyond", r"\2개 중 \1개 초과"),
    (r"(\d+) not measured", r"\1개 측정되지 않음"),
    (r"([\d,]+ days), (\S+) to (\S+)", r"{1}, \2부터 \3까지"),
    (r"(\S+): a view of (\d+) features", r"\1: 피처 \2개의 뷰"),
    (r"(\S+): a source of ([\d,]+) rows", r"\1: \2행의 소스"),
    (r"(\S+): a feature", r"\1: 피처"),
    (r"(\S+): not there", r"\1: 없음"),
    (r"([\d,]+) of ([\d,]+) predictions have an outcome", r"예측 \2건 중 \1건의 결과를 알고 있습니다"),
    (r"([\d,]+) outcomes are known", r"결과 \1건을 알고 있습니다"),
    (
        r"an estimate from calibrated scores, not a measurement",
        "측정값이 아니라 보정된 점수로 추정한 값입니다",
    ),
    (r"against the judged rows", "검증에 쓴 행과 비교"),
    (
        r"error budget: (\S+) used, (\S+) left \(([\d,]+) failed, (\S+) may\)",
        r"오류 예산: \1 사용, \2 남음 (실패 \3건, 허용 \4건)",
    ),
    # stages
    (r"version (\S+), ([\d,]+) rows, (\d+) checks? passed", r"버전 \1, \2행, 점검 \3개 통과"),
    (
        r"version (\S+), ([\d,]+) rows, (\d+) checks? passed, (\d+) warn",
        r"버전 \1, \2행, 점검 \3개 통과, 경고 \4건",
    ),
    (
        r"version (\S+), ([\d,]+) rows of (\d+) features, ([\d,]+) values equal in batch and online",
        r"버전 \1, 피처 \3개 \2행, 배치와 온라인에서 값 \4개 일치",
    ),
    (r"version (\S+) \((.+)\)", r"버전 \1 ({2})"),
    (r"(\S+) wins of (\d+), test (\S+) (\S+)", r"후보 \2개 중 \1 선택, 테스트 \3 \4"),
    (r"first release", "첫 릴리스"),
    (r"retrained on new data", "새 데이터로 재학습"),
    (r"code changed", "코드 변경"),
    (r"features added: (.+)", r"피처 추가: \1"),
    (r"features removed: (.+)", r"피처 제거: \1"),
    (r"decision threshold changed: (\S+) -> (\S+)", r"결정 임계값 변경: \1 → \2"),
    (r"(\S+) modified", r"\1 변경됨"),
    # alerts and the monitor
    (
        rf"(\S+) of (\S+) is ({_NUMBER}(?:%| ?\S+)?), (above|below) (\S+(?: \S+)?) \(n = ([\d,]+)\)",
        r"\2의 \1: \3, \5 {4} (표본 \6)",
    ),
    (
        rf"(\S+) is ({_NUMBER}(?:%| ?\S+)?), (above|below) (\S+(?: \S+)?) \(n = ([\d,]+)\)",
        r"\1: \2, \4 {3} (표본 \5)",
    ),
    (rf"(\S+) of (\S+) is ({_NUMBER}\S*), (above|below) (\S+)", r"\2의 \1: \3, \5 {4}"),
    (rf"(\S+) is ({_NUMBER}\S*), (above|below) (\S+)", r"\1: \2, \4 {3}"),
    (r"the monitor has never looked", "모니터가 아직 확인하지 않았습니다"),
    (r"the monitor last looked at (.+ UTC)", r"모니터의 마지막 확인: \1"),
    (
        r"the monitor last looked at (.+ UTC): late, it should look every (\S+) s",
        r"모니터의 마지막 확인: \1. \2초마다 확인해야 하는데 늦어지고 있습니다",
    ),
    (
        r"the monitor last looked at (.+ UTC): late, nothing watches by itself",
        r"모니터의 마지막 확인: \1. 늦어지고 있으며, 자동으로 확인하는 것이 없습니다",
    ),
    (
        r"(\S+): (\d+ (?:critical|warning|over|recovered)(?:, \d+ (?:critical|warning|over|recovered))*)",
        r"\1: {2}",
    ),
    (r"(\d+ \w+), (\d+ \w+), (\d+ \w+)", "{1}, {2}, {3}"),
    (r"(\d+ \w+), (\d+ \w+)", "{1}, {2}"),
    (r"(\d+) critical", r"심각 \1건"),
    (r"(\d+) warning", r"경고 \1건"),
    (r"(\d+) (?:over|recovered)", r"종료 \1건"),
    # retraining
    (
        r"(.+?) \((\S+)\) is (\S+); a retrain is due at (<|>) (\S+): (fires|does not fire)",
        r"{1}(\2) \3, 재학습 기준 \4 \5: {6}",
    ),
    (
        r"(.+?) is (\S+); a retrain is due at (<|>) (\S+): (fires|does not fire)",
        r"{1} \2, 재학습 기준 \3 \4: {5}",
    ),
    (r"(accuracy|largest PSI|days since training|new rows): not measured", r"{1}: 측정되지 않음"),
    (
        r"the budget of (\d+) rounds in 30 days is spent until (.+ UTC)",
        r"30일 동안 \1번의 예산을 \2까지 모두 사용했습니다",
    ),
    (r"the last round began (.+ UTC)", r"마지막 라운드 시작: \1"),
    (r"the cooldown is ([\d,.]+ \w+)", r"대기 기간은 {1}입니다"),
    (
        r"the cooldown is ([\d,.]+ \w+), longer after (\d+) lost rounds",
        r"대기 기간은 {1}이며, 게이트를 연속 \2번 통과하지 못해 길어졌습니다",
    ),
    # rollouts
    (r"waits for a person's approval", "사람의 승인을 기다립니다"),
    (r"nothing speaks against it", "문제가 발견되지 않았습니다"),
    (r"nothing needs it here", "이 컴퓨터에서는 더 이상 필요하지 않습니다"),
    (r"the model registry has it", "모델 레지스트리에 사본이 있습니다"),
    (r"there is no evidence", "근거가 없습니다"),
    (r"the candidate answered no request yet", "후보가 아직 응답한 요청이 없습니다"),
    (r"([\d,]+) of ([\d,]+) requests so far", r"지금까지 요청 \2건 중 \1건"),
    (r"held for ([\d,]+) of ([\d,]+) s", r"\2초 중 \1초 유지"),
    (r"([\d,]+) requests, nothing speaks against it", r"요청 \1건, 문제가 발견되지 않았습니다"),
    (r"(\d+) of (\d+) checks passed", r"점검 \2개 중 \1개 통과"),
    (r"(\d+) of (\d+) gates passed", r"게이트 \2개 중 \1개 통과"),
    (r"(ship|hold|reject|inconclusive): (.+)", "{1}: {2}"),
    (r"(.+) \(n = ([\d,]+)\)", r"{1} (표본 \2)"),
    (r"(preflight|shadow|canary|experiment|promote|watch) passed: (.+)", r"{1} 통과: {2}"),
    (r"(preflight|shadow|canary|experiment|promote|watch): (.+)", r"{1}: {2}"),
    (r"waited ([\d,]+) s in (\w+): (.+)", r"{2} 단계에서 \1초를 기다렸습니다: {3}"),
    (r"paused by (.+?): (.+)", r"\1 일시 정지: \2"),
    (r"paused by (.+)", r"\1 일시 정지"),
    (r"aborted by (.+?): (.+)", r"\1 중단: \2"),
    (r"aborted by (.+)", r"\1 중단"),
    (r"passed its gates: (.+)", r"게이트 통과: {1}"),
    (r"passed its gates", "게이트 통과"),
    (r"the clock was set back: the phase begins anew", "시계가 뒤로 돌아가 단계를 다시 시작합니다"),
    (
        r"it decides '(.+?)' for (\S+) of ([\d,]+), the control for (\S+) of ([\d,]+)",
        r"'\1' 결정: 후보 \2 (표본 \3), 대조군 \4 (표본 \5)",
    ),
    (r"asked for on the dashboard", "대시보드에서 요청"),
    # what a button did
    (r"the rollout of (\S+) waits for an approval", r"\1 버전의 롤아웃이 승인을 기다립니다"),
    (r"the rollout of (\S+) is (\w+), in (\w+)", r"\1 버전의 롤아웃: {2}, {3} 단계"),
    (r"a retrain is approved by (.+)", r"재학습 승인: \1"),
    (r"it begins by itself", "자동으로 시작됩니다"),
    (r"acknowledged: (.+)", r"확인 표시함: {1}"),
    (r"rolled back from (\S+) to (\S+)", r"\1 버전에서 \2 버전으로 롤백했습니다"),
    (r"(\S+) is in production, after (\S+)", r"\2 다음으로 \1 버전이 운영 중입니다"),
    (r"(\S+) is in production", r"\1 버전이 운영 중입니다"),
    (r"(\d+) running servers? held it ready", r"실행 중인 서버 \1대가 준비되어 있었습니다"),
    (r"another rollout has begun since this page was made", "이 화면이 열린 뒤 다른 롤아웃이 시작되었습니다"),
    (r"(\S+: \S+) (modified|new|deleted|removed)", r"\1 {2}"),
    (
        r"no mirrored row was answered by both yet \((\d+) of (\d+) mirrored requests failed\)",
        r"양쪽이 모두 응답한 미러링 행이 아직 없습니다 (미러링 요청 \2건 중 \1건 실패)",
    ),
    (
        r"Rollout (\d+) of (\S+) \((\S+)\) is under way, in (\w+) \((\d+) of (\d+)\)",
        r"\2 버전의 롤아웃 \1({3}) 진행 중: {4} 단계 (\6단계 중 \5)",
    ),
    # A/B tests
    (r"(treatment|control) is (better|worse)", r"{1} {2}"),
    (
        r"(\S+): (\S+ points) \((\S+) of control\), interval \[(\S+ points), (\S+ points)\]",
        r"\1: {2} (대조군의 \3), 신뢰 구간 [{4}, {5}]",
    ),
    (
        r"(\S+) is not worse by more than (.+?): (.+?) against (.+?), at most (.+)",
        r"\1: {2} 넘게 나빠지지 않음 (실험군 {3}, 대조군 {4}, 최대 {5})",
    ),
    (r"(\S+) points", r"\1%p"),
    # service levels, and what a stage says of itself
    (r"(\S+) over the last (\d+) minutes?", r"최근 \2분간 \1"),
    (r"(\S+) over the last (\d+) hours?", r"최근 \2시간 동안 \1"),
    (r"sources are read again", "소스를 다시 읽음"),
    (r"nothing changed since the last round", "지난 라운드 이후 변경 없음"),
)
_PATTERNS = tuple((re.compile(pattern), said) for pattern, said in _KNOWN)
_FILLED = re.compile(r"\{(\d)\}|\\(\d)")
_BETWEEN = re.compile(r"(; |\. (?=\S))")
_JOINED = str.maketrans(" /", "__")
MOST_CHARACTERS = 1000  # of one sentence: a longer one would cost time and stack


@lru_cache(maxsize=4096)
def in_korean(text: str) -> str:
    """The sentence in Korean, as far as its parts are known."""
    whole = _whole(text) if len(text) <= MOST_CHARACTERS else None
    if whole is not None:
        return whole
    parts = _BETWEEN.split(text)
    if len(parts) == 1:
        return text
    return "".join(part if at % 2 else in_korean(part) for at, part in enumerate(parts))


def _whole(text: str) -> str | None:
    word = _WORDS.get(text.translate(_JOINED))
    if word is not None:
        return word
    bare = text.removesuffix(".")
    for pattern, said in _PATTERNS:
        found = pattern.fullmatch(bare)
        # A pattern of one sentence must not swallow the next one.
        if found and not any("; " in (part or "") for part in found.groups() if "{" not in said):
            return _FILLED.sub(partial(_part, found), said)
    return None


def _part(found: re.Match[str], which: re.Match[str]) -> str:
    """What stands at a place of the Korean sentence: a part in Korean, or as it was found."""
    return in_korean(found[int(which[1])]) if which[1] else found[int(which[2])]
