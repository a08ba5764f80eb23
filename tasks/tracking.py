"""The only home of MLflow: a run per campaign with a nested run per round, and the model registry."""

import json
import logging
import warnings
from pathlib import Path
from typing import Any

from rls3.errors import ModelError
from rls3.params import Params
from rls3.round import Campaign, Round, read_json, write_json
from rls3.telemetry import switch_off

logger = logging.getLogger(__name__)


def tracking_uri(params: Params, root: Path) -> str:
    """The configured server, or a SQLite file below runs/."""
    return params.tracking.uri or f"sqlite:///{(root / 'runs' / 'mlflow.db').resolve()}"


def _mlflow(params: Params, root: Path) -> Any:
    switch_off()
    warnings.filterwarnings("ignore", module="mlflow")
    import mlflow

    for name in ("mlflow", "alembic"):  # after the import, which sets levels of its own
        logging.getLogger(name).setLevel(logging.ERROR)

    (root / "runs").mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(tracking_uri(params, root))
    if mlflow.get_experiment_by_name(params.tracking.experiment) is None:
        place = None if params.tracking.uri else (root / "runs" / "mlartifacts").resolve().as_uri()
        mlflow.create_experiment(params.tracking.experiment, artifact_location=place)
    mlflow.set_experiment(params.tracking.experiment)
    return mlflow


def open_run(campaign: Campaign) -> str:
    """The campaign's MLflow run id; begun on first use, found again when the campaign is continued."""
    path = campaign.folder / "mlflow.json"
    if path.exists():
        return read_json(path)["run_id"]
    mlflow = _mlflow(campaign.params, campaign.root)
    with mlflow.start_run(run_name=campaign.name) as run:
        flat = {
            f"{group}.{key}": value
            for group, values in campaign.params.model_dump(mode="json").items()
            for key, value in values.items()
        }
        mlflow.log_params(flat)
    write_json(path, {"run_id": run.info.run_id})
    return run.info.run_id


def log_round(round_: Round, data_version: str) -> str:
    """Metrics of a finished round as a nested run, and on the campaign's curves; returns the nested run's id."""
    campaign = round_.campaign
    mlflow = _mlflow(campaign.params, campaign.root)
    evaluation, validation, losses = (
        round_.record("evaluate")["val"],
        round_.record("validate"),
        round_.record("finetune")["losses"],
    )
    metrics = {
        "val_accuracy": evaluation["accuracy"]["accuracy"],
        "val_strict": evaluation["strict"]["accuracy"],
        "val_object_accuracy": evaluation["object_accuracy"]["accuracy"],
        **{
            f"val_term_{term.replace(' ', '_')}": s["accuracy"]
            for term, s in evaluation["by_term"].items()
        },
        **{
            f"val_complexity_{c}": s["accuracy"]
            for c, s in evaluation["by_complexity"].items()
            if s["count"]
        },
        **{f"reward_{name}": value for name, value in round_.record("reward")["mean"].items()},
        "failure_mean": round_.record("score")["failure_mean"],
        "samples": validation["kept"],
        "samples_rejected": len(validation["rejected"]),
        "loss_final": sum(losses[-5:]) / max(1, len(losses[-5:])),
    }
    with mlflow.start_run(run_id=open_run(campaign)):
        mlflow.log_metrics(metrics, step=round_.number)
        with mlflow.start_run(
            run_name=f"{campaign.name}/round-{round_.number:04d}", nested=True
        ) as nested:
            mlflow.log_metrics(metrics)
            source = mlflow.data.dataset_source_registry.resolve_dataset_source(
                round_.train.resolve().as_uri()
            )
            dataset = mlflow.data.meta_dataset.MetaDataset(
                source, name=f"{campaign.name}-{round_.number:04d}", digest=data_version[:36]
            )
            mlflow.log_input(dataset, context="training")
    return nested.info.run_id


def finish_run(campaign: Campaign, evaluation: dict[str, Any]) -> None:
    """The campaign's final figures and report."""
    mlflow = _mlflow(campaign.params, campaign.root)
    with mlflow.start_run(run_id=open_run(campaign)):
        final, base = evaluation["final"]["test"], evaluation["base"]["test"]
        mlflow.log_metrics(
            {
                "test_accuracy": final["accuracy"]["accuracy"],
                "test_accuracy_base": base["accuracy"]["accuracy"],
                "test_gain": evaluation["gain"]["accuracy"],
            }
        )


def champion_folder(params: Params, root: Path) -> Path | None:
    """Checkpoint folder of the present champion; None if there is none yet."""
    try:
        return download_model(f"models:/{params.tracking.registered_model}@champion", params, root)
    except ModelError:
        return None


def download_model(uri: str, params: Params, root: Path) -> Path:
    """The checkpoint folder behind a `models:/...` address. Raises: ModelError."""
    mlflow = _mlflow(params, root)
    try:
        return Path(mlflow.artifacts.download_artifacts(uri)) / "artifacts" / "vlm"
    except Exception as error:
        raise ModelError(
            f"there is no model {uri} at {tracking_uri(params, root)} ({str(error).splitlines()[0][:120]}); run a campaign first, or name a folder"
        ) from None


def register(
    campaign: Campaign, result: Round, alias: str, tags: dict[str, str]
) -> tuple[str, str]:
    """Register the result's VLM under an alias; returns (model uri, version). Doing it again for the same round changes nothing."""
    path = campaign.folder / "registered.json"
    mlflow = _mlflow(campaign.params, campaign.root)
    name = campaign.params.tracking.registered_model
    known = read_json(path) if path.exists() else {}
    if known.get("round") == result.number:
        return known["uri"], known["version"]
    import pandas as pd
    from mlflow.models import infer_signature

    example = pd.DataFrame({"image": [b""], "captions": [["a", "b"]]})
    signature = infer_signature(example, pd.DataFrame({"scores": [[0.1, 0.2]], "best": [1]}))
    with mlflow.start_run(run_id=open_run(campaign)):
        info = mlflow.pyfunc.log_model(
            name="vlm",
            python_model=str(Path(__file__).with_name("served_model.py")),
            artifacts={"model": str(result.vlm)},
            pip_requirements=["rls3"],
            signature=signature,
        )
    client = mlflow.MlflowClient()
    if not client.search_registered_models(filter_string=f"name = '{name}'"):
        client.create_registered_model(name)
    version = str(
        client.create_model_version(
            name, info.model_uri, run_id=info.run_id, model_id=info.model_id, tags=tags
        ).version
    )
    client.set_registered_model_alias(name, alias, version)
    uri = f"models:/{name}@{alias}"
    write_json(path, {"round": result.number, "uri": uri, "version": version, "alias": alias})
    return uri, version


def lineage(campaign: Campaign) -> dict[str, Any]:
    """What was registered, for the report."""
    path = campaign.folder / "registered.json"
    return json.loads(path.read_text()) if path.exists() else {}
