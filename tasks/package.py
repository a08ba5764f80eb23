"""What is handed over beside a model's weights, so that it lives without this project: the code
that serves it, what that needs, an example, a card."""

import base64
import importlib.metadata
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

import rls3
from rls3.files import write_text
from rls3.loop.card import APACHE, about, card, license_of
from rls3.loop.records import CampaignEvaluation
from rls3.loop.store import Round

_NEEDED = (
    "mlflow",
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "numpy",
    "pandas",
    "pillow",
    "pyarrow",
    "pydantic",
    "pyyaml",
)
"""What the code that serves a model imports."""
_CODE = Path(rls3.__file__).parent
_LICENSE = _CODE.parent / "LICENSE"
_EXAMPLE_PX = 64


@dataclass(frozen=True)
class Package:
    """Attributes:
    about: in a few words. example: a row of input. files: of the artifacts, by key.
    license: of the model, as the hub names it.
    """

    server: Path
    code: Path
    files: Mapping[str, str]
    requirements: tuple[str, ...]
    example: Mapping[str, object]
    about: str
    license: str


def package_of(result: Round, evaluation: CampaignEvaluation, tags: Mapping[str, str]) -> Package:
    """Writes the card. Raises: StorageError."""
    campaign = result.campaign
    write_text(campaign.card, card(result, evaluation, tags))
    files = {"card": str(campaign.card)}
    license_ = license_of(campaign.params.vlm)
    if license_ == APACHE and _LICENSE.is_file():
        files["license"] = str(_LICENSE)
    return Package(
        server=Path(__file__).with_name("served_model.py"),
        code=_CODE,
        files=files,
        requirements=tuple(requirements()),
        example=_example(),
        about=about(result, evaluation),
        license=license_,
    )


def _example() -> dict[str, object]:
    """A red square on the left of a blue one."""
    picture = Image.new("RGB", (_EXAMPLE_PX, _EXAMPLE_PX), "white")
    for left, color in ((8, "red"), (40, "blue")):
        picture.paste(color, (left, 24, left + 16, 40))
    content = io.BytesIO()
    picture.save(content, "PNG")
    captions = [f"The red box is to the {side} of the blue box." for side in ("left", "right")]
    return {"image": base64.b64encode(content.getvalue()).decode(), "captions": captions}


def requirements() -> list[str]:
    """All that serving a model needs, further packages that those need included, in the versions
    that are installed here; but for what another one pins itself."""
    found: dict[str, str] = {}
    pinned: set[str] = set()
    waiting = [(name, frozenset()) for name in _NEEDED]
    seen = set(waiting)
    while waiting:
        name, extras = waiting.pop()
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # of another platform
        found[canonicalize_name(name)] = distribution.version.partition("+")[0]
        for needed in _needed_by(distribution, extras):
            if re.match(r"==[^*]*$", str(needed.specifier)):
                pinned.add(canonicalize_name(needed.name))
            further = (canonicalize_name(needed.name), frozenset(needed.extras))
            if further not in seen:
                seen.add(further)
                waiting.append(further)
    roots = {canonicalize_name(name) for name in _NEEDED}
    return [
        f"{name}=={found[name]}" for name in sorted(found) if name in roots or name not in pinned
    ]


def _needed_by(
    distribution: importlib.metadata.Distribution, extras: frozenset[str]
) -> Iterator[Requirement]:
    for text in distribution.requires or ():
        needed = Requirement(text)
        environments = [{"extra": extra} for extra in ("", *extras)]
        if needed.marker is None or any(needed.marker.evaluate(e) for e in environments):
            yield needed
