"""Sends through Apprise; the receiver's URL is a secret, and stands in no message, event or log."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from rondo.errors import ContractError, MissingExtra, TemporaryPortError

if TYPE_CHECKING:
    from rondo.ports.notifier import Severity

_KINDS = {"info": "info", "warning": "warning", "critical": "failure", "recovered": "success"}


class AppriseNotifier:
    """A Notifier for one receiver.

    Args:
        address: gives its URL (https://github.com/caronc/apprise lists the kinds) when something is to be sent.
        where: what stands for it in messages, e.g. `monitoring.notify: env:OPS`.
    """

    def __init__(self, address: Callable[[], str], *, where: str) -> None:
        self._address, self._where = address, where

    def send(self, title: str, body: str, *, severity: Severity) -> None:
        """See Notifier.

        Raises:
            TemporaryPortError: the receiver did not take it.
            ContractError: the URL is of no kind that Apprise knows.
        """
        try:
            from apprise import Apprise, NotifyType
        except ModuleNotFoundError as error:
            raise MissingExtra("apprise", extra="train", needed_for="sending alerts") from error
        # What Apprise logs holds the receiver's address.
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        receiver = Apprise()
        with warnings.catch_warnings():  # its plug-ins import a module that a later Python does not have
            warnings.simplefilter("ignore", DeprecationWarning)
            known = receiver.add(self._address())
        if not known:
            raise ContractError(
                "not a receiver that Apprise knows",
                where=self._where,
                rule="A receiver is a URL such as json://host/path, mailto://… or slack://…",
                mend="Correct the variable that the project file names",
            )
        try:
            taken = receiver.notify(body, title=title, notify_type=NotifyType(_KINDS[severity]))
        except Exception as error:  # plug-ins raise what their products raise, and it may hold the address
            raise TemporaryPortError(
                f"the receiver failed with {type(error).__name__}", where=self._where
            ) from None
        if not taken:
            raise TemporaryPortError("the receiver did not take the message", where=self._where)
