"""The user's own feature functions, behind a wall: what goes wrong comes back by the feature's name."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl

from rondo.bundle.plan import FeaturePlan, StatelessFeature
from rondo.errors import CorruptArtifact, UserCodeError

Arrays = dict[str, np.ndarray[Any, Any]]


class UserFunctions:
    """Calls the Python features of a plan; the files are loaded once, after their SHA-256 was compared."""

    def __init__(self, plan: FeaturePlan, folder: Path | None) -> None:
        """
        Raises:
            CorruptArtifact: a file is missing or not the one that the plan was made with.
            UserCodeError: a file cannot be loaded, or has no such function.
        """
        self._functions: dict[str, Callable[[Arrays], Any]] = {}
        if not plan.python_files:
            return
        if folder is None:
            raise CorruptArtifact("the plan has Python features, and no folder with their files was given")
        modules = {file: _load(folder / file, sha256) for file, sha256 in plan.python_files.items()}
        for feature in plan.stateless:
            if feature.kind == "python":
                file, _, name = feature.function.rpartition(":")
                function = getattr(modules[file], name, None)
                if not callable(function):
                    raise UserCodeError(
                        f"{file} has no function {name!r}", where=f"features.definitions.{feature.name}"
                    )
                self._functions[feature.name] = function

    def call(self, feature: StatelessFeature, rows: pl.DataFrame, *, as_text: bool) -> pl.Series:
        """The feature's column.

        The function receives float64 arrays for numbers and booleans (missing = NaN), object arrays for
        strings (missing = None), datetime64[us] for moments (missing = NaT), all in the order of the rows.

        Raises:
            UserCodeError: it failed, or did not return one value per row of a usable type.
        """
        where = f"features.definitions.{feature.name}"
        try:
            returned = self._functions[feature.name]({name: as_array(rows[name]) for name in feature.inputs})
            column = _column(feature.name, returned, as_text=as_text)
        except Exception as error:
            raise UserCodeError(
                f"{feature.function} failed: {type(error).__name__}: "
                f"{str(error)[:300]}{_line(error, feature)}",
                where=where,
            ) from error
        if len(column) != rows.height:
            raise UserCodeError(
                f"{feature.function} returned {len(column)} values for {rows.height} rows", where=where
            )
        return column


def as_array(column: pl.Series) -> np.ndarray[Any, Any]:
    """The column as a user's function sees it; the same type whether or not a value is missing."""
    if column.dtype == pl.String:
        array = np.empty(len(column), dtype=object)
        array[:] = column.to_list()
        return array
    if column.dtype.is_temporal():
        return column.cast(pl.Datetime("us", "UTC")).dt.replace_time_zone(None).to_numpy()
    return column.cast(pl.Float64).to_numpy().copy()


def _column(name: str, returned: Any, *, as_text: bool) -> pl.Series:
    array = np.asarray(returned)
    if array.ndim != 1:
        raise ValueError(f"one array with one value per row is expected, found {array.ndim} dimensions")
    if as_text:
        return pl.Series(name, [_text(value) for value in array.tolist()], dtype=pl.String)
    if array.dtype == object:
        array = np.array([np.nan if value is None else value for value in array.tolist()])
    if array.dtype.kind not in "biuf":
        raise ValueError(f"numbers are expected, found {array.dtype}")
    return pl.Series(name, array.astype(np.float64)).fill_nan(None)


def _text(value: Any) -> str | None:
    return None if value is None or value != value else str(value)


def _line(error: Exception, feature: StatelessFeature) -> str:
    file = Path(feature.function.rpartition(":")[0]).name
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).name == file]
    return f" ({file}:{lines[-1]})" if lines else ""


def _load(path: Path, sha256: str) -> ModuleType:
    try:
        source = path.read_bytes()
    except OSError as error:
        raise CorruptArtifact(f"{path.name} is not in the folder of the feature functions") from error
    found = hashlib.sha256(source).hexdigest()
    if found != sha256:
        raise CorruptArtifact(
            f"{path.name} is not the file that the features were made with",
            rule=f"SHA-256 {sha256} is recorded, {found} was found",
        )
    name = f"rondo_features_{sha256[:16]}"
    spec = importlib.util.spec_from_loader(name, loader=None, origin=str(path))
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(path)
    try:
        # The bytes that were hashed are the bytes that run: the file is not read a second time.
        exec(compile(source, str(path), "exec"), module.__dict__)  # noqa: S102
    except Exception as error:
        raise UserCodeError(
            f"{path.name} cannot be loaded: {type(error).__name__}: {str(error)[:300]}", where=path.name
        ) from error
    sys.modules.setdefault(name, module)  # dataclasses and pickling look their module up by name
    return module


def hashed(files: Mapping[str, Path]) -> dict[str, str]:
    """SHA-256 of each file, by the name under which the plan knows it."""
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in sorted(files.items())}
