"""What docs/architecture.md says one must touch to add something is true: a toy one of each is
added to a copy of the code by just those files, and does its work there through the usual entry
points."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.test_layers import OURS, ROOT

TABLE_ROW = re.compile(r"^\| (an? [^|]+?) \| (.+?) \| (\d+) \|$", re.MULTILINE)

AGENT = '''"""A toy: it always asks for the first relation between the first two kinds."""

from rls3.agents.interface import FixedAgent, goals_only
from rls3.placing.goal import Goal


class ToyAgent(FixedAgent):
    def __init__(self, space):
        self.space = space

    def propose(self, context, rng):
        return Goal(context.kinds[0], context.kinds[1], 0, 0, 0)


def make(params, space, floor_plans, seed):
    return ToyAgent(goals_only(space, "toy"))
'''

FAMILY = '''"""A toy: SigLIP, whose towers pool by themselves and whose loss is one of pairs."""

import torch
from torch.nn import functional as F
from transformers import SiglipConfig, SiglipModel
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from rls3.vlm.interface import VLM, Family, Pixels, padded, tokenize, unique_texts
from rls3.vlm.tiny import MAX_TOKENS, layer_sizes, make_tokenizer


def _preprocess(vlm, pictures):
    made = vlm.image_processor(
        images=list(pictures), input_data_format="channels_last", return_tensors="pt"
    )
    return Pixels(made["pixel_values"].to(vlm.device))


def _score(vlm, images, captions):
    texts, rows = unique_texts(captions)
    index, mask = padded(rows, vlm.device)
    seen = vlm.model.vision_model(pixel_values=images.values).pooler_output
    read = vlm.model.text_model(input_ids=tokenize(vlm, texts)["input_ids"]).pooler_output
    alike = F.normalize(seen, dim=-1) @ F.normalize(read, dim=-1).T
    return alike.gather(1, index).masked_fill(~mask, -torch.inf)


def _loss(vlm, images, captions, weights):
    scores = _score(vlm, images, captions)
    false = scores[:, 1:][torch.isfinite(scores[:, 1:])]
    return F.softplus(-scores[:, 0]).mean() + F.softplus(false).mean()


def _trainable(vlm, lock_vision):
    return list(vlm.model.parameters())


def _make_tiny(kinds, params):
    tokenizer = make_tokenizer(kinds)
    sizes = layer_sizes(32) | {"num_hidden_layers": 1, "num_attention_heads": 2}
    text = sizes | {"vocab_size": len(tokenizer), "max_position_embeddings": MAX_TOKENS}
    vision = sizes | {"image_size": 32, "patch_size": 8}
    size = {"height": 32, "width": 32}
    processor = CLIPImageProcessorPil(size=size, do_center_crop=False, resample=2)
    model = SiglipModel(SiglipConfig(text_config=text, vision_config=vision))
    return VLM(FAMILY, model.eval(), tokenizer, processor)


FAMILY = Family(
    name="toy",
    model_type="siglip",
    model_class=SiglipModel,
    preprocess=_preprocess,
    image_side=None,
    score=_score,
    loss=_loss,
    trainable=_trainable,
    make_tiny=_make_tiny,
    pretrain=None,
)
'''

BENCHMARK = '''"""A toy: a line an item: picture, true caption, false caption, between tabs."""

from pathlib import Path

from rls3.evaluation.item import Item


def read(path: Path, images: Path | None) -> list[Item]:
    rows = [line.split("\\t") for line in path.read_text().splitlines()]
    folder = images or path.parent
    return [
        Item(str(number), folder / picture, (true, false), 0)
        for number, (picture, true, false) in enumerate(rows)
    ]
'''

RECORD = '''@dataclass(frozen=True, kw_only=True)
class ToyRecord(Record):
    """How many captions have a comma."""

    stage: ClassVar[str] = "toy"
    commas: int


@dataclass(frozen=True)
class Manifest:
'''
STAGE = '''def toy(train: Sequence[Sample], progress: Progress) -> ToyRecord:
    """Count captions with a comma."""
    progress(len(train), len(train))
    return ToyRecord(commas=sum("," in sample.caption for sample in train))


@dataclass(frozen=True)
class Stage:
'''
LAST_ROW = '("policy",), outside=True, unit="proposals"),\n'

Edits = Mapping[str, str | list[tuple[str, str]]]
"""By file: all of a new one, or replacements of what is there."""
TOYS: dict[str, Edits] = {
    "an agent": {
        "rls3/agents/toy.py": AGENT,
        "rls3/params.py": [('"ppo", "random",', '"toy", "ppo", "random",')],
    },
    "a kind of VLM": {
        "rls3/vlm/toy.py": FAMILY,
        "rls3/params.py": [('family: Literal["clip",', 'family: Literal["toy", "clip",')],
    },
    "a format of benchmarks": {"rls3/evaluation/benchmarks/toy.py": BENCHMARK},
    "a stage": {
        "rls3/loop/records.py": [("@dataclass(frozen=True)\nclass Manifest:\n", RECORD)],
        "rls3/loop/stages.py": [
            ("    UpdateRecord,\n", "    ToyRecord,\n    UpdateRecord,\n"),
            ("@dataclass(frozen=True)\nclass Stage:\n", STAGE),
            (LAST_ROW, LAST_ROW + '    Stage("toy stage", toy, ToyRecord),\n'),
        ],
    },
}

USES = {
    "an agent": """
from rls3.agents.interface import Context, Weakness
from rls3.agents.make import make_agent
from rls3.placing.goal import GoalSpace
from rls3.scene.records import Kind
params = load_params(Path("params.yaml"), ["agent.name=toy"]).agent
kinds = (Kind("Bowl", "blue"), Kind("Mug", "red"))
agent = make_agent(params, GoalSpace(("Bowl", "Mug"), ("blue", "red")), ("FloorPlan1",), 0)
context = Context("FloorPlan1", kinds, Weakness.unknown(), np.zeros(26), True, 1.0)
goal = agent.propose(context, np.random.default_rng(0))
assert (goal.subject, goal.reference, goal.cell) == (*kinds, 0)
""",
    "a kind of VLM": """
from rls3.evaluation.item import item_of
from rls3.evaluation.judge import judge
from rls3.scene.records import Kind
from rls3.vlm.finetune import finetune
from rls3.vlm.interface import save_vlm
from rls3.vlm.loading import family_named, family_of, load_vlm
from tests.conftest import many_samples
params = load_params(Path("params.yaml"), ["vlm.family=toy", "finetune.steps=1"])
kinds = [Kind(t, c) for t in ("Mug", "Bowl", "Vase", "Pot") for c in ("red", "green", "blue")]
save_vlm(family_named(params.vlm.family).make_tiny(kinds, params.base), Path("saved"))
assert family_of(Path("saved")) == "toy"
vlm, samples = load_vlm("toy", "saved"), many_samples(6)
before = judge(vlm, [item_of(s) for s in samples], 4)
report = finetune(vlm, samples, [], params.finetune, params.sampling, 0)
after = judge(vlm, [item_of(s) for s in samples], 4)
assert np.isfinite(report.losses).all() and len(report.losses) == 1
assert all(np.isfinite(row.scores).all() for row in after.rows) and after != before
""",
    "a format of benchmarks": """
from rls3.evaluation.benchmarks import open_benchmark
from tests.conftest import make_sample_of
sample = make_sample_of()
Path("x.png").write_bytes(sample.image)
Path("mine.tsv").write_text("x.png\\tIt is so.\\tIt is not.\\n")
(item,) = open_benchmark("toy:mine.tsv", Path("benchmark"))
assert item.captions == ("It is so.", "It is not.") and item.image == sample.image
""",
    "a stage": """
from rls3.dataset.sample import write_samples
from rls3.loop.describe import round_line
from rls3.loop.resources import Resources
from rls3.loop.run import run_stage
from rls3.loop.stages import STAGES
from rls3.loop.store import Campaign, Project
from rls3.report.collect import read_state
from rls3.files import write_json
from tasks.stages import STAGE_TASKS
from tests.conftest import many_samples
from tests.unit.report.campaigns import add_round
params = load_params(Path("params.yaml"))
campaign = Campaign(Project(Path.cwd()), params)
with campaign.locked():
    pass
round_, samples = campaign.round(1), many_samples(20)
write_samples(samples, round_.path("train"))
told = []
with Resources(params, campaign.project.simulators) as resources:
    tell = lambda title, done, total, unit: told.append((title, done, total, unit))
    record = run_stage(STAGES[-1], round_, resources, tell)
    assert run_stage(STAGES[-1], round_, resources) == record == round_.record(STAGES[-1].record)
assert record.commas == sum("," in s.caption for s in samples) > 0
assert ("toy stage", 20, 20, "samples") in told
assert [task.name for task in STAGE_TASKS][-1] == "toy stage"
assert [stage.title for stage in read_state(campaign).rounds[0].stages][-1] == "toy stage"
add_round(campaign, 2)
campaign.round(2).finish(record)
assert f" toy {record.seconds:.0f}" in round_line(campaign.round(2))
""",
}
BEFORE_USE = """
from pathlib import Path
import numpy as np
from rls3.params import load_params
"""


def promised() -> dict[str, tuple[set[str], int]]:
    """What to touch for each thing, as the table says: files, and their number."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    return {
        what: (set(re.findall(r"`([^`]+\.py)`", files)), int(count))
        for what, files, count in TABLE_ROW.findall(text)
    }


def add(toy: Edits, copy: Path) -> None:
    for name, edit in toy.items():
        path = copy / name
        if isinstance(edit, str):
            assert not path.exists(), f"{name} is not new"
            path.write_text(edit)
            continue
        text = path.read_text()
        for old, new in edit:
            assert text.count(old) == 1, f"{name} should have once: {old}"
            text = text.replace(old, new)
        path.write_text(text)


@pytest.mark.parametrize("what", TOYS)
def test_a_toy_needs_only_the_files_that_the_architecture_names(what, tmp_path):
    files, count = promised()[what]
    assert {name.replace("toy.py", "<name>.py") for name in TOYS[what]} == files
    assert len(TOYS[what]) == count
    for folder in OURS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    add(TOYS[what], tmp_path)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BEFORE_USE + USES[what]],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
