"""The practice world: a seeded web shop whose customers leave for reasons.

In:   a ShopSpec
Out:  a Shop: customers, transactions, events and scores as frames; published
      as an SQL database, a lake of daily Parquet files and an HTTP service

spec.py       what a world is asked to be, and its file shop.json
people.py     who the customers are
eras.py       every number of their behaviour, before the change and after
seasons.py    the week and the year
life.py       what they do, day by day
dirt.py       what the tracking makes of it
world.py      simulate: the whole as tables
warehouse.py  lake.py  scores.py    the three sources
practice.py   all of it in a project's folder
outcomes.py   who churned, who is around

demand.py     another world: orders of products with seasons, offers, and levels that change
order_book.py its database
orders.py     and another: baskets of many products, for a recommender

traffic.py    customers that are scored, and what became of them
story/        the whole round, as a story that checks itself; page.py shows it
"""

from __future__ import annotations

from rondo.shop.lake import write_lake
from rondo.shop.outcomes import live_customers, outcomes
from rondo.shop.practice import prepare_practice_world, publish_practice_world
from rondo.shop.scores import ScoreService, scores_at, scores_in
from rondo.shop.spec import SavedWorld, ShopSpec, load_world, save_world
from rondo.shop.warehouse import write_warehouse
from rondo.shop.world import Shop, simulate

__all__ = [
    "SavedWorld",
    "ScoreService",
    "Shop",
    "ShopSpec",
    "live_customers",
    "load_world",
    "outcomes",
    "prepare_practice_world",
    "publish_practice_world",
    "save_world",
    "scores_at",
    "scores_in",
    "simulate",
    "write_lake",
    "write_warehouse",
]
