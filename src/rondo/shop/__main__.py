"""``python -m rondo.shop scores --folder DIR``: the score service of a saved world; ``demand``: orders of any size."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import FrameType

from rondo.errors import RondoError, UsageError
from rondo.shop.order_book import DEFAULT_DAYS, DEMAND_FILE, load_demand, prepare_demand_world, spec_that_ends
from rondo.shop.scores import ScoreService, scores_in


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to end, and return the exit code: 0 after SIGTERM, 130 after SIGINT."""
    parser = argparse.ArgumentParser(
        prog="python -m rondo.shop", description="Services of the practice world."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    scores = commands.add_parser("scores", help="serve the external scores of a saved world on 127.0.0.1")
    scores.add_argument("--folder", type=Path, required=True, help="where shop.json is")
    scores.add_argument("--port", type=int, default=0, help="0 (default) takes a free one")
    scores.add_argument(
        "--token-env", default="SHOP_SCORES_TOKEN", help="environment variable with the token"
    )
    demand = commands.add_parser(
        "demand", help="write the orders of the demand world, or bring them up to date"
    )
    demand.add_argument("--folder", type=Path, default=Path(), help="the project's folder")
    demand.add_argument("--until", type=date.fromisoformat, help="the last day; by default yesterday")
    demand.add_argument("--days", type=int, default=DEFAULT_DAYS, help="of a new world (default %(default)s)")
    demand.add_argument(
        "--orders-per-day", type=int, default=600, help="of a new world (default %(default)s)"
    )
    demand.add_argument("--products", type=int, default=60, help="of a new world (default %(default)s)")
    demand.add_argument("--seed", type=int, default=7, help="of a new world (default %(default)s)")
    asked = parser.parse_args(arguments)
    try:
        if asked.command == "demand":
            return _write_demand(asked)
        return _serve_scores(asked.folder, asked.port, asked.token_env)
    except RondoError as found:
        sys.stderr.write(f"{found}\n")
        return found.exit_code


def _write_demand(asked: argparse.Namespace) -> int:
    until = asked.until or datetime.now(UTC).date() - timedelta(days=1)
    home = asked.folder / "shop"
    if (home / DEMAND_FILE).exists():
        spec = load_demand(home)
    else:
        size = {"products": asked.products, "orders_per_day": asked.orders_per_day}
        spec = spec_that_ends(until, days=asked.days, seed=asked.seed, **size)
    new = prepare_demand_world(asked.folder, spec, until=until)
    sys.stdout.write(f"{new:,} new orders up to {until}\n")
    return 0


def _serve_scores(folder: Path, port: int, token_env: str) -> int:
    token = os.environ.get(token_env, "")
    if not token:
        raise UsageError("No token is set", where=token_env, mend=f"Set it: export {token_env}=...")
    service = ScoreService(scores_in(folder), token=token, port=port)
    code = 0

    def end(number: int, _: FrameType | None) -> None:
        nonlocal code
        code = 130 if number == signal.SIGINT else 0
        service.stop()

    # uvicorn hands signals back when it has stopped: ours make of them an exit code.
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    sys.stdout.write(f"scores on {service.url}\n")
    sys.stdout.flush()
    service.serve()
    return code


if __name__ == "__main__":
    sys.exit(main())
