"""The door to MLflow: imported once, without telemetry and chatter, and its errors told as ours."""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from rondo.errors import (
    Conflict,
    MissingExtra,
    NotAvailable,
    RondoError,
    TemporaryPortError,
    UsageError,
)

T = TypeVar("T")

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",  # MLflow asks for git's executable, we tell the commit ourselves
    # By default a dead server is asked for minutes before anybody learns of it.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
_CHATTY = ("alembic", "mlflow")


def _import_quietly() -> Any:
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow's own imports: nothing that we could mend
        import mlflow
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    return mlflow


mlflow = _import_quietly()


def open_client(tracking_uri: str) -> Any:
    """MLflow's client; makes the tables of a new SQLite store, and the folder that it is in.

    Raises:
        NotAvailable: the store cannot be opened.
    """
    where = without_password(tracking_uri)
    if tracking_uri.startswith("sqlite:///"):
        Path(tracking_uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*noload.*")  # MLflow's mapping of its own tables
            client = mlflow.MlflowClient(tracking_uri, registry_uri=tracking_uri)
            client.search_experiments(max_results=1)
    except mlflow.exceptions.MlflowException as error:
        raise _as_ours(error, where) from error
    except Exception as error:  # the database's own errors come through MLflow as they are
        text = " ".join(without_password(str(error)).split())[:300]
        raise NotAvailable(f"MLflow's store cannot be opened: {text}", where=where) from error
    return client


def asked(function: Callable[..., T], *args: Any, where: str = "MLflow", **named: Any) -> T:
    """What MLflow answers.

    Raises:
        RondoError: it refuses, or something it needs is not there (see `_as_ours`).
    """
    try:
        return function(*args, **named)
    except mlflow.exceptions.MlflowException as error:
        raise _as_ours(error, where) from error
    except OSError as error:
        raise NotAvailable(f"MLflow's files cannot be used: {error}", where=where) from error
    except Exception as error:  # the object store's own errors come through MLflow as they are
        if ours := _of_the_object_store(error, where):
            raise ours from error
        raise


_GONE_OR_REFUSED = re.compile(
    r"NoSuch\w+|AccessDenied|Forbidden|InvalidAccessKeyId|SignatureDoesNotMatch|credentials",
    re.IGNORECASE,
)


def _of_the_object_store(error: Exception, where: str) -> RondoError | None:
    if isinstance(error, ModuleNotFoundError) and error.name in {"boto3", "botocore"}:
        return MissingExtra("boto3", extra="s3", needed_for="keeping artefacts in S3")
    product = type(error).__module__.partition(".")[0]
    wrong_url = isinstance(error, ValueError) and "Invalid endpoint" in str(error)
    if product not in {"boto3", "botocore", "s3transfer"} and not wrong_url:
        return None
    text = " ".join(without_password(str(error)).split())[:300]
    if wrong_url or _GONE_OR_REFUSED.search(text):
        mend = "Check bucket, keys (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) and AWS_ENDPOINT_URL"
        return NotAvailable(f"the artefact store refuses: {text}", where=where, mend=mend)
    return TemporaryPortError(f"the artefact store did not answer: {text}", where=where)


_KINDS: dict[str, type[RondoError]] = {
    "RESOURCE_DOES_NOT_EXIST": NotAvailable,
    "ENDPOINT_NOT_FOUND": NotAvailable,
    "NOT_FOUND": NotAvailable,
    "PERMISSION_DENIED": NotAvailable,
    "UNAUTHENTICATED": NotAvailable,
    "RESOURCE_ALREADY_EXISTS": Conflict,
    "RESOURCE_CONFLICT": Conflict,
    "INVALID_PARAMETER_VALUE": UsageError,
    "BAD_REQUEST": UsageError,
    "TEMPORARILY_UNAVAILABLE": TemporaryPortError,
    "REQUEST_LIMIT_EXCEEDED": TemporaryPortError,
}


def _as_ours(error: Any, where: str) -> RondoError:
    text = " ".join(without_password(str(error)).split())[:500]
    kind = _KINDS.get(str(error.error_code), NotAvailable)
    if "Max retries exceeded" in text or "Connection refused" in text or "database is locked" in text:
        kind = TemporaryPortError
    if "out-of-date database schema" in text:
        return NotAvailable(
            "MLflow's store was made by another version of MLflow",
            where=where,
            mend="Take a copy of it, then run: mlflow db upgrade " + (where if "://" in where else "URI"),
        )
    return kind(f"MLflow says: {text}", where=where)


def without_password(text: str) -> str:
    """The text with the user information of every URL masked."""
    return re.sub(r"(\w+://)[^/@\s]+@", r"\1***@", text)


def artifact_base(tracking_uri: str, artifact_root: Path | str | None) -> str | None:
    """Where a new experiment keeps its files, as a URI; None where the tracking server decides that itself."""
    if artifact_root is None:
        return None
    if isinstance(artifact_root, str) and "://" in artifact_root:
        return artifact_root.rstrip("/")
    if urlsplit(tracking_uri).scheme in {"http", "https", "databricks"}:
        return None  # a folder of this machine means nothing to a server
    return Path(artifact_root).resolve().as_uri()
