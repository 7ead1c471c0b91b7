"""Each listing of the mission document, as it is printed there, is accepted under its section."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from rondo.contract import LoadedProject, check

Load = Callable[[str], LoadedProject]

PROBLEM = """\
project: churn

# 비즈니스 목표
"business_objective": "고객 이탈률 30% 감소"

# ML 문제 정의
"ml_problem": {
    "type": "binary_classification",
    "target": "is_churned",
    "success_metric": "precision_at_recall_80",
    "baseline": 0.65
}

# 제약사항
"constraints": {
    "latency": "< 100ms",
    "throughput": "1000 req/s",
    "model_size": "< 500MB",
    "interpretability": "high"  # 규제 요구사항
}

# 데이터 요구사항
"data_requirements": {
    "historical_period": "2 years",
    "minimum_samples": 100000,
    "features": ["usage_patterns", "demographics", "support_tickets"]
}
"""
WHOLE_DEFINITION = """\
{
    project: churn,
    # 비즈니스 목표
    "business_objective": "고객 이탈률 30% 감소",

    # ML 문제 정의
    "ml_problem": {
        "type": "binary_classification",
        "target": "is_churned",
        "success_metric": "precision_at_recall_80",
        "baseline": 0.65
    },

    # 제약사항
    "constraints": {
        "latency": "< 100ms",
        "throughput": "1000 req/s",
        "model_size": "< 500MB",
        "interpretability": "high"  # 규제 요구사항
    },

    # 데이터 요구사항
    "data_requirements": {
        "historical_period": "2 years",
        "minimum_samples": 100000,
        "features": ["usage_patterns", "demographics", "support_tickets"]
    },
    data: {sources: {customers: {files: customers.csv}}}
}
"""
CRITERIA = """\
success_criteria: {
    # 오프라인 메트릭 (모델 품질)
    "offline_metrics": {
        "accuracy": {"min": 0.85, "target": 0.90},
        "precision": {"min": 0.80, "target": 0.85},
        "recall": {"min": 0.75, "target": 0.80},
        "auc_roc": {"min": 0.85, "target": 0.90}
    },

    # 온라인 메트릭 (비즈니스 영향)
    "online_metrics": {
        "churn_rate_reduction": {"target": "30%"},
        "false_positive_cost": {"max": "$10K/month"}
    },

    # 시스템 메트릭
    "system_metrics": {
        "p99_latency": {"max": "100ms"},
        "availability": {"min": "99.9%"},
        "throughput": {"min": "1000 req/s"}
    }
}
"""
PIPELINE = """\
# training_pipeline.yaml
pipeline:
  name: "churn-prediction-training"
  # 비첨두 시간대에 스케줄링 — 서빙 워크로드와 GPU/CPU 경합 방지
  schedule: "0 2 * * *"  # 매일 오전 2시

  stages:
    # 검증을 피처 엔지니어링과 분리 — 불량 데이터에 대한 피처 계산 전에
    # 조기 실패(fail fast) 가능
    - name: data_validation
      script: src/validate_data.py
      inputs:
        - data/raw/
      outputs:
        - reports/data_validation.html

    - name: feature_engineering
      script: src/feature_engineering.py
      inputs:
        - data/raw/
      outputs:
        - data/features/

    - name: train
      script: src/train.py
      inputs:
        - data/features/
      params:
        - config/train_config.yaml
      outputs:
        - models/

    - name: evaluate
      script: src/evaluate.py
      inputs:
        - models/
        - data/features/test.parquet
      outputs:
        - reports/evaluation.html
"""
AB_TEST = """\
ab_test: {
    "experiment_name": "churn_model_v2",
    "variants": {
        "control": {
            "model_version": "v1.2.3",
            "traffic_percentage": 50
        },
        "treatment": {
            "model_version": "v2.0.0",
            "traffic_percentage": 50
        }
    },
    "metrics": {
        "primary": "conversion_rate",
        "secondary": ["latency_p99", "error_rate"]
    },
    "duration_days": 14,
    "min_sample_size": 10000
}
"""
MONITORING = """\
monitoring: {
    # 모델 성능 메트릭
    "model_metrics": {
        "accuracy": {"threshold": 0.85, "alert_on": "below"},
        "latency_p99": {"threshold": 100, "alert_on": "above", "unit": "ms"},
        "error_rate": {"threshold": 0.01, "alert_on": "above"}
    },

    # 데이터 드리프트 메트릭
    "drift_metrics": {
        "psi": {"threshold": 0.1, "alert_on": "above"},  # Population Stability Index
        "ks_statistic": {"threshold": 0.1, "alert_on": "above"}
    },

    # 시스템 메트릭
    "system_metrics": {
        "cpu_usage": {"threshold": 80, "alert_on": "above", "unit": "%"},
        "memory_usage": {"threshold": 80, "alert_on": "above", "unit": "%"},
        "gpu_utilization": {"threshold": 90, "alert_on": "above", "unit": "%"}
    }
}
"""
RETRAINING = """\
retraining: {
    "min_accuracy": 0.85,
    "max_psi": 0.1,
    "max_days_without_training": 30,
    "new_data_threshold": 100000
}
"""
VERSIONING = """\
# version_management.yaml
versioning:
  # 데이터 버전
  data:
    strategy: "semantic"  # v1.0.0
    storage: "dvc"
    format: "parquet"

  # 코드 버전
  code:
    strategy: "git"
    branching: "git-flow"

  # 모델 버전
  model:
    strategy: "semantic"
    registry: "mlflow"
    stages: ["None", "Staging", "Production", "Archived"]

  # 피처 버전
  features:
    strategy: "semantic"
    store: "feast"

  # 연결 관계 추적
  lineage:
    data_version -> code_version -> model_version
    features_version -> model_version
"""
EVERYTHING = "\n".join(
    (
        PROBLEM,
        "data: {sources: {customers: {files: customers.csv}}}\nfeatures: {categorical: {columns: [plan]}}\n",
        CRITERIA,
        PIPELINE,
        AB_TEST,
        MONITORING,
        RETRAINING,
        VERSIONING,
    )
)


def test_the_problem_definition_gives_typed_values(load: Load) -> None:
    for text in (EVERYTHING, WHOLE_DEFINITION):
        project = load(text).project
        assert project.business_objective == "고객 이탈률 30% 감소"
        assert (project.ml_problem.target, project.ml_problem.baseline) == ("is_churned", 0.65)
        assert project.constraints.latency is not None
        assert project.constraints.latency.holds(0.0999)
        assert not project.constraints.latency.holds(0.1)
        assert project.constraints.throughput is not None
        assert project.constraints.throughput.holds(1000.0)
        assert project.constraints.model_size is not None
        assert project.constraints.model_size.quantity.value == 500e6
        assert project.data_requirements.historical_period == timedelta(days=730.5)
        assert project.data_requirements.features == ("usage_patterns", "demographics", "support_tickets")


def test_the_success_criteria_give_typed_values(load: Load, minimal: str) -> None:
    criteria = load(minimal + CRITERIA).project.success_criteria
    accuracy = criteria.offline_metrics["accuracy"]
    assert accuracy.min is not None
    assert accuracy.target is not None
    assert (accuracy.min.value, accuracy.target.value) == (0.85, 0.9)
    cost = criteria.online_metrics["false_positive_cost"].max
    assert cost is not None
    assert (cost.value, cost.currency, cost.per_s) == (10_000.0, "$", 365.25 * 86400 / 12)
    reduction = criteria.online_metrics["churn_rate_reduction"].target
    assert reduction is not None
    assert (reduction.value, reduction.dimension) == (0.3, "share")
    system = {name: (c.min or c.max) for name, c in criteria.system_metrics.items()}
    assert {name: bound.value for name, bound in system.items() if bound} == {
        "p99_latency": 0.1,
        "availability": 0.9990000000000001,
        "throughput": 1000.0,
    }


def test_the_training_pipeline_gives_its_stages(load: Load, minimal: str) -> None:
    pipeline = load(minimal + PIPELINE).project.pipeline
    assert (pipeline.name, pipeline.schedule) == ("churn-prediction-training", "0 2 * * *")
    assert [stage.name for stage in pipeline.stages] == [
        "data_validation",
        "feature_engineering",
        "train",
        "evaluate",
    ]
    assert pipeline.stages[2].params == ("config/train_config.yaml",)
    assert pipeline.stages[3].inputs == ("models/", "data/features/test.parquet")


def test_the_experiment_gives_its_variants(load: Load, minimal: str) -> None:
    test = load(minimal + AB_TEST).project.ab_test
    assert test is not None
    assert {name: v.model_version for name, v in test.variants.items()} == {
        "control": "v1.2.3",
        "treatment": "v2.0.0",
    }
    assert (test.metrics.primary, test.metrics.secondary) == (
        "conversion_rate",
        ("latency_p99", "error_rate"),
    )
    assert (test.duration_days, test.min_sample_size) == (14, 10_000)


def test_monitoring_gives_its_thresholds(load: Load, minimal: str) -> None:
    monitoring = load(minimal + MONITORING).project.monitoring
    p99 = monitoring.model_metrics["latency_p99"]
    assert (p99.threshold, p99.unit, p99.alert_on) == (100, "ms", "above")
    assert monitoring.drift_metrics["psi"].threshold == 0.1
    assert monitoring.system_metrics["gpu_utilization"].unit == "%"


def test_retraining_gives_its_triggers(load: Load, minimal: str) -> None:
    policy = load(minimal + RETRAINING).project.retraining
    assert (policy.min_accuracy, policy.max_psi) == (0.85, 0.1)
    assert (policy.max_days_without_training, policy.new_data_threshold) == (30, 100_000)


def test_version_management_gives_its_schemes(load: Load, minimal: str) -> None:
    versioning = load(minimal + VERSIONING).project.versioning
    assert versioning.model.stages == ("None", "Staging", "Production", "Archived")
    assert versioning.lineage == (
        "data_version -> code_version -> model_version features_version -> model_version"
    )


def test_all_listings_together_raise_warnings_only(load: Load) -> None:
    findings = check(load(EVERYTHING))
    assert [str(finding) for finding in findings if finding.level == "error"] == []
    said = "\n".join(str(finding.problem) for finding in findings)
    for missing in ("src/train.py", "config/train_config.yaml", "data/raw/", "customers.csv"):
        assert f"'{missing}' does not exist" in said
    assert "models/' does not exist" not in said
    assert "online_metrics.false_positive_cost: the price of a wrong decision is not given" in said
    assert "nothing in the file is named 'usage_patterns'" in said
