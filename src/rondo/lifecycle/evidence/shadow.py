"""What the candidate answered to mirrored requests, beside the answers that clients got to the same ones."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl

from rondo.contract.deployment import Shadow
from rondo.lifecycle.evidence.answers import answers_since, numbers, side_of
from rondo.lifecycle.workshop import Workshop
from rondo.records.rollout import Evidence, Rollout
from rondo.stages.deployment import Window, count_agreed, judge_shadow


def gather(workshop: Workshop, rollout: Rollout, now: datetime) -> Evidence:
    """What speaks for and against giving it clients of its own, since it sees mirrored requests."""
    since = rollout.phase_since or now
    answers = answers_since(workshop, since)
    section = workshop.project.deployment
    pairs = paired(answers.rows, rollout.candidate)
    theirs, ours = numbers(pairs["score"]), numbers(pairs["score_of_shadow"])
    both = np.isfinite(theirs) & np.isfinite(ours)
    decides = bool((pairs["label"] != "").any())
    same = (pairs["label"] == pairs["label_of_shadow"]).to_numpy() & both if decides else None
    return judge_shadow(
        answers.side(rollout.candidate, shadow=True),
        side_of(pairs.select("score", "label"), []),
        agreed=count_agreed(theirs, ours, same),
        pairs=pairs.height,
        min_agreement=(section.shadow or Shadow()).min_agreement,
        limits=section.rollback_on,
        margins=section.margins,
        phase=rollout.phase,
        window=Window(since, now, now),
    )


def paired(rows: pl.DataFrame, candidate: str) -> pl.DataFrame:
    """The answers that clients got, each beside what the shadow would have said."""
    shadow = rows.filter(pl.col("shadow") & (pl.col("version") == candidate))
    return rows.filter(~pl.col("shadow")).join(
        shadow.select("mirror_of", "score", "label"),
        left_on="prediction_id",
        right_on="mirror_of",
        how="inner",
        suffix="_of_shadow",
    )
