"""The story as a page."""

from __future__ import annotations

from pathlib import Path

from rondo.pages import charts, render
from rondo.records.files import write_bytes
from rondo.shop.story import Story


def write_page(story: Story, seconds: float) -> Path:
    """Writes `reports/demo.html` and returns its path."""
    reports = story.folder / "reports"
    tally = story.tally
    versions = sorted(tally.versions.items())
    text = render(
        "rondo.shop/story.html",
        title="The practice shop, once round and again",
        subtitle="From three sources to a served model; the world changes; the round begins again by itself.",
        verdict="passed",
        verdict_text=f"{tally.failed} of {tally.requests:,} requests failed",
        verdict_reason="Every chapter was checked while it happened.",
        facts=[
            ("Customers", f"{story.customers:,}"),
            ("Seed", story.seed),
            ("Alerts", len(story.alerts)),
            ("Reasons to retrain", len(story.decision.reasons) if story.decision else 0),
            ("99% of answers within", f"{tally.percentile_ms(0.99):.1f} ms"),
            ("Took", f"{seconds:.0f} s"),
        ],
        versions=charts.bars(versions, label="Requests per version"),
        chapters=story.chapters,
        pages=sorted(path.name for path in reports.glob("*.html") if path.name != "demo.html"),
    )
    page = reports / "demo.html"
    write_bytes(page, text.encode())
    return page
