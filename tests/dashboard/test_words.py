from __future__ import annotations

import re
from importlib.resources import files

import pytest

from rondo.dashboard.texts import TEXTS
from rondo.dashboard.words import LANGUAGES, Words, language_of

TEMPLATES = [file for file in files("rondo.dashboard").iterdir() if file.name.endswith(".html")]


def test_every_key_that_a_template_names_has_its_texts() -> None:
    for template in TEMPLATES:
        text = template.read_text(encoding="utf-8")
        for key in re.findall(r"\bt\([\"']([\w.]+)[\"']\)", text):
            assert key in TEXTS, (template.name, key)
        for start in re.findall(r"\bt\([\"']([\w.]+\.)[\"'] ~", text):
            assert any(key.startswith(start) for key in TEXTS), (template.name, start)


def test_every_text_is_named_somewhere() -> None:
    """By its key, or by a key that is put together: `"state." ~ word`, `f"state.{word}"`."""
    room = [file for file in files("rondo.dashboard").iterdir() if file.name.endswith((".html", ".py"))]
    code = "".join(file.read_text(encoding="utf-8") for file in room if file.name != "texts.py")
    for key in TEXTS:
        kind, _, word = key.partition(".")
        put_together = f'"{kind}." ~' in code or f'"{kind}.{{' in code or f'_of("{kind}"' in code
        beside = word.endswith(".how") and f'"{key.removesuffix(".how")}"' in code
        assert f'"{key}"' in code or f"'{key}'" in code or put_together or beside, key


def test_every_text_is_there_in_both_languages() -> None:
    for key, texts in TEXTS.items():
        assert len(texts) == len(LANGUAGES)
        assert all(texts), key
    for key, (english, korean) in TEXTS.items():
        holes = re.findall(r"\{\w+\}", english)
        assert sorted(holes) == sorted(re.findall(r"\{\w+\}", korean)), key
        said = re.sub(r"\{\w+\}|[\W\d]", "", english)
        assert not said or re.search("[가-힣]", korean), key


def test_what_is_not_a_key_stays_as_it_is() -> None:
    assert Words("ko")("largest PSI is 0.3") == "largest PSI is 0.3"
    assert Words("en").state("some_new_state") == "some new state"
    assert Words("en")("rollout.began", at="noon", by="observed.by_chance").startswith("began noon by ")


@pytest.mark.parametrize(
    ("chosen", "accepted", "expected"),
    [
        (None, "ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        (None, "de-DE,de;q=0.9,en;q=0.8", "en"),
        ("ko", "en", "ko"),
        ("xx", "", "en"),
        (None, "", "en"),
    ],
)
def test_the_language_is_the_chosen_one_else_the_browser_s(
    chosen: str | None, accepted: str, expected: str
) -> None:
    assert language_of(chosen, accepted) == expected
