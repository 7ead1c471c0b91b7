"""Tells what a plan will do and what was done, in sentences for people."""

from __future__ import annotations

from typing import assert_never

from rondo.stages.deployment.plan import (
    AwaitServers,
    Done,
    MirrorRoles,
    Plan,
    Step,
    SwitchRoutes,
    VerifyBundle,
    WarmServers,
)


def explain_step(step: Step) -> str:
    """What the step does."""
    match step:
        case VerifyBundle(release):
            return f"verify the bundle of {release.version} and replay its golden rows"
        case WarmServers(version, at_most, required):
            late = "stop if one is late" if required else "go on without late ones"
            return f"warm {version} on every running server ({at_most.total_seconds():g} s, {late})"
        case SwitchRoutes(change):
            return f"switch production and all traffic to {change.production} in one transaction"
        case AwaitServers(at_most):
            return (
                f"wait until every running server answers by the new routes ({at_most.total_seconds():g} s)"
            )
        case MirrorRoles():
            return "tell the model registry its aliases and stages"
        case _:
            assert_never(step)


def explain(plan: Plan) -> tuple[str, ...]:
    """The plan, a sentence per line: first what it comes to, then its steps."""
    head = plan.note or (f"{plan.kind} to {plan.version} (in production now: {plan.before or 'nothing'})")
    return (head, *(explain_step(step) for step in plan.steps))


def tell(done: Done) -> tuple[str, ...]:
    """What was done, a sentence per line."""
    plan, lines = done.plan, []
    if plan.note:
        lines.append(plan.note)
    elif plan.kind == "promotion":
        lines.append(f"{plan.version} is in production" + (f", after {plan.before}" if plan.before else ""))
    else:
        lines.append(f"rolled back from {plan.before} to {plan.version}")
    if done.warm:
        lines.append(f"{len(done.warm)} running server{'s' if len(done.warm) > 1 else ''} held it ready")
    if done.late:
        lines.append(f"still on the old routes: {', '.join(done.late)}")
    if done.not_mirrored:
        lines.append(f"the model registry will be told by the next command: {done.not_mirrored}")
    return tuple(lines)
