"""The prediction log as segments: files that are only appended to, compacted to Parquet by who reads them.

records.py   one record per line, each with its checksum
writer.py    SegmentWriter: a bounded queue and a thread that writes and waits for the disk
reader.py    SegmentLog: frames of whole records
following.py SegmentFollower: outcomes as they are written

A folder holds, per segment (the stem sorts by the moment of creation and is unique per process):

    {stem}.open    being written; its writer holds the file's lock: without lock it has lost its writer
    {stem}.log     sealed: nobody writes it any more
    {stem}/        compacted: predictions.parquet, outcomes.parquet, figures.parquet, segment.json
"""

from __future__ import annotations

from rondo.adapters.segments.reader import LogState, SegmentLog
from rondo.adapters.segments.writer import Ledger, SegmentWriter

__all__ = ["Ledger", "LogState", "SegmentLog", "SegmentWriter"]
