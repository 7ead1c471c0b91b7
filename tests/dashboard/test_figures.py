from __future__ import annotations

from dataclasses import replace

from rondo.assembly import Assembly
from rondo.dashboard import figures
from rondo.dashboard.material import read


def test_features_beyond_a_limit_come_first(project: Assembly) -> None:
    (age,) = figures.by_feature(one for one in figures.newest_of(read(project).observations) if one.feature)
    fine = replace(age.figures["psi"], feature="plan", state="fine")
    silent = replace(fine, feature="country", state="not_enough", value=None)
    rows = figures.by_feature([fine, silent, age.figures["psi"]])
    assert [(row.feature, row.tone) for row in rows] == [("age", "bad"), ("country", "warn"), ("plan", "ok")]


def test_a_figure_without_a_value_is_a_gap_in_its_line(project: Assembly) -> None:
    series = figures.series_of(read(project).observations, "psi")
    assert [value for _, value in series["age"]] == [0.02, 0.05, None, 0.3]
    newest = {(one.metric, one.feature): one.value for one in figures.newest_of(read(project).observations)}
    assert newest == {("psi", "age"): 0.3, ("accuracy", None): 0.1}
