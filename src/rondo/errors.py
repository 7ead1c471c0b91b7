"""Every error that Rondo raises on purpose, drawn as one tree.

RondoError
├── UsageError            exit 2   a command was called in a way it cannot be
├── ContractError         exit 3   the project file asks for something that cannot be (also ValueError)
├── DataError             exit 4   data broke a rule (also ValueError)
│   └── UserCodeError              the user's own function or script failed
├── NotAvailable          exit 5   something needed is not there
│   ├── TemporaryPortError         ... right now; trying again makes sense (also ConnectionError)
│   └── MissingExtra               ... because an optional part is not installed (also ImportError)
├── Conflict              exit 6   somebody else holds it, or it would contradict what is
├── CorruptArtifact       exit 7   bytes are not what was recorded
└── GateSaidNo            exit 1   a gate refused: not a fault, an answer

An error says what, where, which rule and how to mend; the faces (CLI, server, dashboard) read the fields.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

SHOWN_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where it is, what was found, the rule it breaks and the mend."""

    where: str
    what: str
    rule: str = ""
    mend: str = ""

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return " ".join(
            part if part.endswith((".", "?", "!")) else part + "."
            for part in (head, self.rule, self.mend)
            if part
        )


class RondoError(Exception):
    """The root: carries its problems as records and renders them as text."""

    exit_code = 1
    kind = "error"

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        rule: str = "",
        mend: str = "",
        problems: Iterable[Problem] | None = None,
    ) -> None:
        self.what = what
        self.problems: Sequence[Problem] = (
            tuple(problems) if problems is not None else (Problem(where, what, rule, mend),)
        )
        super().__init__(self._text(what))

    def _text(self, what: str) -> str:
        if len(self.problems) == 1:
            return str(self.problems[0])
        shown = [f"  {problem}" for problem in self.problems[:SHOWN_PROBLEMS]]
        if hidden := len(self.problems) - len(shown):
            shown.append(f"  … and {hidden} more")
        return "\n".join([what, *shown])


class UsageError(RondoError):
    """A command or function was called in a way it cannot be."""

    exit_code, kind = 2, "usage"


class ContractError(RondoError, ValueError):
    """The project file asks for something that cannot be."""

    exit_code, kind = 3, "contract"


class DataError(RondoError, ValueError):
    """Data broke a rule of the contract."""

    exit_code, kind = 4, "data"


class UserCodeError(DataError):
    """The user's own function or script failed; its exception is the cause."""

    kind = "user_code"


class NotAvailable(RondoError):
    """Something that is needed is not there."""

    exit_code, kind = 5, "not_available"


class TemporaryPortError(NotAvailable, ConnectionError):
    """Something did not answer right now; nothing was changed and trying again makes sense."""

    kind = "temporary"


class MissingExtra(NotAvailable, ImportError):
    """An optional part is not installed."""

    kind = "missing_extra"

    def __init__(self, package: str, *, extra: str, needed_for: str) -> None:
        super().__init__(
            f"{needed_for} needs {package}", mend=f"Install it with: pip install 'rondo-ml[{extra}]'"
        )


class Conflict(RondoError):
    """Somebody else holds it, or it would contradict what is."""

    exit_code, kind = 6, "conflict"


class CorruptArtifact(RondoError):
    """Bytes are not what was recorded; the artefact is refused."""

    exit_code, kind = 7, "integrity"


class GateSaidNo(RondoError):
    """A gate refused. Not a fault: an answer, with its evidence."""

    exit_code, kind = 1, "gate"


def nearest(name: str, known: Collection[str]) -> str:
    """A mend that names the nearest known name, or the known names when none is near."""
    names = sorted(known)
    if alike := next((one for one in names if one.casefold() == name.casefold()), None):
        return f"Did you mean {alike!r}?"
    if near := get_close_matches(name, names, n=1, cutoff=0.6):
        return f"Did you mean {near[0]!r}?"
    return f"Known: {', '.join(names) or 'none'}."
