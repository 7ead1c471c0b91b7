"""The order of the rooms: what runs when, what is skipped, and how the round closes.

order.py           the stages, what each depends on, and the user's own among them (pure)
running.py         does the stages that changed, one after the other, in this process
rooms.py           opens each room with what it needs
going_round.py     one round: stages, then the release of what passed
stillness.py       whether anything was touched since a round ended
releasing.py       from a verdict to the release that serves, and back
watching.py        from what was served to a decision, and into the next round
retraining.py      retrains as rounds: proposed, approved, begun one at a time, counted when lost
freezing.py        days on which nothing changes by itself
backtesting.py     the project's history under several policies of retraining
schedule.py        when the next round is due (pure)
upkeep.py          serves, watches, retrains and follows the schedule until stopped
server_process.py  a server in a process of its own
load_test.py       asks such a server for a while, and measures
lineage.py         where a version comes from
status.py          where the project stands
workshop.py        what the lifecycle asks of the world, as one record
"""
