"""The catalogue as a whole: how many inputs it holds, and which rows have none."""

from __future__ import annotations

from collections import Counter

from tests.bad_inputs import test_command_line as c
from tests.bad_inputs import test_data as d
from tests.bad_inputs import test_project_files as p
from tests.bad_inputs import test_registry_and_rollouts as g
from tests.bad_inputs import test_sources as s

SECTIONS = {"P": 23, "S": 27, "D": 30, "G": 16, "C": 13}
"""The rows of each section, numbered from 1."""

ELSEWHERE = {
    "S20": "tests/adapters/sql/test_postgresql.py: a connection that drops in the middle gives no half table",
    "D19": "tests/adapters/feast/test_asof.py: what was not known yet is not joined",
    "D28": "S11: what takes more memory than is free is refused from the footer alone",
    "G9": "tests/bundle/test_bundle.py: golden rows are answered as recorded, whatever the versions",
    "G14": "tests/stages/deployment/test_step.py: what is no evidence moves nothing",
    "G15": "P12: the steps of a canary",
    "G16": "G13: a switch decided before another one",
    "C11": "tests/dashboard",
    "C12": "tests/dashboard",
}
NOT_THERE = {
    "D15": "S5: words for truths are declared",
    "D24": "there are no weights of rows",
}


def rows() -> Counter[str]:
    """How many inputs each row of the catalogue has."""
    tables = (
        p.BAD, s.BAD, s.TAKEN, s.D20_BAD, s.D20_TAKEN, d.BAD, d.TAKEN, d.WARNED, d.SILENT, d.ROWS_LEFT, d.PANDAS,
        d.INDEXED, g.BAD, g.HARMLESS, g.ALTERED, g.MODELS, g.STORES, c.BAD,
    )  # fmt: skip
    named = [name.partition(" ")[0] for name in (*p.REFERENCES, *d.ANSWERS, *c.TERMINALS, *c.C8, *c.C9)]
    alone = [
        "S11",
        *["S14"] * len(s.CHANGES),
        "G4",
        "G5",
        "G6",
        "G7",
        "G7",
        *["G8"] * 6,
        "C5",
        "C7",
        "C8",
        "C8",
        "C9",
        "C10",
        "C13",
    ]
    return Counter([*(one.row for table in tables for one in table), *named, *alone])


def test_every_row_of_the_catalogue_has_inputs_or_says_why_not() -> None:
    wanted = {f"{section}{number}" for section, count in SECTIONS.items() for number in range(1, count + 1)}
    found = rows()
    assert set(found) <= wanted
    assert wanted - set(found) == {*ELSEWHERE, *NOT_THERE} - set(found)
    assert not set(ELSEWHERE) & set(NOT_THERE)


def test_the_catalogue_does_not_shrink() -> None:
    sections = Counter(name[0] for name, count in rows().items() for _ in range(count))
    assert sum(sections.values()) >= 400
    assert all(sections[section] >= count for section, count in SECTIONS.items())
