"""What was written is what is read: a stage's record holds the SHA-256 of every file that the stage
wrote, and who reads one asks for it here. Files that did not change are read once a process."""

from collections.abc import Iterable
from pathlib import Path

from rls3.errors import CampaignError, DataError
from rls3.evaluation.benchmarks import BENCHMARKS, benchmark_path
from rls3.files import file_digest, files_of, read_errors
from rls3.loop.records import Inputs, read_record, write_record
from rls3.loop.stages import STAGES
from rls3.loop.store import Campaign, Project, Round
from rls3.vlm.loading import checkpoint_folder

_WRITTEN_BY = {artefact: stage for stage in STAGES for artefact in stage.writes}


def digests(project: Project, paths: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of files, and of all files in folders, by their paths in the project."""
    files = [file for path in paths for file in files_of(path)]
    return {project.named(file): file_digest(file) for file in files}


def checked(round_: Round, artefact: str) -> Path:
    """Where an artefact of a round lies, once it is known to be what its stage wrote.

    Raises: DataError if a file of it is missing, is another one, or was added.
    """
    path, stage = round_.path(artefact), _WRITTEN_BY[artefact]
    if not round_.finished(stage.name):
        return path
    project, record = round_.campaign.project, round_.record(stage.record)
    recorded = {
        name: digest
        for name, digest in record.sha256.items()
        if (project.root / name).is_relative_to(path)
    }
    if recorded:
        _compare(project, path, recorded, round_.again(stage.name))
    return path


def _compare(project: Project, path: Path, recorded: dict[str, str], again: str) -> None:
    for name in {project.named(file) for file in files_of(path) if file.exists()} - set(recorded):
        file = project.root / name
        raise DataError(f"{file} was not written by its stage; delete {file} and run again")
    for name, digest in recorded.items():
        file = project.root / name
        if not file.exists():
            raise DataError(f"{file} is missing; {again}")
        with read_errors(file, way_out=again):
            if file_digest(file) != digest:
                raise ValueError("its SHA-256 is not the recorded one")


def check_inputs(campaign: Campaign) -> None:
    """The benchmark and the starting checkpoint are those with which the campaign began; noted
    when it begins.

    Raises: CampaignError if one of them changed.
    """
    paths = [benchmark_path(campaign.project.benchmark, split) for split in BENCHMARKS]
    params = campaign.params.vlm
    folder = checkpoint_folder(params.family, params.checkpoint, campaign.project.base)
    now = digests(campaign.project, [p for p in (*paths, folder) if p is not None and p.exists()])
    if not campaign.inputs.exists():
        write_record(Inputs(now), campaign.inputs)
        return
    then = read_record(campaign.inputs, Inputs).sha256
    for name in sorted(then.keys() | now.keys()):
        if then.get(name) != now.get(name):
            raise CampaignError(
                f"{campaign.project.root / name} is not as it was when campaign {campaign.name!r} "
                "began; restore it (`dvc checkout --force` does if it is published), or choose "
                "another campaign.name"
            )
