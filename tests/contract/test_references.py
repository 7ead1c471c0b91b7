from __future__ import annotations

import pytest

from rondo.contract import resolve
from rondo.contract.references import login_in_clear, mask
from rondo.errors import ContractError

ENV = {"USER": "ann", "PASSWORD": "hunter2", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("plain", "plain"),
        ("env:PASSWORD", "hunter2"),
        ("pg://${USER}:${PASSWORD}@h/d", "pg://ann:hunter2@h/d"),
        ("lake/{day}/*.parquet", "lake/{day}/*.parquet"),
        ("environment: x", "environment: x"),
    ],
)
def test_references_become_values(text: str, resolved: str) -> None:
    assert resolve(text, ENV, "x") == resolved


def test_a_value_is_not_resolved_again() -> None:
    assert resolve("${A}", {"A": "${B}"}, "x") == "${B}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("env:NOPE", "NOPE is not set"),
        ("x${EMPTY}y", "EMPTY is empty"),
        ("${PASSWORD}${NOPE}", "NOPE is not set"),
        ("${no name}", "'no name' cannot name"),
        ("${}", "'' cannot name"),
        ("env:", "'' cannot name"),
    ],
)
def test_what_cannot_be_resolved_is_named_and_never_shown(text: str, said: str) -> None:
    with pytest.raises(ContractError, match=said) as caught:
        resolve(text, ENV, "rondo.yaml:3 data.sources.a.sql")
    assert "rondo.yaml:3" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_every_missing_variable_is_named_at_once() -> None:
    with pytest.raises(ContractError) as caught:
        resolve("${ONE}${TWO}", {}, "x")
    assert len(caught.value.problems) == 2


def test_passwords_are_masked() -> None:
    assert mask("pg://ann:hunter2@h/d?token=abc&x=1") == "pg://ann:…@h/d?token=…&x=1"
    assert login_in_clear("pg://ann:hunter2@h/d")
    assert not login_in_clear("pg://ann:${PASSWORD}@h/d")
    assert not login_in_clear("http://h:80/a@b")
