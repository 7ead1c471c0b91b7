"""c.6 Registry, controller, store: what must not become a release, nor move traffic, nor open a store."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.bad_inputs.catalogue import Bad, Taken, refused

from rondo.adapters.memory import MemoryModelRegistry, MemoryStateStore
from rondo.adapters.sqlstate import SqlStateStore
from rondo.bundle.bundle import load_bundle
from rondo.contract import load_project
from rondo.contract.deployment import Deployment
from rondo.errors import Conflict, CorruptArtifact, GateSaidNo, NotAvailable, UsageError
from rondo.lifecycle import letting_go, releasing, rollouts
from rondo.lifecycle.going_round import go_round
from rondo.lifecycle.lineage import trace
from rondo.lifecycle.needed_views import needed_views
from rondo.lifecycle.promised import keep_promise
from rondo.lifecycle.running import Selection
from rondo.lifecycle.workshop import Workshop
from rondo.ports.progress import Silent
from rondo.ports.state import StateStore
from rondo.ports.tracking import ModelRegistry
from rondo.records.layout import Layout
from rondo.records.release import PROMOTED, ServerReport, Switch
from rondo.records.rollout import Evidence, Rollout
from rondo.stages.deployment import register
from rondo.testing.bundles import tiny_bundle, tiny_graph, tiny_plan
from rondo.testing.deployment import PROJECT, Clock, registered, verdict
from rondo.testing.killing import FolderRegistry, killed
from rondo.testing.state import NOW

FILE = """\
project: tiny
ml_problem: {target: churned, entity: user_id, baseline: 0.65}
data: {sources: {a: {files: a.csv}}}
"""


def workshop(root: Path, store: StateStore, registry: ModelRegistry, clock: Clock) -> Workshop:
    """The project in that folder."""
    loaded = load_project(root)
    return cast(
        "Workshop",
        SimpleNamespace(
            state=store,
            registry=registry,
            clock=clock,
            wall_clock=clock,
            progress=Silent(),
            layout=Layout(root),
            loaded=loaded,
            project=loaded.project.model_copy(update={"deployment": Deployment(strategy="canary")}),
        ),
    )


@dataclass
class Shop:
    """Three versions: 1.0.0 was in production, 1.1.0 is, 1.2.0 was refused by its gates, 1.3.0 passed them."""

    root: Path
    store: StateStore = field(default_factory=MemoryStateStore)
    registry: ModelRegistry = field(default_factory=MemoryModelRegistry)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        (self.root / "rondo.yaml").write_text(FILE)
        for version in ("1.0.0", "1.1.0", "1.2.0", "1.3.0"):
            judgement = "reject" if version == "1.2.0" else "ship"
            registered(self.root, self.store, self.registry, version, judgement)  # type: ignore[arg-type]
            if version < "1.2":
                before = self.store.production_history()
                weights = {version: 1.0}
                previous = before[-1] if before else None
                self.store.switch(
                    Switch(version, previous, weights, None, PROMOTED, "ann", "", len(before)), at=NOW
                )

    @property
    def workshop(self) -> Workshop:
        return workshop(self.root, self.store, self.registry, self.clock)

    def standing(self) -> Any:
        """All that must stay as it is."""
        store = self.store
        return store.routes(), store.releases(), store.production_history(), store.rollouts(), store.events()

    def judge(self, _: Any, rollout: Rollout, now: datetime) -> Evidence:
        return Evidence("ship", (), now, rollout.phase_since, now, requests=5000)

    def deploy(self, version: str) -> releasing.Released:
        return releasing.deploy(
            self.workshop, version, by="ann", reason="", wait=self.clock.wait, gather=self.judge
        )

    def promote(self, version: str) -> str:
        return releasing.promote(self.workshop, version, by="ann", reason="")

    def rollback(self) -> str:
        return releasing.rollback(self.workshop, by="ann", reason="")

    def bundle(self, version: str) -> Path:
        release = next(one for one in self.store.releases() if one.version == version)
        return self.root / release.bundle

    def damage(self, version: str, name: str = "model.onnx") -> None:
        """In its folder and in the registry's copy."""
        (self.bundle(version) / name).write_bytes(b"damaged")
        for copy in self.root.rglob(f"{name}"):
            copy.write_bytes(b"damaged")

    def let_go(self, *versions: str) -> letting_go.Sweep:
        return letting_go.let_go(self.workshop, versions, by="ann")

    @property
    def here(self) -> set[str]:
        """The versions whose bundles lie here."""
        return {one.version for one in self.store.releases() if (self.root / one.bundle).exists()}

    def grow(self) -> None:
        """Three more versions that nobody wants, and five that were in production; the newest one is."""
        for number in range(4, 7):
            registered(self.root, self.store, self.registry, f"1.{number}.0", "reject")
        for number in range(7, 12):
            version, routes = f"1.{number}.0", self.store.routes()
            registered(self.root, self.store, self.registry, version)
            before = self.store.production_history()[-1]
            change = Switch(version, before, {version: 1.0}, None, PROMOTED, "ann", "", routes.generation)
            self.store.switch(change, at=NOW)

    def register(self, change: Callable[[Path], object], version: str = "2.0.0") -> object:
        """A fresh bundle, changed, registered."""
        folder = self.root / "build" / "bundle"
        made = tiny_bundle(folder, version, slope=0.3)
        change(folder)
        return register(
            PROJECT, folder, verdict(made.bundle_id, version), layout=Layout(self.root), store=self.store,
            registry=self.registry, now=NOW, by="ann",
        )  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def under_way(shop: Shop) -> None:
    shop.deploy("1.3.0")


def cut(name: str, to: int) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:to])


def flip(name: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(content)

    return change


def by_hand(folder: Path) -> None:
    """The manifest says another threshold, and its seal is made anew."""
    import hashlib

    manifest = folder / "manifest.json"
    changed = json.loads(manifest.read_bytes()) | {"threshold": 0.1}
    manifest.write_text(json.dumps(changed))
    (folder / "manifest.sha256").write_text(hashlib.sha256(manifest.read_bytes()).hexdigest() + "\n")


def swapped(folder: Path) -> None:
    one, two = folder / "golden.json", folder / "reference.json"
    first = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(first)


def linked(folder: Path) -> None:
    (folder / "model.onnx").rename(folder.parent / "elsewhere.onnx")
    (folder / "model.onnx").symlink_to(folder.parent / "elsewhere.onnx")


def same_number_other_content(shop: Shop) -> object:
    return shop.register(lambda folder: None, version="1.3.0")


def another_verdict(shop: Shop) -> object:
    folder = shop.root / "build" / "bundle"
    tiny_bundle(folder, "2.0.0", slope=0.3)
    return register(
        PROJECT, folder, verdict("0" * 64, "2.0.0"), layout=Layout(shop.root), store=shop.store,
        registry=shop.registry, now=NOW, by="ann",
    )  # fmt: skip


def stale(shop: Shop) -> object:
    """A switch decided before somebody else's."""
    change = Switch("1.0.0", "1.1.0", {"1.0.0": 1.0}, None, PROMOTED, "ann", "late", 1)
    return shop.store.switch(change, at=NOW)


def fenced(shop: Shop) -> object:
    """A switch of a holder that was paused while its lease passed on; the clocks are an hour apart."""
    with shop.store.lease("deployment", "slow", timedelta(minutes=5), now=NOW) as token:
        pass
    with shop.store.lease("deployment", "quick", timedelta(minutes=5), now=NOW + timedelta(hours=1)):
        routes = shop.store.routes()
        change = Switch(
            "1.0.0",
            "1.1.0",
            {"1.0.0": 1.0},
            None,
            PROMOTED,
            "slow",
            "",
            routes.generation,
            ("deployment", token),
        )
        return shop.store.switch(change, at=NOW)


def held(shop: Shop) -> object:
    with (
        shop.store.lease("deployment", "host/1/2", timedelta(minutes=5), now=NOW),
        shop.store.lease("deployment", "other/3/4", timedelta(minutes=5), now=NOW - timedelta(hours=1)),
    ):
        raise AssertionError("two hold it")


def changed_to(problem: str) -> Callable[[Shop], object]:
    """A round after the project file was changed to that problem."""

    def change(shop: Shop) -> object:
        (shop.root / "rondo.yaml").write_text(FILE.replace("target: churned, entity: user_id", problem))
        return go_round(shop.workshop, Selection(), by="ann")

    return change


def asked_of_servers(shop: Shop) -> object:
    shop.store.want_warm("1.2.0")
    return shop.let_go("1.2.0")


def while_registering(shop: Shop) -> object:
    with shop.store.lease("registration", "host/1/2", timedelta(minutes=5), now=NOW):
        return shop.let_go("1.2.0")


SAME = ("answers another question", "rondo run --new-version", "rondo.yaml:2 ml_problem")

# fmt: off
# what is tried; `before` brings things about
BAD = (
    Bad("G1", "a model of 0 bytes", lambda shop: shop.register(cut("model.onnx", 0)), CorruptArtifact,
        ("model.onnx", "every byte is as it was written", "package the model again")),
    Bad("G1", "half a model", lambda shop: shop.register(cut("model.onnx", 100)),
        CorruptArtifact, ("its 100 bytes",)),
    Bad("G1",
        "no model", lambda shop: shop.register(lambda folder: (folder / "model.onnx").unlink()), CorruptArtifact,
        ("model.onnx", "it is missing")),
    Bad("G1", "no manifest", lambda shop: shop.register(lambda folder: (folder / "manifest.json").unlink()),
        NotAvailable, ("there is no bundle", "rondo run")),
    Bad("G2", "a version that exists with other content", same_number_other_content, Conflict,
        ("version 1.3.0 is registered with another bundle", "one bundle, for ever")),
    Bad("G2", "a verdict on another bundle", another_verdict, Conflict, ("the verdict is on version 2.0.0",)),
    Bad("G3", "promote what nobody registered", lambda shop: shop.promote("1.4.0"), Conflict,
        ("version 1.4.0 is not registered", "1.")),
    Bad("G3", "promote a version that is none", lambda shop: shop.promote("../../etc"),
        Conflict, ("not registered",)),
    Bad("G3", "promote what its gates refused", lambda shop: shop.promote("1.2.0"), GateSaidNo,
        ("gates said 'reject'", "reports/evaluation.html")),
    Bad("G3", "deploy what its gates refused", lambda shop: shop.deploy("1.2.0"),
        GateSaidNo, ("gates said 'reject'",)),
    Bad("G3", "deploy what nobody registered", lambda shop: shop.deploy("9.9.9"), Conflict, ("not registered",)),
    Bad("G3", "deploy what is in production", lambda shop: shop.deploy("1.1.0"),
        Conflict, ("in production already",)),
    Bad("G3", "promote a damaged bundle", lambda shop: (shop.damage("1.3.0"), shop.promote("1.3.0")), CorruptArtifact,
        ("model.onnx",)),
    Bad("G5", "roll back to a damaged bundle", lambda shop: (shop.damage("1.0.0"), shop.rollback()), CorruptArtifact,
        ("model.onnx",)),
    Bad("G7", "let go of production", lambda shop: shop.let_go("1.1.0"), Conflict,
        ("the bundle of version 1.1.0 is needed: it is in production", "Nothing was removed")),
    Bad("G7", "let go of production among others", lambda shop: shop.let_go("1.2.0", "1.1.0"), Conflict,
        ("version 1.1.0 is needed",)),
    Bad("G7", "let go of the version before", lambda shop: shop.let_go("1.0.0"), Conflict,
        ("a rollback brings it back",)),
    Bad("G7", "let go of a candidate", lambda shop: shop.let_go("1.3.0"), Conflict, ("it waits for its release",)),
    Bad("G7", "let go of what nobody registered", lambda shop: shop.let_go("1.2.9"), UsageError,
        ("no version '1.2.9' is registered", "Did you mean")),
    Bad("G8", "let go of what servers are asked to load", asked_of_servers, Conflict, ("hold it ready",)),
    Bad("G8", "let go while a version is registered", while_registering, Conflict,
        ("host/1/2 holds 'registration'",)),
    Bad("G13", "a switch decided before another one", stale, Conflict, ("generation",)),
    Bad("G13", "a lease that has passed on, an hour later", fenced, Conflict, ("deployment",)),
    Bad("G13", "a lease that is held, by a clock an hour behind", held, Conflict, ("host/1/2 holds 'deployment'",)),
    Bad("P22", "another target than in production", changed_to("target: bought, entity: user_id"), Conflict,
        (*SAME, "target churned -> bought")),
    Bad("P22", "another entity", changed_to("target: churned, entity: shop_id"), Conflict,
        (*SAME, "entity user_id -> shop_id")),
    Bad("P22", "no entity any more", changed_to("target: churned"), Conflict, (*SAME, "entity user_id -> none")),
    Bad("P22", "another problem",
        changed_to("target: churned, entity: user_id, type: regression, success_metric: rmse"), Conflict,
        (*SAME, "problem binary_classification -> regression")),
)


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_production_stays_as_it_is(bad: Bad, shop: Shop) -> None:
    before = shop.standing()
    with refused(bad):
        bad.made(shop)
    after = shop.standing()
    assert (after[0].weights, *after[1:4]) == (before[0].weights, *before[1:4])
    assert after[4] == before[4]


def test_g4_nothing_else_is_deployed_while_a_rollout_is_under_way(shop: Shop) -> None:
    under_way(shop)
    registered(shop.root, shop.store, shop.registry, "1.4.0")
    bad = Bad("G4", "", None, Conflict, ("1.3.0", "under way"))
    with refused(bad, besides=shop.standing):
        shop.deploy("1.4.0")


def test_g5_without_a_version_before_production_stays(shop: Shop) -> None:
    shop.rollback()
    bad = Bad("G5", "", None, Conflict, ("there is no version before 1.0.0", "rondo models"))
    with refused(bad, besides=shop.standing):
        shop.rollback()


HARMLESS = (
    Taken("G2", "the same bundle again", lambda shop: registered(shop.root, shop.store, shop.registry,
        "1.3.0"), None),
    Taken("P22", "a file that predicts the same", lambda shop: keep_promise(shop.workshop), None),
    Taken("G3", "promote what is in production", lambda shop: shop.promote("1.1.0"), None),
    Taken("G6",
        "abort before there was a rollout", lambda shop: rollouts.abort(shop.workshop, by="ann", reason=""), None),
)


@pytest.mark.parametrize("taken", HARMLESS, ids=str)
def test_what_is_so_already_changes_nothing(taken: Taken, shop: Shop) -> None:
    before = shop.standing()
    taken.made(shop)
    assert shop.standing() == before


def test_g6_aborting_twice_is_aborting_once(shop: Shop) -> None:
    under_way(shop)
    rollouts.abort(shop.workshop, by="ann", reason="no")
    before = shop.standing()
    rollouts.abort(shop.workshop, by="ann", reason="no")
    assert shop.standing() == before
    assert dict(shop.store.routes().weights) == {"1.1.0": 1.0}


# ---- what is let go of -----------------------------------------------------------------------------------------


def test_g7_the_only_version_stays(tmp_path: Path) -> None:
    (tmp_path / "rondo.yaml").write_text(FILE)
    store, registry = MemoryStateStore(), MemoryModelRegistry()
    registered(tmp_path, store, registry, "1.0.0", "reject")
    bad = Bad("G7", "", None, Conflict, ("it is the only version",))
    with refused(bad, tmp_path):
        letting_go.let_go(workshop(tmp_path, store, registry, Clock()), ("1.0.0",), by="ann")


def test_g7_what_the_model_registry_does_not_have_stays(shop: Shop) -> None:
    release = shop.store.releases()[2]
    shop.store.add_release(replace(release, version="1.2.1", registry_version=""), by="ann")
    bad = Bad("G7", "", None, Conflict, ("1.2.1 is needed", "the model registry does not have it"))
    with refused(bad, shop.root, besides=shop.standing):
        shop.let_go("1.2.1")


def test_g8_what_a_server_still_holds_stays(shop: Shop) -> None:
    shop.grow()
    shop.store.report_server(ServerReport("host/7", 7, "127.0.0.1:1", ("1.4.0",), {}, 1, seen_at=NOW))
    bad = Bad("G8", "", None, Conflict, ("1.4.0 is needed", "the server host/7 holds it"))
    with refused(bad, shop.root, besides=shop.standing):
        shop.let_go("1.4.0")
    shop.let_go()
    assert "1.4.0" in shop.here
    shop.store.server_gone("host/7")
    shop.let_go()
    assert "1.4.0" not in shop.here


def test_g8_what_is_referenced_stays_and_all_else_goes(shop: Shop) -> None:
    shop.grow()
    orphan, remains = shop.root / ".rondo/releases/abandoned", shop.root / ".rondo/releases/.half.tmp"
    for folder in (orphan, remains):
        folder.mkdir()
        (folder / "model.onnx").write_bytes(b"x" * 10)
    foreseen = letting_go.plan(shop.workshop)
    assert shop.here == {f"1.{number}.0" for number in range(12)}  # a plan removes nothing
    before = shop.standing()[:4]
    sweep = shop.let_go()
    assert sweep == foreseen
    # 1.11.0 is in production; 1.8.0 to 1.10.0 were before it; 1.7.0 is among the newest.
    assert shop.here == {"1.7.0", "1.8.0", "1.9.0", "1.10.0", "1.11.0"}
    assert not orphan.exists()
    assert not remains.exists()
    assert dict(sweep.kept) == {
        "1.11.0": "it is in production",
        "1.10.0": "a rollback brings it back",
        "1.9.0": "a rollback may come to it",
        "1.8.0": "a rollback may come to it",
        "1.7.0": "it is among the 5 newest",
    }
    assert shop.standing()[:4] == before
    gone = [event.subject for event in shop.store.events(kind=letting_go.LET_GO)]
    assert gone == [f"1.{number}.0" for number in range(7)]
    assert shop.let_go().removals == ()


def test_g8_a_named_version_may_be_new_or_further_back(shop: Shop) -> None:
    shop.grow()
    assert [one.version for one in shop.let_go("1.9.0", "1.7.0").removals] == ["1.7.0", "1.9.0"]
    assert {"1.2.0", "1.8.0", "1.10.0"} <= shop.here


def test_g8_both_sides_of_a_rollout_stay(shop: Shop) -> None:
    under_way(shop)
    for number in range(4, 10):
        registered(shop.root, shop.store, shop.registry, f"1.{number}.0", "reject")
    shop.let_go()
    assert {"1.1.0", "1.3.0", "1.0.0"} <= shop.here
    assert "1.2.0" not in shop.here
    bad = Bad("G8", "", None, Conflict, ("1.3.0 is needed",))
    with refused(bad, shop.root, besides=shop.standing):
        shop.let_go("1.3.0")


def test_g8_what_was_let_go_of_comes_back_when_it_is_promoted_or_rolled_back_to(shop: Shop) -> None:
    shop.grow()
    shop.let_go("1.9.0")
    shop.let_go()
    shop.promote("1.0.0")
    for _ in range(3):  # to 1.11.0, 1.10.0 and 1.9.0
        shop.rollback()
    assert shop.store.production_history()[-1] == "1.9.0"
    assert {"1.0.0", "1.9.0"} <= shop.here
    for version in shop.here:
        load_bundle(shop.bundle(version))


def test_where_a_version_came_from_is_told_after_it_was_let_go_of(shop: Shop) -> None:
    shop.grow()
    before = {one.kind: one for one in trace(shop.workshop, "1.2.0")}
    shop.let_go("1.2.0")
    after = {one.kind: one for one in trace(shop.workshop, "1.2.0")}
    gone = {kind: one for kind, one in before.items() if after[kind] != one}
    assert gone.keys() == {"training run", "model"}
    assert (after["model"].version, after["model"].identity) == (before["model"].version, "let go of here")
    assert after["bundle"].identity == before["bundle"].identity != ""


def test_g8_features_of_what_may_serve_are_still_known(shop: Shop) -> None:
    shop.grow()
    before = needed_views(shop.store, shop.root)
    shop.let_go()
    assert needed_views(shop.store, shop.root) == before
    assert before is not None


def test_g8_a_removal_that_is_killed_leaves_whole_bundles_and_is_finished_by_the_next(tmp_path: Path) -> None:
    def opened(root: Path) -> tuple[SqlStateStore, FolderRegistry]:
        return SqlStateStore(root / ".rondo" / "state.db"), FolderRegistry(root / "registry")

    def go(root: Path) -> None:
        store, registry = opened(root)
        letting_go.let_go(workshop(root, store, registry, Clock()), by="ann")
        store.close()

    first = tmp_path / "first"
    first.mkdir()
    store, registry = opened(first)
    shop = Shop(first, store, registry)
    shop.grow()
    bundles = {one.version: one.bundle for one in store.releases()}
    store.close()
    needed = {f"1.{number}.0" for number in range(7, 12)}
    moment, ended = 0, False
    while not ended:
        moment += 1
        root = tmp_path / str(moment)
        shutil.copytree(first, root)
        ended = not killed(partial(go, root), moment)
        whole = {version for version, folder in bundles.items() if (root / folder).exists()}
        assert needed <= whole
        for version in whole:
            load_bundle(root / bundles[version])
        go(root)
        assert {folder.name for folder in Layout(root).releases.iterdir()} == {
            Path(bundles[version]).name for version in needed
        }
    assert moment == 1 + 2 * len(bundles.keys() - needed)


# ---- artefacts -------------------------------------------------------------------------------------------------

ALTERED = (
    Bad("G11", "a manifest changed by hand, sealed anew", by_hand, CorruptArtifact, ("this is bundle",)),
    Bad("G11", "a changed seal", flip("manifest.sha256"), CorruptArtifact, ("manifest.json",)),
    Bad("G11", "a changed manifest", flip("manifest.json"), CorruptArtifact, ("manifest.json",)),
    Bad("G11", "a file more", lambda folder: (folder / "more.txt").write_text("x"), CorruptArtifact, ("more.txt",)),
    Bad("G11", "a file less", lambda folder: (folder / "golden.json").unlink(), CorruptArtifact, ("golden.json",)),
    Bad("G11", "two files swapped", swapped, CorruptArtifact, ("2 files", "golden.json", "reference.json")),
    Bad("G11", "one bit of the model", flip("model.onnx"), CorruptArtifact, ("model.onnx",)),
    Bad("G11", "one bit of the plan", flip("plan.json"), CorruptArtifact, ("plan.json",)),
    Bad("G10", "a link to the same bytes", linked, CorruptArtifact, ("model.onnx", "not a plain file")),
    Bad("G10", "a pipe among the files", lambda folder: os.mkfifo(folder / "pipe"), CorruptArtifact, ("pipe",)),
)


@pytest.mark.parametrize("bad", ALTERED, ids=str)
def test_an_altered_bundle_is_not_loaded(bad: Bad, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    wanted = tiny_bundle(folder).bundle_id
    bad.made(folder)
    with refused(bad):
        load_bundle(folder, bundle_id=wanted)


class Opens:
    """Leaves a file behind where somebody unpickles it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("opened"),)


def zipped() -> bytes:
    path = Path("model.zip")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.onnx", "x")
    return path.read_bytes()


def graph(change: Callable[[Any], None]) -> bytes:
    """The model of a small bundle, changed."""
    import onnx

    model = onnx.load_from_string(tiny_graph(tiny_plan(), 0.05))
    change(model)
    return bytes(model.SerializeToString())


def outside(path: str) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = 1
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", path

    return change


def custom(model: Any) -> None:
    model.opset_import.add(domain="evil.example", version=1)
    model.graph.node[0].domain = "evil.example"


MODELS = (
    Bad("G10", "a pickle", lambda: pickle.dumps(Opens()), CorruptArtifact, ("model.onnx",)),
    Bad("G10", "a pickle of an older kind", lambda: pickle.dumps(Opens(), 0), CorruptArtifact, ("model.onnx",)),
    Bad("G10", "an archive", zipped, CorruptArtifact, ("model.onnx",)),
    Bad("G10", "a text", lambda: b"tree\nversion=v4\n", CorruptArtifact, ("model.onnx",)),
    Bad("G10", "nothing", lambda: b"", CorruptArtifact, ("model.onnx",)),
    Bad("G10", "data of a file above", lambda: graph(outside("a/../../x")),
        CorruptArtifact, ("data outside the file",)),
    Bad("G10", "data of a file anywhere", lambda: graph(outside("/etc/passwd")), CorruptArtifact, ("stands alone",)),
    Bad("G10", "operators of its own", lambda: graph(custom), CorruptArtifact, ("the domain 'evil.example'",)),
    Bad("G10", "functions of its own", lambda: graph(lambda model: model.functions.add(name="f", domain="")),
        CorruptArtifact, ("functions of its own",)),
)


@pytest.mark.parametrize("bad", MODELS, ids=str)
def test_what_is_no_plain_graph_is_not_loaded(bad: Bad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rondo.bundle.model import Model

    monkeypatch.chdir(tmp_path)
    content = bad.made()
    with refused(bad):
        Model(content, numerical=2, categorical=1, where="model.onnx")
    assert not (tmp_path / "opened").exists()


# ---- the store's own file --------------------------------------------------------------------------------------


def written(path: Path) -> None:
    SqlStateStore(path).close()


def newer(path: Path) -> None:
    written(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO migrations VALUES (9999, '2030-01-01T00:00:00.000000Z')")
        connection.commit()


STORES = (
    Bad("G12", "written by a newer Rondo", newer, NotAvailable, ("newer Rondo", "pip install --upgrade")),
    Bad("G12", "a text", lambda path: path.write_bytes(b"not a database, and long enough to be read" * 99),
        CorruptArtifact, ("state.db", "cannot be read", "Restore it")),
    Bad("G12", "half a store", lambda path: (written(path), os.truncate(path, 5000)), CorruptArtifact, ("state.db",)),
    Bad("G12", "a folder in its place", Path.mkdir, NotAvailable, ("state.db", "Check path and permissions")),
    Bad("G12", "a link to nowhere that can be", lambda path: path.symlink_to("/proc/nowhere/state.db"), NotAvailable,
        ("state.db",)),
)
# fmt: on


@pytest.mark.parametrize("bad", STORES, ids=str)
def test_such_a_store_is_not_opened(bad: Bad, tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    bad.made(path)
    with refused(bad):
        SqlStateStore(path).releases()
