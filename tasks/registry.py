"""MLflow's model registry: who is champion, what is registered, and a version's files."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import AnyType, Array

from rls3.errors import ModelError, TrackingError
from rls3.files import file_digest, scratch_folder, whole_folder
from rls3.loop.records import Registration, read_record, write_record
from rls3.loop.store import Project, Round
from rls3.params import Params
from tasks.package import Package
from tasks.tracking import open_run, sentence, server, tracking_uri, without_secret

_MODEL, _WEIGHTS = "vlm", "model.safetensors"
_ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
_BEFORE, _SHA = "champion_before", "model_sha256"
CHAMPION, CHALLENGER = "champion", "challenger"
AGAINST, _VERSION = "against", "version "
# What is wrong with one row is said in that row, so MLflow itself must not look into them.
_INPUT = Schema([ColSpec(AnyType(), name, required=False) for name in ("image", "captions")])
_OUTPUT = Schema(
    [
        ColSpec(Array(DataType.double), "scores", required=False),
        ColSpec(DataType.long, "best", required=False),
        ColSpec(Array(DataType.string), "unknown_words"),
        ColSpec(DataType.string, "error", required=False),
    ]
)


@dataclass(frozen=True)
class Champion:
    """The present champion in the registry: its version and its checkpoint folder."""

    version: str
    folder: Path

    @property
    def named(self) -> str:
        """In a gate's record; see `version_met`."""
        return f"{_VERSION}{self.version}"


def opponent(result: Round) -> Champion | None:
    """Whom a result has to beat: the champion, or whom it met then, if it is the champion itself
    by now and the gate's decision was lost. None is the base model.

    Raises: TrackingError as `champion` does.
    """
    campaign = result.campaign
    name, run_id = campaign.params.tracking.registered_model, open_run(campaign)
    with server(campaign.params, campaign.project) as client:
        version = _aliased(client, name, CHAMPION)
        if version is not None and (version.run_id, version.tags.get("round")) == (
            run_id,
            str(result.number),
        ):
            number = version_met(version.tags.get(AGAINST, ""))
            version = client.get_model_version(name, number) if number else None
        if version is None:
            return None
        folder = _checkpoint(_files(client, version, campaign.project), version)
        return Champion(str(version.version), folder)


def champion(params: Params, project: Project) -> Champion | None:
    """The present champion; None only if the registry itself says that there is none.

    Raises: TrackingError if the registry cannot be asked, or the champion's files cannot be had;
        ModelError if they are not what was registered.
    """
    name = params.tracking.registered_model
    with server(params, project) as client:
        version = _aliased(client, name, CHAMPION)
        if version is None:
            return None
        folder = _checkpoint(_files(client, version, project), version)
        return Champion(str(version.version), folder)


def _aliased(client: mlflow.MlflowClient, name: str, alias: str) -> ModelVersion | None:
    """None if there is no such alias, which both ways to ask must say: any server can answer 404.

    Raises: TrackingError if they disagree; MlflowException.
    """
    try:
        return client.get_model_version_by_alias(name, alias)
    except MlflowException as error:
        if error.error_code not in _ABSENT:
            raise
        known = client.search_registered_models(filter_string=f"name = '{name}'")
        if known and alias in known[0].aliases:
            raise
        return None


def _files(client: mlflow.MlflowClient, version: ModelVersion, project: Project) -> Path:
    """A version's folder on this machine: where it lies, or fetched from afar."""
    address = f"models:/{version.name}/{version.version}"
    if client.get_run(version.run_id).info.artifact_uri.startswith("file:"):
        return Path(mlflow.artifacts.download_artifacts(address))
    place = project.models / version.name / str(version.version)
    with whole_folder(place) as temporary:
        mlflow.artifacts.download_artifacts(address, dst_path=str(temporary))
    return place


def _checkpoint(files: Path, version: ModelVersion) -> Path:
    """Where the checkpoint lies in a model's files.

    Raises: FileNotFoundError; ModelError if it is not what was registered.
    """
    folder = files / "artifacts" / _MODEL
    if not folder.is_dir():
        raise FileNotFoundError(f"the registered model has no {folder}")
    wanted = version.tags.get(_SHA)
    if wanted and file_digest(folder / _WEIGHTS) != wanted:
        raise ModelError(
            f"version {version.version} of {version.name} is not what was registered: "
            f"{folder / _WEIGHTS} has changed; bring the file back, or make another version "
            "champion with `rls3 promote`"
        )
    return folder


def find_version(client: mlflow.MlflowClient, address: str) -> ModelVersion:
    """Of "models:/NAME@ALIAS" or "models:/NAME/VERSION". Raises: MlflowException, ModelError."""
    name, at, alias = address.removeprefix("models:/").partition("@")
    if at:
        return client.get_model_version_by_alias(name, alias)
    name, _, number = name.partition("/")
    if not number.isdigit():
        raise ModelError(
            f"{address!r} is no address of a registered model; write models:/NAME@ALIAS or "
            "models:/NAME/VERSION"
        )
    return client.get_model_version(name, number)


@dataclass(frozen=True)
class Registered:
    """A version's files on this machine: its checkpoint folder, and what is to lie beside it (card,
    licence)."""

    version: str
    folder: Path
    beside: tuple[Path, ...]


def download_model(address: str, params: Params, project: Project) -> Registered:
    """What is behind a `models:/...` address. Raises: ModelError."""
    with _named(address, params, project) as client:
        version = find_version(client, address)
        folder = _checkpoint(_files(client, version, project), version)
        beside = (entry for entry in folder.parent.iterdir() if entry.is_file())
        return Registered(str(version.version), folder, tuple(beside))


def lineage_of(address: str, params: Params, project: Project) -> dict[str, str]:
    """Where a registered version came from: its tags, and its number as "version". Raises:
    ModelError."""
    with _named(address, params, project) as client:
        version = find_version(client, address)
    return {**version.tags, "version": str(version.version)}


@contextmanager
def _named(address: str, params: Params, project: Project) -> Iterator[mlflow.MlflowClient]:
    """What goes wrong with a version that somebody named becomes a ModelError."""
    try:
        with server(params, project) as client:
            yield client
    except TrackingError as error:
        raise ModelError(
            f"there is no model {address} at {without_secret(tracking_uri(params, project))} "
            f"({sentence(error.__cause__ or error)[:120]}); "
            "run a campaign first, or name a folder"
        ) from None


class ChampionChanged(Exception):
    """Another project's result became champion after this one met its predecessor."""


def registration_of(result: Round) -> Registration | None:
    """How the round's model stands in the registry, if it was put there."""
    path = result.campaign.registered
    if not path.exists():
        return None
    known = read_record(path, Registration)
    return known if known.round == result.number else None


def register(result: Round, alias: str, tags: Mapping[str, str], package: Package) -> Registration:
    """Register the result's VLM under an alias. Doing it again for the same round changes
    nothing.

    Raises: ChampionChanged instead of making it champion in the place of one that it did not meet;
        its version is kept for the next try.
    """
    known = registration_of(result)
    if known is not None:
        return known
    campaign = result.campaign
    name, run_id = campaign.params.tracking.registered_model, open_run(campaign)
    with server(campaign.params, campaign.project) as client:
        if not client.search_registered_models(filter_string=f"name = '{name}'"):
            client.create_registered_model(name, description=package.about)
        made = _registered_before(client, name, run_id, tags) or _put(
            client, result, run_id, tags, package
        )
        for key, value in tags.items():
            client.set_model_version_tag(name, made.version, key, value)
        if alias == CHAMPION:
            _check_met(client, name, str(made.version), tags[AGAINST])
        _point(client, name, alias, str(made.version))
    registration = Registration(result.number, f"models:/{name}@{alias}", str(made.version), alias)
    write_record(registration, campaign.registered)
    return registration


def _check_met(client: mlflow.MlflowClient, name: str, number: str, against: str) -> None:
    """Raises: ChampionChanged unless the champion is whom the version `number` met, or itself."""
    present = _aliased(client, name, CHAMPION)
    champion = "" if present is None else str(present.version)
    if champion not in (number, version_met(against)):
        raise ChampionChanged(f"version {champion} of {name} is champion by now")


def version_met(against: str) -> str:
    """The version in what a gate's record says of the rival; "" if that was the base model."""
    number = against.removeprefix(_VERSION)
    return number if number.isdigit() else ""


def _registered_before(
    client: mlflow.MlflowClient, name: str, run_id: str, tags: Mapping[str, str]
) -> ModelVersion | None:
    """The version that a killed process has made of the same model."""
    same = ("round", _SHA)
    for version in client.search_model_versions(f"name = '{name}' and run_id = '{run_id}'"):
        if all(version.tags.get(key) == tags[key] for key in same):
            return version
    return None


def _put(
    client: mlflow.MlflowClient,
    result: Round,
    run_id: str,
    tags: Mapping[str, str],
    package: Package,
) -> ModelVersion:
    scratch = scratch_folder(result.campaign.folder / "registering")
    with scratch, mlflow.start_run(run_id=run_id):
        info = mlflow.pyfunc.log_model(
            name=_MODEL,
            python_model=str(package.server),
            code_paths=[str(package.code)],
            artifacts={"model": str(result.path("vlm"))} | package.files,
            pip_requirements=list(package.requirements),
            signature=ModelSignature(_INPUT, _OUTPUT),
            input_example=pd.DataFrame([package.example]),
            metadata={"license": package.license},
        )
    return client.create_model_version(
        result.campaign.params.tracking.registered_model,
        info.model_uri,
        run_id=info.run_id,
        model_id=info.model_id,
        tags=dict(tags),
        description=package.about,
    )


def _point(client: mlflow.MlflowClient, name: str, alias: str, number: str) -> None:
    """Set an alias; a new champion remembers whom it followed."""
    if alias == CHAMPION:
        before = _aliased(client, name, CHAMPION)
        if before is not None and str(before.version) != number:
            client.set_model_version_tag(name, number, _BEFORE, str(before.version))
    client.set_registered_model_alias(name, alias, number)


def promote(address: str, params: Params, project: Project) -> tuple[str, str]:
    """Make a version champion, whatever the gate said of it.

    Returns: the versions that were champion before ("" if none) and are now.
    Raises: ModelError, TrackingError, CampaignError.
    """
    with project.locked("registry"), server(params, project) as client:
        try:
            chosen = find_version(client, address)
        except MlflowException as error:
            if error.error_code not in _ABSENT:
                raise
            raise ModelError(
                f"there is no model {address} ({sentence(error)}); `mlflow ui` shows what there is"
            ) from None
        _checkpoint(_files(client, chosen, project), chosen)
        before = _aliased(client, chosen.name, CHAMPION)
        _point(client, chosen.name, CHAMPION, str(chosen.version))
        return "" if before is None else str(before.version), str(chosen.version)


def rollback(params: Params, project: Project) -> tuple[str, str]:
    """Give the alias back to whom the champion followed.

    Returns: the versions that were champion before and are now.
    Raises: ModelError if it followed nobody; TrackingError, CampaignError.
    """
    name = params.tracking.registered_model
    with project.locked("registry"), server(params, project) as client:
        present = _aliased(client, name, CHAMPION)
        if present is None:
            raise ModelError(f"{name} has no champion; `rls3 promote` makes one")
        number = present.tags.get(_BEFORE)
        if not number:
            raise ModelError(
                f"version {present.version} of {name} followed no other champion; name one with "
                f"`rls3 promote models:/{name}/VERSION`"
            )
        earlier = client.get_model_version(name, number)
        _checkpoint(_files(client, earlier, project), earlier)
        client.set_registered_model_alias(name, CHAMPION, number)
        return str(present.version), number
