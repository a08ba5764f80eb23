"""Where everything lies, what is finished, who may write: the only place that knows the paths of
artefacts.

    project/                 the folder of params.yaml
      base/ benchmark/       published: base models, frozen benchmarks
      data/<campaign>/       versioned by DVC: each round's shards, the recipe of a replay
      metrics/ curves/       a file for each campaign, for `dvc metrics` and `dvc plots`
      runs/<campaign>/       not versioned: records, models, policies, predictions, the page
      .rls3/                 caches that can be made again (surveys of rooms, Prefect's database,
                             models from a registry elsewhere)

A stage's outputs appear under their names only when complete, and its marker `<stage>.json` (its
record) appears last. A stage with a marker is skipped, so killing the process anywhere and running
again gives what an undisturbed run gives.

Paths are made from `Project.root` alone, and written through `rls3.files` alone; a root that is not
a local folder needs another `rls3.files` and another `locked`, nothing else.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rls3.errors import CampaignBusy, CampaignError, DataError
from rls3.files import make_folder, read_json, storage_errors, sweep, waiting_lock, write_json
from rls3.loop.records import Manifest, Record, read_record, write_record
from rls3.params import Params
from rls3.seeds import integer_seed

R = TypeVar("R", bound=Record)

# A campaign may be continued with other values of these; every other parameter is part of what it
# is.
_FREE = (
    "campaign.rounds",
    "campaign.patience_rounds",
    "campaign.publish",
    "execution",
    "simulator.workers",
    "simulator.action_timeout_s",
    "vlm.device",
    "serve",
    "notify",
    "base",
    "replay",
    "validation",
)

# What campaigns of earlier versions ran with, which did not have the parameter.
_BEFORE = {"vlm.revision": ""}


@dataclass(frozen=True)
class Project:
    """The folder of params.yaml, and what lies in it beside campaigns."""

    root: Path

    base = property(lambda self: self.root / "base")
    benchmark = property(lambda self: self.root / "benchmark")
    data = property(lambda self: self.root / "data")
    data_file = property(lambda self: self.root / "data.dvc")
    dvc_lock = property(lambda self: self.root / "dvc.lock")
    dvc_folder = property(lambda self: self.root / ".dvc")
    secrets = property(lambda self: (self.dvc_folder / "config.local", self.root / ".env"))
    metrics = property(lambda self: self.root / "metrics")
    curves = property(lambda self: self.root / "curves")
    runs = property(lambda self: self.root / "runs")
    tracking_database = property(lambda self: self.runs / "mlflow.db")
    tracking_artifacts = property(lambda self: self.runs / "mlartifacts")
    simulators = property(lambda self: self.root / ".rls3" / "thor")
    prefect = property(lambda self: self.root / ".rls3" / "prefect")
    locks = property(lambda self: self.root / ".rls3" / "locks")
    models = property(lambda self: self.root / ".rls3" / "models")
    serving = property(lambda self: self.root / ".rls3" / "serving")
    serving_lock = property(lambda self: self.serving / "lock")
    serving_record = property(lambda self: self.serving / "serving.json")
    told_states = property(lambda self: self.serving / "told.json")

    def relative(self, path: Path) -> str:
        """A path as records name it, so that a project can be moved."""
        return str(path.relative_to(self.root))

    def named(self, path: Path) -> str:
        """The same, but for what lies elsewhere, which keeps its whole path."""
        return self.relative(path) if path.is_relative_to(self.root) else str(path)

    @contextmanager
    def locked(self, part: str, wait_s: float = 600.0) -> Iterator[None]:
        """Hold a part of the project that its campaigns share ("data", "tracking", "registry");
        whoever comes second waits.

        Raises: CampaignError if another process still holds it after `wait_s` seconds.
        """
        with waiting_lock(self.locks / part, wait_s) as held:
            if not held:
                raise CampaignError(
                    f"another process has held {self.locks / part} for {wait_s:.0f} s; see what it "
                    "waits for, and run again: nothing that was finished is lost"
                )
            yield


@dataclass(frozen=True)
class Campaign:
    """A named series of rounds in a project."""

    project: Project
    params: Params

    @property
    def name(self) -> str:
        return self.params.campaign.name

    @property
    def bootstrap_seed(self) -> int:
        """Of every interval, so that all models of a campaign meet the same resamples."""
        return integer_seed(self.params.campaign.seed, 0, "bootstrap")

    folder = property(lambda self: self.project.runs / self.name)
    data = property(lambda self: self.project.data / self.name)
    base_predictions = property(lambda self: self.folder / "base-val.parquet")
    final_evaluation = property(lambda self: self.folder / "evaluation.json")
    gallery = property(lambda self: self.folder / "gallery.parquet")
    docs = property(lambda self: self.folder / "data-docs")
    gate = property(lambda self: self.folder / "gate.json")
    nights = property(lambda self: self.folder / "nights.json")
    tracked = property(lambda self: self.folder / "mlflow.json")
    registered = property(lambda self: self.folder / "registered.json")
    card = property(lambda self: self.folder / "README.md")
    summary = property(lambda self: self.folder / "summary.json")
    report = property(lambda self: self.folder / "report.html")
    recipe = property(lambda self: self.data / "campaign.json")
    metrics = property(lambda self: self.project.metrics / f"{self.name}.json")
    curve = property(lambda self: self.project.curves / f"{self.name}.json")
    lock = property(lambda self: self.folder / "lock")
    begun_with = property(lambda self: self.folder / "params.json")
    inputs = property(lambda self: self.folder / "inputs.json")

    def predictions(self, split: str, model: str) -> Path:
        """What the "base" or the "final" model said on a benchmark that decides nothing."""
        return self.folder / f"{split}-{model}.parquet"

    def round(self, number: int) -> "Round":
        return Round(self, number)

    def rounds_done(self) -> list["Round"]:
        """The finished rounds, in order. Raises: DataError if a manifest is damaged."""
        done: list[Round] = []
        while (candidate := self.round(len(done) + 1)).done:
            done.append(candidate)
        return done

    def quarantines(self) -> dict[int, Path]:
        """The shards of rejected samples by round, also of a round that was refused."""
        numbers = range(1, len(self.rounds_done()) + 2)
        shards = {number: self.round(number).path("rejected") for number in numbers}
        return {number: path for number, path in shards.items() if path.exists()}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the campaign. The operating system lets go of it when the process ends, however it
        ends.

        Raises: CampaignError if another process holds it, or if it was begun with other parameters.
        """
        make_folder(self.folder)
        with storage_errors(self.lock):
            lock = self.lock.open("a+")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
                raise CampaignBusy(
                    f"campaign {self.name!r} is already running (process {holder}); "
                    "wait for it, or choose another name with -S campaign.name=..."
                ) from None
            with storage_errors(self.lock):
                lock.truncate(0)
                lock.write(str(os.getpid()))
                lock.flush()
            for folder in (self.folder, self.data, self.project.simulators):
                sweep(folder)
            self._check_params()
            yield

    def _check_params(self) -> None:
        """Against what the campaign was begun with."""
        now = self.params.model_dump(mode="json")
        if not self.begun_with.exists():
            write_json(self.begun_with, now)
            return
        then, now = _BEFORE | flat(read_json(self.begun_with)), flat(now)
        for key in sorted(then.keys() | now.keys()):
            if key.startswith(_FREE) or then.get(key) == now.get(key):
                continue
            way_out = f"choose another campaign.name, or delete {self.folder}"
            if key in then and key in now:
                way_out = f"give that value, {way_out}"
            raise CampaignError(
                f"campaign {self.name!r} was begun with {key} = {then.get(key)!r}, "
                f"not {now.get(key)!r}; {way_out}"
            )


def flat(groups: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Nested groups of parameters as `group.key` (`agent.ppo.epochs`)."""
    values: dict[str, object] = {}
    for key, value in groups.items():
        name = f"{prefix}{key}"
        values |= flat(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return values


@dataclass(frozen=True)
class Round:
    """One round: its folder in the campaign's run, and its part of the versioned data."""

    campaign: Campaign
    number: int

    folder = property(lambda self: self.campaign.folder / "rounds" / f"{self.number:04d}")
    data = property(lambda self: self.campaign.data / f"round-{self.number:04d}")
    docs = property(lambda self: self.campaign.docs / f"round-{self.number:04d}")
    manifest = property(lambda self: self.folder / "manifest.json")

    @property
    def previous(self) -> "Round | None":
        return Round(self.campaign, self.number - 1) if self.number > 1 else None

    @property
    def earlier(self) -> list["Round"]:
        """All rounds before this one."""
        return [Round(self.campaign, number) for number in range(1, self.number)]

    def path(self, artefact: str) -> Path:
        """Of what a stage makes, by its name in the stage table."""
        return {
            "rollout": self.folder / "rollout",
            "rendered": self.folder / "rendered.parquet",
            "train": self.data / "train.parquet",
            "rejected": self.data / "rejected.parquet",
            "data_docs": self.docs,
            "vlm": self.folder / "vlm",
            "predictions": self.folder / "val.parquet",
            "gallery": self.folder / "gallery.parquet",
            "rewards": self.folder / "rewards.safetensors",
            "policy": self.folder / "policy",
        }[artefact]

    def marker(self, stage: str) -> Path:
        return self.folder / f"{stage}.json"

    def finished(self, stage: str) -> bool:
        return self.marker(stage).exists()

    @property
    def done(self) -> bool:
        """Whether all of it is finished. Raises: DataError if its manifest is damaged."""
        if not self.manifest.exists():
            return False
        read_record(
            self.manifest, Manifest, f"delete {self.manifest} and run again: its round is kept"
        )
        return True

    def again(self, stage: str) -> str:
        """What to do so that the next run does a stage once more; what it gives is the same, for
        all that the stage reads is still there."""
        marks = [path for path in (self.manifest, self.marker(stage)) if path.exists()]
        return f"delete {' and '.join(map(str, marks))} and run again to make it anew"

    def record(self, kind: type[R]) -> R:
        """What a finished stage noted. Raises: DataError if it is not finished or damaged."""
        marker = self.marker(kind.stage)
        # A finished round is not looked into again while its manifest stands.
        if self.manifest.exists() and not marker.exists():
            raise DataError(f"{marker} of a finished round is missing; {self.again(kind.stage)}")
        return read_record(marker, kind, self.again(kind.stage))

    def finish(self, record: Record) -> None:
        """Mark a stage as finished; everything it made must be in place."""
        write_record(record, self.marker(record.stage))
