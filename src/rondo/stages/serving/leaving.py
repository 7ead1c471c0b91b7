"""Work for a client that may leave while its request waits for its turn."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import TypeVar

from rondo.stages.serving.bodies import ClientGone, Receive

T = TypeVar("T")


async def while_there(job: Future[T], receive: Receive) -> T:
    """What the job gives. A client that leaves takes along a job that did not begin; one that did is finished.

    Args:
        job: work that waits in an executor.
        receive: of the request, whose body was read whole: what comes next is that the client left.

    Raises:
        ClientGone: nobody waits, and nothing was done.
    """
    result = asyncio.wrap_future(job)
    leaving = asyncio.ensure_future(_left(receive))
    try:
        await asyncio.wait((result, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not result.done() and job.cancel():
            raise ClientGone
        return await result
    finally:
        leaving.cancel()
        result.cancel()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
