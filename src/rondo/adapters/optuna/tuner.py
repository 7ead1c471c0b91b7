"""A Tuner on Optuna's TPE sampler, whose trials outlive the process.

A study is found again by its name: trials that it already has count, and the rest give what they would have
given without the interruption, because the sampler of each trial is seeded by the number of trials before it.
"""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rondo.contract.training import SearchRange
from rondo.errors import ContractError, CorruptArtifact, DataError, NotAvailable, Problem
from rondo.ports.tuning import SearchResult

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial, Trial

REASON = (
    "rondo.reason"  # user attribute of a trial that gave nothing: why. Without it a failed trial was killed
)
LOCK_GRACE_S = 5  # a lock of the journal is held for milliseconds: an older one was left by a killed process
Objective = Callable[[Mapping[str, Any], int], float]


class OptunaTuner:
    """Keeps its studies in one journal file, or in a database when it is given a URL."""

    def __init__(self, storage: Path | str) -> None:
        """Nothing is opened before the first search.

        Args:
            storage: a file (Optuna's journal format), or the URL of a database (`postgresql://…`, `sqlite:///…`).
        """
        self._storage = storage

    def search(
        self,
        study: str,
        space: Mapping[str, SearchRange],
        objective: Objective,
        *,
        trials: int,
        maximize: bool,
        seed: int,
        timeout: timedelta | None,
        on_trial: Callable[[int, float], None],
    ) -> SearchResult:
        """The best parameters; `objective(params, trial_number)`.

        `on_trial(done, best)` is also called once for the trials that the study had already. Parameters that
        were tried before are not tried again: their score is known.

        Raises:
            DataError: no trial gave a finite score; its problems say why.
            ContractError: the objective says that what is asked of it cannot be.
        """
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        opened = self._study(study, "maximize" if maximize else "minimize")
        _close_interrupted(opened)
        wanted = trials if space else 1
        deadline = time.monotonic() + timeout.total_seconds() if timeout is not None else math.inf
        done = len(_finished(opened))
        if done:
            on_trial(min(done, wanted), _best(opened))
        while done < wanted and (time.monotonic() < deadline or not done):
            opened.sampler = optuna.samplers.TPESampler(seed=(seed + 7919 * done) % 2**32)
            _one_trial(opened, space, objective)
            done += 1
            on_trial(done, _best(opened))
        return _result(opened)

    def _study(self, name: str, direction: Literal["maximize", "minimize"]) -> Study:
        import optuna

        try:
            return optuna.create_study(
                storage=self._open(), study_name=name, direction=direction, load_if_exists=True
            )
        except (ValueError, KeyError) as error:
            raise CorruptArtifact(
                f"this is not Optuna's journal: {error}",
                where=str(self._storage),
                mend="Move the file away; the search begins anew.",
            ) from error
        except (OSError, ImportError, optuna.exceptions.StorageInternalError) as error:
            raise NotAvailable(
                f"the studies cannot be opened: {error}", where=_without_password(self._storage)
            ) from error

    def _open(self) -> BaseStorage:
        import optuna
        from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

        if isinstance(self._storage, str) and "://" in self._storage:
            return optuna.storages.RDBStorage(self._storage)
        path = Path(self._storage)
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = JournalFileOpenLock(str(path), grace_period=LOCK_GRACE_S)
        _drop_torn_line(path)
        return optuna.storages.JournalStorage(JournalFileBackend(str(path), lock_obj=lock))


def _drop_torn_line(path: Path) -> None:
    """Cuts off a last line that a killed process left half written: the journal cannot be read past it."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        keep = size
        while keep:
            start = max(0, keep - 65_536)
            file.seek(start)
            if (newline := file.read(keep - start).rfind(b"\n")) >= 0:
                keep = start + newline + 1
                break
            keep = start
        if keep < size:
            file.truncate(keep)


def _without_password(storage: Path | str) -> str:
    return re.sub(r"//[^/@]*@", "//***@", str(storage))


def _close_interrupted(study: Study) -> None:
    """Ends trials that a killed process left open, so that they do not weigh on the sampler."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)


def _finished(study: Study) -> list[FrozenTrial]:
    """Trials that ended by themselves, with a score or with a reason for having none."""
    return [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state.is_finished() and (trial.value is not None or REASON in trial.user_attrs)
    ]


def _scored(study: Study) -> list[FrozenTrial]:
    return [trial for trial in _finished(study) if trial.value is not None and math.isfinite(trial.value)]


def _best(study: Study) -> float:
    return study.best_value if _scored(study) else math.nan


def _one_trial(study: Study, space: Mapping[str, SearchRange], objective: Objective) -> None:
    from optuna.trial import TrialState

    trial = study.ask()
    params = {name: _suggest(trial, name, where) for name, where in space.items()}
    known = next((old.value for old in _scored(study) if old.params == trial.params), None)
    try:
        score = known if known is not None else float(objective(params, trial.number))
        reason = "" if math.isfinite(score) else f"the score is {score}"
    except ContractError:
        study.tell(trial, state=TrialState.FAIL)
        raise
    except Exception as error:  # an estimator refuses its parameters with any kind of error
        score, reason = math.nan, f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    if reason:
        trial.set_user_attr(REASON, reason)
        study.tell(trial, state=TrialState.FAIL)
    else:
        study.tell(trial, score)


def _suggest(trial: Trial, name: str, where: SearchRange) -> Any:
    match where.kind:
        case "int":
            return trial.suggest_int(name, int(where.low), int(where.high), log=where.log)
        case "float":
            return trial.suggest_float(name, where.low, where.high, log=where.log)
        case "choice":
            return trial.suggest_categorical(name, where.choices)


def _result(study: Study) -> SearchResult:
    finished, scored = _finished(study), _scored(study)
    failed = tuple(
        f"trial {trial.number}: {trial.user_attrs[REASON]}" for trial in finished if trial not in scored
    )
    if not scored:
        raise DataError(
            f"none of {len(finished)} trials gave a score",
            problems=[
                Problem(study.study_name, text, mend="Correct the candidate's parameters, or its ranges")
                for text in failed
            ],
        )
    return SearchResult(dict(study.best_params), float(study.best_value), len(scored), failed)
