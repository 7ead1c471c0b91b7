"""The mission document, read where it lies beside the checkout: its listings are used as they are printed."""

from __future__ import annotations

import ast
import re
import textwrap
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).parents[3] / "shared" / "mission" / "ml-lifecycle.ko.md"


@dataclass(frozen=True)
class Listing:
    """One fenced block of the document; `section` is the number of the heading above it."""

    section: str
    language: str
    text: str

    def values(self) -> dict[str, Any]:
        """What the listing assigns: plain data only, nothing of it is called."""
        found: dict[str, Any] = {}
        for statement in ast.parse(self.text).body:
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                try:
                    found[statement.targets[0].id] = ast.literal_eval(statement.value)
                except ValueError:
                    continue
        return found

    def literal(self, name: str) -> str:
        """The source of what is assigned to that name, comments and all."""
        for statement in ast.parse(self.text).body:
            if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", "") == name:
                return ast.get_source_segment(self.text, statement.value) or ""
        raise KeyError(name)

    def section_of_the_file(self, name: str, key: str = "") -> str:
        """What is assigned to that name as a section of a project file: flow style is YAML as well."""
        return f"{key or name}: {self.literal(name)}\n"

    def methods(self, name: str) -> dict[str, tuple[str, ...]]:
        """Each method of the listing's class with its arguments, `self` left out."""
        for statement in ast.parse(self.text).body:
            if isinstance(statement, ast.ClassDef) and statement.name == name:
                return {
                    one.name: tuple(argument.arg for argument in one.args.args[1:])
                    for one in statement.body
                    if isinstance(one, ast.FunctionDef)
                }
        raise KeyError(name)

    def own(self, name: str) -> Any:
        """The listing's own class, made by running its imports and its classes: what ours is compared with."""
        kept = [
            one
            for one in ast.parse(self.text).body
            if isinstance(one, ast.Import | ast.ImportFrom | ast.ClassDef)
        ]
        names: dict[str, Any] = {}
        exec(compile(ast.Module(kept, type_ignores=[]), f"listing {self.section}", "exec"), names)
        return names[name]

    def calls(self, name: str) -> list[dict[str, Any]]:
        """The arguments of every call of that name by place or name; what is no plain value is kept as text."""
        found = []
        for call in ast.walk(ast.parse(self.text)):
            if isinstance(call, ast.Call) and name in (
                getattr(call.func, "attr", ""),
                getattr(call.func, "id", ""),
            ):
                given = {str(place): value for place, value in enumerate(call.args)}
                given |= {keyword.arg or "": keyword.value for keyword in call.keywords}
                found.append({key: _plain(value) for key, value in given.items()})
        return found

    def usage(self) -> str:
        """The statements after the classes: how the document uses them."""
        body = ast.parse(self.text).body
        last = max(place for place, one in enumerate(body) if isinstance(one, ast.ClassDef))
        kept = [ast.get_source_segment(self.text, one) or "" for one in body[last + 1 :]]
        return textwrap.dedent("\n".join(kept))


def _plain(value: ast.expr) -> Any:
    try:
        return ast.literal_eval(value)
    except ValueError:
        return ast.unparse(value)


@cache
def listings() -> tuple[Listing, ...]:
    """Every fenced block under a numbered heading, in order."""
    found, section, language, lines = [], "", None, []
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        if language is None and (heading := re.match(r"#+ (\d+(?:\.\d+)?)", line)):
            section = heading[1]
        if line.startswith("```"):
            if language is None:
                language, lines = line[3:].strip(), []
            else:
                found.append(Listing(section, language, "\n".join(lines) + "\n"))
                language = None
        elif language is not None:
            lines.append(line)
    return tuple(found)


@cache
def sections() -> tuple[str, ...]:
    """The numbers of the headings that stand over text, the exercises included (`exercise 1`)."""
    text = DOCUMENT.read_text(encoding="utf-8")
    numbered = re.findall(r"^#{2,3} (\d+(?:\.\d+)?)", text, re.MULTILINE)
    exercises = [f"exercise {number}" for number in re.findall(r"^### 문제 (\d+)", text, re.MULTILINE)]
    return (*numbered, *exercises)


def listing(section: str, number: int = 0) -> Listing:
    """A listing of that section."""
    return [one for one in listings() if one.section == section][number]
