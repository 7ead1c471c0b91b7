"""From the contract to the plan of an experiment: which version is which side, what counts, by how much. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rondo.contract import Project
from rondo.contract.ab_test import AbTest, compared_name, experiment_metrics, of_requests, scale_of
from rondo.contract.metrics import LATENCIES, system_name
from rondo.contract.problem import Problem
from rondo.errors import Conflict, ContractError, NotAvailable, UsageError, nearest
from rondo.records.experiment import ExperimentPlan, ExperimentVariant, Guardrail, Truth
from rondo.records.outcomes import names_class

REDUCTION = "_rate_reduction"
_RATE_MARGIN, _ERROR_MARGIN, _LATENCY_PART, _OTHER_PART = 0.01, 0.005, 0.10, 0.05


def plan_of(
    project: Project,
    *,
    classes: Sequence[str],
    positive: str,
    registered: Collection[str],
    production: str | None,
) -> ExperimentPlan:
    """The experiment that the project file describes.

    Args:
        classes: of the model in production; empty for a number.
        positive: its positive class; empty where there is none.
        registered: the versions that exist.
        production: the version in production.

    Raises:
        ContractError: a metric cannot be compared in this problem.
        NotAvailable: no experiment is described, or a version is not registered.
        Conflict: no variant is in production, or the variants are one version.
        UsageError: there is more than one treatment.
    """
    test = project.ab_test
    if test is None:
        raise NotAvailable(
            "the project file describes no experiment",
            where="rondo.yaml",
            mend="Add a section ab_test with experiment_name, variants, metrics, duration_days, min_sample_size.",
        )
    _known_metrics(test, project.ml_problem)
    control, treatment = _sides(test, registered, production)
    return ExperimentPlan(
        name=test.experiment_name,
        control=control,
        treatments=(treatment,),
        primary=test.metrics.primary,
        guardrails=tuple(
            _guardrail(name, test, project)
            for name in dict.fromkeys(test.metrics.secondary)
            if compared_name(name) != compared_name(test.metrics.primary)
        ),
        min_sample_size=test.min_sample_size,
        duration_s=test.duration_days * 86_400.0,
        minimum_effect=test.minimum_effect,
        confidence=test.confidence,
        power=test.power,
        truth=truth_of(project, classes=classes, positive=positive),
    )


def truth_of(project: Project, *, classes: Sequence[str], positive: str) -> Truth:
    """How outcomes are read; which one is a conversion, see `conversion` in the contract."""
    problem, test = project.ml_problem, project.ab_test
    asked = test.metrics.conversion if test is not None else None
    if problem.type == "ranking":
        return Truth(positive="1", conversion="1" if asked is None else str(asked))
    if not classes:
        return Truth(numbers=True)
    if asked is not None:
        conversion = next((one for one in classes if names_class(one, str(asked))), str(asked))
    elif unwanted(project) and len(classes) == 2:
        conversion = next(one for one in classes if one != positive)
    else:
        conversion = positive
    return Truth(positive=positive, conversion=conversion)


def unwanted(project: Project) -> bool:
    """Whether the contract wants fewer positive outcomes, as it does of customers who leave."""
    asked = project.success_criteria.online_metrics
    return any(name.endswith(REDUCTION) for name in asked) or _absent(project.ml_problem)


def _absent(problem: Problem) -> bool:
    return problem.label is not None and problem.label.expect == "absent"


def named_version(text: str, registered: Collection[str]) -> str:
    """The registered version that a text means: itself, or without the v that people write before it.

    Raises:
        NotAvailable: there is none.
    """
    for name in (text, text.removeprefix("v"), text.removeprefix("V")):
        if name in registered:
            return name
    raise NotAvailable(
        f"no version {text} is registered",
        where="ab_test.variants",
        mend=nearest(text.removeprefix("v"), registered),
    )


def _known_metrics(test: AbTest, problem: Problem) -> None:
    known = experiment_metrics(problem.type)
    for name in (test.metrics.primary, *test.metrics.secondary):
        if compared_name(name) not in known:
            raise ContractError(
                f"an experiment of a {problem.type} cannot compare {name!r}",
                where="ab_test.metrics",
                mend=nearest(name, known),
            )


def _sides(
    test: AbTest, registered: Collection[str], production: str | None
) -> tuple[ExperimentVariant, ExperimentVariant]:
    variants = [
        ExperimentVariant(
            name, named_version(variant.model_version, registered), variant.traffic_percentage / 100.0
        )
        for name, variant in test.variants.items()
    ]
    where = "ab_test.variants"
    if len(variants) > 2:
        raise UsageError(
            f"{len(variants)} variants cannot be tested at once",
            where=where,
            rule="A rollout has one candidate beside the version in production.",
            mend="Test the treatments one after the other.",
        )
    if variants[0].version == variants[1].version:
        raise Conflict(
            f"both variants are the version {variants[0].version}",
            where=where,
            rule="Requests are divided by version, so an A/A test has nothing to divide.",
            mend="Name another version for the treatment.",
        )
    control = next((one for one in variants if one.version == production), None)
    if control is None:
        versions = " and ".join(one.version for one in variants)
        raise Conflict(
            f"in production is {production or 'nothing'}; the variants are {versions}",
            where=where,
            rule="Control is the version in production.",
            mend=f"Promote {variants[0].version} first, or name {production} as control.",
        )
    treatment = next(one for one in variants if one is not control)
    if not 0.0 < treatment.share < 1.0:
        raise UsageError(
            f"{treatment.name} gets {treatment.share:.0%} of the traffic",
            where=where,
            rule="Both sides get some.",
            mend="Change traffic_percentage.",
        )
    return control, treatment


def _guardrail(name: str, test: AbTest, project: Project) -> Guardrail:
    given = test.metrics.margins.get(name)
    if given is not None:
        return Guardrail(name, given.value)
    metric = compared_name(name)
    if metric in LATENCIES:
        limit = _latency_limit(metric, project)
        return (
            Guardrail(name, limit * _LATENCY_PART) if limit else Guardrail(name, _LATENCY_PART, relative=True)
        )
    if metric == "error_rate":
        return Guardrail(name, _ERROR_MARGIN)
    if scale_of(metric) == "share" and not of_requests(metric):
        return Guardrail(name, _RATE_MARGIN)
    return Guardrail(name, _OTHER_PART, relative=True)


def _latency_limit(metric: str, project: Project) -> float | None:
    """Seconds that the contract allows."""
    for name, criterion in project.success_criteria.system_metrics.items():
        if system_name(name) == metric and criterion.max is not None and criterion.max.dimension == "time":
            return criterion.max.value
    limit = project.constraints.latency
    return limit.quantity.value if limit is not None else None
