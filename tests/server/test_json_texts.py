"""Texts that are no JSON are refused with the place; texts that are JSON are read, whatever becomes of them then."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rondo.stages.serving import Application
from rondo.testing.live_server import Reply
from rondo.testing.serving import House, ask

MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "a space": b" ",
    "a new line": b"\n",
    "an open object": b"{",
    "an open list": b"[",
    "a closed object": b"}",
    "a closed list": b"]",
    "closed by the other bracket": b"[1}",
    "closed twice": b"{}}",
    "a comma alone": b",",
    "a colon alone": b":",
    "a trailing comma in a list": b"[1,]",
    "a trailing comma in an object": b'{"a":1,}',
    "a leading comma": b"[,1]",
    "two commas": b"[1,,2]",
    "no comma": b"[1 2]",
    "a semicolon": b"[1;2]",
    "no colon": b'{"a" 1}',
    "two colons": b'{"a"::1}',
    "an equals sign": b'{"a"=1}',
    "no value": b'{"a":}',
    "no name": b"{:1}",
    "a name without quotes": b"{a:1}",
    "a name in single quotes": b"{'a':1}",
    "a name that is a number": b"{1:1}",
    "a name that is null": b"{null:1}",
    "a text in single quotes": b"['a']",
    "an open text": b'["a',
    "a text with a new line": b'["a\nb"]',
    "a text with a tab": b'["a\tb"]',
    "a text with a zero byte": b'["a\x00b"]',
    "a text with a control character": b'["a\x1fb"]',
    "an unknown escape": rb'["\x41"]',
    "an escaped nothing": b'["\\"]',
    "an escaped digit": rb'["\0"]',
    "half a unicode escape": rb'["\u12"]',
    "a unicode escape with a letter": rb'["\u12G4"]',
    "a unicode escape in capitals": rb'["\U0041"]',
    "a lone high surrogate": rb'["\ud800"]',
    "a lone low surrogate": rb'["\udc00"]',
    "surrogates in the wrong order": rb'["\udc00\ud800"]',
    "a high surrogate and a letter": rb'["\ud800a"]',
    "a plus sign": b"[+1]",
    "a leading zero": b"[01]",
    "a negative leading zero": b"[-01]",
    "a minus alone": b"[-]",
    "two minuses": b"[--1]",
    "a minus and a space": b"[- 1]",
    "no digit before the point": b"[.5]",
    "no digit after the point": b"[1.]",
    "no digit between point and exponent": b"[1.e2]",
    "an exponent without digits": b"[1e]",
    "an exponent with a sign alone": b"[1e+]",
    "an exponent with a point": b"[1e1.5]",
    "two points": b"[1.2.3]",
    "a hexadecimal number": b"[0x1F]",
    "a number with an underscore": b"[1_000]",
    "a number with a comma": b'{"a":1,000}',
    "a number with a space": b"[1 000]",
    "a number with letters": b"[12abc]",
    "full-width digits": "[１２]".encode(),
    "Arabic digits": "[١٢]".encode(),
    "not a number": b"[NaN]",
    "infinity": b"[Infinity]",
    "minus infinity": b"[-Infinity]",
    "a number beyond all": b"[1e400]",
    "true in capitals": b"[True]",
    "half of true": b"[tru]",
    "more than null": b"[nulls]",
    "None": b"[None]",
    "undefined": b"[undefined]",
    "a comment": b"[1] // one",
    "a comment within": b"[1 /* one */]",
    "a hash": b"# one\n[1]",
    "two values": b"{} {}",
    "a value and a comma": b"{},",
    "a value and text": b"{}abc",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a no-break space": b"[\xc2\xa01]",
    "a form feed": b"[\x0c1]",
    "a vertical tab": b"[\x0b1]",
    "a byte that begins nothing": b'["\xff"]',
    "a byte that goes on from nothing": b'["\x80"]',
    "two bytes cut off": b'["\xc3"]',
    "an overlong slash": b'["\xc0\xaf"]',
    "a surrogate as UTF-8": b'["\xed\xa0\x80"]',
    "beyond Unicode": b'["\xf4\x90\x80\x80"]',
    "Latin-1": '["é"]'.encode("latin-1"),
    "UTF-16": '["a"]'.encode("utf-16-le"),
    "UTF-32": '["a"]'.encode("utf-32-be"),
    "a name twice": b'{"a":1,"a":1}',
    "a name twice, once escaped": rb'{"a":1,"\u0061":2}',
    "an empty name twice": b'{"":1,"":2}',
    "a name twice, deep within": b'{"x":[{"y":{"a":1,"a":2}}]}',
    "33 lists in a list": b"[" * 34 + b"]" * 34,
    "33 objects in an object": b'{"a":' * 34 + b"1" + b"}" * 34,
    "100,000 open lists": b"[" * 100_000,
    "a document of another kind": b"<json/>",
    "a form": b"a=1&b=2",
}
WELL_FORMED: dict[str, bytes] = {
    "an empty object": b"{}",
    "an empty list": b"[]",
    "an empty text": b'""',
    "a text": b'"abc"',
    "zero": b"0",
    "minus zero": b"-0",
    "a number": b"-12.5e-3",
    "a number with a capital exponent": b"1E5",
    "a number with a signed exponent": b"1e+5",
    "a number with zeros after the point": b"1.000",
    "a number near the greatest": b"1.7976931348623157e308",
    "a number near zero": b"5e-324",
    "a number that vanishes": b"1e-400",
    "2 to the 53rd and one": b"9007199254740993",
    "the greatest whole number of 64 bits": b"18446744073709551615",
    "true": b"true",
    "false": b"false",
    "null": b"null",
    "space around": b" \t\r\n{} \t\r\n",
    "space within": b'{ "a" : [ 1 , 2 ] }',
    "no space at all": b'{"a":[1,2,{"b":null}]}',
    "every escape": rb'["\"\\\/\b\f\n\r\t"]',
    "a unicode escape": rb'["\u00e9\u20ac"]',
    "a pair of surrogates": rb'["\ud83d\ude00"]',
    "an escaped zero": rb'["\u0000"]',
    "a delete character": b'["\x7f"]',
    "letters of two, three and four bytes": '["é€😀"]'.encode(),
    "a line separator": b'["\xe2\x80\xa8"]',
    "the greatest letter": b'["\xf4\x8f\xbf\xbf"]',
    "an empty name": b'{"":0}',
    "names that differ in case": b'{"a":1,"A":2}',
    "the same name in two objects": b'[{"a":1},{"a":2}]',
    "colons and quotes in texts": rb'{"a:b":"c:\"d\":e"}',
    "brackets in texts": b'{"a":"[[[{{{"}',
    "a text like a name given before": b'{"a":"a","b":"a"}',
    "32 levels": b"[" * 32 + b"]" * 32,
    "a list of a thousand": b"[" + b",".join([b"0"] * 1000) + b"]",
    "an object of a thousand": b"{" + b",".join(b'"n%d":0' % n for n in range(1000)) + b"}",
    "mixed values": b'[1,"a",null,true,{},[]]',
}
PATHS = ("/predict", "/feedback")


@pytest.fixture(scope="module")
def replies(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Reply]:
    folder: Path = tmp_path_factory.mktemp("json")
    house = House(folder)
    house.release("1.0.0")
    house.route({"1.0.0": 1.0})

    async def talk(app: Application) -> dict[tuple[str, str], Reply]:
        texts = {**MALFORMED, **WELL_FORMED}
        return {
            (path, name): await ask(app, "POST", path, text) for path in PATHS for name, text in texts.items()
        }

    async def whole() -> dict[tuple[str, str], Reply]:
        async with house.open() as app:
            return await talk(app)

    return asyncio.run(whole())


@pytest.mark.parametrize("path", PATHS)
def test_what_is_no_json_is_refused(path: str, replies: dict[tuple[str, str], Reply]) -> None:
    assert len(MALFORMED) >= 60
    for name in MALFORMED:
        reply = replies[path, name]
        assert reply.status == 400, (name, reply.body[:300])
        first = reply.json["errors"][0]
        assert first["msg"], name
        assert first["hint"], name


@pytest.mark.parametrize("path", PATHS)
def test_what_is_json_is_read(path: str, replies: dict[tuple[str, str], Reply]) -> None:
    assert len(WELL_FORMED) >= 30
    for name in WELL_FORMED:
        assert replies[path, name].status == 422, (name, replies[path, name].body[:300])


def test_the_place_is_told(replies: dict[tuple[str, str], Reply]) -> None:
    told = replies["/predict", "a trailing comma in a list"].json["detail"]
    assert "byte 3" in told
    assert replies["/predict", "a name twice"].json["errors"][0]["loc"] == ["a"]
