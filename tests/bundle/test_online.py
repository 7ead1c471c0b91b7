"""Features of requests: values, order of precedence, refusals, and equality with the batch side."""

from __future__ import annotations

import hashlib
import math
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rondo.bundle.batch import INPUT_TYPES, MOMENT, model_values, stateless_values
from rondo.bundle.online import FeatureRows, OnlineFeatures, as_arrays
from rondo.bundle.plan import FeaturePlan, HistoryFeature, PlanInput, StatelessFeature, entity_text
from rondo.bundle.user_functions import UserFunctions
from rondo.errors import CorruptArtifact, DataError, UserCodeError

NOW = datetime(2024, 3, 2, 15, 30, tzinfo=UTC)  # a Saturday
SOURCE = "import numpy as np\ndef half(c):\n    return c['amount'] / 2 + np.isnan(c['spent'])\n"


def column(name: str) -> StatelessFeature:
    return StatelessFeature(name, "column", (name,))


FULL = FeaturePlan(
    entity="who",
    event_time="at",
    inputs=(
        PlanInput("amount", "float"), PlanInput("items", "int"), PlanInput("vip", "bool"),
        PlanInput("shop", "string"), PlanInput("signup", "datetime"),
    ),
    history=(
        HistoryFeature("spent", "sum", "amount", 86_400.0, default=0.0), HistoryFeature("mean", "mean", "amount", 1.0),
    ),
    stateless=(
        column("amount"), column("items"), column("vip"), column("shop"),
        StatelessFeature("hour", "time", ("at",), part="hour"),
        StatelessFeature("weekend", "time", ("at",), part="is_weekend"),
        StatelessFeature("weekday", "time", ("at",), part="day_of_week"),
        StatelessFeature("week", "time", ("signup",), part="week_of_year"),
        StatelessFeature("price", "ratio", ("amount", "items"), zero=-1.0),
        StatelessFeature("share", "ratio", ("amount", "spent"), zero=0.5),
        StatelessFeature("logged", "expr", ("price", "spent"), expression="ln(abs(price)) + spent"),
        StatelessFeature("upper", "expr", ("shop",), expression="upper(shop)"),
        StatelessFeature("half", "python", ("amount", "spent"), function="mine.py:half"),
    ),
    numerical=(
        "amount", "items", "vip", "hour", "weekend", "weekday", "week", "price", "share", "logged", "half", "spent",
        "mean",
    ),
    categorical=("shop", "upper"),
    views={},
    python_files={"mine.py": hashlib.sha256(SOURCE.encode()).hexdigest()},
    entity_type="int",
)  # fmt: skip
WHOLE: dict[str, Any] = {
    "who": 7, "amount": 30.0, "items": 4, "vip": True, "shop": "s1", "signup": "2024-01-01T00:00:00Z",
}  # fmt: skip


def direct(count: int = 20, texts: int = 0) -> FeaturePlan:
    """A plan whose features are plain values of the request."""
    numbers, words = [f"x{n}" for n in range(count)], [f"c{n}" for n in range(texts)]
    return FeaturePlan(
        None, None,
        (*(PlanInput(name, "float") for name in numbers), *(PlanInput(name, "string") for name in words)),
        (), tuple(column(name) for name in (*numbers, *words)), tuple(numbers), tuple(words), {},
    )  # fmt: skip


@pytest.fixture
def online(tmp_path: Path) -> OnlineFeatures:
    (tmp_path / "mine.py").write_text(SOURCE)
    return OnlineFeatures(FULL, tmp_path)


def one(made: FeatureRows, plan: FeaturePlan = FULL, row: int = 0) -> dict[str, Any]:
    numbers = dict(zip(plan.numerical, made.numerical[row].tolist(), strict=True))
    return numbers | dict(zip(plan.categorical, made.categorical[row], strict=True))


def told(raised: pytest.ExceptionInfo[DataError]) -> dict[str, str]:
    return {problem.where: str(problem) for problem in raised.value.problems}


def test_values_of_a_request(online: OnlineFeatures) -> None:
    made = online.rows([WHOLE], [None], NOW)
    found = one(made)
    assert (found["hour"], found["weekend"], found["weekday"], found["week"]) == (15, 1, 5, 1)
    assert (found["price"], found["share"], found["spent"], found["vip"]) == (7.5, 0.5, 0, 1)
    assert math.isnan(found["mean"])
    assert (found["shop"], found["upper"]) == ("s1", "S1")
    assert (made.entities, made.event_times) == (["7"], [NOW])
    assert made.numerical.dtype == np.float32


def test_given_beats_computed_beats_stored(online: OnlineFeatures) -> None:
    stored = {
        "amount": 8.0,
        "items": 2,
        "vip": False,
        "shop": "s9",
        "signup": None,
        "spent": 100.0,
        "mean": 3.0,
    }
    by_store = one(online.rows([{"who": 7}], [stored], NOW))
    assert (by_store["price"], by_store["spent"], by_store["shop"]) == (4, 100, "s9")
    by_request = one(online.rows([{"who": 7, "amount": 6}], [stored], NOW))
    assert (by_request["price"], by_request["spent"]) == (3, 100)
    by_feature = one(online.rows([{"who": 7, "amount": 6, "price": 9, "spent": 1.5}], [stored], NOW))
    assert (by_feature["price"], by_feature["spent"], by_feature["amount"]) == (9, 1.5, 6)
    assert by_feature["logged"] == pytest.approx(math.log(9) + 1.5)


def test_a_given_feature_needs_no_inputs_of_its_own(online: OnlineFeatures) -> None:
    computed = {name: 1.0 for name in FULL.numerical if name not in {"items", "vip", "amount"}}
    request = {**computed, "amount": 2.0, "items": None, "vip": None, "shop": None, "upper": "GIVEN"}
    found = one(online.rows([request], [None], NOW))
    assert (found["price"], found["half"], found["upper"], found["shop"]) == (1, 1, "GIVEN", "")


def test_a_request_says_its_own_moment(online: OnlineFeatures) -> None:
    made = online.rows(
        [{**WHOLE, "at": "2024-03-04T23:59:59+09:00"}, {**WHOLE, "at": None}], [None, None], NOW
    )
    assert [row["hour"] for row in (one(made), one(made, row=1))] == [14, 15]
    assert made.event_times == [datetime(2024, 3, 4, 14, 59, 59, tzinfo=UTC), NOW]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("amount", "3", "a number is expected, found the text '3'"),
        ("amount", True, "a number is expected, found true"),
        ("amount", math.nan, "a missing value is written null"),
        ("amount", math.inf, "a missing value is written null"),
        ("amount", [1], "a number is expected, found a list"),
        ("amount", 10**400, "found one with 401 digits"),
        ("items", 3.5, "a whole number is expected, found the number 3.5"),
        ("items", 2**63, "a whole number is expected"),
        ("items", False, "a whole number is expected, found false"),
        ("vip", 1, "true or false is expected, found the number 1"),
        ("vip", "true", "true or false is expected"),
        ("shop", 5, "a text is expected, found the number 5"),
        ("shop", {"a": 1}, "a text is expected, found an object"),
        ("signup", "yesterday", "a moment such as"),
        ("signup", 17, "a moment such as"),
        ("at", "12:30", "a moment such as"),
        ("who", "7", "a whole number is expected for the entity, found '7'"),
        ("who", True, "a whole number is expected for the entity"),
        ("price", "9", "a number is expected"),
        ("upper", 1.5, "a text is expected"),
        ("spent", "1", "a number is expected"),
        ("amuont", 3.0, "nothing has this name. Did you mean 'amount'?"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_place(
    online: OnlineFeatures, name: str, value: object, said: str
) -> None:
    with pytest.raises(DataError) as raised:
        online.rows([WHOLE, {**WHOLE, name: value}], [None, None], NOW)
    assert list(told(raised)) == [f"rows[1].{name}"]
    assert said in told(raised)[f"rows[1].{name}"]


def test_all_problems_of_all_rows_are_told_at_once(online: OnlineFeatures) -> None:
    with pytest.raises(DataError) as raised:
        online.rows([{"who": 1, "amount": "x"}, {**WHOLE, "itms": 3}], [None, None], NOW)
    assert set(told(raised)) == {
        "rows[0].amount", "rows[0].items", "rows[0].vip", "rows[0].shop", "rows[0].signup", "rows[1].itms",
    }  # fmt: skip
    assert (
        "is needed and not given. The store keeps nothing for this entity." in told(raised)["rows[0].items"]
    )


def test_what_the_store_keeps_is_checked_too(online: OnlineFeatures) -> None:
    with pytest.raises(
        DataError, match=r"rows\[0\]\.items: in the feature store: a whole number is expected"
    ):
        online.rows([{**{n: v for n, v in WHOLE.items() if n != "items"}}], [{"items": "four"}], NOW)


def test_no_requests_give_no_rows(online: OnlineFeatures) -> None:
    assert online.rows([], [], NOW).numerical.shape == (0, len(FULL.numerical))
    assert OnlineFeatures(direct()).rows([], [], NOW).categorical.shape == (0, 0)


floats = st.one_of(st.none(), st.sampled_from([0.0, -0.0, 1e-40, 1e39, 16777217.0]), st.floats(-1e6, 1e6))
rows = st.fixed_dictionaries(
    {
        "amount": floats,
        "items": st.one_of(st.none(), st.integers(-3, 3), st.integers(-(2**63), 2**63 - 1)),
        "vip": st.one_of(st.none(), st.booleans()),
        "shop": st.one_of(st.none(), st.sampled_from(["", "a", "ß", "nan", "None"])),
        "signup": st.one_of(st.none(), st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1))),
        "at": st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1)),
        "spent": floats,
        "mean": floats,
    }
)


@settings(max_examples=60, deadline=None)
@given(st.lists(rows, min_size=1, max_size=8))
def test_every_kind_is_equal_in_batch_and_online(
    tmp_path_factory: pytest.TempPathFactory, many: list
) -> None:
    folder = tmp_path_factory.mktemp("python")
    (folder / "mine.py").write_text(SOURCE)
    online = OnlineFeatures(FULL, folder)
    types = {each.name: INPUT_TYPES[each.type] for each in FULL.inputs} | {
        "spent": pl.Float64,
        "mean": pl.Float64,
    }
    table = pl.DataFrame(
        {name: [row[name] if not isinstance(row[name], datetime) else row[name].replace(tzinfo=UTC) for row in many]
         for name in (*types, "at")},
        schema={**types, "at": MOMENT},
    )  # fmt: skip
    batch = model_values(FULL, stateless_values(FULL, table, UserFunctions(FULL, folder)))
    numbers, texts = as_arrays(FULL, batch)
    for place, row in enumerate(many):
        made = online.rows([row], [None], NOW)
        np.testing.assert_array_max_ulp(made.numerical[0], numbers[place], maxulp=1)
        assert made.categorical[0].tolist() == texts[place].tolist()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(floats, min_size=3, max_size=3), min_size=1, max_size=5))
def test_the_short_way_equals_the_long_way(many: list[list[float | None]]) -> None:
    plan = direct(3, 1)
    online, slow = OnlineFeatures(plan), OnlineFeatures(plan)
    slow._direct = None
    requests = [{**{f"x{n}": value for n, value in enumerate(row)}, "c0": "t"} for row in many]
    fast = online._direct.rows(requests, [None] * len(requests), NOW)
    wanted = slow.rows(requests, [None] * len(requests), NOW)
    np.testing.assert_array_equal(fast.numerical, wanted.numerical)
    assert fast.categorical.tolist() == wanted.categorical.tolist()


def test_the_short_way_refuses_like_the_long_way() -> None:
    online = OnlineFeatures(direct(2, 1))
    good = {"x0": 1, "x1": 2.0, "c0": "a"}
    for bad in (
        {**good, "x0": "1"},
        {**good, "x0": True},
        {**good, "x0": math.nan},
        {**good, "y": 1},
        {"x0": 1},
    ):
        with pytest.raises(DataError):
            online.rows([good, bad], [None, None], NOW)
    by_store = online.rows([{"x0": 5}], [{"x1": 1.0, "c0": None, "_event_timestamp": NOW}], NOW)
    assert one(by_store, online.plan) == {"x0": 5, "x1": 1, "c0": ""}


def test_twenty_plain_numbers_go_the_short_way() -> None:
    online = OnlineFeatures(direct(20))
    assert online._direct is not None
    request = {f"x{n}": n / 7 for n in range(20)}
    requests, nothing = [request] * 64, [None] * 64
    best = min(_seconds(lambda: online.rows(requests, nothing, NOW)) for _ in range(10)) / 64
    sys.stdout.write(f"one row of 20 numbers, 64 at once: {best * 1e6:.1f} us\n")


def test_threads_share_one_object(online: OnlineFeatures) -> None:
    wanted = one(online.rows([WHOLE], [None], NOW))
    found: list[bool] = []

    def ask() -> None:
        for _ in range(20):
            made = one(online.rows([WHOLE], [None], NOW))
            found.append(all(made[n] == wanted[n] or made[n] != made[n] for n in wanted))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 80


def test_functions_are_loaded_only_as_they_were_recorded(tmp_path: Path) -> None:
    with pytest.raises(CorruptArtifact, match=r"mine\.py is not in the folder"):
        OnlineFeatures(FULL, tmp_path)
    (tmp_path / "mine.py").write_text(SOURCE + "\n# changed\n")
    with pytest.raises(CorruptArtifact, match="not the file that the features were made with"):
        OnlineFeatures(FULL, tmp_path)


@pytest.mark.parametrize(
    ("body", "said"),
    [("raise ValueError('no')", "ValueError: no"), ("return c['amount'][:0]", "returned 0 values for 1 rows"),
     ("return 'text'", "one array with one value per row"), ("return c['amount'].astype(str)", "numbers are expected")],
)  # fmt: skip
def test_a_function_that_fails_is_named(tmp_path: Path, body: str, said: str) -> None:
    source = f"def half(c):\n    {body}\n"
    (tmp_path / "mine.py").write_text(source)
    from dataclasses import replace

    plan = replace(FULL, python_files={"mine.py": hashlib.sha256(source.encode()).hexdigest()})
    with pytest.raises(UserCodeError, match=r"features\.definitions\.half") as raised:
        OnlineFeatures(plan, tmp_path).rows([WHOLE], [None], NOW)
    assert said in str(raised.value)


def test_an_entity_has_one_spelling() -> None:
    values = (17850, 17850.0, "17850", "", None, True, 1.5, math.nan, [1], -3)
    assert [entity_text(value) for value in values] == ["17850"] * 3 + [None] * 6 + ["-3"]


def test_only_numpy_polars_and_msgspec_are_loaded() -> None:
    heavy = "('pandas', 'pyarrow', 'sklearn', 'pydantic', 'mlflow', 'feast', 'sqlalchemy')"
    asked = f"import sys, rondo.bundle.online; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout.strip() == "[]"


def _seconds(call: Any) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def test_a_moment_keeps_its_microseconds(online: OnlineFeatures) -> None:
    at = NOW + timedelta(microseconds=1)
    assert online.rows([{**WHOLE, "at": at.isoformat()}], [None], NOW).event_times == [at]
