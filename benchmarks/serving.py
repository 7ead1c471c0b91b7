"""One-row JSON requests against Rondo, `mlflow models serve`, and a bare ASGI callable around the same graph.

    python benchmarks/serving.py [--json] [--seconds 5] [--rounds 3]

A LightGBM model of 200 trees over 20 features; 16 connections, one worker each, all on loopback. Rondo serves
with everything on: validation, routing, prediction log, metrics. The bare callable decodes, runs ONNX Runtime
and encodes, nothing else. Servers and load generator are processes of their own; Rondo and the bare callable
take turns, and the best round of each counts. `ratios` says how many times the requests per second of each peer
Rondo answers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FEATURES, TREES, CONNECTIONS, BODIES = 20, 200, 16, 256
NAMES = tuple(f"feature_{place:02d}" for place in range(FEATURES))
TARGETS = {"mlflow": 20.0, "bare_asgi": 0.5}
START_S = 120.0


def prepare(folder: Path) -> None:
    """Trains the model; saves it for MLflow, as a graph, as a release bundle, and bodies to ask with."""
    import numpy as np
    from lightgbm import LGBMClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    chance = np.random.default_rng(1)
    rows = chance.normal(size=(5000, FEATURES)).astype(np.float32)
    target = (rows[:, 0] + rows[:, 1] * rows[:, 2] + chance.normal(size=len(rows)) > 0).astype(int)
    import pandas as pd

    table = pd.DataFrame(rows, columns=list(NAMES))
    estimator = LGBMClassifier(n_estimators=TREES, num_leaves=31, verbose=-1, n_jobs=1, random_state=1)
    pipeline = make_pipeline(SimpleImputer(), StandardScaler(), estimator).fit(rows, target)
    (folder / "rows.json").write_text(json.dumps(rows[:BODIES].astype(float).tolist()))
    graph = to_graph(pipeline)
    (folder / "model.onnx").write_bytes(graph)
    write_release(folder / "project", graph, rows, pipeline.predict_proba(rows)[:, 1])
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    import mlflow.sklearn

    pipeline.fit(table, target)
    mlflow.sklearn.save_model(pipeline, folder / "mlflow", serialization_format="cloudpickle")


def to_graph(pipeline: Any) -> bytes:
    """The pipeline as ONNX."""
    from lightgbm import LGBMClassifier
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
    from skl2onnx import to_onnx, update_registered_converter
    from skl2onnx.common.data_types import FloatTensorType
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes

    update_registered_converter(
        LGBMClassifier,
        "LightGbmLGBMClassifier",
        calculate_linear_classifier_output_shapes,
        convert_lightgbm,
        options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
    )
    made = to_onnx(
        pipeline,
        initial_types=[("num", FloatTensorType([None, FEATURES]))],
        options={"zipmap": False},
        target_opset={"": 15, "ai.onnx.ml": 3},
    )
    return bytes(made.SerializeToString())


def write_release(root: Path, graph: bytes, rows: Any, answers: Any) -> None:
    """A project folder whose state store routes everything to one release of that graph."""
    from datetime import UTC, datetime

    import numpy as np

    from rondo.adapters.sqlstate import SqlStateStore
    from rondo.bundle.bundle import load_bundle, write_bundle
    from rondo.bundle.golden import as_golden
    from rondo.bundle.manifest import Manifest
    from rondo.bundle.plan import FeaturePlan, PlanInput, StatelessFeature
    from rondo.bundle.reference import describe_rows
    from rondo.records.layout import Layout
    from rondo.records.release import Release
    from rondo.testing.live_server import route

    plan = FeaturePlan(
        entity=None,
        event_time=None,
        inputs=tuple(PlanInput(name, "float") for name in NAMES),
        history=(),
        stateless=tuple(StatelessFeature(name, "column", (name,)) for name in NAMES),
        numerical=NAMES,
        categorical=(),
        views={},
    )
    now = datetime.now(UTC)
    manifest = Manifest(
        project="bench",
        version="1.0.0",
        version_reason="benchmark",
        problem_type="binary_classification",
        target="y",
        positive="1",
        classes=("0", "1"),
        threshold=0.5,
        created_at=now,
        files={},
        numerical=NAMES,
        categorical=(),
        categories={},
        estimator="lightgbm.LGBMClassifier",
        params={"n_estimators": TREES},
        metrics={},
    )
    nothing = np.empty((len(rows), 0), dtype=object)
    folder = Layout(root).releases / "1.0.0"
    write_bundle(
        folder,
        manifest,
        model=graph,
        plan=plan,
        reference=describe_rows((NAMES, ()), rows, nothing, answers, [], bins=10),
        golden=as_golden(rows[:32], nothing[:32], answers[:32]),
    )
    state = SqlStateStore(Layout(root).state)
    bundle_id = load_bundle(folder).bundle_id
    state.add_release(
        Release("1.0.0", bundle_id, folder.relative_to(root).as_posix(), now, judgement="ship"),
        by="benchmark",
    )
    route(state, {"1.0.0": 1.0})
    state.close()


def serve_rondo(folder: Path, port: int) -> None:
    """Rondo as it is released: validation, routing, prediction log and metrics on."""
    from rondo.adapters.segments import SegmentLog, SegmentWriter
    from rondo.adapters.sqlstate import SqlStateStore
    from rondo.contract.serving import Serving
    from rondo.records.layout import Layout
    from rondo.server import serve

    layout = Layout(folder / "project")
    state = SqlStateStore(layout.state)
    writer = SegmentWriter(layout.predictions)
    serve(
        layout.root,
        "bench",
        Serving(port=port),
        state=state,
        writer=writer,
        log=SegmentLog(layout.predictions),
    )


def serve_bare(folder: Path, port: int) -> None:
    """A callable that decodes, runs the graph and encodes."""
    import msgspec
    import numpy as np
    import onnxruntime
    import uvicorn

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )
    output = session.get_outputs()[-1].name

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = (await receive())["body"]
        row = msgspec.json.decode(body)
        values = np.array([[row[name] for name in NAMES]], dtype=np.float32)
        score = float(session.run([output], {"num": values})[0][0, 1])
        reply = msgspec.json.encode({"score": score})
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(reply))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": reply})

    uvicorn.run(
        app,
        port=port,
        proxy_headers=False,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        lifespan="off",
    )


class Connection(asyncio.Protocol):
    """Asks, waits for the whole answer, asks again."""

    def __init__(self, requests: Sequence[bytes], place: int, until: float) -> None:
        self._requests, self._place, self._until = requests, place, until
        self._got = b""
        self.times: list[float] = []
        self.failed = 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self._began = time.perf_counter()
        if self._began >= self._until:
            self._transport.close()
            return
        self._place = (self._place + 1) % len(self._requests)
        self._transport.write(self._requests[self._place])  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._got = self._got + data if self._got else data
        end = self._got.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._got[:end].lower()
        found = _LENGTH.search(head)
        assert found is not None, head
        if len(self._got) < end + 4 + int(found[1]):
            return
        self.times.append(time.perf_counter() - self._began)
        self.failed += not head.startswith(b"http/1.1 200")
        self._got = b""
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        self.done.set_result(None)


_LENGTH = re.compile(rb"content-length: (\d+)")


async def load(port: int, path: str, bodies: Sequence[bytes], seconds: float) -> dict[str, float]:
    """Requests per second, latencies and failures of 16 connections that ask as fast as they are answered."""
    head = "POST {} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n"
    requests = [head.format(path, port, len(body)).encode() + body for body in bodies]
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    asking = [
        (
            await loop.create_connection(
                lambda place=place: Connection(requests, place * 7, began + seconds), "127.0.0.1", port
            )
        )[1]
        for place in range(CONNECTIONS)
    ]
    await asyncio.gather(*(one.done for one in asking))
    elapsed = time.perf_counter() - began
    times = sorted(one for connection in asking for one in connection.times)
    return {
        "requests_per_second": len(times) / elapsed,
        "p50_ms": statistics.median(times) * 1e3,
        "p99_ms": times[int(len(times) * 0.99)] * 1e3,
        "failed": sum(connection.failed for connection in asking),
    }


def bodies_for(server: str, folder: Path) -> tuple[str, list[bytes]]:
    """The address and the bodies of a server."""
    rows = json.loads((folder / "rows.json").read_text())
    if server == "mlflow":
        made = [{"dataframe_split": {"columns": list(NAMES), "data": [row]}} for row in rows]
        return "/invocations", [json.dumps(body).encode() for body in made]
    return "/predict", [json.dumps(dict(zip(NAMES, row, strict=True))).encode() for row in rows]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def running(server: str, folder: Path) -> Iterator[tuple[int, int]]:
    """The server's port and process, while it runs."""
    port = free_port()
    bin_folder = str(Path(sys.executable).parent)
    env = {
        **os.environ,
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    if server == "mlflow":
        command = [f"{bin_folder}/mlflow", "models", "serve", "-m", str(folder / "mlflow"), "-p", str(port)]
        command += ["--env-manager", "local", "--host", "127.0.0.1"]
    else:
        command = [sys.executable, __file__, "--part", server, "--folder", str(folder), "--port", str(port)]
    with (folder / f"{server}.log").open("ab") as out:
        process = subprocess.Popen(command, env=env, stdout=out, stderr=out, start_new_session=True)
    try:
        wait_until_it_answers(process, port, *bodies_for(server, folder))
        yield port, process.pid
    finally:
        os.killpg(process.pid, 15)  # the group that was started here, with its workers
        process.wait(30)


def wait_until_it_answers(
    process: subprocess.Popen[bytes], port: int, path: str, bodies: list[bytes]
) -> None:
    """Returns when one request was answered."""
    until = time.monotonic() + START_S
    while True:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{path}", bodies[0], {"content-type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                answer.read()
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if process.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.1)


def cpu_seconds(pid: int) -> float:
    """What the process and those below it have used so far."""
    import psutil

    whole = psutil.Process(pid)
    return float(sum(sum(one.cpu_times()[:2]) for one in [whole, *whole.children(recursive=True)]))


def measure(server: str, folder: Path, where: tuple[int, int], seconds: float) -> dict[str, float]:
    """One round, asked by a process of its own."""
    port, pid = where
    command = [sys.executable, __file__, "--part", "load", "--folder", str(folder), "--port", str(port)]
    command += ["--server", server, "--seconds", str(seconds)]
    used = cpu_seconds(pid)
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds * 3 + 60)
    figures = dict(json.loads(told.stdout))
    answered = figures["requests_per_second"] * seconds
    # On a machine that others use too, time on the clock says less than time on the processor.
    return figures | {"cpu_us_per_request": (cpu_seconds(pid) - used) / answered * 1e6}


def compare(folder: Path, *, seconds: float, rounds: int) -> dict[str, Any]:
    """The figures of every server, and the ratios."""
    prepare(folder)
    figures: dict[str, list[dict[str, float]]] = {"rondo": [], "bare_asgi": [], "mlflow": []}
    with running("rondo", folder) as rondo, running("bare_asgi", folder) as bare:
        for server, where in (("rondo", rondo), ("bare_asgi", bare)):
            measure(server, folder, where, 1.0)  # warm
        for _ in range(rounds):
            for server, where in (("rondo", rondo), ("bare_asgi", bare)):
                figures[server].append(measure(server, folder, where, seconds))
    with running("mlflow", folder) as mlflow:
        measure("mlflow", folder, mlflow, 1.0)
        figures["mlflow"].append(measure("mlflow", folder, mlflow, seconds))
    best = {server: max(each, key=lambda one: one["requests_per_second"]) for server, each in figures.items()}
    ratios = {
        peer: round(best["rondo"]["requests_per_second"] / best[peer]["requests_per_second"], 3)
        for peer in TARGETS
    }
    return {"servers": best, "ratios": ratios, "targets": TARGETS}


def main() -> None:
    """Measures and tells; exit code 1 when a target is missed or an answer failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--part", choices=["rondo", "bare_asgi", "load"], help=argparse.SUPPRESS)
    parser.add_argument("--server", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    match asked.part:
        case "rondo":
            serve_rondo(asked.folder, asked.port)
        case "bare_asgi":
            serve_bare(asked.folder, asked.port)
        case "load":
            import uvloop

            path, bodies = bodies_for(asked.server, asked.folder)
            print(json.dumps(uvloop.run(load(asked.port, path, bodies, asked.seconds))))
        case _:
            with tempfile.TemporaryDirectory(prefix="rondo-bench-") as folder:
                found = compare(Path(folder), seconds=asked.seconds, rounds=asked.rounds)
            tell(found, as_json=asked.json)


def tell(found: dict[str, Any], *, as_json: bool) -> None:
    """Prints the figures; ends with 1 when they are not what they should be."""
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        for server, one in found["servers"].items():
            print(
                f"{server:10} {one['requests_per_second']:9,.0f} req/s   p50 {one['p50_ms']:6.2f} ms   "
                f"p99 {one['p99_ms']:6.2f} ms   cpu {one['cpu_us_per_request']:6.0f} us   failed {one['failed']:.0f}"
            )
        for peer, ratio in found["ratios"].items():
            print(f"rondo / {peer}: {ratio:.2f} (at least {TARGETS[peer]:g})")
    missed = [peer for peer, target in TARGETS.items() if found["ratios"][peer] < target]
    if missed or any(one["failed"] for one in found["servers"].values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
