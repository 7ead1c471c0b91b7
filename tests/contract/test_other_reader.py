"""What we accept, DVC's reader (ruamel.yaml) reads with the same values."""

from __future__ import annotations

import io
import math
import warnings
from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rondo.contract.yaml_nodes import read_yaml
from rondo.errors import ContractError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # an extension module of it warns when it is imported
    from ruamel.yaml import YAML

WORDS = """0 -0 +1 12 010 00 0o17 0x1F -0x1F +0o7 0b11 1_000 1__0 _1 09 0o8 0xZ 1.5 1. .5 +.5 -.5 0. 012.5 .5e5 .5e+5
1e3
12e03 1.e5 1.5e5 1e 1e999 0_1.5 .inf -.INF .nan .NaN . .. .e1 ~ null Null NULL nULL true True TRUE tRue false
yes Yes NO no on off y n Y 1:20 12:30:45 190:20:30.15 1:2:3:4 2024-01-01 2024-13-01 2001-1-1 2024-01-01T10:00:00
2024-02-30 = << < <5 <=5 a:b a::b -a --- x#y #x 1,000 5% $10 @x `x %x ,x [x {x ]x *x &x !x |x >x ?x - ? : "x 'x"""
PLAIN = WORDS.split()


def theirs(text: str) -> Any:
    """The value for ruamel.yaml."""
    return YAML(typ="safe").load(io.StringIO(text))


def ours(text: str) -> Any:
    """The value for us, or None in place of the document where we refuse it."""
    try:
        tree = read_yaml(text.encode(), "rondo.yaml")
    except ContractError:
        return None
    return None if tree.problems else tree.value


def same(one: Any, other: Any) -> bool:
    """Equal in value and in kind: 1, 1.0 and true are three values."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@pytest.mark.parametrize("word", PLAIN)
@pytest.mark.parametrize("form", ["a: {}\n", "- {}\n", "a: [{}]\n", "{{a: {}}}\n", "{}: 1\n"])
def test_a_word_that_is_accepted_has_one_meaning(word: str, form: str) -> None:
    text = form.format(word)
    if (accepted := ours(text)) is not None:
        assert same(accepted, theirs(text)), text


@given(st.text(alphabet="0123456789+-._eExXobTZ:nyft~=<", max_size=10))
def test_any_accepted_word_has_one_meaning(word: str) -> None:
    text = f"a: {word}\n"
    if (accepted := ours(text)) is not None:
        assert same(accepted, theirs(text)), text


LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20)
    | st.floats(allow_nan=False, allow_infinity=False)
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=8), VALUES, max_size=4), st.sampled_from([None, True, False]))
def test_what_a_library_writes_is_read_alike(value: dict[str, Any], flow: bool | None) -> None:
    text = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=True)
    if (accepted := ours(text)) is not None:
        assert same(accepted, theirs(text)), text


def test_a_float_keeps_its_value() -> None:
    assert math.isclose(ours("a: 1e3\n")["a"], 1000.0)


@given(st.text(max_size=80) | st.text(alphabet="ab: -[]{},\"'\n\t#&*!|>%@0", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(ContractError):
        read_yaml(text.encode(errors="surrogatepass"), "rondo.yaml")


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with suppress(ContractError):
        read_yaml(content, "rondo.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "a: &x |\n  one\n  two\nb: *x\n",
        "a: !!str 12\nb: &n {c: [1, 2]}\nd: *n\n",
        "a: >- # folded\n  one\n  two\n\n  three\n",
        '# \tnote\na: "x\ty"\n',
        "a:\n- 1\n- {b: c, 'd': \"e\"}\n",
        '{"a":1, "b":[true,null]}',
        "a: one\n  two\n",
    ],
)
def test_what_people_write_is_accepted_and_read_alike(text: str) -> None:
    accepted = ours(text)
    assert accepted is not None
    assert same(accepted, theirs(text))
