"""The project file's YAML: plain values, the line of each, and everything that is wrong with it.

The parser's events are read one by one and the values are made here, because a YAML library keeps the last of
two equal keys, forgets the lines, and follows aliases without end. Limits: 1 MB, 64 levels, 100,000 values.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from rondo.contract.references import mask
from rondo.contract.yaml_scalars import Ambiguous, quoted, read_plain
from rondo.errors import ContractError, Problem

MAX_BYTES = 1_000_000
MAX_DEPTH = 64
MAX_VALUES = 100_000

Path = tuple[str | int, ...]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
# Line breaks of YAML 1.1 only (U+0085, U+2028, U+2029) would shift every line number.
_REFUSED = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_BLOCK_HEADER = re.compile(r"[|>][-+]?[1-9]?[-+]? *(?: #.*)?")
_PROPERTIES = re.compile(r"^(?:[&!]\S*\s+)+")
_ANCHOR = re.compile(r"^(?:!\S*\s+)?&[A-Za-z0-9_-]+(?:\s|$)")
_SPECIAL_START = re.compile(r"(?:^|[:\-,\[{])\s+([>*&!%@`|][^#]*)")


@dataclass(frozen=True, slots=True)
class Tree:
    """What a YAML text says; `problems` are those that did not stop the reading."""

    value: Any
    lines: Mapping[Path, int]
    plain: Mapping[Path, str]
    """The unquoted words that became something else than text, as they were written."""
    problems: tuple[tuple[Path, Problem], ...]


def read_yaml(content: bytes, name: str) -> Tree:
    """What the YAML says.

    Raises:
        ContractError: it is no YAML, not UTF-8, too large, or nested too deeply.
    """
    if len(content) > MAX_BYTES:
        raise ContractError(
            f"the file has {len(content):,} bytes",
            where=name,
            rule=f"A project file has at most {MAX_BYTES:,}",
            mend="Put data into files of their own and name them",
        )
    text = _decode(content, name)
    reader = _Reader(text, name)
    try:
        return reader.read()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text, name) from None
    except yaml.YAMLError as error:
        raise ContractError(f"not YAML: {str(error)[:200]}", where=name) from None


def _decode(content: bytes, name: str) -> str:
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise ContractError(
            "the file is in UTF-16 (byte 0 begins its mark)",
            where=name,
            rule="A project file is in UTF-8",
            mend="Save it as UTF-8",
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        offset = error.start + (3 if content.startswith(b"\xef\xbb\xbf") else 0)
        line = content.count(b"\n", 0, offset) + 1
        raise ContractError(
            f"byte {offset} (0x{content[offset]:02x}) is not UTF-8",
            where=f"{name}:{line}",
            rule="A project file is in UTF-8",
            mend="Save it as UTF-8",
        ) from None
    if found := _REFUSED.search(text):
        offset = len(text[: found.start()].encode()) + len(content) - len(text.encode())
        raise ContractError(
            f"the character U+{ord(found[0]):04X} at byte {offset} may not stand here",
            where=f"{name}:{text.count(chr(10), 0, found.start()) + 1}",
            mend="Remove it",
        )
    return text


def _syntax_error(error: yaml.MarkedYAMLError, text: str, name: str) -> ContractError:
    mark = error.problem_mark or error.context_mark
    lines = text.splitlines()
    number = min(mark.line, max(len(lines) - 1, 0)) if mark else 0
    line = lines[number] if lines else ""
    column = mark.column + 1 if mark else 1
    said = " ".join(part for part in (error.context, error.problem) if part)
    return ContractError(
        f"not YAML: {said}: `{mask(line.strip())[:120]}`",
        where=f"{name}:{number + 1}:{column}",
        mend=_syntax_mend(line, str(error.problem)),
    )


def _syntax_mend(line: str, problem: str) -> str:
    if "\t" in line[: len(line) - len(line.lstrip())] or "\\t" in problem:
        return "Indent with spaces; a tab is not allowed there"
    if found := _SPECIAL_START.search(line):
        value = found[1].rstrip(" }],")
        return f"A value that begins with {value[0]} must be quoted: {quoted(mask(value))}"
    if "mapping values are not allowed" in problem:
        return "Check the indentation, and quote a value that holds a colon followed by a space"
    if "expected ',' or" in problem:
        return "Close every bracket, and quote a value that holds brackets or commas"
    return "Check the indentation, the quotes and the brackets of this line and the one before"


@dataclass
class _Anchor:
    value: Any
    size: int


@dataclass
class _Reader:
    text: str
    name: str
    lines: dict[Path, int] = field(default_factory=dict)
    plain: dict[Path, str] = field(default_factory=dict)
    problems: list[tuple[Path, Problem]] = field(default_factory=list)
    anchors: dict[str, _Anchor] = field(default_factory=dict)
    quotes: list[tuple[int, int]] = field(default_factory=list)
    """Where texts begin and end that may hold anything: quoted ones and blocks."""
    count: int = 0

    def __post_init__(self) -> None:
        self.events: Iterator[Any] = iter(yaml.parse(self.text, Loader=_LOADER))

    def read(self) -> Tree:
        value: Any = None
        documents = 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if event.version and tuple(event.version) != (1, 2):
                    self._say((), event, "the file asks for another YAML than 1.2", "Remove the %YAML line")
                if documents == 2:
                    raise self._stop(
                        event,
                        "a second document begins here",
                        "A project file is one document",
                        "Remove the --- line",
                    )
            elif isinstance(event, yaml.NodeEvent):
                value = self._node(event, (), flow=False)
        self._refuse_tabs()
        return Tree(value, self.lines, self.plain, tuple(self.problems))

    def _refuse_tabs(self) -> None:
        """Tabs between words: one reader skips them, another refuses the file."""
        for found in re.finditer("\t", self.text):
            at = found.start()
            before = self.text[self.text.rfind("\n", 0, at) + 1 : at]
            if re.search(r"(^|\s)#", before) or any(start <= at < end for start, end in self.quotes):
                continue
            where = f"{self.name}:{self.text.count(chr(10), 0, at) + 1}:{len(before) + 1}"
            mend = "Put spaces in its place"
            self.problems.append(
                ((), Problem(where, "a tab stands between words", "Not every reader takes it", mend))
            )
            return

    def _node(self, event: Any, path: Path, *, flow: bool) -> Any:
        self.lines.setdefault(path, event.start_mark.line + 1)
        self._count(event, 1)
        if len(path) > MAX_DEPTH:
            raise self._stop(
                event,
                f"nested more than {MAX_DEPTH} levels deep",
                "",
                "No section of a project file is that deep",
            )
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        before = self.count
        if isinstance(event, yaml.ScalarEvent):
            value: Any = self._scalar(event, path, flow=flow)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(event, path)
        else:
            value = self._mapping(event, path)
        if event.anchor:
            if not _ANCHOR.search(self.text[event.start_mark.index :].split("\n", 1)[0]):
                self._say(
                    path,
                    event,
                    f"the anchor &{event.anchor} is no plain word",
                    "Use letters, digits, _ and -",
                )
            if event.anchor in self.anchors:
                self._say(path, event, f"the anchor &{event.anchor} stands twice", "Give each its own name")
            self.anchors[event.anchor] = _Anchor(value, self.count - before + 1)
        return value

    def _alias(self, event: Any, path: Path) -> Any:
        anchor = self.anchors.get(event.anchor)
        if anchor is None:
            mend = f"Define &{event.anchor} above this line, or quote the text: {quoted('*' + event.anchor)}"
            self._say(path, event, f"*{event.anchor} repeats an anchor that is not there yet", mend)
            return None
        self._count(event, anchor.size)
        return anchor.value

    def _scalar(self, event: Any, path: Path, *, flow: bool) -> Any:
        value: str = event.value
        if event.style:
            self._style(event, path)
        if found := _REFUSED.search(value):
            self._say(path, event, f"the text holds the character U+{ord(found[0]):04X}", "Remove it")
        tag = self._tag(event, path, {"str", "int", "float", "bool", "null"})
        if event.style or tag == "str":
            return value if tag in {None, "str"} else self._as_tagged(event, path, tag)
        if flow and _opens_call(event):
            whole = self._whole_call(event)
            self._say(
                path,
                event,
                f"the comma ends the value {value!r} here",
                f"Quote it: {quoted(whole)}",
                "Inside { } and [ ] a comma separates entries",
            )
            return value
        try:
            plain = read_plain(value)
        except Ambiguous as error:
            self._say(path, event, error.what, error.mend)
            return value
        if not isinstance(plain, str):
            self.plain[path] = value
        return plain if tag is None else self._as_tagged(event, path, tag)

    def _style(self, event: Any, path: Path) -> None:
        self.quotes.append((event.start_mark.index, event.end_mark.index))
        header = _PROPERTIES.sub("", self.text[event.start_mark.index :].split("\n", 1)[0].rstrip("\r"))
        if event.style in {"|", ">"} and not _BLOCK_HEADER.fullmatch(header):
            mend = "End the line after it, or quote a text that begins with it"
            self._say(path, event, f"{event.style} begins a block of lines", mend)

    def _as_tagged(self, event: Any, path: Path, tag: str) -> Any:
        kinds: dict[str, type | tuple[type, ...]] = {"int": int, "float": (int, float), "bool": bool}
        try:
            plain = read_plain(event.value)
        except Ambiguous:
            plain = event.value
        fits = plain is None if tag == "null" else isinstance(plain, kinds[tag])
        if not fits or (tag != "bool" and isinstance(plain, bool)):
            self._say(path, event, f"{event.value!r} is not a YAML {tag}", f"Remove the tag !!{tag}")
            return event.value
        return float(plain) if tag == "float" and plain is not None else plain

    def _whole_call(self, event: Any) -> str:
        """The text from the value's beginning to its closing bracket, as far as the line goes."""
        rest: str = self.text.splitlines()[event.start_mark.line][event.start_mark.column :]
        end = rest.find(")")
        return rest[: end + 1] if end >= 0 else rest.rstrip(" }],")

    def _sequence(self, event: Any, path: Path) -> list[Any]:
        self._tag(event, path, {"seq"})
        found: list[Any] = []
        cut = False
        for item in self.events:
            if isinstance(item, yaml.SequenceEndEvent):
                break
            if cut and isinstance(item, yaml.ScalarEvent):
                cut = not _closes_call(item)
                continue
            found.append(self._node(item, (*path, len(found)), flow=bool(event.flow_style)))
            cut = bool(event.flow_style) and _opens_call(item)
        return found

    def _mapping(self, event: Any, path: Path) -> dict[str, Any]:
        self._tag(event, path, {"map"})
        found: dict[str, Any] = {}
        first: dict[str, tuple[str, int]] = {}
        flow, cut = bool(event.flow_style), False
        for key_event in self.events:
            if isinstance(key_event, yaml.MappingEndEvent):
                break
            if cut and isinstance(key_event, yaml.ScalarEvent):
                cut = not _closes_call(key_event)
                next(self.events)  # what a comma cut off has no value of its own
                continue
            key, line = self._key(key_event, path), key_event.start_mark.line + 1
            same = first.setdefault(unicodedata.normalize("NFC", key), (key, line))
            if same != (key, line) or key in found:
                self._twice(path, key_event, key, *same)
            self.lines.setdefault((*path, key), line)
            value_event = next(self.events)
            value = self._node(value_event, (*path, key), flow=flow)
            found.setdefault(key, value)
            cut = flow and _opens_call(value_event)
        return found

    def _key(self, event: Any, path: Path) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            raise self._stop(
                event, "a key of a mapping is not a plain text", "", "Write `key: value`, without ? and *"
            )
        self._count(event, 1)
        key = str(event.value)
        if event.style:
            self._style(event, path)
        if found := _REFUSED.search(key):
            self._say(path, event, f"the key holds the character U+{ord(found[0]):04X}", "Remove it")
        self._tag(event, path, {"str"})
        if event.style or event.tag is not None:
            return key
        if key == "<<":
            self._say(path, event, "<< merges mappings only in YAML 1.1", "Write the keys out")
        elif key.lower() not in {"yes", "no", "on", "off"}:
            try:
                is_text = isinstance(read_plain(key), str)
            except Ambiguous:
                is_text = False
            if not is_text:
                self._say(
                    path, event, f"the key {key or 'nothing'} is not a text", f"Quote it: {quoted(key)}"
                )
        return key

    def _twice(self, path: Path, event: Any, key: str, other: str, line: int) -> None:
        here = event.start_mark.line + 1
        same = key == other
        what = (
            f"the key {key!r} stands twice, on lines {line} and {here}"
            if same
            else (f"the keys on lines {line} and {here} look alike ({key!r}) and differ in their code points")
        )
        self._say((*path, key), event, what, "Keep one of them", "Readers of YAML keep the last one silently")

    def _tag(self, event: Any, path: Path, allowed: set[str]) -> str | None:
        if event.tag is None:
            return None
        tag = str(event.tag)
        short = tag.removeprefix(_CORE)
        if tag.startswith(_CORE) and short in allowed:
            return short
        shown = f"!!{short}" if tag.startswith(_CORE) else tag
        self._say(
            path,
            event,
            f"the tag {shown} is refused",
            "Remove the tag",
            "A project file holds text, numbers, true, false",
        )
        return None

    def _count(self, event: Any, size: int) -> None:
        self.count += size
        if self.count > MAX_VALUES:
            raise self._stop(
                event,
                f"more than {MAX_VALUES:,} values, aliases counted as often as they stand",
                "",
                "Write less, or remove the aliases",
            )

    def _where(self, event: Any, path: Path) -> str:
        return place(self.name, event.start_mark.line + 1, path)

    def _say(self, path: Path, event: Any, what: str, mend: str, rule: str = "") -> None:
        self.problems.append((path, Problem(self._where(event, path), what, rule, mend)))

    def _stop(self, event: Any, what: str, rule: str, mend: str) -> ContractError:
        return ContractError(what, where=self._where(event, ()), rule=rule, mend=mend)


def _opens_call(event: Any) -> bool:
    """Whether a comma cut an unquoted call in two and this is its beginning: `int(50` of `[int(50, 300)]`."""
    return (
        isinstance(event, yaml.ScalarEvent)
        and not event.style
        and event.value.count("(") > event.value.count(")")
    )


def _closes_call(event: Any) -> bool:
    return not event.style and event.value.count(")") > event.value.count("(")


def place(name: str, line: int, path: Path) -> str:
    """`rondo.yaml:41 data.join[0].on`."""
    dotted = ""
    for step in path:
        dotted += f"[{step}]" if isinstance(step, int) else f".{step}" if dotted else step
    return f"{name}:{line} {dotted}".rstrip()


def line_of(lines: Mapping[Path, int], path: Path) -> int:
    """The line of the key, or of the nearest key around it."""
    for end in range(len(path), -1, -1):
        if path[:end] in lines:
            return lines[path[:end]]
    return 1


def holds(value: Any, step: str | int) -> bool:
    """Whether the mapping has the key, or the list the index."""
    if isinstance(value, list):
        return isinstance(step, int) and 0 <= step < len(value)
    return isinstance(value, Mapping) and step in value


def line_number(where: str) -> int:
    """The line in `rondo.yaml:41 data.join`, 0 where it names none."""
    found = re.search(r":(\d+)", where)
    return int(found[1]) if found else 0
