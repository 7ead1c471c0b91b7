"""What a person sees when something goes wrong: the error's own words and its exit code, never a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from rondo.errors import NotAvailable, RondoError, UsageError

INTERRUPTED = 130
_BUG = 70  # a fault of Rondo itself, as sysexits.h has it


def debugging() -> bool:
    """Whether the person asked for tracebacks."""
    return bool(os.environ.get("RONDO_DEBUG"))


def guarded(call: Callable[[], Any]) -> int:
    """Calls and returns the exit code; errors are told on stderr."""
    from typer.exceptions import Abort, Exit, TyperException

    try:
        code = call()
        if code == INTERRUPTED:  # newer Typer catches Ctrl-C itself
            return _interrupted()
        return code if isinstance(code, int) else 0
    except Exit as end:
        return end.exit_code
    except (Abort, KeyboardInterrupt):
        return _interrupted()
    except TyperException as error:
        return _misused(error)
    except BrokenPipeError:
        # The reader of our output went away: nothing to tell it, and nothing more to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except RondoError as error:
        if debugging():
            raise
        return _tell(str(error), error.exit_code)
    except OSError as error:
        if debugging():
            raise
        return _tell(_of_the_system(error), NotAvailable.exit_code)
    except Exception as error:
        if debugging():
            raise
        return _tell(
            f"this is a fault of Rondo: {type(error).__name__}: {error}\n"
            "Run the command again with --debug and report what it prints.",
            _BUG,
        )


def _interrupted() -> int:
    return _tell(
        "interrupted; what is finished stays, the same command goes on where it stopped", INTERRUPTED
    )


def _of_the_system(error: OSError) -> str:
    """A file or folder that is not what a command needs: in the system's words, with its name."""
    where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    return f"{where}{(error.strerror or str(error)).lower()}. Check the path, its permissions and the disk."


def _misused(error: Exception) -> int:
    """How the command was called wrongly, as Typer words it; no command at all is a question for help."""
    show = getattr(error, "show", None)
    if show is None:
        return _tell(str(error), UsageError.exit_code)
    show()
    return 0 if type(error).__name__ == "NoArgsIsHelpError" else UsageError.exit_code


def _tell(text: str, code: int) -> int:
    print(f"rondo: {text}", file=sys.stderr)  # noqa: T201
    return code
