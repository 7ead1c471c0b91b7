"""The order of the rooms: what runs when, what is skipped, and how the round closes.

workshop.py        what the lifecycle asks of the world, as one record

A round
order.py           the stages, what each depends on, and the user's own among them (pure)
running.py         does the stages that changed, one after the other, in this process
rooms.py           opens each room with what it needs
going_round.py     one round: stages, then the release of what passed
promised.py        what the version in production promises, beside what is asked for now
stillness.py       whether anything was touched since a round ended
alone.py           work that one process at a time does here

A release
releasing.py       from a verdict to the release that serves, and back
rollouts.py        the controller of rollouts: gathers evidence, does what the step says
advancing.py       writes a step of a rollout together with its routes
evidence/          the judges of a rollout's phases
experimenting.py   an A/B test from its start to its end
server_process.py  a server in a process of its own
load_test.py       asks such a server for a while, and measures
letting_go.py      removes bundles that nothing needs here any more
needed_views.py    which views of the feature store a release may still read

Watching
watching.py        from what was served to figures and alerts, to a decision, and into the next round
served.py          what monitoring is given
business.py        the online metrics of the version in production
notifying.py       says alerts to every receiver
acknowledging.py   a person takes note of an alert
heartbeat.py       whether the monitor lives
retraining.py      retrains as rounds: proposed, approved, begun one at a time, counted when lost
freezing.py        days on which nothing changes by itself
backtesting.py     the project's history under several policies of retraining

Keeping up
upkeep.py          the loop beside a server: rounds of the schedule, retrains
schedule.py        when a round is due, and how far the calendar is worked off (pure)
scheduled.py       does each slot of the schedule once
looking.py         the monitor, in a thread of its own
attending.py       rollouts, in a thread of their own
mishaps.py         what fails in work that goes on for ever

Telling
status.py          where the project stands
criteria.py        each line of the contract, its enforcer and its last value (pure)
document.py        the project document
lineage.py         where a version comes from, and what became of data
branching.py       what the branch of the code stands for
differing.py       what makes two versions different
scoring.py         a file, scored as the server scores its rows
scored_rows.py     its rows, chunk by chunk, and what is wrong with some
answer_cells.py    the answers as cells of a table (pure)
"""
