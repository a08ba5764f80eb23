"""Looks after scheduled runs: one whose process is gone is crashed and tried again; who is late,
failed or crashed is told of.

Prefect itself leaves a run RUNNING for ever when its worker is killed, and its slot taken for five
minutes. Whether a run's process lives is asked of this machine, to which alone the server speaks:
each such process carries the run's id in its environment.
"""

import json
import logging
import os
import socket
import urllib.request
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psutil
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterParentFlowRunId,
    FlowRunFilterState,
    FlowRunFilterStateName,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import AwaitingRetry, Crashed

from rls3.errors import DataError
from rls3.files import read_json, write_json

_LOG = logging.getLogger(__name__)
_RUN_ID = "PREFECT__FLOW_RUN_ID"
_BY_HAND, _OF = "by hand", "process "
_STARTS_WITHIN = timedelta(seconds=60)
_REMEMBERED = 1000
_TOLD_STATES = ("Late", "Failed", "Crashed", "TimedOut")
_URL, _TOKEN = "RLS3_NOTIFY_URL", "RLS3_NOTIFY_TOKEN"


@dataclass(frozen=True)
class Notice:
    """What is posted, as JSON. text: all of it in one sentence. attempt: the try that it is about,
    from 1. time: of the state, ISO 8601."""

    text: str
    flow_run: str
    flow_run_id: str
    deployment_id: str
    state: str
    message: str
    attempt: int
    tried_again: bool
    time: str
    link: str


@dataclass
class Watch:
    """Looks at the runs of deployments whenever it is asked to.

    Attributes:
        told_file: keeps what was told of, over restarts.
        retries: how often a crashed run is tried again.
        url: where notices are posted; empty posts none. pages: address of Prefect's pages.
    """

    told_file: Path
    retries: int
    url: str
    pages: str
    _told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.url = os.environ.get(_URL, "") or self.url
        if self.told_file.exists():
            try:
                self._told = list(read_json(self.told_file))
            except DataError as error:
                _LOG.warning("%s; told anew", error)

    def look(self, client: SyncPrefectClient) -> list[Notice]:
        """Reap, try again, tell; returns what was new."""
        self._reap(client)
        _reap_by_hand(client)
        notices = []
        runs = _runs(client, FlowRunFilterState(name=_named(_TOLD_STATES)))
        alive = _run_ids_alive()
        for run in runs:
            if run.state.is_crashed() and str(run.id) in alive:
                continue  # its worker is not done with it
            again = run.state.is_crashed() and run.run_count <= self.retries
            # A worker may report the same crash twice: once it is told, and tried again each time.
            event = f"{run.id} {run.run_count} {run.state.name}"
            if event not in self._told:
                notices.append(self._notice(run, again))
                self._tell(notices[-1])
                self._told = [*self._told, event][-_REMEMBERED:]
                write_json(self.told_file, self._told)
            if again:
                _reap_below(client, run.id)
                client.set_flow_run_state(run.id, AwaitingRetry(), force=True)
        return notices

    def _reap(self, client: SyncPrefectClient) -> None:
        types = [StateType.RUNNING, StateType.PENDING]
        runs = _runs(client, FlowRunFilterState(type=FlowRunFilterStateType(any_=types)))
        alive = _run_ids_alive()  # after the runs were listed: one may just begin
        for run in runs:
            if _is_starting(run) or str(run.id) in alive:
                continue
            if client.read_flow_run(run.id).state.id == run.state.id:  # it did not end meanwhile
                state = Crashed(message="The run's process is gone: it, or its worker, was killed.")
                client.set_flow_run_state(run.id, state, force=True)

    def _notice(self, run: FlowRun, again: bool) -> Notice:
        state = run.state
        what = f"{run.name} is {state.name.lower()}"
        if state.message:
            what += f": {' '.join(state.message.split())[:300]}"
        if again:
            what += f" (try {run.run_count} of {self.retries + 1}; it is tried again)"
        link = f"{self.pages}/runs/flow-run/{run.id}"
        return Notice(
            text=f"RLS3: {what} {link}",
            flow_run=run.name,
            flow_run_id=str(run.id),
            deployment_id=str(run.deployment_id),
            state=state.name,
            message=state.message or "",
            attempt=max(1, run.run_count),
            tried_again=again,
            time=state.timestamp.isoformat(),
            link=link,
        )

    def _tell(self, notice: Notice) -> None:
        """A hook that does not answer must not stop the watch; the log has the notice anyway."""
        _LOG.warning(notice.text)
        if not self.url:
            return
        headers = {"Content-Type": "application/json"}
        if token := os.environ.get(_TOKEN):
            headers["Authorization"] = f"Bearer {token}"
        body = json.dumps(asdict(notice)).encode()
        request = urllib.request.Request(self.url, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=10):
                pass
        except (OSError, ValueError) as error:
            kind = type(error).__name__  # its text may hold the address
            _LOG.warning("the notification hook could not be called (%s)", kind)


def _named(names: Iterable[str]) -> FlowRunFilterStateName:
    return FlowRunFilterStateName(any_=list(names))


def _runs(client: SyncPrefectClient, state: FlowRunFilterState) -> list[FlowRun]:
    """The newest runs of deployments in such a state."""
    of_deployments = FlowRunFilterDeploymentId(is_null_=False)
    wanted = FlowRunFilter(deployment_id=of_deployments, state=state)
    newest_first = FlowRunSort.EXPECTED_START_TIME_DESC
    return client.read_flow_runs(flow_run_filter=wanted, sort=newest_first, limit=50)


def _run_ids_alive() -> set[str]:
    """The runs that processes of this machine carry out."""
    found = set()
    for process in psutil.process_iter():
        try:
            found.add(process.environ().get(_RUN_ID, ""))
        except (psutil.Error, OSError):
            continue
    return found


def _is_starting(run: FlowRun) -> bool:
    """A worker may have taken it just now."""
    age = datetime.now(UTC) - run.state.timestamp
    return run.state.is_pending() and age < _STARTS_WITHIN


def _reap_below(client: SyncPrefectClient, parent: UUID) -> None:
    """The rounds of a crashed run, which are runs of their own, go with it."""
    running = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING]))
    of_parent = FlowRunFilterParentFlowRunId(any_=[parent])
    wanted = FlowRunFilter(parent_flow_run_id=of_parent, state=running)
    for run in client.read_flow_runs(flow_run_filter=wanted):
        state = Crashed(message="The run that it is part of has crashed.")
        client.set_flow_run_state(run.id, state, force=True)


def begin_by_hand(run_id: str) -> None:
    """A run that a person starts, who sees how it ends, says which process it is: it has no worker,
    and its process no run's id in its environment. Those of processes that were killed are ended.
    """
    with get_client(sync_client=True) as client:
        # Afterwards, not with `prefect.tags`: that would give them to its tasks too, each of which
        # then asks the server for leave to run.
        client.update_flow_run(UUID(run_id), tags=[_BY_HAND, _process_tag(os.getpid())])
        _reap_by_hand(client)


def _process_tag(number: int) -> str:
    """A number may be another process's later, which has started at another tick of the kernel's
    clock. Raises: OSError if there is none of that number."""
    fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return f"{_OF}{number} of {socket.gethostname()}, begun at tick {fields[19]}"


def _reap_by_hand(client: SyncPrefectClient) -> None:
    """A run whose process is gone is crashed; nobody is told, for whoever started it knows."""
    running = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING]))
    wanted = FlowRunFilter(tags=FlowRunFilterTags(all_=[_BY_HAND]), state=running)
    for run in client.read_flow_runs(flow_run_filter=wanted):
        if any(_is_gone(tag) for tag in run.tags):
            _reap_below(client, run.id)
            state = Crashed(message="The run's process is gone: it was killed.")
            client.set_flow_run_state(run.id, state, force=True)


def _is_gone(tag: str) -> bool:
    """Whether this names a process of this machine that is no longer there."""
    number, _, rest = tag.removeprefix(_OF).partition(" of ")
    if not number.isdigit() or not rest.startswith(f"{socket.gethostname()}, "):
        return False
    try:
        return _process_tag(int(number)) != tag
    except OSError:
        return True
