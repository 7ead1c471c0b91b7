"""What an outcome's text means: the positive class, or a number."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_TRUE = frozenset({"1", "1.0", "true", "yes"})
_FALSE = frozenset({"0", "0.0", "false", "no"})


def names_class(value: str, name: str) -> bool:
    """Whether an outcome names that class; 1 and true, and 0 and false, may also be called the other way."""
    one, other = value.lower(), name.lower()
    return value == name or any(one in words and other in words for words in (_TRUE, _FALSE))


def are_class(values: Iterable[str], name: str) -> NDArray[np.bool_]:
    """Per outcome whether it names that class, [n]."""
    texts = list(values)
    known = {text: names_class(text, name) for text in set(texts)}
    return np.array([known[text] for text in texts], dtype=np.bool_)
