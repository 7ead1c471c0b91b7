"""Where everything of a project lies, relative to the folder of its project file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders and files of a project."""

    root: Path

    @property
    def raw(self) -> Path:
        """One Parquet file per source and `extracts.json`, beside what a person keeps there."""
        return self.root / "data" / "raw"

    @property
    def processed(self) -> Path:
        """`data_v{version}.parquet` and `dataset.json` (a Dataset)."""
        return self.root / "data" / "processed"

    @property
    def features(self) -> Path:
        """`matrix.parquet`, `plan.json` (FeaturePlan), `table.json` (FeatureTable), `python/` (user functions)."""
        return self.root / "build" / "features"

    @property
    def training(self) -> Path:
        """`result.json` (a TrainingResult) and the best model."""
        return self.root / "build" / "training"

    @property
    def bundle(self) -> Path:
        """The candidate's release bundle."""
        return self.root / "build" / "bundle"

    @property
    def validation(self) -> Path:
        """`verdict.json` (a Verdict)."""
        return self.root / "build" / "validation"

    @property
    def reports(self) -> Path:
        """Pages for people."""
        return self.root / "reports"

    @property
    def feature_repo(self) -> Path:
        """The generated Feast repository."""
        return self.root / "feature_repo"

    @property
    def home(self) -> Path:
        """Rondo's own folder."""
        return self.root / ".rondo"

    @property
    def state(self) -> Path:
        """The embedded state store."""
        return self.home / "state.db"

    @property
    def online(self) -> Path:
        """The embedded online feature store."""
        return self.home / "online.db"

    @property
    def releases(self) -> Path:
        """Verified bundles of registered versions, a folder per bundle id."""
        return self.home / "releases"

    @property
    def predictions(self) -> Path:
        """Segments of the prediction log."""
        return self.home / "predictions"

    @property
    def tracking(self) -> Path:
        """MLflow's embedded store."""
        return self.root / "mlflow.db"
