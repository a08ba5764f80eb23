"""The only home of MLflow: a run per campaign with a nested run per round, and the model
registry."""

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.data.dataset_source_registry import resolve_dataset_source
from mlflow.data.meta_dataset import MetaDataset
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from sqlalchemy.exc import SQLAlchemyError

from rls3.errors import ModelError, TrackingError, first_line
from rls3.files import make_folder, read_json, write_json
from rls3.loop.records import (
    CampaignEvaluation,
    EvaluateRecord,
    FinetuneRecord,
    Registration,
    RewardRecord,
    ScoreRecord,
    ValidateRecord,
    read_record,
    write_record,
)
from rls3.loop.store import Campaign, Project, Round, flat
from rls3.params import Params

for _name in ("mlflow", "alembic"):
    logging.getLogger(_name).setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="mlflow")
_MODEL = "vlm"
CHAMPION, CHALLENGER = "champion", "challenger"


def tracking_uri(params: Params, project: Project) -> str:
    """The configured server, or a SQLite file below runs/."""
    return params.tracking.uri or f"sqlite:///{project.tracking_database.resolve()}"


def _without_secret(text: str) -> str:
    """Addresses in a text without the user and the password that they may hold."""
    return re.sub(r"//[^/@\s]*@", "//***@", text)


@contextmanager
def _server(params: Params, project: Project) -> Iterator[mlflow.MlflowClient]:
    """MLflow pointed at the campaign's server and experiment.

    Raises: TrackingError for whatever goes wrong with it in the block.
    """
    uri = tracking_uri(params, project)
    try:
        make_folder(project.runs)
        mlflow.set_tracking_uri(uri)
        if mlflow.get_experiment_by_name(params.tracking.experiment) is None:
            place = None if params.tracking.uri else project.tracking_artifacts.resolve().as_uri()
            mlflow.create_experiment(params.tracking.experiment, artifact_location=place)
        mlflow.set_experiment(params.tracking.experiment)
        yield mlflow.MlflowClient()
    except (MlflowException, SQLAlchemyError, OSError) as error:
        reason = first_line(error)[:160]
        raise TrackingError(
            f"MLflow at {_without_secret(uri)} does not do its part ({_without_secret(reason)}); "
            "mend it and run again: nothing that was finished is lost"
        ) from error


def open_run(campaign: Campaign) -> str:
    """The campaign's MLflow run id; begun on first use, found again when the campaign is
    continued."""
    if campaign.tracked.exists():
        return read_json(campaign.tracked)["run_id"]
    server = _server(campaign.params, campaign.project)
    with server, mlflow.start_run(run_name=campaign.name) as run:
        mlflow.log_params(flat(campaign.params.model_dump(mode="json")))
    write_json(campaign.tracked, {"run_id": run.info.run_id})
    return run.info.run_id


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
        "loss_final": sum(losses) / max(1, len(losses)),
    }


def log_round(round_: Round, data_version: str) -> str:
    """Metrics of a finished round as a nested run, and on the campaign's curves; returns the nested
    run's id."""
    campaign, metrics = round_.campaign, _metrics(round_)
    name = f"{campaign.name}/round-{round_.number:04d}"
    run_id = open_run(campaign)
    with _server(campaign.params, campaign.project), mlflow.start_run(run_id=run_id):
        mlflow.log_metrics(metrics, step=round_.number)
        with mlflow.start_run(run_name=name, nested=True) as nested:
            mlflow.log_metrics(metrics)
            source = resolve_dataset_source(round_.path("train").resolve().as_uri())
            dataset = MetaDataset(
                source, name=f"{campaign.name}-{round_.number:04d}", digest=data_version[:36]
            )
            mlflow.log_input(dataset, context="training")
    return nested.info.run_id


def finish_run(campaign: Campaign, evaluation: CampaignEvaluation) -> None:
    """The campaign's final figures."""
    run_id = open_run(campaign)
    with _server(campaign.params, campaign.project), mlflow.start_run(run_id=run_id):
        mlflow.log_metrics(
            {
                "test_accuracy": evaluation.final["test"].accuracy.accuracy,
                "test_accuracy_base": evaluation.base["test"].accuracy.accuracy,
                "test_gain": evaluation.gain["test"].accuracy,
            }
        )


@dataclass(frozen=True)
class Champion:
    """The present champion in the registry: its version and its checkpoint folder."""

    version: str
    folder: Path


def champion(params: Params, project: Project) -> Champion | None:
    """The present champion; None only if the registry itself says that there is none.

    Raises: TrackingError if the registry cannot be asked, or the champion's files cannot be had.
    """
    name = params.tracking.registered_model
    with _server(params, project) as client:
        known = client.search_registered_models(filter_string=f"name = '{name}'")
        version = known[0].aliases.get(CHAMPION) if known else None
        if version is None:
            return None
        files = mlflow.artifacts.download_artifacts(f"models:/{name}/{version}")
        return Champion(str(version), _checkpoint(files))


def _checkpoint(downloaded: str) -> Path:
    """Where the checkpoint lies in a model's artifacts."""
    folder = Path(downloaded) / "artifacts" / _MODEL
    if not folder.is_dir():
        raise FileNotFoundError(f"the registered model has no {folder}")
    return folder


def download_model(uri: str, params: Params, project: Project) -> Path:
    """The checkpoint folder behind a `models:/...` address. Raises: ModelError."""
    try:
        with _server(params, project):
            return _checkpoint(mlflow.artifacts.download_artifacts(uri))
    except TrackingError as error:
        reason = first_line(error.__cause__ or error)[:120]
        raise ModelError(
            f"there is no model {uri} at {_without_secret(tracking_uri(params, project))} "
            f"({_without_secret(reason)}); "
            "run a campaign first, or name a folder"
        ) from None


def registration_of(result: Round) -> Registration | None:
    """How the round's model stands in the registry, if it was put there."""
    path = result.campaign.registered
    if not path.exists():
        return None
    known = read_record(path, Registration)
    return known if known.round == result.number else None


def register(result: Round, alias: str, tags: dict[str, str]) -> Registration:
    """Register the result's VLM under an alias. Doing it again for the same round changes
    nothing."""
    known = registration_of(result)
    if known is not None:
        return known
    campaign = result.campaign
    name, run_id = campaign.params.tracking.registered_model, open_run(campaign)
    with _server(campaign.params, campaign.project) as client:
        example = pd.DataFrame({"image": [b""], "captions": [["a", "b"]]})
        answer = pd.DataFrame({"scores": [[0.1, 0.2]], "best": [1]})
        with mlflow.start_run(run_id=run_id):
            info = mlflow.pyfunc.log_model(
                name=_MODEL,
                python_model=str(Path(__file__).with_name("served_model.py")),
                artifacts={"model": str(result.path("vlm"))},
                pip_requirements=["rls3"],
                signature=infer_signature(example, answer),
            )
        if not client.search_registered_models(filter_string=f"name = '{name}'"):
            client.create_registered_model(name)
        made = client.create_model_version(
            name, info.model_uri, run_id=info.run_id, model_id=info.model_id, tags=tags
        )
        client.set_registered_model_alias(name, alias, made.version)
    registration = Registration(result.number, f"models:/{name}@{alias}", str(made.version), alias)
    write_record(registration, campaign.registered)
    return registration


def experiment_of(campaign: Campaign) -> str:
    """The id of the experiment that holds the campaign's run. Raises: TrackingError."""
    with _server(campaign.params, campaign.project) as client:
        return client.get_run(open_run(campaign)).info.experiment_id
