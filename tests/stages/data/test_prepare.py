"""The table is published whole, with version and page, or what was before stays."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from rondo.adapters.files import FilesReader
from rondo.contract import Project
from rondo.errors import ContractError, CorruptArtifact, DataError, NotAvailable
from rondo.ports.progress import Silent
from rondo.records.dataset import Dataset
from rondo.records.files import read_record
from rondo.stages import data

NOW = datetime(2024, 6, 1, tzinfo=UTC)


def project(**section: Any) -> Project:
    return Project.model_validate(
        {
            "project": "churn",
            "ml_problem": {"target": "churned", "entity": "user_id", "event_time": "at"},
            "data": {
                "sources": {
                    "sales": {"files": "sales.csv", "schema": {"at": "datetime"}},
                    "users": {"files": "users.csv"},
                },
                "join": [{"base": "sales"}, {"with": "users", "on": "user_id"}],
                **section,
            },
        }
    )


def write(root: Path, rows: int = 3) -> None:
    lines = [f"{user},2024-01-0{user} 10:00,{user * 1.5},{user == 1}".lower() for user in range(1, rows + 1)]
    (root / "sales.csv").write_text("\n".join(["user_id,at,amount,churned", *lines]))
    (root / "users.csv").write_text("user_id,name\n1,<script>alert(1)</script>\n2,Bo\n3,Cy\n4,Di\n")


def run(root: Path, wanted: Project, *, previous: Dataset | None = None, now: datetime = NOW) -> Dataset:
    data.extract(
        wanted,
        folder=root,
        out=root / "raw",
        readers={"files": FilesReader(root)},
        resolve=str,
        now=now,
        progress=Silent(),
        start_service=lambda command, url: nullcontext(),
    )
    return prepared(root, wanted, previous=previous, now=now)


def prepared(root: Path, wanted: Project, *, previous: Dataset | None = None, now: datetime = NOW) -> Dataset:
    return data.prepare(
        wanted,
        raw=root / "raw",
        out=root / "processed",
        reports=root / "reports",
        previous=previous,
        now=now,
        progress=Silent(),
    )


def test_the_table_carries_its_version_and_moment(tmp_path: Path) -> None:
    write(tmp_path)
    dataset = run(tmp_path, project())
    assert read_record(tmp_path / "processed/dataset.json", Dataset) == dataset
    assert (dataset.version, dataset.rows, dataset.file) == ("1.0.0", 3, "data_v1.0.0.parquet")
    assert dataset.event_from == datetime(2024, 1, 1, 10, tzinfo=UTC)
    table = pl.read_parquet(tmp_path / "processed" / dataset.file)
    assert table.columns == ["user_id", "at", "amount", "churned", "name", "_data_version", "_processed_at"]
    assert table.row(0)[-2:] == ("1.0.0", NOW)


def test_versions_follow_the_content(tmp_path: Path) -> None:
    write(tmp_path)
    first = run(tmp_path, project())
    again = run(tmp_path, project(), previous=first, now=NOW + timedelta(days=1))
    assert (again.version, again.content_hash) == (first.version, first.content_hash)
    write(tmp_path, rows=4)
    more = run(tmp_path, project(), previous=again)
    assert (more.version, more.version_reason) == ("1.0.1", "1 more rows")
    assert sorted(path.name for path in (tmp_path / "processed").iterdir()) == [
        "data_v1.0.1.parquet",
        "dataset.json",
    ]
    (tmp_path / "users.csv").write_text("user_id\n1\n")
    less = run(tmp_path, project(), previous=more)
    assert (less.version, less.version_reason) == ("2.0.0", "columns removed: name")


def test_failed_checks_stop_and_are_all_told_and_shown(tmp_path: Path) -> None:
    write(tmp_path)
    first = run(tmp_path, project())
    before = {path.name: path.read_bytes() for path in (tmp_path / "processed").iterdir()}
    bad = project(validate={"min_rows": 10, "value_ranges": {"amount": {"max": 2}}, "schema": {"age": "int"}})
    with pytest.raises(DataError) as found:
        run(tmp_path, bad, previous=first)
    assert len(found.value.problems) == 3
    assert {path.name: path.read_bytes() for path in (tmp_path / "processed").iterdir()} == before
    page = (tmp_path / "reports/data_validation.html").read_text()
    assert "3 of 7 checks did not pass" in page
    assert "Not published" in page


def test_the_page_escapes_what_it_shows(tmp_path: Path) -> None:
    write(tmp_path)
    run(tmp_path, project())
    page = (tmp_path / "reports/data_validation.html").read_text()
    assert "All 6 checks passed" in page
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("moment", ["prepare.table_written", "prepare.record_written"])
def test_a_kill_while_publishing_leaves_the_previous_folder(tmp_path: Path, moment: str) -> None:
    write(tmp_path)
    run(tmp_path, project())
    before = {path.name: path.read_bytes() for path in (tmp_path / "processed").iterdir()}
    (tmp_path / "project.json").write_text(project().model_dump_json(by_alias=True, exclude_none=True))
    script = (
        "import sys; from pathlib import Path; from datetime import datetime, UTC\n"
        "from rondo.contract import Project; from rondo.stages import data; from rondo.ports.progress import Silent\n"
        "root = Path(sys.argv[1]); p = Project.model_validate_json((root / 'project.json').read_text())\n"
        "data.prepare(p, raw=root / 'raw', out=root / 'processed', reports=root / 'reports', previous=None,\n"
        "             now=datetime(2030, 1, 1, tzinfo=UTC), progress=Silent())\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    killed = subprocess.run(command, env={**os.environ, "RONDO_FAILPOINT": moment}, check=False)
    assert killed.returncode == -9
    assert {path.name: path.read_bytes() for path in (tmp_path / "processed").iterdir()} == before
    prepared(tmp_path, project())
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".processed")] == []


def test_raw_files_must_be_those_that_were_extracted(tmp_path: Path) -> None:
    write(tmp_path)
    run(tmp_path, project())
    other = pl.read_parquet(tmp_path / "raw/users.parquet")[:1]
    other.write_parquet(tmp_path / "raw/users.parquet")
    with pytest.raises(CorruptArtifact, match=r"users\.parquet is not the file that was extracted"):
        prepared(tmp_path, project())
    (tmp_path / "raw/users.parquet").unlink()
    with pytest.raises(NotAvailable, match=r"users\.parquet is not there"):
        prepared(tmp_path, project())


def test_columns_of_ours_are_refused(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "users.csv").write_text("user_id,_data_version\n1,x\n")
    with pytest.raises(DataError, match="Rondo writes it itself"):
        run(tmp_path, project())


def test_several_sources_need_a_join(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(ContractError, match="nothing joins the source 'sales'"):
        run(tmp_path, project(join=[]))


REAL = Path(__file__).parents[4] / "shared/data"


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.exists(), reason="../shared/data is not there")
def test_half_a_million_lines_are_prepared(tmp_path: Path) -> None:
    wanted = Project.model_validate(
        {
            "project": "retail",
            "ml_problem": {
                "target": "again",
                "entity": "CustomerID",
                "event_time": "InvoiceDate",
                "label": {"within": "60d"},
            },
            "data_requirements": {"historical_period": "1 year", "minimum_samples": 400_000},
            "data": {
                "sources": {"lines": {"files": str(REAL / "online_retail.parquet")}},
                "clean": {"missing": {"CustomerID": {"drop_row": True}}, "types": {"CustomerID": "int"}},
            },
        }
    )
    began = time.process_time()
    dataset = run(tmp_path, wanted)
    assert dataset.rows == 406_829
    assert all(check.status == "passed" for check in dataset.checks)
    print(f"406,829 of 541,909 lines: {time.process_time() - began:.1f} s of CPU time")  # noqa: T201
