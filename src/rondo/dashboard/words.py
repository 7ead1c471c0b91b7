"""Every text of the dashboard, in English and Korean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = ("en", "ko")

TEXTS: dict[str, tuple[str, str]] = {
    "nav.overview": ("Overview", "개요"),
    "nav.releases": ("Releases", "배포"),
    "nav.drift": ("Drift", "드리프트"),
    "nav.performance": ("Performance", "성능"),
    "nav.alerts": ("Alerts", "알림"),
    "nav.retraining": ("Retraining", "재학습"),
    "nav.events": ("Events", "이벤트"),
    "live.on": ("live", "실시간"),
    "live.off": ("not connected", "연결 끊김"),
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
    "contract.asked": ("Asked", "요구"),
    "contract.enforcer": ("Enforced by", "집행하는 곳"),
    "contract.value": ("Last value", "마지막 값"),
    "contract.verdict": ("Verdict", "판정"),
    "contract.gaps": (
        "What nothing enforces or nothing has measured is a gap, never a pass.",
        "아무도 집행하지 않거나 측정하지 않은 기준은 통과가 아니라 빈틈입니다.",
    ),
    "traffic.title": ("Live traffic", "현재 트래픽"),
    "traffic.version": ("Version", "버전"),
    "traffic.role": ("Role", "역할"),
    "traffic.planned": ("Share", "비율"),
    "traffic.answered": ("Answered in 5 min", "최근 5분 응답"),
    "traffic.none": ("No version gets traffic.", "트래픽을 받는 버전이 없습니다."),
    "traffic.servers": ("Servers", "서버"),
    "traffic.no_servers": ("No server runs.", "실행 중인 서버가 없습니다."),
    "role.production": ("production", "운영"),
    "role.candidate": ("candidate", "후보"),
    "role.shadow": ("shadow", "섀도"),
    "rollout.title": ("Rollout", "롤아웃"),
    "rollout.none": ("No rollout was ever begun.", "시작된 롤아웃이 없습니다."),
    "rollout.of": ("of", "대상"),
    "rollout.instead_of": ("in place of", "교체 대상"),
    "rollout.phase": ("Phase", "단계"),
    "rollout.share": ("Candidate's share", "후보 비율"),
    "rollout.needs": ("Needs", "조건"),
    "rollout.evidence": ("Evidence", "근거"),
    "rollout.requests": ("requests", "요청"),
    "rollout.now": ("now", "진행 중"),
    "rollout.passed": ("passed", "통과"),
    "rollout.ahead": ("ahead", "예정"),
    "rollout.began": ("began", "시작"),
    "rollout.earlier": ("Earlier rollouts", "지난 롤아웃"),
    "rollout.approved_by": ("approved by", "승인"),
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
    "button.acknowledge": ("Acknowledge", "확인"),
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
    "drift.newest": ("Newest window", "최근 구간"),
    "drift.most_moved": (
        "The features that moved most; what chance gives is in the table.",
        "가장 많이 변한 피처입니다. 우연으로 생기는 값은 표에 있습니다.",
    ),
    "observed.metric": ("Metric", "지표"),
    "observed.feature": ("Feature", "피처"),
    "observed.value": ("Value", "값"),
    "observed.chance": ("Chance", "우연 수준"),
    "observed.n": ("n", "표본"),
    "observed.state": ("State", "상태"),
    "observed.threshold": ("Threshold", "임계값"),
    "observed.window": ("Window ends", "구간 끝"),
    "observed.note": ("Note", "비고"),
    "performance.title": ("Performance and system", "성능과 시스템"),
    "performance.none": ("Nothing was measured yet.", "아직 측정된 것이 없습니다."),
    "alerts.title": ("Alerts", "알림"),
    "alerts.open": ("Open", "열림"),
    "alerts.over": ("Over", "종료"),
    "alerts.severity": ("Severity", "심각도"),
    "alerts.message": ("What", "내용"),
    "alerts.opened": ("Opened", "발생"),
    "alerts.recovered": ("Recovered", "복구"),
    "alerts.pending": ("pending", "대기"),
    "alerts.firing": ("firing", "발생 중"),
    "alerts.acknowledged": ("acknowledged by", "확인한 사람"),
    "alerts.never": ("There was never an alert.", "알림이 발생한 적이 없습니다."),
    "retraining.title": ("Retraining decisions", "재학습 결정"),
    "retraining.when": ("When", "시각"),
    "retraining.decision": ("Decision", "결정"),
    "retraining.reasons": ("Reasons", "이유"),
    "retraining.evidence": ("Evidence", "근거"),
    "retraining.yes": ("retrain", "재학습"),
    "retraining.no": ("no", "아니오"),
    "retraining.pending": ("A retrain is proposed.", "재학습이 제안되었습니다."),
    "events.title": ("Event log", "이벤트 기록"),
    "events.when": ("When", "시각"),
    "events.kind": ("Kind", "종류"),
    "events.subject": ("Subject", "대상"),
    "events.by": ("By", "누가"),
    "events.reason": ("Reason", "사유"),
    "events.verified": (
        "events, each follows from the one before",
        "개의 이벤트가 모두 앞의 것과 이어집니다",
    ),
    "reports.title": ("Reports", "보고서"),
    "said.done": ("Done.", "완료했습니다."),
    "page.missing": ("There is no such page.", "없는 페이지입니다."),
    "state.passed": ("passed", "통과"),
    "state.failed": ("failed", "실패"),
    "state.gap": ("gap", "빈틈"),
    "state.fine": ("fine", "정상"),
    "state.breached": ("breached", "초과"),
    "state.told": ("told", "참고"),
    "state.estimate": ("estimate", "추정"),
    "state.not_enough": ("not enough", "표본 부족"),
    "state.missing": ("missing", "없음"),
    "state.not_a_number": ("not a number", "계산 불가"),
    "state.not_available": ("not available", "사용 불가"),
    "state.inconclusive": ("inconclusive", "판단 보류"),
    "state.ship": ("ship", "배포"),
    "state.hold": ("hold", "보류"),
    "state.reject": ("reject", "거부"),
    "state.waiting": ("waiting", "승인 대기"),
    "state.running": ("running", "진행 중"),
    "state.paused": ("paused", "일시 정지"),
    "state.promoted": ("promoted", "승격"),
    "state.rolled_back": ("rolled back", "롤백됨"),
    "state.aborted": ("aborted", "중단됨"),
    "state.held": ("held", "변경 없음"),
    "state.frozen": ("frozen", "동결"),
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
}


@dataclass(frozen=True, slots=True)
class Words:
    """The texts in one language."""

    language: Language

    def __call__(self, key: str) -> str:
        """The text of that key; what is not a key is data, and stays as it is."""
        text = TEXTS.get(key)
        return key if text is None else text[LANGUAGES.index(self.language)]

    def state(self, word: object) -> str:
        """A state, verdict or severity in words."""
        text = TEXTS.get(f"state.{word}")
        return str(word).replace("_", " ") if text is None else text[LANGUAGES.index(self.language)]


def language_of(chosen: str | None, accepted: str) -> Language:
    """The language that was chosen, else the first that the browser accepts and we speak, else English."""
    for wish in (chosen or "", *accepted.split(",")):
        word = wish.strip().split(";")[0].split("-")[0].lower()
        for language in LANGUAGES:
            if word == language:
                return language
    return "en"
