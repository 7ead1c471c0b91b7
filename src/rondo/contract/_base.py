"""What every section of the project file has in common: frozen, and nothing unknown is let in."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints


class Section(BaseModel):
    """A part of the project file; immutable, refuses unknown keys and numbers that are not finite."""

    # defer_build: only Project is compiled whole, when the first file is read.
    # The texts under the fields are read by schema.py alone: here they would cost every command 50 ms.
    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False, defer_build=True
    )


WINDOWS_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"com{n}" for n in range(10)), *(f"lpt{n}" for n in range(10))}
)


def can_be_a_file(name: str) -> str:
    """The name itself.

    Raises:
        ValueError: on some system no file can have it.
    """
    if name.endswith("."):
        raise ValueError(f"{name!r} ends with a dot; some systems drop it from file names; remove the dot")
    if name.partition(".")[0].lower() in WINDOWS_DEVICES:
        raise ValueError(f"{name!r} is a device on Windows; it cannot name a file; choose another name")
    return name


def _is_word(name: str) -> str:
    if not name.isidentifier() or len(name) > 63:
        raise ValueError(
            f"{name[:80]!r} cannot name a feature; a letter or _ first, then letters, digits, _, at most 63"
        )
    return unicodedata.normalize("NFC", name)


Filled = Annotated[str, StringConstraints(min_length=1, max_length=300)]
"""A text that is not empty."""
FileName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"), AfterValidator(can_be_a_file)
]
"""A name that becomes a folder or file: letters, digits, . _ -, at most 63."""
Word = Annotated[str, AfterValidator(_is_word)]
"""A name that becomes a column; letters of any script, digits, _."""
