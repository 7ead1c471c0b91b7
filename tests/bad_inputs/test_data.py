"""c.3 Data: tables from which nothing should be learned, and tables that only look like it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.bad_inputs.catalogue import Bad, Taken, refused
from tests.stages.features.conftest import StoreWithoutRegistry

from rondo import DataPipeline
from rondo.adapters.files import FilesReader
from rondo.adapters.optuna import OptunaTuner
from rondo.contract import Project
from rondo.errors import ContractError, DataError
from rondo.ports.progress import Silent
from rondo.records.candidate import TrainingResult
from rondo.records.dataset import Dataset
from rondo.stages import data
from rondo.stages.features import build
from rondo.stages.training import train
from rondo.stages.validation.answers import Answers
from rondo.stages.validation.integrity import _answers
from rondo.testing.tracking import MemoryTracker

START, NOW = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
ROWS = 300
LOGISTIC = "sklearn.linear_model.LogisticRegression"
REGRESSION = {"ml_problem": {"type": "regression", "success_metric": "rmse"}}
EIGHT = {"data": {"validate": {"max_null_ratio": 0.8}}}


@dataclass(frozen=True, slots=True)
class Given:
    """A table with what the project file says of it."""

    columns: dict[str, Any] = field(default_factory=dict)
    sections: dict[str, Any] = field(default_factory=dict)


def usual(rows: int = ROWS) -> dict[str, Any]:
    """Columns from which something can be learned: whether `y` follows from `x`, `z` and `plan`."""
    chance = np.random.default_rng(7)
    x = chance.normal(size=rows)
    return {
        "who": np.arange(rows) % 40,
        "at": [START + timedelta(hours=n) for n in range(rows)],
        "x": x,
        "z": chance.normal(size=rows),
        "plan": chance.choice(["basic", "pro"], rows),
        "y": (x + chance.normal(size=rows) > 0).astype(int),
    }


def given(*without: str, rows: int = ROWS, sections: dict[str, Any] | None = None, **columns: Any) -> Given:
    """The usual columns but those, and these in place of them or more; a function gets the number of rows."""
    made = {name: values for name, values in usual(rows).items() if name not in without}
    made |= {name: values(rows) if callable(values) else values for name, values in columns.items()}
    return Given(made, sections or {})


def named(**names: str) -> Given:
    """The usual columns under other names."""
    columns = {names.get(name, name): values for name, values in usual().items()}
    return Given(columns, {"features": {"categorical": {"columns": [names.get("plan", "plan")]}}})


def project(sections: dict[str, Any]) -> Project:
    problem = {
        "target": "y",
        "entity": "who",
        "event_time": "at",
        "baseline": 0.5,
        **sections.get("ml_problem", {}),
    }
    estimator = "sklearn.linear_model.Ridge" if problem.get("type") == "regression" else LOGISTIC
    return Project.model_validate(
        {
            "project": "small",
            "features": {"categorical": {"columns": ["plan"]}},
            "training": {"candidates": [{"estimator": estimator}], "tuning": {"trials": 1, "cv": 2}},
            "validation": {"bootstrap": 50},
            **sections,
            "ml_problem": {name: value for name, value in problem.items() if value is not None},
            "data": {"sources": {"rows": {"files": "rows.parquet"}}, **sections.get("data", {})},
        }
    )


class Round:
    """A project's rooms from the source to the trained model."""

    def __init__(self, folder: Path, given: Given) -> None:
        self.folder, self.project = folder, project(given.sections)
        pl.DataFrame(given.columns).write_parquet(folder / "rows.parquet")

    def prepare(self) -> Dataset:
        root, quiet = self.folder, Silent()
        data.extract(
            self.project, folder=root, out=root / "raw", readers={"files": FilesReader(root)}, resolve=str, now=NOW,
            progress=quiet, start_service=lambda command, url: nullcontext(),
        )  # fmt: skip
        return data.prepare(
            self.project, raw=root / "raw", out=root / "processed", reports=root / "reports", previous=None, now=NOW,
            progress=quiet,
        )  # fmt: skip

    def go(self) -> TrainingResult:
        root, quiet = self.folder, Silent()
        self.prepare()
        build(
            self.project, root=root, processed=root / "processed", out=root / "features", previous=None, now=NOW,
            store=StoreWithoutRegistry(root / "feature_repo", root / "online.db", "small"),
        )  # fmt: skip
        return train(
            self.project, features=root / "features", out=root / "training", tracker=MemoryTracker(),
            tuner=OptunaTuner(root / "optuna.journal"), fixed=None, now=NOW, progress=quiet,
        )  # fmt: skip

    @property
    def left(self) -> set[str]:
        """What the rooms published."""
        return {path.name for path in self.folder.iterdir()} & {"raw", "processed", "features", "training"}


def spread(value: Any, usual_value: Any, share: float = 0.5) -> Callable[[int], list[Any]]:
    """That share of the rows has the value, the others the usual one."""
    return lambda rows: [value if n < rows * share else usual_value for n in range(rows)]


def source(**options: Any) -> dict[str, Any]:
    """The sections of a project whose source has these options."""
    return {"data": {"sources": {"rows": {"files": "rows.parquet", **options}}}}


def cleaned(**duplicates: Any) -> dict[str, Any]:
    """The sections of a project that says what holds where rows stand twice."""
    return {"data": {"clean": {"duplicates": duplicates}}}


def twice(**changed: Callable[[int], Any]) -> dict[str, Any]:
    """The usual columns, each row twice; in the second of each pair these columns have another value."""
    columns = {name: [each for each in values for _ in "12"] for name, values in usual().items()}
    for name, other in changed.items():
        old = columns.get(name, [0] * (ROWS * 2))
        columns[name] = [other(n // 2) if n % 2 else value for n, value in enumerate(old)]
    return columns


def iban(number: int) -> str:
    """A German account number with its check digits."""
    account = f"{370400440532013000 + number}"
    return f"DE{98 - int(f'{account}131400') % 97:02}{account}"


def numbers(rows: int) -> list[float]:
    return [float(n % 17) for n in range(rows)]


def zoned(rows: int) -> list[str]:
    return [f"2026-01-{n % 28 + 1:02}T{n % 24:02}:30:00{'+05:30' * (n % 2)}" for n in range(rows)]


TRIALS = {"trials": 2, "cv": 2}


# fmt: off
# input, the rooms that it passes, and how the next one refuses it
BAD = (
    Bad("D1", "no rows", given(rows=0), DataError, ("source rows: it gave 0 rows",)),
    Bad("D1", "fewer rows than asked", given(rows=9, sections={"data": {"validate": {"min_rows": 10}}}), DataError,
        ("row_count: 9 rows", "at least 10 rows")),
    Bad("D1", "one row", given(rows=1, sections={"features": {}}), DataError, ("the train part: it has no rows",)),
    Bad("D1", "no column but those of the problem", given("x", "z", "plan", sections={"features": {}}), ContractError,
        ("feature",)),
    Bad("D2", "the target is not there", given("y"), DataError, ("schema_match of 'y': no such column",)),
    Bad("D2", "the target in capitals", given("y", Y=usual()["y"]), DataError, ("no such column", "'Y'")),
    Bad("D2", "the entity is not there", given("who", whom=usual()["who"]),
        DataError, ("'who'", "Did you mean 'whom'?")),
    Bad("D2",
        "a declared column is not there", given(sections={"data": {"validate": {"schema": {"spend": "float"}}}}),
        DataError, ("schema_match of 'spend': no such column", "a float column")),
    Bad("D2", "a category that is not there", given("plan"), ContractError, ("plan",)),
    *(
        Bad("D4", what, Given({**usual(), **dict.fromkeys(strange, usual()["z"])}), DataError, ("column_names", told))
        for what, strange, told in (
            ("two names that look alike", ("caf\u00e9", "cafe\u0301"), "look alike"),
            ("a name with a character that nobody sees", ("user\u200bid",), "ZERO WIDTH SPACE"),
            ("a name with a control character", ("a\x1b[31mb",), "U+001B"),
            ("a name that turns the direction of writing", ("a\u202eb",), "RIGHT-TO-LEFT OVERRIDE"),
            ("a name of 10,000 letters", ("x" * 10_000,), "10,000 characters"),
        )
    ),
    Bad("D9", "infinity", given(z=spread(float("inf"), 1.0, 0.1)), DataError, ("infinite_values: 30 in 'z'",)),
    Bad("D9", "minus infinity", given(z=spread(float("-inf"), 1.0, 0.1)), DataError, ("infinite_values: 30 in 'z'",)),
    Bad("D9", "more than a model's numbers hold", given(z=spread(1e308, 1.0, 0.1)),
        DataError, ("infinite_values: 30 in 'z'", "none beyond 3.4e+38")),
    Bad("D9", "whole numbers beyond 64 bits",
        given(z=lambda rows: pl.Series([2**63 + n for n in range(rows)], dtype=pl.UInt64)),
            DataError, ("column 'z'",)),
    Bad("D9", "an infinite target", given(y=spread(float("inf"), 1.0, 0.1), sections=REGRESSION), DataError,
        ("infinite_values", "'y'")),
    Bad("D10", "a column of nothing", given(z=spread(None, 1.0, 1.0)), DataError, ("null_ratio of 'z': 100",)),
    Bad("D10", "a column of almost nothing", given(z=spread(None, 1.0, 0.99), sections=EIGHT), DataError,
        ("null_ratio of 'z': 99", "at most 80%")),
    Bad("D10", "targets that are missing", given(y=spread(None, 1, 0.05)), DataError, ("y",)),
    Bad("D11", "one target for all", given(y=spread(1, 0, 1.0)), DataError, ("one class only", "Every part")),
    Bad("D11", "one number for all", given(y=spread(5.0, 0.0, 1.0), sections=REGRESSION), DataError,
        ("the train part: the target is 5 in every row", "something to learn")),
    Bad("D12", "a class of one row", given(y=spread(1, 0, 1 / ROWS)), DataError, ("one class only",)),
    Bad("D12", "a class that is over before the test", given(y=spread(1, 0, 0.5)), DataError,
        ("the test part: it has one class only", "0: 60", "1: 0")),
    Bad("D12", "a class that begins after the training rows",
        given(y=lambda rows: ["c" if n > rows * 0.7 else "ab"[n % 2] for n in range(rows)],
              sections={"ml_problem": {"type": "multiclass_classification", "success_metric": "f1_macro"}}),
        DataError, ("the train part: it lacks a class", "c: 0")),
    Bad("D12", "three values where two are asked", given(y=lambda rows: [n % 3 for n in range(rows)]),
        DataError, ("3",)),
    Bad("D13", "the target under another name", given(copy=usual()["y"]), DataError,
        ("features.definitions.copy", "the target y", "Leave it out")),
    Bad("D13", "the target on another scale",
        given(y=usual()["x"], copy=usual()["x"] * 3 + 1, sections=REGRESSION), DataError,
        ("features.definitions.copy", "correlation with the target y")),
    Bad("D14",
        "a category for each row", given(rows=1200, plan=lambda rows: [f"user {n}" for n in range(rows)]), DataError,
        ("plan", "values")),
    Bad("S27", "a source that stopped months ago", given(sections=source(freshness="2d")), DataError,
        ("freshness of 'at': the newest is of 2026-01-13", "138.5 days old", "source rows is at most 2 days old",
         "Bring the source up to date")),
    Bad("S27", "a source that stopped an hour too long ago",
        given(at=lambda rows: [NOW - timedelta(hours=49 + n) for n in range(rows)], sections=source(freshness="2d")),
        DataError, ("freshness of 'at'", "2.042 days old")),
    Bad("S27", "rows of the future make no source new",
        given(at=lambda rows: [START] * (rows - 3) + [NOW + timedelta(days=9)] * 3, sections=source(freshness="200d")),
        DataError, ("freshness of 'at': 3 of 300 times lie in the future, the first at 2026-06-10",
                    "3 in the future")),
    Bad("S27", "its own column tells the age",
        given(came=lambda rows: [NOW.date() - timedelta(days=9)] * rows,
              sections=source(freshness="1 week", loaded_at="came")), DataError, ("freshness of 'came'", "9 days old")),
    Bad("S27", "the age stands in a text", given(came=lambda rows: ["lately"] * rows,
        sections=source(freshness="2d", loaded_at="came")), DataError,
        ("freshness of 'came': a string column", "lately", "Declare it as a datetime")),
    Bad("S27", "no such column tells the age", given(came=numbers, sections=source(freshness="2d", loaded_at="cane")),
        DataError, ("freshness of 'cane'", "Did you mean 'came'?")),
    Bad("S27", "no time of the source is known",
        given(came=lambda rows: pl.Series([None] * rows, dtype=pl.Date), sections={"data": {
            **source(freshness="2d", loaded_at="came")["data"], "validate": {"max_null_ratio": 1.0}}}), DataError,
        ("freshness of 'came': source rows has no time in it",)),
    Bad("D16", "one moment of an entity, two answers",
        Given(twice(y=lambda n: int(n % 3 == 0)), cleaned(key=["who", "at"])), DataError,
        ("data.clean.duplicates", "keys agree in who, at and differ elsewhere (who=", "No two rows have one key",
         "latest: COLUMN")),
    Bad("D16", "two answers that came at once",
        Given(twice(z=lambda n: -1.0, came=lambda n: 0), cleaned(key=["who", "at"], latest="came")), DataError,
        ("600 rows of 300 keys agree in who, at and came and differ elsewhere",)),
    Bad("D16", "two answers, and of neither is known when it came",
        Given({**twice(z=lambda n: -1.0), "came": pl.Series([None] * ROWS * 2, dtype=pl.Int64)},
              cleaned(key=["who", "at"], latest="came")), DataError, ("agree in who, at and came",)),
    Bad("D16", "a key that is no column", given(sections=cleaned(key=["whom", "at"])), ContractError,
        ("data.clean.duplicates.key[0]", "no column 'whom'", "Did you mean 'who'?")),
    Bad("D16", "times of one entity that are no times", given(at=lambda rows: ["soon"] * rows), DataError,
        ("event_time of 'at': a string column",)),
    Bad("D17", "seconds since 1970", given(at=lambda rows: [1_700_000_000 + n for n in range(rows)]), DataError,
        ("event_time of 'at': a int column", "a date or a datetime")),
    Bad("D17",
        "milliseconds since 1970 as numbers", given(at=lambda rows: [1.7e12 + n for n in range(rows)]), DataError,
        ("event_time of 'at': a float column",)),
    Bad("D17",
        "times of the future", given(at=lambda rows: [NOW + timedelta(days=n) for n in range(rows)]), DataError,
        ("event_time of 'at'", "298 in the future", "no later than 2026-06-02")),
    Bad("D17", "the year 9999", given(at=spread(datetime(9999, 12, 31, tzinfo=UTC), NOW, 0.01)), DataError,
        ("3 in the future",)),
    Bad("D17", "no times at all", given(at=lambda rows: pl.Series([None] * rows, dtype=pl.Datetime("us", "UTC")),
        sections={"data": {"validate": {"max_null_ratio": 1.0}}}), DataError, ("every value is missing",)),
    *(
        Bad("D18", f"the time {text}", given(at=lambda rows, text=text: ["2026-01-01T00:00:00"] * (rows - 1) + [text],
            sections={"data": {"sources": {"rows": {"files": "rows.parquet", "schema": {"at": "datetime"}}}}}),
            DataError, ("column 'at': 1 of 300 values are no datetime", text))
        for text in ("2026-02-29T00:00:00", "2026-01-01T24:00:00", "2026-01-01T23:59:61", "2026-13-01", "01/02/2026",
            "")
        if text
    ),
    Bad("D21", "lists", given(z=lambda rows: [[n] * (n % 3) for n in range(rows)]),
        DataError, ("'z' holds List", "plain")),
    Bad("D21", "objects", given(z=lambda rows: [{"a": n} for n in range(rows)]), DataError, ("'z' holds Struct",)),
    Bad("D21", "bytes", given(z=lambda rows: [b"\xff"] * rows), DataError, ("'z' holds Binary",)),
    Bad("D21", "spans of time", given(z=lambda rows: [timedelta(days=1)] * rows), DataError, ("'z' holds Duration",)),
    Bad("D25", "all rows at one moment", given(at=lambda rows: [START] * rows),
        DataError, ("train part: it has no rows",)),
    Bad("D25", "a gap longer than the history", given(sections={"training": {"split": {"gap": "60d"}}}), DataError,
        ("it has no rows", "left out")),
    Bad("D25", "one entity where entities are divided",
        given(who=lambda rows: [1] * rows, sections={"training": {"split": {"by": "entity"}}}),
            DataError, ("no rows",)),
    Bad("D30", "no trial has a score",
        given(sections={"training": {"tuning": TRIALS, "candidates": [
            {"estimator": LOGISTIC, "params": {"solver": "nosuch"}, "search": {"C": "float(0.1, 1)"}}]}}),
        DataError, ("none of 2 trials gave a score", "solver")),
    Bad("D30", "a parameter that no such model has",
        given(sections={"training": {"candidates": [{"estimator": LOGISTIC,
            "params": {"depth": 1}}]}}), ContractError,
        ("no parameter depth",)),
    Bad("D30", "no such model", given(sections={"training": {"candidates": [{"estimator": "sklearn.nosuch.X"}]}}),
        ContractError, ("sklearn.nosuch.X",)),
)

# what to look at: the columns of the matrix that the models learned from
TAKEN = (
    Taken("D2", "one column more", given(more=numbers), {"x", "z", "plan", "more"}),
    Taken("D2", "the columns in another order", Given(dict(reversed(usual().items()))), {"x", "z", "plan"}),
    Taken("D4", "names of other alphabets", named(x="금액", z="المبلغ", plan="プラン"), {"금액", "المبلغ", "プラン"}),
    Taken("D4", "an emoji", named(x="\U0001f6d2"), {"\U0001f6d2", "z", "plan"}),
    Taken("D4", "signs that LightGBM refuses", named(x='a"[]{}:,b', z="c\\d"), {'a"[]{}:,b', "c\\d", "plan"}),
    Taken("D4", "words of SQL", named(x="select", z="from", plan="order by"), {"select", "from", "order by"}),
    Taken("D6",
        "whole numbers with gaps", given(z=lambda rows: [None if n % 20 == 0 else n % 9 for n in range(rows)]),
          {"x", "z", "plan"}),
    Taken("D6", "truths with gaps", given(z=lambda rows: [None if n % 20 == 0 else n % 3 == 0 for n in range(rows)]),
          {"x", "z", "plan"}),
    Taken("D8",
        "NaN is a missing value", given(z=lambda rows: [float("nan") if n % 20 == 0 else n % 7 for n in range(rows)]),
          {"x", "z", "plan"}),
    Taken("D9", "minus zero and the smallest numbers", given(z=spread(-0.0, 5e-324)), {"x", "z", "plan"}),
    Taken("D9", "decimals", given(z=lambda rows: [Decimal(n % 9) / 4 for n in range(rows)]), {"x", "z", "plan"}),
    Taken("D11", "a feature of one value", given(z=spread(1.0, 0.0, 1.0)), {"x", "z", "plan"}),
    Taken("D14", "a category that comes after the training rows", given(plan=spread("old", "new", 0.9)), {"x", "z",
        "plan"}),
    Taken("D16",
        "rows that repeat", Given({name: [each for each in values for _ in "12"] for name, values in usual().items()}),
          {"x", "z", "plan"}),
    Taken("D17", "rows in any order", Given({name: list(reversed(list(values))) for name, values in usual().items()}),
          {"x", "z", "plan"}),
    Taken("D18", "other zones, and no zone", given(at=zoned, sections={"data": {"sources": {
          "rows": {"files": "rows.parquet", "schema": {"at": "datetime"}}}}}), {"x", "z", "plan"}),
    Taken("D23", "categories with levels that no row has",
          given(plan=lambda rows: pl.Series(["b", "a"] * (rows // 2), dtype=pl.Enum(["z", "b", "a"]))), {"x", "z",
              "plan"}),
    Taken("D26", "HTML, escapes and control characters",
          given(plan=lambda rows: ["<script>alert(1)</script>", "\x1b[31mred", "a\tb\r\n"] * (rows // 3)), {"x", "z",
              "plan"}),
)
# fmt: on


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_nothing_is_learned_from_it(bad: Bad, tmp_path: Path) -> None:
    going = Round(tmp_path, bad.made)
    with refused(bad):
        going.go()
    assert "training" not in going.left
    if any(
        part.startswith(
            ("schema", "null", "infinite", "event_time", "column_names", "freshness", "data.clean")
        )
        for part in bad.says
    ):
        assert going.left == {"raw"}


@pytest.mark.parametrize("taken", TAKEN, ids=str)
def test_what_only_looks_bad_is_learned_from(taken: Taken, tmp_path: Path) -> None:
    going = Round(tmp_path, taken.made)
    result = going.go()
    assert set(result.best.importance) <= taken.gives
    matrix = pl.read_parquet(tmp_path / "features" / "matrix.parquet")
    assert taken.gives <= set(matrix.columns)
    page = (tmp_path / "reports" / "data_validation.html").read_text()
    assert "<script>alert" not in page


# ---- what is told and stops nothing ----------------------------------------------------------------------------

# fmt: off
# what to look at: the check that warns, its column, and parts of what it says
WARNED = (
    *(
        Taken("D8", f"the text {text!r}", given(plan=spread(text, "pro", 0.1)),
              ("undeclared_nulls", "plan", (f"30 times {text!r} (10.0% of the rows)", "nulls of its source")))
        for text in ("nan", "NaN", " ", "NULL", "N/A", "None", "-", "?", "<NA>", "\\N")
    ),
    *(
        Taken("D8", f"the number {number}", given(z=spread(number, 3, 0.1)),
              ("undeclared_nulls", "z", (f"30 times '{number:g}'", "data.validate.value_ranges.z")))
        for number in (-999, -99, 9999, -9999.0, 99999)
    ),
    Taken("D8", "the day on which all clocks begin",
          given(born=lambda rows: [datetime(1970 if n % 9 == 0 else 2020, 1, 1, tzinfo=UTC) for n in range(rows)]),
          ("undeclared_nulls", "born", ("34 times '1970-01-01 00:00:00+00:00'",))),
    Taken("D16", "one moment of an entity, two answers, and nobody said which holds",
          Given(twice(z=lambda n: -1.0)),
          ("duplicates", "at", ("300 rows have who, at of an earlier one", "data.clean.duplicates: {key: [who, at]"))),
    *(
        Taken("D27", what, given(**{name: values}), ("personal_data", name, (f"it looks like {what}",
              f"add {name} to data.validate.personal")))
        for name, what, values in (
            ("email", "e-mail addresses", lambda rows: [f"user{n}@example.com" for n in range(rows)]),
            ("contact", "e-mail addresses", lambda rows: [f"user{n}@example.com" for n in range(rows)]),
            ("firstName", "names of persons", lambda rows: [f"Name{chr(65 + n % 26)}" for n in range(rows)]),
            ("customer_phone", "telephone numbers", lambda rows: [821_012_345_000 + n for n in range(rows)]),
            ("reach", "telephone numbers", lambda rows: [f"+82 10-1234-{n:04}" for n in range(rows)]),
            ("date_of_birth", "dates of birth", lambda rows: [START.date() - timedelta(n) for n in range(rows)]),
            ("account", "account or card numbers", lambda rows: [iban(n) for n in range(rows)]),
            ("paid_with", "account or card numbers", lambda rows: [f"4000 1234 5678 {n:04}" for n in range(rows)]),
            ("ssn", "numbers of identity papers", lambda rows: [f"900-12-{n:04}" for n in range(rows)]),
            ("seen_from", "addresses of computers", lambda rows: [f"10.0.{n % 4}.{n % 250}" for n in range(rows)]),
            ("home_street", "home addresses", lambda rows: [f"Elm {n}" for n in range(rows)]),
        )
    ),
)
SILENT = (
    Taken("D8", "a number that stands among others", given(z=lambda rows: [float(n - 999) for n in range(rows)]), ()),
    Taken("D8", "what the project allows",
          given(plan=spread("none", "pro", 0.1),
                sections={"data": {"validate": {"value_ranges": {"plan": {"values": ["none", "pro"]}}}}}), ()),
    Taken("D27", "what the project knows of", given(email=lambda rows: [f"user{n}@example.com" for n in range(rows)],
          sections={"data": {"validate": {"personal": ["email"]}}}), ()),
    Taken("D27", "counts and answers about such things", given(sent_email=numbers, has_phone=spread("Yes", "No")), ()),
    Taken("D8", "what the project filled in itself",
          given(z=lambda rows: [None if n % 10 == 0 else float(n % 5) for n in range(rows)],
                plan=lambda rows: [None if n % 10 == 0 else "pro" for n in range(rows)],
                sections={"data": {"clean": {"missing": {"z": {"value": -999}, "plan": {"value": "missing"}}}}}), ()),
    Taken("S27", "a source that is new enough", given(sections=source(freshness="140d")), ()),
)
# fmt: on


@pytest.mark.parametrize("warned", WARNED, ids=str)
def test_what_a_person_should_look_at_is_told_and_stops_nothing(warned: Taken, tmp_path: Path) -> None:
    going = Round(tmp_path, warned.made)
    dataset = going.prepare()
    name, column, says = warned.gives
    [check] = [check for check in dataset.checks if check.status == "warned"]
    assert (check.name, check.column) == (name, column)
    for part in says:
        assert part in f"{check.found}. {check.mend}."
    assert going.left == {"raw", "processed"}
    page = (tmp_path / "reports" / "data_validation.html").read_text()
    assert "1 warn" in page
    assert check.examples == ()


@pytest.mark.parametrize("silent", SILENT, ids=str)
def test_what_was_spoken_about_is_not_told_again(silent: Taken, tmp_path: Path) -> None:
    assert {check.status for check in Round(tmp_path, silent.made).prepare().checks} == {"passed"}


# ---- what becomes of the rows ----------------------------------------------------------------------------------

ROWS_LEFT = (
    Taken("D8", "declared nulls are missing, and nothing else is",
          given(z=spread(-999, 3, 0.1), plan=spread("nan", "?", 0.05), sections=source(nulls=["nan", -999])),
          {"z": 30, "plan": 15}),
    Taken("D8", "a declared day is missing",
          given(born=spread(datetime(1900, 1, 1, tzinfo=UTC), NOW, 0.1), sections=source(nulls=["1900-01-01"])),
          {"born": 30}),
    Taken("D16", "copies go", Given(twice(), cleaned()), {"rows": ROWS}),
    Taken("D16", "copies go, with a key too", Given(twice(), cleaned(key=["who", "at"])), {"rows": ROWS}),
    Taken("D16", "the row that came last stays",
          Given(twice(z=lambda n: -1.0, came=lambda n: 5), cleaned(key=["who", "at"], latest="came")),
          {"rows": ROWS, "values": {"z": -1.0, "came": 5}}),
    Taken("D16", "a row of nobody contradicts nobody",
          Given({**twice(z=lambda n: -1.0), "who": [None if n < 20 else n for n in range(ROWS * 2)]},
                cleaned(key=["who", "at"])), {"rows": ROWS * 2}),
)  # fmt: skip


@pytest.mark.parametrize("taken", ROWS_LEFT, ids=str)
def test_what_the_project_says_of_rows_and_values_is_done_and_counted(taken: Taken, tmp_path: Path) -> None:
    going = Round(tmp_path, taken.made)
    dataset = going.prepare()
    table = pl.read_parquet(tmp_path / "processed" / dataset.file)
    wanted = dict(taken.gives)
    before = len(next(iter(taken.made.columns.values())))
    assert table.height == dataset.rows == wanted.pop("rows", before)
    for name, value in wanted.pop("values", {}).items():
        assert table[name].unique().to_list() == [value]
    assert {name: table[name].null_count() for name in wanted} == wanted
    page = (tmp_path / "reports" / "data_validation.html").read_text()
    if dataset.rows < before:
        assert "rows dropped that" in page


# ---- tables of a notebook --------------------------------------------------------------------------------------

PANDAS = (
    Bad(
        "D3",
        "two columns of one name",
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        DataError,
        ("not unique",),
    ),
    Bad("D5", "numbers as names", pd.DataFrame({1: [1], 2: [2]}), DataError, ("not texts", "df.columns")),
    Bad("D5", "pairs as names", pd.DataFrame({("a", "b"): [1]}), DataError, ("not texts",)),
    Bad("D5", "nothing as a name", pd.DataFrame({None: [1]}), DataError, ("not texts",)),
    Bad(
        "D7",
        "texts, numbers and objects",
        pd.DataFrame({"a": ["3", 3, None, {}]}),
        DataError,
        ("column 'a'",),
    ),
    Bad("D7", "numbers and texts", pd.DataFrame({"a": [1, "x"]}), DataError, ("column 'a'",)),
    Bad("D9", "complex numbers", pd.DataFrame({"a": [1j]}), DataError, ("column 'a'",)),
    Bad("D21", "arrays of differing length", pd.DataFrame({"a": [[1], [1, 2]]}), DataError, ("column 'a'",)),
    Bad("D21", "bytes", pd.DataFrame({"a": [b"\xff"]}), DataError, ("column 'a'",)),
    Bad("D26", "half a character", pd.DataFrame({"a": ["\ud800"]}), DataError, ("column 'a'",)),
)
INDEXED = (
    Taken("D22", "an index that repeats", pd.DataFrame({"a": [1, 2]}, index=[5, 5]), [1, 2]),
    Taken("D22", "an index in another order", pd.DataFrame({"a": [1, 2]}, index=[1, 0]), [1, 2]),
    Taken(
        "D22", "an index of several levels", pd.DataFrame({"a": [1, 2]}, index=[["x", "y"], [0, 1]]), [1, 2]
    ),
    Taken(
        "D6",
        "whole numbers of pandas with a gap",
        pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}),
        [1, None],
    ),
    Taken(
        "D8",
        "no time",
        pd.DataFrame({"a": [pd.Timestamp("2024-01-01"), pd.NaT]}),
        [datetime(2024, 1, 1, tzinfo=UTC), None],
    ),
)


def notebook(folder: Path) -> DataPipeline:
    return DataPipeline({"sources": {"rows": {"files": "rows.parquet"}}}, folder=folder)


@pytest.mark.parametrize("bad", PANDAS, ids=str)
def test_no_table_is_made_of_it(bad: Bad, tmp_path: Path) -> None:
    with refused(bad, tmp_path):
        notebook(tmp_path).transform({"rows": bad.made})


@pytest.mark.parametrize("taken", INDEXED, ids=str)
def test_only_the_columns_count(taken: Taken, tmp_path: Path) -> None:
    assert notebook(tmp_path).transform({"rows": taken.made})["a"].to_list() == taken.gives


# ---- answers of a model ----------------------------------------------------------------------------------------

ANSWERS = {
    "D29 the same to all": [0.5, 0.5, 0.5],
    "D29 NaN once": [0.1, 0.2, float("nan")],
    "D29 NaN always": [float("nan")] * 3,
    "D29 infinity": [0.1, 0.2, float("inf")],
    "D29 none at all": [],
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_model_that_says_nothing_does_not_pass(name: str) -> None:
    score = np.array(ANSWERS[name])
    gate = _answers(Answers(np.ones(len(score)), score, ("0", "1"), "1", 0.5))
    assert gate.status != "passed"
    assert gate.asked == ">= 2 different, all finite"
