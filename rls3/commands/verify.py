"""`rls3 verify`: is a registered model what its data and its base model make? It is made again from
the version of the data that its lineage names, and compared."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rls3.commands import Answer
from rls3.commands.screen import Screen
from rls3.errors import ModelError
from rls3.evaluation.benchmarks import read_benchmark
from rls3.evaluation.judge import judge
from rls3.evaluation.metrics import accuracy
from rls3.evaluation.predictions import Predictions
from rls3.files import file_digest
from rls3.loop.lineage import code_commit
from rls3.loop.records import Recipe
from rls3.loop.reproduce.replay import TOLERANCE, recorded_campaign, replayed, save_model
from rls3.loop.store import Campaign, Project
from rls3.loop.threads import torch_threads
from rls3.params import Params
from rls3.vlm.interface import VLM
from rls3.vlm.loading import family_of, load_vlm
from tasks.registry import download_model, lineage_of
from tasks.versioning import check_out, fetch_published

_NEEDED = ("campaign", "round", "data_version")
_WEIGHTS = "model.safetensors"
AGREEMENT = 0.95
"""Fewest captions of val on which the model made anew chooses as the registered one; on the same
processor it is all of them."""


@dataclass(frozen=True)
class Document:
    """What `--json` prints. Accuracies are on val, 0 to 1.

    Attributes:
        verified: the answer. reasons: why not, a sentence each.
        identical: the weights made anew are the registered ones to the last bit.
        replayed, registered, recorded: accuracy of the model made anew, of the registered one, and
            what the campaign recorded.
        agreement: share of val on which the model made anew and the registered one choose the same
            caption.
        tolerance: of an accuracy made anew: up to it, another processor's rounding may be the cause
            of a difference.
        code_commit, code_commit_now: of the code that made the model, and of this one.
    """

    model: str
    version: str
    verified: bool
    identical: bool
    replayed: float
    registered: float
    agreement: float
    recorded: float
    tolerance: float
    reasons: tuple[str, ...]
    campaign: str
    round: int
    data_version: str
    code_commit: str
    code_commit_now: str


def main(root: Path, params: Params, model: str) -> Answer:
    """Yes or no; exit code 1 if no.

    Args:
        model: "models:/NAME@ALIAS" or "models:/NAME/VERSION".
    Raises: ModelError if the registry or the model's lineage cannot be had; DataError if that
        version of the data cannot.
    """
    project = Project(root)
    fetch_published(project)
    lineage = _lineage(model, params, project)
    name, number = lineage["campaign"], int(lineage["round"])
    with tempfile.TemporaryDirectory() as temporary:
        there = Project(Path(temporary))
        check_out(project, lineage["data_version"], name, there)
        campaign, recipe = recorded_campaign(there, params, name)
        curve = _made_anew(campaign, project, number)
        folder = campaign.round(number).path("vlm")
        anew, made = file_digest(folder / _WEIGHTS), _judged(folder, campaign, project)
    checkpoint = download_model(model, params, project).folder
    then = file_digest(checkpoint / _WEIGHTS)
    registered = _judged(checkpoint, campaign, project)
    agreement = float(np.mean(made.chosen == registered.chosen))
    reasons = (
        *_forged(lineage, then),
        *_differences(curve, recipe),
        *_disagreement(agreement),
    )
    return _answer(
        Document(
            model=model,
            version=lineage["version"],
            verified=not reasons,
            identical=then == anew,
            replayed=curve[-1],
            registered=accuracy(registered),
            agreement=agreement,
            recorded=recipe.val_accuracy[number - 1],
            tolerance=TOLERANCE,
            reasons=reasons,
            campaign=name,
            round=number,
            data_version=lineage["data_version"],
            code_commit=lineage.get("code_commit", ""),
            code_commit_now=code_commit(Path(__file__).resolve().parents[2]),
        )
    )


def _lineage(model: str, params: Params, project: Project) -> Mapping[str, str]:
    lineage = lineage_of(model, params, project)
    missing = [tag for tag in _NEEDED if not lineage.get(tag)]
    if missing:
        raise ModelError(
            f"{model} says nothing of its {', '.join(missing)}, so it cannot be made again; "
            "name a model that a campaign registered"
        )
    return lineage


def _made_anew(campaign: Campaign, project: Project, number: int) -> list[float]:
    """Accuracy on val up to a round, whose model is kept."""
    with Screen() as screen:

        def after_round(vlm: VLM, curve: Sequence[float]) -> None:
            screen.progress("replay", len(curve), number, "rounds")
            if len(curve) == number:
                save_model(vlm, campaign.round(number).path("vlm"))

        return replayed(campaign, project, number, after_round)


def _judged(checkpoint: Path, campaign: Campaign, project: Project) -> Predictions:
    params = campaign.params
    vlm = load_vlm(family_of(checkpoint), str(checkpoint), project.base, params.vlm.device)
    with torch_threads(params.campaign.threads):
        val = read_benchmark(project.benchmark, "val")
        return judge(vlm, val, params.evaluation.batch_size)


def _forged(lineage: Mapping[str, str], digest: str) -> list[str]:
    wanted = lineage.get("model_sha256", digest)
    same = wanted == digest
    return [] if same else [f"its weights are not those that were registered ({wanted[:12]})"]


def _differences(curve: Sequence[float], recipe: Recipe) -> list[str]:
    """Rounds whose accuracy is farther from the recorded one than TOLERANCE."""
    return [
        f"round {number} made again has {now:.4f} on val, recorded was {then:.4f}"
        for number, (now, then) in enumerate(zip(curve, recipe.val_accuracy), 1)
        if abs(now - then) > TOLERANCE
    ]


def _disagreement(agreement: float) -> list[str]:
    if agreement >= AGREEMENT:
        return []
    return [
        f"the registered model and the one made again agree on {100 * agreement:.1f} % of val, "
        f"not on {100 * AGREEMENT:.0f} %"
    ]


def _answer(found: Document) -> Answer:
    what = f"{found.model} (version {found.version})"
    again, there, then = (100 * v for v in (found.replayed, found.registered, found.recorded))
    made = (
        f"campaign {found.campaign}, round {found.round}, data {found.data_version}: on val "
        f"{again:.1f} % made again, {there:.1f} % registered, {then:.1f} % recorded"
    )
    if not found.verified:
        return Answer((f"no: {what} is not what its data make", made, *found.reasons), found, 1)
    how = "to the last bit" if found.identical else f"within {TOLERANCE} on val"
    return Answer((f"yes: {what} is what its data make, {how}", made), found)
