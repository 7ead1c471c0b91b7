"""What the dashboard says, in the language of who reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from rondo.dashboard.sentences import in_korean
from rondo.dashboard.texts import TEXTS

Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = ("en", "ko")

_ENGLISH = re.compile(r"\b(?:[A-Za-z']+ ){2,}[A-Za-z']+\b")


@dataclass(frozen=True, slots=True)
class Words:
    """The texts in one language."""

    language: Language

    def __call__(self, key: str, **values: object) -> str:
        """The text of that key with its values; what is not a key is data, and stays as it is."""
        text = self._text(key)
        return key if text is None else text.format(**{k: self._value(v) for k, v in values.items()})

    def _text(self, key: str) -> str | None:
        """With its holes."""
        texts = TEXTS.get(key)
        return None if texts is None else texts[LANGUAGES.index(self.language)]

    def _value(self, value: object) -> str:
        """A value that is a key itself is said, several one after the other; any other stays as it is."""
        if isinstance(value, list):
            return ", ".join(self._value(one) for one in value)
        return self._text(str(value)) or str(value)

    def knows(self, key: str) -> bool:
        """Whether there is a text of that key."""
        return key in TEXTS

    def state(self, word: object) -> str:
        """A state, verdict or severity in words."""
        return self._of("state", word)

    def strategy(self, word: str) -> str:
        """How a version is released."""
        return self._of("strategy", word)

    def side(self, word: str) -> str:
        """Control or candidate."""
        return self._of("side", word)

    def reasons(self, words: Iterable[str]) -> str:
        """Why a retrain is due."""
        return ", ".join(self._of("reason", word) for word in words)

    def sentence(self, text: str) -> str:
        """A sentence that a room wrote down."""
        return in_korean(text) if self.language == "ko" else text

    def foreign(self, text: str) -> bool:
        """Whether words of another language are left in what is said."""
        return self.language != "en" and bool(_ENGLISH.search(text))

    def _of(self, kind: str, word: object) -> str:
        return self._text(f"{kind}.{word}") or str(word).replace("_", " ")


def language_of(chosen: str | None, accepted: str) -> Language:
    """The language that was chosen, else the first that the browser accepts and we speak, else English."""
    for wish in (chosen or "", *accepted.split(",")):
        word = wish.strip().split(";")[0].split("-")[0].lower()
        for language in LANGUAGES:
            if word == language:
                return language
    return "en"
