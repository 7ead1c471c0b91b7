"""Pages for people: one self-contained HTML file each, no script, nothing loaded from elsewhere.

In:   a template and the records it shows
Out:  the text of the page

base.html     the layout: title, verdict, facts, figures, tables; light and dark
parts.html    macros: badge, verdict, facts, table of checks, figure
charts.py     small inline SVG pictures

A room keeps its template beside its code and names it `package/file`:

    render("rondo.stages.data/validation.html", title="Data", verdict="ok", ...)

and the template begins with `{% extends "base.html" %}` (and, for the macros,
`{% import "parts.html" as parts %}`). Every value is escaped unless it is Markup.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["render"]

TONES = {
    "passed": "ok", "ship": "ok", "ok": "ok", "met": "ok", "on_track": "ok",
    "failed": "bad", "reject": "bad", "bad": "bad", "critical": "bad", "missed": "bad",
    "not_computable": "warn", "inconclusive": "warn", "hold": "warn", "warning": "warn", "warn": "warn",
    "warned": "warn",
}  # fmt: skip
"""Colour of a judgement; a word that is not listed is shown neutral, never green."""


YEAR_S = 31_557_600  # as the project file counts years


def render(template: str, **values: Any) -> str:
    """The page as text.

    Args:
        template: a file of this package, or `package/file` for a template beside a room's code.
        values: what the template names; a name without a value is an error, not an empty place.
    """
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    from rondo.pages import charts

    environment = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "share": share,
        "moment": moment,
        "seconds": seconds,
        "duration": duration,
        "measure": measure,
        "tone": tone,
    }
    environment.globals["charts"] = charts
    return environment


def _source(name: str) -> str | None:
    from importlib.resources import files

    package, _, file = name.rpartition("/")
    resource = files(package or __name__).joinpath(file)
    return resource.read_text(encoding="utf-8") if resource.is_file() else None


def tone(judgement: object) -> str:
    """ok, warn, bad or none: the colour of a judgement, status or severity."""
    return TONES.get(str(judgement), "none")


def number(value: float | int | None, digits: int = 4) -> str:
    """A number as people read it: grouped thousands, `digits` significant digits; a dash for none.

    What is just below 1 never reads as 1: there every digit counts, as of an availability.
    """
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    if 0.999 < value < 1:
        return f"{min(value, 0.999999):.6f}".rstrip("0")
    if 1e-4 <= abs(value) < 1e9:
        places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
        text = f"{value:,.{places}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.{digits - 1}e}"


def share(value: float | None, digits: int = 1) -> str:
    """A fraction as a percentage; what is above 0 never reads as 0."""
    if value is None or math.isnan(value):
        return "–"
    percent = value * 100
    smallest = 10.0**-digits
    if 0 < percent < smallest:
        return f"< {smallest:g}%"
    if 100 - smallest < percent < 100:
        return f"> {100 - smallest:g}%"
    return f"{percent:.{digits}f}%"


def moment(value: datetime | None) -> str:
    """A time to the second, with its zone; a dash when there is none."""
    if value is None:
        return "–"
    zone = " UTC" if value.utcoffset() == timedelta(0) else value.strftime(" %z").rstrip()
    return value.strftime("%Y-%m-%d %H:%M:%S") + zone


def seconds(value: float | None) -> str:
    """A duration in seconds as people read it."""
    if value is None:
        return "–"
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 120:
        return f"{value:.1f}".removesuffix(".0") + " s"
    return f"{value / 60:.1f}".removesuffix(".0") + " min"


def duration(value: float) -> str:
    """A length of time in seconds, in the largest unit of which there is a whole one: 60 days, 4 h, 30 s."""
    years = value / YEAR_S
    if years >= 1 and years.is_integer():
        return "1 year" if years == 1 else f"{years:g} years"
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if value >= size:
            count = number(value / size)
            return "1 day" if (count, unit) == ("1", "days") else f"{count} {unit}"
    return seconds(value)


def measure(value: float | None, unit: str | None) -> str:
    """A figure with its unit as people read it: seconds below one are told in ms, 0.02335 s is 23.35 ms."""
    if value is None:
        return "–"
    if unit == "s" and 0 < abs(value) < 1:
        return f"{number(value * 1000)} ms"
    return number(value) + ("" if not unit else unit if unit == "%" else f" {unit}")
