"""The example of the design document, its placeholders filled in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from rondo.contract import LoadedProject, check
from rondo.errors import Problem

AS_PRINTED = """\
project: churn
business_objective: Reduce customer churn by 30%

ml_problem:
  type: binary_classification        # multiclass_classification | regression | ranking | forecasting
  target: is_churned
  entity: user_id
  event_time: event_timestamp
  success_metric: precision_at_recall_80
  baseline: 0.65
constraints: {latency: < 100ms, throughput: 1000 req/s, model_size: < 500MB, interpretability: high}
data_requirements: {historical_period: 2 years, minimum_samples: 100000, features: [usage_patterns, demographics, support_tickets]}
success_criteria:
  offline_metrics: {accuracy: {min: 0.85, target: 0.90}, auc_roc: {min: 0.85, target: 0.90}}
  online_metrics:  {churn_rate_reduction: {target: 30%}, false_positive_cost: {max: $10K/month}}
  system_metrics:  {p99_latency: {max: 100ms}, availability: {min: 99.9%}, throughput: {min: 1000 req/s}}

data:
  sources:
    transactions: {sql: "${WAREHOUSE_URL}", query: "SELECT * FROM transactions WHERE date > :start_date", params: {start_date: 2024-01-01}}
    user_events:  {files: "s3://data-lake/events/{date_partition}/*.parquet"}      # or a local path; parquet, csv, json lines
    external:     {http: "https://example.com/scores", records: "$.items", paginate: cursor, auth: "env:SCORES_TOKEN"}
  join: [{base: transactions}, {with: user_events, on: user_id, how: left}, {with: external, on: user_id}]
  clean: {missing: {age: {fill: median}}, outliers: {spend: {quantiles: [1%, 99%]}}, types: {plan: string}}        # always in this order: missing, outliers, types
  validate: {min_rows: 100000, max_null_ratio: 0.1, schema: {user_id: string, event_timestamp: datetime, is_churned: int}, value_ranges: {age: {min: 0, max: 130}}}
  load: {format: parquet}                                        # adds _data_version, _processed_at

features:
  definitions:
    hour:                    {time: hour}
    is_weekend:              {time: is_weekend}
    total_purchases_30d:     {rolling: sum,  of: purchase_amount,  window: 30d}   # per entity, excludes the row itself
    avg_session_duration_7d: {rolling: mean, of: session_duration, window: 7d}
    purchase_frequency:      {ratio: [purchase_count, days_since_signup]}
    value_per_session:       {ratio: [total_purchase_value, session_count]}
    log_spend:               {expr: "ln(1 + total_purchases_30d)"}
    custom:                  {python: "features.py:my_feature"}
  categorical: {columns: [plan, country]}
  numerical:   {columns: auto, scaler: standard}
  store: {views: {user_features: [total_purchases_30d, plan], product_features: [log_spend]}, online: sqlite}  # redis://… for a team

training:
  split: {by: time, validation: 20%, test: 20%}
  candidates:
    - estimator: sklearn.ensemble.RandomForestClassifier
      search: {n_estimators: int(50, 300), max_depth: int(3, 15), min_samples_split: int(2, 20), min_samples_leaf: int(1, 10)}
    - estimator: lightgbm.LGBMClassifier
      search: {num_leaves: int(15, 255, log), learning_rate: float(0.01, 0.3, log)}
  tuning: {trials: 100, cv: 5, scoring: auc_roc, timeout: 10min}

validation: {tolerance: 1%, slices: [country, plan]}
ab_test:    {experiment_name: churn_model_v2, variants: {control: {model_version: v1.2.3, traffic_percentage: 50}, treatment: {model_version: v2.0.0, traffic_percentage: 50}}, metrics: {primary: conversion_rate, secondary: [latency_p99, error_rate]}, duration_days: 14, min_sample_size: 10000}
deployment: {strategy: canary, canary: {steps: [5%, 25%, 50%, 100%], hold: 10min, min_requests: 1000}, rollback_on: {error_rate: "> 1%", p99_latency: "> 100ms"}}
monitoring: {model_metrics: {accuracy: {threshold: 0.85, alert_on: below}}, drift_metrics: {psi: {threshold: 0.1, alert_on: above}, ks_statistic: {threshold: 0.1, alert_on: above}}, system_metrics: {cpu_usage: {threshold: 80, alert_on: above, unit: "%"}}, notify: ["env:ALERT_URL"]}
retraining: {min_accuracy: 0.85, max_psi: 0.1, max_days_without_training: 30, new_data_threshold: 100000, cooldown: 1d}
pipeline:   {name: churn-prediction-training, schedule: "0 2 * * *", stages: [{name: prepare, script: src/prepare.py}]}   # the user's own script stages join the built-in ones
versioning: {lineage: data_version -> model_version}
stores:     {state: sqlite, tracking: sqlite, artifacts: ./artifacts, engine: local}  # postgresql://…, s3://…, ray://…
"""  # noqa: E501
CALLS = (
    "int(50, 300)",
    "int(3, 15)",
    "int(2, 20)",
    "int(1, 10)",
    "int(15, 255, log)",
    "float(0.01, 0.3, log)",
)


TO_QUOTE = ("2024-01-01", *CALLS)


@pytest.fixture
def example() -> str:
    """The example with its date and its search ranges in quotes."""
    text = AS_PRINTED
    for word in TO_QUOTE:
        text = text.replace(word, f'"{word}"')
    return text


def test_what_dvc_would_read_otherwise_is_refused_with_the_quoted_text(
    problems: Callable[[str], list[Problem]],
) -> None:
    # YAML ends a value at the comma: DVC would find {n_estimators: "int(50", "300)": null, ...}, and the key `log)`
    # twice, which it refuses; a date it cannot write into its lock file.
    assert [problem.mend for problem in problems(AS_PRINTED)] == [f'Quote it: "{word}"' for word in TO_QUOTE]


def test_the_example_gives_typed_values(load: Callable[[str], LoadedProject], example: str) -> None:
    project = load(example).project
    assert {name: source.kind for name, source in project.data.sources.items()} == {
        "transactions": "sql",
        "user_events": "files",
        "external": "http",
    }
    assert project.data.sources["transactions"].params == {"start_date": "2024-01-01"}
    assert project.data.sources["external"].auth == "env:SCORES_TOKEN"
    assert project.features.definitions["total_purchases_30d"].window == timedelta(days=30)
    assert project.training.candidates[1].search["learning_rate"].log
    assert project.deployment.canary.steps == (0.05, 0.25, 0.5, 1.0)
    assert project.deployment.rollback_on["p99_latency"].quantity.value == 0.1
    assert project.data.clean.outliers["spend"].quantiles == (0.01, 0.99)


def test_the_example_is_sound(load: Callable[[str], LoadedProject], example: str) -> None:
    assert [str(f) for f in check(load(example)) if f.level == "error"] == []


def test_a_range_in_block_style_needs_no_quotes(load: Callable[[str], LoadedProject], minimal: str) -> None:
    text = minimal + "training:\n  candidates:\n    - search:\n        num_leaves: int(15, 255, log)\n"
    found = load(text).project.training.candidates[0].search["num_leaves"]
    assert (found.kind, found.low, found.high, found.log) == ("int", 15, 255, True)
