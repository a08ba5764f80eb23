"""A model's card: what it is, how well it does, where it came from; in the hub's form."""

from collections.abc import Mapping

import yaml

from rls3.evaluation.metrics import Slice
from rls3.loop.records import CampaignEvaluation
from rls3.loop.store import Round
from rls3.params import VLMParams
from rls3.vlm.loading import BASE_CHECKPOINT

APACHE = "apache-2.0"
_OTHER = "other"
_TASK = "zero-shot-image-classification"


def license_of(params: VLMParams) -> str:
    """Of a fine-tuned model, as the hub names it: the base model's, which only ours is known of."""
    return APACHE if params.checkpoint == BASE_CHECKPOINT else _OTHER


def about(result: Round, evaluation: CampaignEvaluation) -> str:
    """A model in a few words."""
    campaign = result.campaign
    test = evaluation.final["test"].accuracy.accuracy
    return (
        f"{campaign.params.vlm.family} that says which caption fits an image, fine-tuned on "
        f"spatial relations of indoor scenes by RLS3 (campaign {campaign.name}, round "
        f"{result.number}): {100 * test:.1f} % two-way accuracy on test"
    )


def card(result: Round, evaluation: CampaignEvaluation, tags: Mapping[str, str]) -> str:
    """README.md.

    Args:
        tags: of the model's version in the registry.
    """
    vlm = result.campaign.params.vlm
    head = yaml.safe_dump(_head(result, evaluation), sort_keys=False)
    rows = [
        f"| {split} | {_said(evaluation.base[split].accuracy)} | {_said(final.accuracy)} |"
        for split, final in evaluation.final.items()
    ]
    terms = [
        f"| {term} | {_said(evaluation.base['test'].by_term[term])} | {_said(found)} |"
        for term, found in evaluation.final["test"].by_term.items()
    ]
    lineage = [f"| {key} | {value} |" for key, value in tags.items()]
    license_ = (
        "Apache-2.0, as RLS3 and its base model."
        if license_of(vlm) == APACHE
        else f"That of its base model, {vlm.checkpoint}; the code that serves it is Apache-2.0."
    )
    return "\n".join(
        [
            f"---\n{head}---\n",
            f"# {result.campaign.params.tracking.registered_model}\n",
            f"{about(result, evaluation)}.\n",
            "## Accuracy\n",
            "Two-way: the true caption against the same with one term flipped; chance is 50 %. "
            "95 % intervals.\n",
            "| benchmark | base model | this model |\n|---|---|---|",
            *rows,
            "\nBy term, on test:\n",
            "| term | base model | this model |\n|---|---|---|",
            *terms,
            "\n## Where it comes from\n",
            "| | |\n|---|---|",
            *lineage,
            "\n## Limits\n",
            "It learned the six relations left, right, above, below, in front and behind, said in "
            "the grammar of its training captions, of household objects in rendered rooms. It was "
            "not tested on photographs. Words outside of its vocabulary do not change its "
            "scores.\n",
            f"## Licence\n\n{license_}\n",
        ]
    )


def _head(result: Round, evaluation: CampaignEvaluation) -> dict[str, object]:
    vlm = result.campaign.params.vlm
    license_ = license_of(vlm)
    results = [
        {
            "task": {"type": _TASK},
            "dataset": {"name": f"RLS3 {split}", "type": f"rls3-{split}"},
            "metrics": [
                {
                    "type": "accuracy",
                    "name": "two-way accuracy, macro over terms",
                    "value": round(final.accuracy.accuracy, 4),
                }
            ],
        }
        for split, final in evaluation.final.items()
    ]
    name = result.campaign.params.tracking.registered_model
    return {
        "license": license_,
        **({"license_name": "as-base-model"} if license_ == _OTHER else {}),
        **({} if vlm.checkpoint == BASE_CHECKPOINT else {"base_model": vlm.checkpoint}),
        "library_name": "transformers",
        "pipeline_tag": _TASK,
        "language": "en",
        "tags": [vlm.family, "spatial-reasoning", "rls3"],
        "model-index": [{"name": name, "results": results}],
    }


def _said(found: Slice) -> str:
    accuracy, low, high = (100 * v for v in (found.accuracy, found.low, found.high))
    return f"{accuracy:.1f} % [{low:.1f}, {high:.1f}]"
