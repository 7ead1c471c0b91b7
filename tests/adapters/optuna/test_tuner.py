"""Optuna keeps the promises of a tuner, and its own tools read what it leaves."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from rondo.adapters.optuna import OptunaTuner
from rondo.errors import CorruptArtifact
from rondo.ports.tuning import Tuner
from rondo.testing.tuning import TunerTests


class TestOptunaTuner(TunerTests):
    @pytest.fixture
    def tuner(self, tmp_path: Path) -> Tuner:
        return OptunaTuner(tmp_path / "home" / "optuna.journal")

    def test_optuna_itself_opens_the_study(self, tuner: Tuner, tmp_path: Path) -> None:
        found = self.search(tuner, trials=3)
        backend = optuna.storages.journal.JournalFileBackend(str(tmp_path / "home" / "optuna.journal"))
        study = optuna.load_study(study_name="bowl", storage=optuna.storages.JournalStorage(backend))
        assert study.best_value == found.score
        assert len(study.trials) == 3

    def test_a_torn_last_line_is_dropped(self, tuner: Tuner, tmp_path: Path) -> None:
        before = self.search(tuner, trials=4)
        with (tmp_path / "home" / "optuna.journal").open("ab") as file:
            file.write(b'{"op_code":5,"worker_id":"ab')
        assert self.search(tuner, trials=4) == before
        assert self.search(tuner, trials=6).trials == 6

    def test_another_file_in_its_place_is_refused(self, tuner: Tuner, tmp_path: Path) -> None:
        (tmp_path / "home").mkdir()
        (tmp_path / "home" / "optuna.journal").write_text("these are\nnot trials\n")
        with pytest.raises(CorruptArtifact, match="not Optuna's journal"):
            self.search(tuner)


@pytest.mark.long
class TestOptunaTunerOnSqlite(TunerTests):
    @pytest.fixture
    def tuner(self, tmp_path: Path) -> Tuner:
        return OptunaTuner(f"sqlite:///{tmp_path}/optuna.db")
