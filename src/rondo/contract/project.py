"""The whole project file."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from rondo.contract._base import Section, can_be_a_file
from rondo.contract.ab_test import AbTest
from rondo.contract.data import Data
from rondo.contract.deployment import Deployment
from rondo.contract.features import Features
from rondo.contract.monitoring import Monitoring
from rondo.contract.pipeline import Pipeline
from rondo.contract.problem import Constraints, DataRequirements, Problem, SuccessCriteria
from rondo.contract.retraining import Retraining
from rondo.contract.serving import Serving
from rondo.contract.stores import Stores
from rondo.contract.training import Training
from rondo.contract.validation import Validation
from rondo.contract.versioning import Versioning

PROJECT_FILE = "rondo.yaml"
ProjectName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$"), AfterValidator(can_be_a_file)
]


class Project(Section):
    """rondo.yaml: what is predicted, what success means, and how each stage goes about it."""

    project: ProjectName
    business_objective: str = ""
    ml_problem: Problem
    constraints: Constraints = Constraints()
    data_requirements: DataRequirements = DataRequirements()
    success_criteria: SuccessCriteria = SuccessCriteria()
    data: Data
    features: Features = Features()
    training: Training = Training()
    validation: Validation = Validation()
    ab_test: AbTest | None = None
    deployment: Deployment = Deployment()
    serving: Serving = Serving()
    monitoring: Monitoring = Monitoring()
    retraining: Retraining = Retraining()
    pipeline: Pipeline = Pipeline()
    versioning: Versioning = Versioning()
    stores: Stores = Field(default=Stores())
    requires_rondo: Annotated[str, StringConstraints(pattern=r"^>= *[0-9]+(\.[0-9]+){0,2}$")] | None = None
    """The oldest Rondo that understands this file, e.g. ">= 0.1"."""
