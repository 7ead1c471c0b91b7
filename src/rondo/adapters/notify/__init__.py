"""Apprise carries messages to people: mail, chat, telephone, or a webhook of their own.

sender.py   one receiver, named by a URL that is asked for at the moment of sending
"""

from __future__ import annotations

from rondo.adapters.notify.sender import AppriseNotifier

__all__ = ["AppriseNotifier"]
