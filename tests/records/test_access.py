"""One token, one role; without the right one nobody learns more than that."""

from __future__ import annotations

from typing import Any

import pytest

from rondo.contract.serving import Access
from rondo.errors import ContractError
from rondo.records.access import OPEN_TO_ALL, ROLES, Role, check_address, denial, names_of, role_of, tokens_of

ENV = {f"{role.upper()}_TOKEN": f"{role}-{'x' * 24}" for role in ROLES}
ACCESS = Access(predict="env:PREDICT_TOKEN", view="env:VIEW_TOKEN", operate="env:OPERATE_TOKEN")
TOKENS = tokens_of(ACCESS, ENV)


def bearer(role: str) -> tuple[bytes, bytes]:
    return b"authorization", f"Bearer {ENV[f'{role.upper()}_TOKEN']}".encode()


@pytest.mark.parametrize("needed", ROLES)
@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_the_roles_below_it_may(role: Role, needed: Role) -> None:
    found = denial(TOKENS, needed, [bearer(role)])
    if ROLES.index(role) >= ROLES.index(needed):
        assert found is None
    else:
        assert found is not None
        assert (found.status, "insufficient_scope" in found.headers["www-authenticate"]) == (403, True)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"")],
        [(b"authorization", b"Bearer")],
        [(b"authorization", b"Bearer wrong")],
        [(b"authorization", bearer("operate")[1] + b"x")],
        [(b"authorization", b"Basic " + bearer("operate")[1][7:])],
        [(b"authorization", bearer("operate")[1][7:])],
        [bearer("operate"), bearer("operate")],
        [bearer("operate"), (b"authorization", b"")],
        [(b"cookie", bearer("operate")[1])],
        [(b"authorization", "Bearer é".encode())],
    ],
)
def test_without_the_one_right_token_nobody_is_let_in(headers: Any) -> None:
    found = denial(TOKENS, "predict", headers)
    assert found is not None
    assert found.status == 401
    assert found.headers["www-authenticate"].startswith("Bearer realm=")
    assert "Bearer TOKEN" in found.hint
    assert role_of(TOKENS, headers) is None


def test_a_token_in_the_address_counts_for_nothing() -> None:
    found = denial(TOKENS, "predict", [], b"token=" + ENV["PREDICT_TOKEN"].encode())
    assert found is not None
    assert (found.status, "ends up in logs" in found.hint) == (401, True)


def test_an_absurd_token_is_not_looked_at() -> None:
    found = denial(TOKENS, "predict", [(b"authorization", b"Bearer " + b"x" * 1_000_000)])
    assert found is not None
    assert found.status == 431


def test_without_tokens_and_at_open_addresses_everybody_is_let_in() -> None:
    assert denial(OPEN_TO_ALL, "operate", []) is None
    assert denial(TOKENS, None, []) is None


@pytest.mark.parametrize(
    ("access", "env", "said"),
    [
        (Access(predict="in-clear-in-the-file"), {}, "stands in the project file"),
        (Access(predict="env:NOT_SET"), {}, "NOT_SET is not set"),
        (Access(view="env:EMPTY"), {"EMPTY": ""}, "EMPTY is empty"),
        (Access(operate="env:SHORT"), {"SHORT": "secret-7"}, "holds no token"),
        (Access(operate="env:SPACE"), {"SPACE": "secret words of someone"}, "holds no token"),
        (Access(predict="env:ONE", view="env:ONE"), {"ONE": "secret-" * 4}, "same token"),
    ],
)
def test_what_cannot_be_a_token_is_refused_by_its_key(access: Access, env: Any, said: str) -> None:
    with pytest.raises(ContractError, match=said) as refused:
        tokens_of(access, env)
    assert "serving.access." in str(refused.value)
    assert not any(value in str(refused.value) for value in (*env.values(), "in-clear") if value)


def test_tokens_are_not_kept() -> None:
    assert not any(token in repr(TOKENS) for token in ENV.values())


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_alone_needs_no_token(host: str) -> None:
    check_address(host, Access())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org", ""])
def test_others_are_kept_out_by_a_token_or_not_let_in(host: str) -> None:
    with pytest.raises(ContractError, match=r"serving\.access\.predict"):
        check_address(host, Access(view="env:VIEW_TOKEN"))
    check_address(host, ACCESS)


@pytest.mark.parametrize(
    ("host", "hosts", "asked", "known"),
    [
        ("127.0.0.1", (), b"127.0.0.1:8080", True),
        ("127.0.0.1", (), b"LOCALHOST", True),
        ("127.0.0.1", (), b"[::1]:80", True),
        ("127.0.0.1", (), b"10.0.0.1", False),
        ("127.0.0.1", (), b"evil.example", False),
        ("127.0.0.1", (), b"localhost.evil.example", False),
        ("127.0.0.1", ("api.example.org",), b"api.example.org:443", True),
        ("127.0.0.1", ("api.example.org",), b"apiXexample.org", False),
        ("0.0.0.0", (), b"10.0.0.1:8080", True),
        ("0.0.0.0", (), b"[fe80::1]:8080", True),
        ("0.0.0.0", (), b"evil.example", False),
        ("model.example.org", (), b"model.example.org", True),
    ],
)
def test_a_name_has_to_be_known(host: str, hosts: tuple[str, ...], asked: bytes, *, known: bool) -> None:
    assert (names_of(host, hosts).match(asked) is not None) == known
