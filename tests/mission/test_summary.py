"""The summary: the core artefact of every stage is there after a round, and a person can open it."""

from __future__ import annotations

import json
from urllib.request import urlopen

import polars as pl
import pytest

from mission.conftest import Watched
from mission.document import DOCUMENT
from rondo.assembly import Assembly
from rondo.bundle.bundle import load_bundle
from rondo.bundle.plan import FeaturePlan
from rondo.dashboard import showing
from rondo.records.files import read_record


def artefacts() -> dict[str, str]:
    """Stage -> core artefacts, as the table of the summary has them."""
    text = DOCUMENT.read_text(encoding="utf-8").partition("## 요약")[2].partition("---\n\n##")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if "|" in line
    ]
    return {stage: what for stage, _, what in rows[2:]}


def test_the_table_is_what_these_tests_are_about() -> None:
    assert artefacts() == {
        "문제 정의": "프로젝트 문서",
        "데이터 준비": "검증된 데이터셋",
        "피처 엔지니어링": "피처 파이프라인",
        "모델 학습": "학습된 모델, 메트릭",
        "검증": "검증 리포트",
        "배포": "서빙 엔드포인트",
        "모니터링": "대시보드, 알림",
    }


def test_the_problem_has_a_project_document(churn: Assembly) -> None:
    page = (churn.layout.root / "reports/project.html").read_text(encoding="utf-8")
    assert churn.project.business_objective is not None
    for said in (churn.project.business_objective, "precision_at_recall_80", "1000 req/s"):
        assert said in page


def test_the_data_are_a_validated_dataset(churn: Assembly) -> None:
    kept = json.loads((churn.layout.processed / "dataset.json").read_text())
    assert {check["status"] for check in kept["checks"]} == {"passed"}
    assert pl.read_parquet(churn.layout.processed / kept["file"]).height == 104_000
    assert "104,000" in (churn.layout.root / "reports/data_validation.html").read_text()


def test_the_features_are_a_pipeline_that_was_proven(churn: Assembly) -> None:
    plan = read_record(churn.layout.features / "plan.json", FeaturePlan)
    assert set(plan.features) == {"usage_minutes", "session_count", "age", "ticket_count", "country"}
    assert (churn.layout.root / "feature_repo/definitions.py").is_file()


def test_training_leaves_a_model_and_its_metrics(churn: Assembly) -> None:
    bundle = load_bundle(churn.layout.bundle)
    assert bundle.replay_golden() <= 1e-5
    kept = json.loads((churn.layout.root / "metrics/evaluation.json").read_text())
    assert kept


def test_validation_leaves_a_report(churn: Assembly) -> None:
    page = (churn.layout.root / "reports/evaluation.html").read_text(encoding="utf-8")
    for gate in ("accuracy", "precision", "recall", "auc_roc", "interpretability"):
        assert gate in page


def test_the_release_answers_at_an_endpoint(watched: Watched) -> None:
    assert {one.version for one in watched.first.observations if one.metric == "accuracy"} == {"1.0.0"}
    assert all(0 <= answer["score"] <= 1 for answer, _ in watched.explained)


def test_monitoring_has_a_dashboard(watched: Watched) -> None:
    with showing(watched.project, port=0) as url:
        for page in ("/", "/performance"):
            with urlopen(f"{url}{page}", timeout=30) as answer:
                assert answer.status == 200
                assert "accuracy" in answer.read().decode()


@pytest.mark.parametrize("said", ["accuracy", "psi"])
def test_monitoring_has_a_page_and_alerts(watched: Watched, said: str) -> None:
    page = (watched.project.layout.root / watched.later.page).read_text(encoding="utf-8")
    assert said in page
    assert said in {alert.metric for alert in watched.project.state.alerts(open_only=True)}
