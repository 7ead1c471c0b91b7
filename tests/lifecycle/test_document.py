from __future__ import annotations

from pathlib import Path

from rondo.assembly import open_project
from rondo.lifecycle.document import rows_of, write_document

FILE = """\
project: churn
business_objective: Keep customers <b>now</b>
ml_problem: {type: binary_classification, target: is_churned, baseline: 0.65}
constraints: {latency: < 100ms}
success_criteria: {offline_metrics: {auc_roc: {min: 0.85}}}
data:
  sources:
    customers: {sql: "postgresql://reader:geheim@db/shop", query: "SELECT * FROM t"}
training: {split: {by: random}}
"""


def test_the_document_tells_what_is_asked_and_how_it_stands(tmp_path: Path) -> None:
    (tmp_path / "rondo.yaml").write_text(FILE)
    page = write_document(open_project(tmp_path)).read_text(encoding="utf-8")
    assert "Keep customers &lt;b&gt;now&lt;/b&gt;" in page
    assert "auc roc" in page
    assert "at least 0.85" in page
    assert "gap" in page
    assert "nothing is in production yet" in page
    assert "geheim" not in page


def test_only_what_the_file_says_is_listed(tmp_path: Path) -> None:
    (tmp_path / "rondo.yaml").write_text(FILE)
    project = open_project(tmp_path).project
    assert dict(rows_of(project, "training")) == {"split": "by: random"}
    assert dict(rows_of(project, "ab_test")) == {}
    source = dict(rows_of(project, "data"))["sources.customers"]
    assert source == "sql: postgresql://reader:…@db/shop, query: SELECT * FROM t"


def test_what_looks_like_a_length_of_time_and_is_none_breaks_nothing(tmp_path: Path) -> None:
    text = FILE.replace("target: is_churned", "target: is_churned, positive: 1.2.3s")
    (tmp_path / "rondo.yaml").write_text(f"{text}serving: {{port: 18080, flush_every: 90s}}\n")
    project = open_project(tmp_path).project
    assert dict(rows_of(project, "ml_problem"))["positive"] == "1.2.3s"
    assert dict(rows_of(project, "serving")) == {"port": "18080", "flush_every": "1.5 min"}
