"""Bodies that are not JSON as this server takes it are refused; the others mean what they say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondo.stages.serving.decoding import decode
from rondo.stages.serving.problems import Refusal

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b'{"a": NaN}', "malformed_json"),
        (b'{"a": Infinity}', "malformed_json"),
        (b'{"a": -Infinity}', "malformed_json"),
        (b'{"a": 1,}', "malformed_json"),
        (b"{'a': 1}", "malformed_json"),
        (b'{"a": 01}', "malformed_json"),
        (b"1 2", "malformed_json"),
        (b'\xef\xbb\xbf{"a": 1}', "malformed_json"),
        ('{"a": 1}'.encode("utf-16"), "malformed_json"),
        (b'{"a": "\xff"}', "malformed_json"),
        (b'{"a": "\\ud800"}', "malformed_json"),
        (b'{"a": 1e400}', "number_out_of_range"),
        (b'{"a": ' + b"9" * 5000 + b"}", "number_out_of_range"),
        (b"[" * 100_000, "too_deep"),
        (b"[" * 40 + b"]" * 40, "too_deep"),
        (b'{"a": ' * 40 + b"1" + b"}" * 40, "too_deep"),
        (b'{"a": 1, "a": 1}', "duplicate_name"),
        (b'{"a": 1, "\\u0061": 2}', "duplicate_name"),
        (b'{"rows": [{"a": 1}, {"b": 1, "b": ":"}]}', "duplicate_name"),
        (b'{"a": "::", "a": "x"}', "duplicate_name"),
        (b'{"a:": 1, "a:": 1}', "duplicate_name"),
    ],
)
def test_what_is_no_json_is_refused_with_400(body: bytes, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        decode(body)
    assert (refused.value.status, refused.value.faults[0].code) == (400, code)


@given(JSON)
def test_any_json_without_repeated_names_is_taken_as_it_is(value: Any) -> None:
    assert decode(json.dumps(value).encode()) == value
    assert decode(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.dictionaries(st.text(":ab\\", max_size=3), JSON, min_size=1, max_size=4), st.data())
def test_any_repeated_name_is_found(value: dict[str, Any], data: st.DataObject) -> None:
    again = data.draw(st.sampled_from(sorted(value)))
    items = [*value.items(), (again, data.draw(JSON))]
    body = "{" + ", ".join(f"{json.dumps(name)}: {json.dumps(one)}" for name, one in items) + "}"
    with pytest.raises(Refusal) as refused:
        decode(f'{{"rows": [{body}]}}'.encode())
    assert refused.value.faults[0].code == "duplicate_name"
