"""Campaign and Round: where everything lies, what is finished, who may write. The only place that knows artefact paths.

A stage's outputs appear under their final names only when complete; its marker `<stage>.json` appears last. A stage with
a marker is skipped, so killing the process anywhere and running again gives what an undisturbed run gives.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rls3.errors import CampaignError, DataError
from rls3.params import Params

# A campaign may be continued with other values of these; all other parameters are part of what it is.
_FREE = (
    "campaign.rounds",
    "campaign.patience_rounds",
    "simulator.workers",
    "simulator.action_timeout_s",
    "tracking",
    "base",
    "replay",
)


def write_json(path: Path, value: Any) -> None:
    """Atomic. Raises: CampaignError if the disk is full."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w") as file:
            json.dump(value, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        error.filename = str(path)
        raise


def read_json(path: Path) -> Any:
    """Raises: DataError if it is missing or damaged."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise DataError(f"{path} is missing; run `rls3 run` to make it") from None
    except ValueError:
        raise DataError(
            f"{path} is damaged; delete that round's folder and run again to make it anew"
        ) from None


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A folder to write into, which takes the final name only when the block ends well."""
    temporary = path.with_name(f".{path.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    shutil.rmtree(path, ignore_errors=True)
    temporary.replace(path)


@dataclass(frozen=True)
class Round:
    """One round's folder in the campaign's run, and its part of the versioned data."""

    campaign: "Campaign"
    number: int

    @property
    def folder(self) -> Path:
        return self.campaign.folder / "rounds" / f"{self.number:04d}"

    @property
    def data(self) -> Path:
        return self.campaign.data / f"round-{self.number:04d}"

    rollout = property(lambda self: self.folder / "rollout")
    rendered = property(lambda self: self.folder / "rendered.parquet")
    train = property(lambda self: self.data / "train.parquet")
    rejected = property(lambda self: self.data / "rejected.parquet")
    docs = property(lambda self: self.folder / "data-docs")
    vlm = property(lambda self: self.folder / "vlm")
    verdicts = property(lambda self: self.folder / "val-verdicts.safetensors")
    policy = property(lambda self: self.folder / "policy")
    manifest = property(lambda self: self.folder / "manifest.json")

    def record(self, stage: str) -> dict[str, Any]:
        """What a finished stage noted. Raises: DataError if it is not finished."""
        return read_json(self.folder / f"{stage}.json")

    def finished(self, stage: str) -> bool:
        return (self.folder / f"{stage}.json").exists()

    def finish(self, stage: str, record: dict[str, Any]) -> None:
        """Mark a stage as finished; everything it made must be in place."""
        write_json(self.folder / f"{stage}.json", record)

    @property
    def previous(self) -> "Round | None":
        return Round(self.campaign, self.number - 1) if self.number > 1 else None


@dataclass(frozen=True)
class Campaign:
    """A named series of rounds below a project's root."""

    root: Path
    params: Params

    @property
    def name(self) -> str:
        return self.params.campaign.name

    folder = property(lambda self: self.root / "runs" / self.name)
    data = property(lambda self: self.root / "data" / self.name)
    benchmark = property(lambda self: self.root / "benchmark")
    base = property(lambda self: self.root / "base")
    runtime = property(lambda self: self.root / ".rls3")
    summary = property(lambda self: self.folder / "summary.json")
    report = property(lambda self: self.folder / "report.html")
    recipe = property(lambda self: self.data / "campaign.json")

    def round(self, number: int) -> Round:
        return Round(self, number)

    def rounds_done(self) -> list[Round]:
        """The finished rounds, in order."""
        done = []
        while (candidate := self.round(len(done) + 1)).manifest.exists():
            done.append(candidate)
        return done

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the campaign. The operating system releases it when the process ends, however it ends.

        Raises: CampaignError if another process holds it, or if it was begun with other parameters.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
                raise CampaignError(
                    f"campaign {self.name!r} is already running (process {holder}); wait for it, or choose another name with -S campaign.name=..."
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            self._check_params()
            yield

    def _check_params(self) -> None:
        path = self.folder / "params.json"
        now = self.params.model_dump(mode="json")
        if not path.exists():
            write_json(path, now)
            return
        for group, values in read_json(path).items():
            for key, value in values.items():
                name = f"{group}.{key}"
                if group not in _FREE and name not in _FREE and now[group].get(key) != value:
                    raise CampaignError(
                        f"campaign {self.name!r} was begun with {name} = {value!r}, not {now[group].get(key)!r}; "
                        f"give that value, choose another campaign.name, or delete {path.parent}"
                    )
