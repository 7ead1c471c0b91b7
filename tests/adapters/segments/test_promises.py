"""The segments keep what a prediction log promises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rondo.adapters.segments import SegmentLog, SegmentWriter
from rondo.ports.prediction_log import PredictionLog, PredictionWriter
from rondo.testing.prediction_log import PredictionLogTests


class TestSegments(PredictionLogTests):
    @pytest.fixture
    def open_writer(self, tmp_path: Path) -> Callable[[], PredictionWriter]:
        return lambda: SegmentWriter(tmp_path / "log")

    @pytest.fixture
    def log(self, tmp_path: Path) -> PredictionLog:
        return SegmentLog(tmp_path / "log")


class TestManySmallSegments(PredictionLogTests):
    @pytest.fixture
    def open_writer(self, tmp_path: Path) -> Callable[[], PredictionWriter]:
        return lambda: SegmentWriter(tmp_path / "log", segment_bytes=1)

    @pytest.fixture
    def log(self, tmp_path: Path) -> PredictionLog:
        return SegmentLog(tmp_path / "log")
