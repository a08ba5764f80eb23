"""MLflow's tracking server: a run per campaign with a nested run per round.

Runs are found by tags and metrics carry the time of the record that they come from, so that
recording something again, after a kill in the middle of it, adds nothing.
"""

import contextlib
import logging
import os
import re
import socket
import sqlite3
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from threading import Lock, Thread
from urllib.parse import urlsplit
from uuid import uuid4

import mlflow
from mlflow.data.dataset_source_registry import resolve_dataset_source
from mlflow.data.meta_dataset import MetaDataset
from mlflow.entities import DatasetInput, InputTag, Metric, Param, Run
from mlflow.exceptions import MlflowException
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from rls3.errors import RLS3Error, StorageError, TrackingError, first_line
from rls3.files import (
    make_folder,
    read_json,
    storage_sentence,
    sweep,
    whole_file,
    write_fault,
    write_json,
)
from rls3.loop.records import (
    CampaignEvaluation,
    EvaluateRecord,
    FinetuneRecord,
    Manifest,
    RewardRecord,
    ScoreRecord,
    ValidateRecord,
    read_record,
)
from rls3.loop.store import Campaign, Project, Round, flat
from rls3.params import Params

for _name in ("mlflow", "alembic"):
    logging.getLogger(_name).setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="mlflow")
_URI = "MLFLOW_TRACKING_URI"
# MLflow's own would try a dead server for minutes.
for _name, _value in {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # with whatever password is in it
}.items():
    os.environ.setdefault(_name, _value)
_SERVED = ("http://", "https://")
_ANSWERS_WITHIN_S = 10
_UNLOCKED_WITHIN_S = 5
_FIRST_USE_S = 120
_opening = Lock()
_UID, _ROUND, _PARENT = "rls3.campaign", "rls3.round", "mlflow.parentRunId"
_PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
    ("model_versions", "source"),
    ("datasets", "dataset_source"),
)
"""Where MLflow's database holds absolute paths of a project's files."""


def tracking_uri(params: Params, project: Project) -> str:
    """The configured server, that of the environment, or a SQLite file below runs/."""
    return params.tracking.uri or os.environ.get(_URI) or _own_database(project)


def _own_database(project: Project) -> str:
    return f"sqlite:///{project.tracking_database.resolve()}"


def without_secret(text: str) -> str:
    """Addresses in a text without the user and the password that they may hold."""
    return re.sub(r"//[^/@\s]*@", "//***@", text)


def sentence(error: BaseException) -> str:
    """What a library's error says in its first line, cut short and without secrets."""
    return without_secret(first_line(error))[:160]


@contextmanager
def server(params: Params, project: Project) -> Iterator[mlflow.MlflowClient]:
    """MLflow pointed at the campaign's server and experiment.

    Raises: StorageError if the project's disk is full or read-only, else TrackingError for whatever
        goes wrong with it in the block.
    """
    uri = tracking_uri(params, project)
    try:
        make_folder(project.runs)
        _look(uri)
        with contextlib.ExitStack() as first_use:
            with contextlib.suppress(StorageError):  # a project that is only read needs no lock
                first_use.enter_context(project.locked("tracking", _FIRST_USE_S))
            own = uri == _own_database(project)
            if own and not project.tracking_database.exists():
                _make_database(project.tracking_database)
            _point_at(uri)
            if own:
                _move_along(project)
            if mlflow.get_experiment_by_name(params.tracking.experiment) is None:
                # A server knows where its artifacts lie; a database alone does not, and MLflow
                # would take the folder in which it is called.
                served = uri.startswith(_SERVED)
                place = None if served else project.tracking_artifacts.resolve().as_uri()
                mlflow.create_experiment(params.tracking.experiment, artifact_location=place)
            mlflow.set_experiment(params.tracking.experiment)
        yield mlflow.MlflowClient()
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        if uri == _own_database(project) and (said := _of_the_disk(error, project.runs)):
            raise StorageError(said) from error
        raise TrackingError(
            f"MLflow at {without_secret(uri)} does not do its part ({sentence(error)}); "
            "mend it and run again: nothing that was finished is lost"
        ) from error


def _of_the_disk(error: Exception, folder: Path) -> str:
    """What to say of an error that the project's disk is behind; "" if it is not."""
    fault = write_fault(folder) if "disk I/O error" in str(error) else None
    return storage_sentence(fault or error, str(folder))


def _make_database(path: Path) -> None:
    """MLflow's tables, whole or not at all: it cannot go on with a migration that was cut off."""
    sweep(path.parent, below=False)
    with whole_file(path) as temporary:
        mlflow.MlflowClient(f"sqlite:///{temporary}").search_experiments(max_results=1)


def _point_at(uri: str) -> None:
    """MLflow notes the address in the environment, where the next project would find it."""
    given = os.environ.get(_URI)
    mlflow.set_tracking_uri(uri)
    if given is None:
        os.environ.pop(_URI, None)
    else:
        os.environ[_URI] = given


def _look(uri: str) -> None:
    """Ask once, before MLflow asks again and again. Raises: OSError, sqlite3.Error,
    SQLAlchemyError."""
    if uri.startswith("sqlite:///"):
        _look_at_file(Path(uri.removeprefix("sqlite:///")))
    elif uri.startswith(_SERVED):
        _look_at_server(uri.rstrip("/") + "/health")
    elif uri.startswith("postgresql://") and find_spec("psycopg2") is None:
        raise OSError("its driver has to be named: write postgresql+psycopg://")
    elif uri.startswith("postgresql") and (at := urlsplit(uri)).hostname:
        socket.create_connection((at.hostname, at.port or 5432), _ANSWERS_WITHIN_S).close()
        _log_in(uri)


def _log_in(uri: str) -> None:
    """Whom a database does not let in, MLflow would let ask for minutes. Raises:
    SQLAlchemyError."""
    engine = create_engine(uri, connect_args={"connect_timeout": _ANSWERS_WITHIN_S})
    try:
        engine.connect().close()
    finally:
        engine.dispose()


def _look_at_file(path: Path) -> None:
    if path.exists():
        with contextlib.closing(sqlite3.connect(path, _UNLOCKED_WITHIN_S)) as database:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _look_at_server(address: str) -> None:
    request = urllib.request.Request(re.sub(r"//[^/@]*@", "//", address))
    try:
        urllib.request.urlopen(request, timeout=_ANSWERS_WITHIN_S).close()
    except urllib.error.HTTPError as error:  # 401 and 404 are answers of somebody who is there
        if error.code >= 500:
            raise OSError(f"it answers {error.code} {error.reason}") from error


def _move_along(project: Project) -> None:
    """A project that was moved or copied finds its own artifacts: MLflow notes absolute paths."""
    if not project.tracking_database.exists():
        return
    here, kept = (p.resolve().as_uri() for p in (project.root, project.tracking_artifacts))
    suffix = kept.removeprefix(here)
    with contextlib.closing(sqlite3.connect(project.tracking_database)) as database, database:
        tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master")}
        if "experiments" not in tables:
            return
        noted = database.execute("SELECT artifact_location FROM experiments").fetchall()
        for (location,) in noted:
            if not location.endswith(suffix) or location == kept:
                continue
            there = location.removesuffix(suffix)
            for table, column in _PLACES:
                # tables and columns are named by us
                moved = f"UPDATE {table} SET {column} = replace({column}, ?, ?)"  # nosec B608
                database.execute(
                    f"{moved} WHERE {column} LIKE '%file:%'", (f"{there}/", f"{here}/")
                )


def check(campaign: Campaign) -> None:
    """Before the work begins: the server answers, and has the run of a campaign that is continued.

    Raises: TrackingError.
    """
    params, project = campaign.params, campaign.project
    uri = tracking_uri(params, project)
    continued = campaign.tracked.exists()
    if continued and uri == _own_database(project) and not project.tracking_database.exists():
        raise _lost(campaign)
    if continued:
        with server(params, project) as client:
            _campaign_run(campaign, client)
        return
    try:
        _look(uri)
    except (OSError, sqlite3.Error, SQLAlchemyError) as error:
        raise TrackingError(
            f"MLflow at {without_secret(uri)} does not do its part ({sentence(error)}); "
            "mend it, or name another with tracking.uri, and run again"
        ) from error


def _lost(campaign: Campaign) -> TrackingError:
    uri = without_secret(tracking_uri(campaign.params, campaign.project))
    noted = [p for p in (campaign.tracked, campaign.registered, campaign.gate) if p.exists()]
    return TrackingError(
        f"campaign {campaign.name!r} was recorded in MLflow, but its run is not at {uri}; bring "
        f"that back, or delete {', '.join(map(str, noted))} to record all of it anew"
    )


def open_run(campaign: Campaign) -> str:
    """The campaign's MLflow run id; begun on first use, found again when the campaign is
    continued."""
    with server(campaign.params, campaign.project) as client:
        return _campaign_run(campaign, client)


def open_ahead(campaign: Campaign) -> None:
    """Begin to open the campaign's run while something else is done: MLflow's first use takes
    seconds. What goes wrong is said when the first round is recorded."""

    def quietly() -> None:
        with contextlib.suppress(RLS3Error):
            open_run(campaign)

    Thread(target=quietly, name="MLflow's first use").start()


def _campaign_run(campaign: Campaign, client: mlflow.MlflowClient) -> str:
    """Raises: TrackingError if it was begun and is gone."""
    with _opening:  # `open_ahead` may still be at it
        return _found_or_begun(campaign, client)


def _found_or_begun(campaign: Campaign, client: mlflow.MlflowClient) -> str:
    known = read_json(campaign.tracked) if campaign.tracked.exists() else {}
    if "run_id" in known:
        try:
            return client.get_run(known["run_id"]).info.run_id
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            raise _lost(campaign) from error
    known.setdefault("uid", uuid4().hex)
    write_json(campaign.tracked, known)  # before the run: whoever is killed here finds it again
    run = _run_of(client, campaign, {_UID: known["uid"]}, campaign.name)
    if not run.data.params:
        values = flat(campaign.params.model_dump(mode="json")).items()
        client.log_batch(run.info.run_id, params=[Param(k, str(v)) for k, v in values])
    client.set_terminated(run.info.run_id)
    for round_ in campaign.rounds_done():  # of a campaign that is recorded anew
        version = read_record(round_.manifest, Manifest).data_version
        _record(client, run.info.run_id, known["uid"], round_, version)
    write_json(campaign.tracked, known | {"run_id": run.info.run_id})
    return run.info.run_id


def _run_of(
    client: mlflow.MlflowClient, campaign: Campaign, tags: Mapping[str, str], name: str
) -> Run:
    """The run with these tags (and no round's, if they name none); created if there is none."""
    experiment = client.get_experiment_by_name(campaign.params.tracking.experiment).experiment_id
    wanted = " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())
    for run in client.search_runs([experiment], wanted):
        if run.data.tags.get(_ROUND) == tags.get(_ROUND):
            return run
    return client.create_run(experiment, tags=dict(tags), run_name=name)


def _metrics(round_: Round) -> dict[str, float]:
    val = round_.record(EvaluateRecord).val
    losses = round_.record(FinetuneRecord).losses[-5:]
    validated = round_.record(ValidateRecord)
    by_complexity = val.slices["complexity"]
    return {
        "val_accuracy": val.accuracy.accuracy,
        "val_strict": val.strict.accuracy,
        "val_object_accuracy": val.object_accuracy.accuracy,
        **{f"val_term_{t.replace(' ', '_')}": s.accuracy for t, s in val.by_term.items()},
        **{f"val_complexity_{c}": s.accuracy for c, s in by_complexity.items() if s.count},
        **{f"reward_{name}": mean for name, mean in round_.record(RewardRecord).mean.items()},
        "failure_mean": round_.record(ScoreRecord).failure_mean,
        "samples": validated.kept,
        "samples_rejected": len(validated.rejected),
        **{f"drift_{measure}": distance for measure, distance in validated.drift.items()},
        "loss_final": sum(losses) / max(1, len(losses)),
    }


def log_round(round_: Round, data_version: str) -> str:
    """Metrics of a finished round as a nested run, and on the campaign's curves; returns the nested
    run's id. Doing it again changes nothing."""
    campaign = round_.campaign
    with server(campaign.params, campaign.project) as client:
        parent = _campaign_run(campaign, client)
        known = read_json(campaign.tracked)
        uid = known.get("uid") or known["run_id"]
        return _record(client, parent, uid, round_, data_version)


def _record(
    client: mlflow.MlflowClient, parent: str, uid: str, round_: Round, data_version: str
) -> str:
    tags = {_UID: uid, _ROUND: str(round_.number), _PARENT: parent}
    name = f"{round_.campaign.name}/round-{round_.number:04d}"
    run_id = _run_of(client, round_.campaign, tags, name).info.run_id
    metrics, source = _metrics(round_), round_.marker(EvaluateRecord.stage)
    _log_metrics(client, run_id, metrics, 0, source)
    dataset = MetaDataset(
        resolve_dataset_source(round_.path("train").resolve().as_uri()),
        name=f"{round_.campaign.name}-{round_.number:04d}",
        digest=data_version[:36],
    )
    context = [InputTag("mlflow.data.context", "training")]
    client.log_inputs(run_id, [DatasetInput(dataset._to_mlflow_entity(), context)])
    if round_.docs.is_dir():
        client.log_artifacts(run_id, str(round_.docs), "data-docs")
    client.set_terminated(run_id)
    _log_metrics(client, parent, metrics, round_.number, source)
    return run_id


def _log_metrics(
    client: mlflow.MlflowClient, run_id: str, metrics: Mapping[str, float], step: int, source: Path
) -> None:
    """With the time of the record that they come from: MLflow keeps equal points once."""
    at_ms = int(source.stat().st_mtime * 1000)
    points = [Metric(name, float(value), at_ms, step) for name, value in metrics.items()]
    client.log_batch(run_id, metrics=points)


def finish_run(campaign: Campaign, evaluation: CampaignEvaluation) -> None:
    """The campaign's final figures."""
    metrics = {
        "test_accuracy": evaluation.final["test"].accuracy.accuracy,
        "test_accuracy_base": evaluation.base["test"].accuracy.accuracy,
        "test_gain": evaluation.gain["test"].accuracy,
    }
    with server(campaign.params, campaign.project) as client:
        run_id = _campaign_run(campaign, client)
        _log_metrics(client, run_id, metrics, evaluation.round, campaign.final_evaluation)
        client.set_terminated(run_id)


def experiment_of(campaign: Campaign) -> str:
    """The id of the experiment that holds the campaign's run. Raises: TrackingError."""
    with server(campaign.params, campaign.project) as client:
        return client.get_run(open_run(campaign)).info.experiment_id
