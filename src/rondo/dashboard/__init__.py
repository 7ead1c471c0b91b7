"""The dashboard: where the round stands, for people who would rather look, and the buttons that move it on.

In:   a project's Workshop (rondo.lifecycle)
Out:  pages rendered here, with a stylesheet and a script of our own: nothing is loaded from elsewhere

material.py   everything that a page shows, read at one moment
view.py       what it means: the project in one line, boxes of the round, rollouts (pure)
figures.py    what was observed: newest figures, series for pictures (pure)
texts.py      every text in English and Korean
words.py      the texts in the language of who reads them
sentences.py  what the program wrote down in English, said in Korean where it is known how
pages.py      which template shows what
actions.py    what the buttons do
guard.py      who may look and who may press (hosts, tokens, forged requests)
live.py       tells open pages that something changed
app.py        addresses
showing.py    a dashboard that answers for the time of a block
"""

from __future__ import annotations

from rondo.dashboard.app import application
from rondo.dashboard.showing import showing

__all__ = ["application", "showing"]
