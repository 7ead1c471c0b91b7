from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from rondo.adapters.notify import AppriseNotifier
from rondo.errors import ContractError, TemporaryPortError

SECRET = "hush-7f3a"


class Receiver(HTTPServer):
    """Takes webhooks; answers with `status`."""

    status = 200

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), Answer)


class Answer(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append(json.loads(body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *told: Any) -> None:
        """Nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def notifier(receiver: Receiver) -> AppriseNotifier:
    address = f"json://user:{SECRET}@127.0.0.1:{receiver.server_port}/hook"
    return AppriseNotifier(lambda: address, where="monitoring.notify: env:OPS")


def test_a_webhook_takes_the_message(receiver: Receiver) -> None:
    notifier(receiver).send("shop: 1 critical", "accuracy is 0.7", severity="critical")
    (taken,) = receiver.taken
    assert (taken["title"], taken["message"], taken["type"]) == (
        "shop: 1 critical",
        "accuracy is 0.7",
        "failure",
    )


def test_a_refusal_is_told_without_the_secret(
    receiver: Receiver, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    receiver.status = 500
    with pytest.raises(TemporaryPortError, match="env:OPS") as refused:
        notifier(receiver).send("t", "b", severity="warning")
    said = "".join((str(refused.value), caplog.text, *capfd.readouterr()))
    assert SECRET not in said
    assert str(receiver.server_port) not in said


def test_an_address_of_no_known_kind_is_told_without_it() -> None:
    strange = AppriseNotifier(lambda: f"nothing-knows-this://{SECRET}", where="monitoring.notify: env:OPS")
    with pytest.raises(ContractError, match="env:OPS") as refused:
        strange.send("t", "b", severity="warning")
    assert SECRET not in str(refused.value)
