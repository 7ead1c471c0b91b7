"""Data: from the sources of the project to one checked, versioned table.

In:   the data section of the project file        (rondo.contract)
Out:  a Dataset and its Parquet file              (rondo.records)
Asks: SourceReader                                (rondo.ports)

extract.py    reads every source on its own, retries, publishes what they gave
prepare.py    join, clean, check, version, publish
join.py       sources beside each other            clean.py     missing values, outliers, types
types.py      logical types, and conversions       checks.py    what stops a run
freshness.py  how old sources are               repeats.py   rows that stand twice for one thing
sentinels.py  values that look like missing ones  personal.py  columns that look like data of persons
content.py    the hash of the values               versions.py  the semantic version
profile.py    columns in figures                   report.py    the page for people
groups.py     the columns of a required group of features
differences.py  rows that came, went and changed between two versions
pipeline.py   all of it as a class
"""

from __future__ import annotations

from rondo.stages.data.differences import TableDifference, differences
from rondo.stages.data.extract import extract
from rondo.stages.data.pipeline import Access, DataPipeline
from rondo.stages.data.prepare import prepare

__all__ = ["Access", "DataPipeline", "TableDifference", "differences", "extract", "prepare"]
