"""A churn project whose file is made of the document's listings, and data that can meet them.

What the listings leave open (the columns, the views, the candidate) is filled in; what they say is taken as it is.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml

from mission.document import listing

CUSTOMERS, MONTHS = 4_000, 26
ASKED = ("usage_minutes", "session_count", "age", "ticket_count", "country")
"""What a request gives of a row."""
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)


def table(*, customers: int = CUSTOMERS, months: int = MONTHS, seed: int = 7) -> pl.DataFrame:
    """A row per customer and month: usage, person, support tickets, and whether the customer then left."""
    chance = np.random.default_rng(seed)
    rows = customers * months
    minutes = chance.gamma(4.0, 60.0, rows)
    tickets = chance.poisson(1.2, rows)
    age = chance.integers(18, 80, rows)
    leaving = 1.4 * (240 - minutes) / 100 + 0.9 * (tickets - 1.2) + 0.02 * (age - 45)
    churned = leaving + chance.normal(0.0, 0.35, rows) > 0.4
    moments = pl.datetime_range(BEGIN, datetime(2026, 2, 28, tzinfo=UTC), "1mo", time_unit="us", eager=True)[
        :months
    ]
    return pl.DataFrame(
        {
            "user_id": np.tile(np.arange(customers), months),
            "event_timestamp": moments.gather(np.repeat(np.arange(months), customers)),
            "usage_minutes": minutes.round(1),
            "session_count": chance.integers(1, 40, rows),
            "age": age,
            "country": chance.choice(["KR", "DE", "BR"], rows),
            "ticket_count": tickets,
            "is_churned": churned.astype(np.int64),
        }
    )


def project_file(**sections: Any) -> dict[str, Any]:
    """The project file of listings 2.1, 2.2, 8.1 and 8.2 and the rest that they leave open.

    Args:
        sections: replace or add whole sections.
    """
    definition = listing("2.1").values()["project_definition"]
    definition["ml_problem"] |= {"entity": "user_id", "event_time": "event_timestamp"}
    return {
        "project": "churn",
        **definition,
        "success_criteria": listing("2.2").values()["success_criteria"],
        "data": {"sources": {"customers": {"files": "customers.parquet"}}},
        "features": {
            "definitions": {
                name: {"column": name} for name in ("usage_minutes", "session_count", "age", "ticket_count")
            },
            "categorical": {"columns": ["country"]},
            "store": {
                "views": {
                    "usage_patterns": ["usage_minutes", "session_count"],
                    "demographics": ["age", "country"],
                    "support_tickets": ["ticket_count"],
                }
            },
        },
        "training": {
            "split": {"by": "time", "gap": "0d"},
            "candidates": [
                {"estimator": "sklearn.linear_model.LogisticRegression", "params": {"max_iter": 200}}
            ],
            "tuning": {"trials": 1, "cv": 2},
        },
        "validation": {"bootstrap": 50},
        "deployment": {"preflight": {"duration": "0s"}},
        "monitoring": listing("8.1").values()["monitoring_config"],
        "retraining": listing("8.2").values()["retrain_config"],
        **sections,
    }


def write(folder: Path, file: dict[str, Any], rows: pl.DataFrame) -> Path:
    """A project folder with that file and that data."""
    folder.mkdir(parents=True, exist_ok=True)
    rows.write_parquet(folder / "customers.parquet")
    (folder / "rondo.yaml").write_text(yaml.safe_dump(file, allow_unicode=True, sort_keys=False))
    return folder
