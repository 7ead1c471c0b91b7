"""Objects of an S3 store, through boto3: which ones a pattern names, and their bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from rondo.adapters.files.pattern import Pattern, hidden, literal, matches
from rondo.adapters.files.tables import check_fits
from rondo.contract.references import mask
from rondo.errors import (
    Conflict,
    ContractError,
    MissingExtra,
    NotAvailable,
    RondoError,
    TemporaryPortError,
    nearest,
)
from rondo.records.access import is_loopback

_CLIENT = {
    "aws_access_key_id": "aws_access_key_id",
    "aws_secret_access_key": "aws_secret_access_key",
    "aws_session_token": "aws_session_token",
    "aws_endpoint_url": "endpoint_url",
    "aws_region": "region_name",
}
_OURS = ("aws_allow_http", "aws_profile", "aws_skip_signature", "max_retries")
_AT_ONCE = 8
_CONNECT_S = 5.0
_ASK_AGAIN = frozenset({408, 429})


@dataclass(frozen=True, slots=True)
class _Object:
    """One object as it was listed; without `etag` it is taken as it is."""

    key: str
    etag: str | None = None


def contents(
    pattern: Pattern, storage: Mapping[str, str], *, timeout_s: float, where: str
) -> dict[str, bytes]:
    """The objects that the pattern names with their bytes, in order of their names.

    Objects without bytes only mark a folder and are left out. Each object is read as it was when it was listed, or
    not at all.

    Args:
        pattern: an s3:// path.
        storage: keys, endpoint and region of the store; what is not said comes from the environment, as for every
            AWS client.
        timeout_s: for the store to answer, each time.
        where: for errors.

    Raises:
        ContractError: an option is unknown or unsafe.
        NotAvailable: there is no such object, or the store refuses.
        TemporaryPortError: the store did not answer.
        DataError: the objects have more bytes than memory is free.
        Conflict: an object changed since it was listed.
    """
    if find_spec("boto3") is None:
        raise MissingExtra("boto3", extra="s3", needed_for="reading s3://")
    bucket, _, key = pattern.path.removeprefix("s3://").partition("/")
    with _translated(mask(pattern.path), where):
        client = _connected(storage, timeout_s, where)
        if literal(key) == key:
            objects = [_Object(key)]
        else:
            objects = _listed(client, bucket, key, pattern, where)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            fetched = pool.map(lambda one: _fetched(client, bucket, one, where), objects)
            return {f"s3://{bucket}/{one.key}": data for one, data in zip(objects, fetched, strict=True)}


def _connected(storage: Mapping[str, str], timeout_s: float, where: str) -> Any:
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    known = (*_CLIENT, *_OURS)
    for name in storage:
        if name not in known:
            raise ContractError(
                f"no option of a store is named {name!r}", where=f"{where}.storage", mend=nearest(name, known)
            )
    config = Config(
        connect_timeout=_CONNECT_S,
        read_timeout=timeout_s,
        retries={"total_max_attempts": 1 + _retries(storage, where), "mode": "standard"},
        max_pool_connections=_AT_ONCE,
        signature_version=UNSIGNED if _said(storage, "aws_skip_signature") else None,
    )
    session = boto3.session.Session(profile_name=storage.get("aws_profile"))
    given = {ours: storage[name] for name, ours in _CLIENT.items() if name in storage}
    client = session.client("s3", config=config, **given)
    _check_transport(client.meta.endpoint_url, storage, where)
    return client


def _retries(storage: Mapping[str, str], where: str) -> int:
    said = storage.get("max_retries", "1")
    if not said.isdecimal():
        raise ContractError(
            f"max_retries is {said!r}", where=f"{where}.storage", rule="It is a whole number, 0 or more"
        )
    return int(said)


def _said(storage: Mapping[str, str], name: str) -> bool:
    return storage.get(name, "false").lower() == "true"


def _check_transport(endpoint: str, storage: Mapping[str, str], where: str) -> None:
    found = urlsplit(endpoint)
    if found.scheme == "https" or _said(storage, "aws_allow_http") or is_loopback(found.hostname or ""):
        return
    raise ContractError(
        f"{found.scheme}://{found.netloc.rpartition('@')[2]} would carry the data in the clear",
        where=f"{where}.storage",
        rule="A store on another machine is reached by https",
        mend='Write https://, or aws_allow_http: "true" for a network that you trust',
    )


def _listed(client: Any, bucket: str, key: str, pattern: Pattern, where: str) -> list[_Object]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=literal(key))
    found = [
        one
        for page in pages
        for one in page.get("Contents", ())
        if one["Size"]
        and matches(one["Key"], key)
        and not hidden(f"s3://{bucket}/{one['Key']}", pattern.fixed)
    ]
    if not found:
        raise _absent(mask(pattern.path), where)
    check_fits(sum(one["Size"] for one in found), where)
    return sorted((_Object(one["Key"], one["ETag"]) for one in found), key=lambda one: one.key)


def _fetched(client: Any, bucket: str, one: _Object, where: str) -> bytes:
    as_listed = {"IfMatch": one.etag} if one.etag else {}
    answer = client.get_object(Bucket=bucket, Key=one.key, **as_listed)
    check_fits(answer["ContentLength"], where)
    data: bytes = answer["Body"].read()
    return data


@contextmanager
def _translated(path: str, where: str) -> Iterator[None]:
    """The store's errors as ours; what the store itself said is left out, for it may repeat a key."""
    from botocore import exceptions as boto

    try:
        yield
    except RondoError:
        raise
    except boto.ClientError as error:
        raise _answered(error.response, path, where) from error
    except boto.SSLError as error:
        raise NotAvailable(
            f"the store of {path} does not prove who it is", where=where, mend="Check its certificate"
        ) from error
    except (boto.ConnectionError, boto.HTTPClientError, boto.IncompleteReadError) as error:
        raise TemporaryPortError(
            f"the store of {path} did not answer: {type(error).__name__}", where=where
        ) from error
    except (
        boto.BotoCoreError,
        ValueError,
    ) as error:  # it says of an endpoint that it is no URL by a ValueError
        raise NotAvailable(
            f"the store of {path} cannot be asked: {type(error).__name__}",
            where=where,
            mend="Check the keys, the endpoint and the region in `storage`, or in the environment",
        ) from error


def _answered(response: Mapping[str, Any], path: str, where: str) -> RondoError:
    """What a refusal of the store means, by its status."""
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    code = str(response.get("Error", {}).get("Code", ""))[:40]
    if status == 404:
        return _absent(path, where)
    if status == 412:
        return Conflict(
            f"{path} changed while it was read",
            where=where,
            rule="Objects are read as they were listed",
            mend="Run again",
        )
    if status in _ASK_AGAIN or status >= 500:
        return TemporaryPortError(f"the store of {path} did not answer: {status} {code}", where=where)
    return NotAvailable(
        f"the store refuses {path}: {status} {code}",
        where=where,
        mend="Check the keys, their rights, and the region in `storage`",
    )


def _absent(path: str, where: str) -> NotAvailable:
    return NotAvailable(f"no file matches {path}", where=where, mend="Check bucket, path and parameters")
