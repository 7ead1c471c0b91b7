"""Every text of the dashboard, in English and Korean."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from rondo.dashboard.sentences import in_korean

Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = ("en", "ko")

_ENGLISH = re.compile(r"\b(?:[A-Za-z']+ ){2,}[A-Za-z']+\b")

TEXTS: dict[str, tuple[str, str]] = {
    "nav.overview": ("Overview", "개요"),
    "nav.releases": ("Releases", "배포"),
    "nav.drift": ("Drift", "드리프트"),
    "nav.performance": ("Performance", "성능"),
    "nav.alerts": ("Alerts", "알림"),
    "nav.retraining": ("Retraining", "재학습"),
    "nav.events": ("Events", "이벤트"),
    "live.on": ("live", "실시간"),
    "live.off": ("connection lost: this page may be old", "연결 끊김: 오래된 화면일 수 있습니다"),
    "round.title": ("The round", "라이프사이클"),
    "round.problem": ("Problem", "문제 정의"),
    "round.data": ("Data", "데이터"),
    "round.features": ("Features", "피처"),
    "round.training": ("Training", "학습"),
    "round.validation": ("Validation", "검증"),
    "round.deployment": ("Deployment", "배포"),
    "round.monitoring": ("Monitoring", "모니터링"),
    "round.retraining": ("Retraining", "재학습"),
    "round.back": ("and round again", "다시 처음으로"),
    "contract.sound": ("the project file is sound", "프로젝트 파일에 문제가 없습니다"),
    "stage.never": ("has not run yet", "아직 실행되지 않았습니다"),
    "stage.running": ("is running", "실행 중입니다"),
    "stage.ended_early": ("began and did not end", "시작했지만 끝나지 않았습니다"),
    "production.none": ("nothing is in production yet", "아직 운영 중인 모델이 없습니다"),
    "monitor.never": ("the monitor has never looked", "모니터가 아직 확인하지 않았습니다"),
    "monitor.late": ("the monitor is late", "모니터 확인이 늦어지고 있습니다"),
    "alerts.none": ("no alert is open", "열린 알림이 없습니다"),
    "decision.never": ("nothing was decided yet", "아직 결정된 것이 없습니다"),
    "decision.not_due": ("no trigger fires", "작동한 트리거가 없습니다"),
    "contract.title": ("The contract", "성공 기준"),
    "contract.criterion": ("Criterion", "기준"),
    "contract.asked": ("Asked", "요구 조건"),
    "contract.enforcer": ("Enforced by", "확인 주체"),
    "contract.value": ("Last value", "마지막 값"),
    "contract.verdict": ("Verdict", "판정"),
    "contract.gaps": (
        "What nothing enforces or nothing has measured is a gap, never a pass. Brackets hold an interval.",
        "확인하는 곳이 없거나 측정되지 않은 기준은 통과가 아니라 공백으로 표시합니다. 대괄호는 값의 신뢰 구간입니다.",
    ),
    "traffic.title": ("Live traffic", "현재 트래픽"),
    "traffic.version": ("Version", "버전"),
    "traffic.role": ("Role", "역할"),
    "traffic.planned": ("Share", "비율"),
    "traffic.answered": ("Answered in the last 5 min", "최근 5분간 응답"),
    "traffic.none": ("No version gets traffic.", "트래픽을 받는 버전이 없습니다."),
    "traffic.servers": ("Servers", "서버"),
    "traffic.no_servers": ("No server runs.", "실행 중인 서버가 없습니다."),
    "role.production": ("production", "운영"),
    "role.candidate": ("candidate", "후보"),
    "role.shadow": ("shadow", "섀도"),
    "rollout.title": ("Rollout", "롤아웃"),
    "rollout.none": ("No rollout was ever begun.", "시작된 롤아웃이 없습니다."),
    "rollout.instead_of": ("in place of", "교체 대상"),
    "rollout.share": ("Candidate's share", "후보 비율"),
    "rollout.needs": ("Needs", "조건"),
    "rollout.evidence": ("Evidence", "근거"),
    "rollout.ahead": ("ahead", "예정"),
    "rollout.began": ("began {at} by {by}", "{at} 시작, 실행 주체 {by}"),
    "rollout.earlier": ("Earlier rollouts", "지난 롤아웃"),
    "rollout.approved_by": ("approved by", "승인한 사람"),
    "figures.figure": ("Figure", "지표"),
    "figures.value": ("Value", "값"),
    "releases.title": ("Versions", "버전"),
    "releases.version": ("Version", "버전"),
    "releases.stage": ("Stage", "상태"),
    "releases.registered": ("Registered", "등록"),
    "releases.why": ("Why this number", "버전 이유"),
    "releases.gates": ("Gates", "게이트"),
    "releases.none": ("No version is registered yet.", "등록된 버전이 없습니다."),
    "button.pause": ("Pause", "일시 정지"),
    "button.resume": ("Resume", "재개"),
    "button.abort": ("Abort", "중단"),
    "button.approve": ("Approve", "승인"),
    "button.deploy": ("Deploy", "배포"),
    "button.rollback": ("Roll back", "롤백"),
    "button.acknowledge": ("Acknowledge", "확인 표시"),
    "button.retrain": ("Start the round", "재학습 시작"),
    "button.sign_in": ("Sign in", "로그인"),
    "button.sign_out": ("Sign out", "로그아웃"),
    "form.reason": ("Reason", "사유"),
    "form.name": ("Your name", "이름"),
    "form.token": ("Token", "토큰"),
    "sign_in.title": ("Sign in", "로그인"),
    "sign_in.lead": (
        "This project asks for a token: that of the role view to look, that of operate to change something.",
        "이 프로젝트는 토큰이 필요합니다. 조회에는 view, 변경에는 operate 역할의 토큰을 사용하세요.",
    ),
    "sign_in.refused": ("That token is not known.", "알 수 없는 토큰입니다."),
    "drift.title": ("Drift over time", "시간에 따른 드리프트"),
    "drift.none": ("Nothing was compared yet.", "아직 비교된 것이 없습니다."),
    "drift.newest": ("Newest values", "최근 값"),
    "drift.most_moved": (
        "The features that moved most; the table lists all. By chance: what no change shows at this sample size.",
        "가장 많이 변한 피처이며 표에는 모두 나옵니다. 우연 수준은 변화가 없어도 이 표본 크기에서 나타나는 값입니다.",
    ),
    "observed.metric": ("Metric", "지표"),
    "observed.feature": ("Feature", "피처"),
    "observed.value": ("Value", "값"),
    "observed.chance": ("By chance", "우연 수준"),
    "observed.n": ("Sample (n)", "표본 수"),
    "observed.state": ("State", "상태"),
    "observed.threshold": ("Threshold", "임계값"),
    "observed.window": ("Window ends", "구간 종료"),
    "observed.note": ("Note", "비고"),
    "performance.title": ("Performance and system", "성능과 시스템"),
    "performance.none": ("Nothing was measured yet.", "아직 측정된 것이 없습니다."),
    "alerts.title": ("Alerts", "알림"),
    "alerts.open": ("Open", "열린 알림"),
    "alerts.over": ("Over in the last 90 days", "최근 90일간 종료된 알림"),
    "alerts.severity": ("Severity", "심각도"),
    "alerts.message": ("What", "내용"),
    "alerts.opened": ("Opened", "발생"),
    "alerts.recovered": ("Recovered", "복구"),
    "alerts.pending": (
        "pending: not yet for as long as the contract says",
        "대기: 프로젝트 파일에서 정한 시간만큼 아직 지속되지 않음",
    ),
    "alerts.firing": ("firing", "발생 중"),
    "alerts.acknowledged": ("acknowledged by {by}, {at}", "{by} 확인, {at}"),
    "alerts.never": (
        "No alert is open, and none was in the last 90 days.",
        "열린 알림이 없으며, 최근 90일간 발생한 알림도 없습니다.",
    ),
    "retraining.title": ("Retraining decisions", "재학습 결정"),
    "retraining.when": ("When", "시각"),
    "retraining.decision": ("Decision", "결정"),
    "retraining.reasons": ("Reasons", "이유"),
    "retraining.evidence": ("Evidence", "근거"),
    "retraining.again": ("the same {n} times since {since}", "{since}부터 {n}번 같은 결정"),
    "retraining.yes": ("retrain", "재학습"),
    "retraining.pending": ("A retrain is proposed.", "재학습이 제안되었습니다."),
    "events.title": ("Event log", "이벤트 기록"),
    "events.when": ("When", "시각"),
    "events.kind": ("Kind", "종류"),
    "events.subject": ("Subject", "대상"),
    "events.by": ("By", "실행 주체"),
    "events.reason": ("Reason", "사유"),
    "reports.title": ("Reports", "보고서"),
    "page.missing": ("There is no such page", "없는 페이지입니다"),
    "page.missing.how": (
        "It may have been removed, or the address has a mistake.",
        "삭제되었거나 주소가 잘못되었을 수 있습니다.",
    ),
    "page.stale_form": ("Nothing was changed", "변경된 것이 없습니다"),
    "page.stale_form.how": (
        "The form was made before this dashboard was last started. Load its page again and press once more.",
        "대시보드가 다시 시작되기 전에 열린 화면입니다. 페이지를 다시 열고 한 번 더 눌러 주세요.",
    ),
    "page.unread": ("The project cannot be read now", "지금은 프로젝트를 읽을 수 없습니다"),
    "page.unread.how": (
        "What the dashboard would show is not known at the moment. Try again when the reason below is mended.",
        "현재 상태를 알 수 없습니다. 아래 원인을 해결한 뒤 다시 시도해 주세요.",
    ),
    "page.to_overview": ("To the overview", "개요로 이동"),
    "ask.abort_first": (
        "{candidate} gets no request any more; nothing else is there to answer. The rollout ends.",
        "{candidate} 버전은 더 이상 요청을 받지 않으며, 대신 응답할 버전이 없습니다. 롤아웃은 종료됩니다.",
    ),
    "state.passed": ("passed", "통과"),
    "state.failed": ("failed", "실패"),
    "state.gap": ("gap", "공백"),
    "state.fine": ("fine", "정상"),
    "state.breached": ("beyond its limit", "기준 벗어남"),
    "state.told": ("no limit", "기준 없음"),
    "state.estimate": ("estimate", "추정"),
    "state.not_enough": ("too few rows", "표본 부족"),
    "state.missing": ("missing", "없음"),
    "state.not_a_number": ("not a number", "계산 불가"),
    "state.not_available": ("not available", "사용 불가"),
    "state.inconclusive": ("inconclusive", "판단 보류"),
    "state.ship": ("ship", "배포 가능"),
    "state.hold": ("hold", "보류"),
    "state.reject": ("reject", "배포 불가"),
    "state.waiting": ("waiting", "승인 대기"),
    "state.running": ("running", "진행 중"),
    "state.paused": ("paused", "일시 정지"),
    "state.promoted": ("promoted", "승격"),
    "state.rolled_back": ("rolled back", "롤백"),
    "state.aborted": ("aborted", "중단"),
    "state.held": ("ended without a change", "변경 없이 종료"),
    "state.frozen": ("frozen", "자동 배포 중지"),
    "state.critical": ("critical", "심각"),
    "state.warning": ("warning", "경고"),
    "state.None": ("none", "없음"),
    "state.Staging": ("Staging", "스테이징"),
    "state.Production": ("Production", "운영"),
    "state.Archived": ("Archived", "보관"),
    "phase.preflight": ("pre-flight", "사전 점검"),
    "phase.shadow": ("shadow", "섀도"),
    "phase.canary": ("canary", "카나리"),
    "phase.experiment": ("experiment", "A/B 테스트"),
    "phase.promote": ("promotion", "승격"),
    "phase.watch": ("watch", "관찰"),
    "page.as_of": ("As of {at}. Every time is in UTC.", "{at} 기준이며 모든 시각은 UTC입니다."),
    "page.skip": ("Skip to the content", "본문으로 건너뛰기"),
    "page.languages": ("Language", "언어"),
    "summary.ok": ("All in order", "모두 정상입니다"),
    "summary.warn": ("Needs a look", "확인이 필요합니다"),
    "summary.bad": ("Needs you now", "지금 조치가 필요합니다"),
    "summary.none": ("Nothing serves yet", "아직 운영 중인 모델이 없습니다"),
    "summary.production": ("{version} is in production", "운영 버전 {version}"),
    "summary.no_production": ("nothing is in production", "운영 버전 없음"),
    "summary.rollout": ("rollout of {version}: {state}", "{version} 롤아웃: {state}"),
    "summary.alerts": ("open alerts: {n}", "열린 알림 {n}건"),
    "summary.no_alerts": ("no alert is open", "열린 알림 없음"),
    "summary.unwatched": ("the monitor does not look", "모니터가 확인하지 않음"),
    "summary.criteria": (
        "criteria: {met} met, {missed} not met, {gaps} without a verdict",
        "기준: 충족 {met}개, 미충족 {missed}개, 판정 없음 {gaps}개",
    ),
    "summary.proposal": ("a retrain waits for an approval", "재학습이 승인을 기다립니다"),
    "tone.ok": ("fine", "정상"),
    "tone.warn": ("needs a look", "확인 필요"),
    "tone.bad": ("needs you", "조치 필요"),
    "tone.none": ("no result", "결과 없음"),
    "tone.busy": ("at work", "진행 중"),
    "validation.said": (
        "{version}: {judgement}, {passed} of {n} gates passed",
        "{version}: {judgement}, 게이트 {n}개 중 {passed}개 통과",
    ),
    "deployment.under_way": ("{version}: {phase} ({state})", "{version}: {phase} ({state})"),
    "deployment.ended": ("{version}: {state}", "{version}: {state}"),
    "deployment.production": ("{version} is in production", "{version} 버전이 운영 중입니다"),
    "decision.due": ("due: {reasons}", "재학습 필요: {reasons}"),
    "section.problem": ("problem", "문제 정의"),
    "section.constraints": ("constraint", "제약 조건"),
    "section.data": ("data", "데이터"),
    "section.offline": ("offline metric", "오프라인 지표"),
    "section.online": ("online metric", "온라인 지표"),
    "section.system": ("system metric", "시스템 지표"),
    "section.monitoring": ("monitoring", "모니터링"),
    "section.release": ("release", "릴리스"),
    "traffic.requests": ("{n} requests", "요청 {n}건"),
    "traffic.mirrored": ("mirrored only", "미러링만"),
    "rollout.done": ("passed", "통과"),
    "rollout.here": ("now", "진행 중"),
    "rollout.stopped": ("ended here", "여기서 종료"),
    "rollout.unreached": ("not reached", "진행하지 않음"),
    "rollout.ended": ("ended {at}", "{at} 종료"),
    "rollout.strategy": ("Strategy", "방식"),
    "rollout.end": ("Ended", "결과"),
    "rollout.why": ("Why", "이유"),
    "rollout.start": ("Began", "시작"),
    "strategy.blue_green": ("blue/green", "블루/그린"),
    "strategy.canary": ("canary", "카나리"),
    "strategy.shadow": ("shadow", "섀도"),
    "strategy.ab_test": ("A/B test", "A/B 테스트"),
    "releases.action": ("Release", "배포하기"),
    "ask.rollback": (
        "{back} gets every request again at once, and {now} none. A rollout under way is aborted.",
        "{back} 버전이 즉시 모든 요청을 받고 {now} 버전은 요청을 받지 않습니다. 진행 중인 롤아웃은 중단됩니다.",
    ),
    "ask.abort": (
        "{candidate} gets no request any more, and {stable} all of them. The rollout ends.",
        "{candidate} 버전은 더 이상 요청을 받지 않고 {stable} 버전이 모든 요청을 받습니다. 롤아웃은 종료됩니다.",
    ),
    "ask.resume": (
        "The phase “{phase}” of {candidate} goes on from its beginning; what was seen before the pause does not count.",
        "{candidate} 버전의 ‘{phase}’ 단계를 처음부터 다시 진행합니다. 정지 전의 근거는 반영하지 않습니다.",
    ),
    "ask.approve": (
        "The rollout of {candidate} begins with the phase “{phase}”. Your name and reason are kept.",
        "{candidate} 버전의 롤아웃을 ‘{phase}’ 단계부터 시작합니다. 이름과 사유가 기록됩니다.",
    ),
    "ask.deploy": (
        "A rollout of {version} begins. Production is {now} until every phase has passed.",
        "{version} 버전의 롤아웃을 시작합니다. 모든 단계를 통과할 때까지 운영 버전은 {now}입니다.",
    ),
    "ask.fell": (
        "Its last rollout ended at {at}: {state}.",
        "이 버전의 지난 롤아웃은 {at}에 종료되었습니다: {state}.",
    ),
    "ask.nobody": ("none", "없음"),
    "ask.retrain": (
        "A new round begins, from the data to a rollout of what passes. Your name and reason are kept.",
        "데이터, 피처, 학습, 게이트를 거쳐 통과한 모델을 배포하는 새 라운드를 시작합니다. 이름과 사유가 기록됩니다.",
    ),
    "yes.rollback": ("Yes, roll back", "롤백합니다"),
    "yes.abort": ("Yes, abort", "중단합니다"),
    "yes.resume": ("Yes, go on", "재개합니다"),
    "yes.approve": ("Yes, begin", "승인합니다"),
    "yes.deploy": ("Yes, begin", "배포를 시작합니다"),
    "yes.retrain": ("Yes, begin", "재학습을 시작합니다"),
    "alerts.none_open": ("No alert is open.", "열린 알림이 없습니다."),
    "alerts.noted": ("Acknowledged", "확인 여부"),
    "alerts.nobody": ("by nobody yet", "아직 아무도 확인하지 않았습니다"),
    "alerts.what_noting_does": (
        "Acknowledging closes nothing: an alert ends when its figure is within the limit again.",
        "확인 표시는 담당자가 살펴보고 있다는 뜻입니다. 알림은 지표가 기준 안으로 돌아와야 종료됩니다.",
    ),
    "retraining.no": ("not yet", "재학습 안 함"),
    "reason.accuracy_degradation": ("accuracy fell", "정확도 저하"),
    "reason.data_drift": ("the data drifted", "데이터 드리프트"),
    "reason.scheduled_retrain": ("it is time", "정기 재학습"),
    "reason.new_data_available": ("enough new rows", "새 데이터"),
    "observed.by_chance": ("by chance {value}", "우연 수준 {value}"),
    "observed.service_level": ("service level", "서비스 수준"),
    "observed.above": ("alerts above {limit}", "{limit} 초과 시 알림"),
    "observed.below": ("alerts below {limit}", "{limit} 미만 시 알림"),
    "observed.at": ("{limit}", "{limit}"),
    "drift.psi": (
        "population stability index of the newest window against the reference: 0 is no change",
        "기준 분포와 비교한 모집단 안정성 지수이며, 0이면 변화가 없습니다",
    ),
    "drift.ks_statistic": (
        "largest gap between the two cumulative distributions, 0 to 1",
        "두 누적 분포의 가장 큰 차이 (0~1)",
    ),
    "drift.missing_rate": ("share of the rows without a value, 0 to 1", "값이 없는 행의 비율 (0~1)"),
    "drift.unseen_rate": (
        "share of the rows with a value that training never saw, 0 to 1",
        "학습에 없던 값을 가진 행의 비율 (0~1)",
    ),
    "chart.limit": ("limit {limit}", "기준 {limit}"),
    "events.lead": (
        "The newest {n}, newest first. Each entry carries the hash of the one before it.",
        "최신순으로 최근 {n}건입니다. 각 기록에는 바로 앞 기록의 해시가 담겨 있습니다.",
    ),
    "events.none": ("Nothing has happened yet.", "아직 기록된 이벤트가 없습니다."),
    "reports.language": ("Reports are written in English.", "보고서는 영어로 작성됩니다."),
    "report.data_validation": ("Data validation", "데이터 검증"),
    "report.evaluation": ("Evaluation", "모델 평가"),
    "report.model_card": ("Model card", "모델 카드"),
    "report.monitoring": ("Monitoring", "모니터링"),
    "report.policy_backtest": ("Retraining policies", "재학습 정책 비교"),
    "report.preflight": ("Pre-flight of", "사전 점검"),
    "report.project": ("The project", "프로젝트 문서"),
    "report.story": ("The story of the demo", "데모 이야기"),
    "report.experiment": ("A/B test", "A/B 테스트"),
    "state.not_computable": ("not computable", "계산 불가"),
    "side.control": ("control", "대조군"),
    "side.candidate": ("candidate", "후보"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """The texts in one language."""

    language: Language

    def __call__(self, key: str, **values: object) -> str:
        """The text of that key with its values; what is not a key is data, and stays as it is."""
        text = TEXTS.get(key)
        if text is None:
            return key
        return text[LANGUAGES.index(self.language)].format(**{k: self._value(v) for k, v in values.items()})

    def _value(self, value: object) -> str:
        """A value that is a key itself is said, several one after the other; any other stays as it is."""
        if isinstance(value, list):
            return ", ".join(self._value(one) for one in value)
        return self(value) if isinstance(value, str) else str(value)

    def knows(self, key: str) -> bool:
        """Whether there is a text of that key."""
        return key in TEXTS

    def state(self, word: object) -> str:
        """A state, verdict or severity in words."""
        return self._of("state", word)

    def strategy(self, word: str) -> str:
        """How a version is released."""
        return self._of("strategy", word)

    def side(self, word: str) -> str:
        """Control or candidate."""
        return self._of("side", word)

    def reasons(self, words: Iterable[str]) -> str:
        """Why a retrain is due."""
        return ", ".join(self._of("reason", word) for word in words)

    def sentence(self, text: str) -> str:
        """A sentence that a room wrote down."""
        return in_korean(text) if self.language == "ko" else text

    def foreign(self, text: str) -> bool:
        """Whether words of another language are left in what is said."""
        return self.language != "en" and bool(_ENGLISH.search(text))

    def _of(self, kind: str, word: object) -> str:
        text = TEXTS.get(f"{kind}.{word}")
        return str(word).replace("_", " ") if text is None else text[LANGUAGES.index(self.language)]


def language_of(chosen: str | None, accepted: str) -> Language:
    """The language that was chosen, else the first that the browser accepts and we speak, else English."""
    for wish in (chosen or "", *accepted.split(",")):
        word = wish.strip().split(";")[0].split("-")[0].lower()
        for language in LANGUAGES:
            if word == language:
                return language
    return "en"
