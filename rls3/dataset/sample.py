"""`Sample`: the unit of data, for training and for benchmarks; and its Parquet form.

The Parquet files are in the layout of Hugging Face `datasets`: `load_dataset("parquet",
data_files=...)` gives decoded images, and every other column reads without this code.
"""

import contextlib
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from rls3.dataset.picture import read_picture
from rls3.dataset.stored import StorableBytes, Store
from rls3.files import read_errors, whole_file
from rls3.language.caption import Caption, hard_negatives, object_name
from rls3.language.relation import CELLS, relation
from rls3.scene.records import Box, Camera, Kind, Scene, SceneObject

Split = Literal["train", "val", "test", "unseen", "pretrain"]


class Pictured(Protocol):
    """What shows something to a model: a sample, an item of a benchmark."""

    @property
    def picture_id(self) -> str: ...

    @property
    def image(self) -> bytes:
        """An encoded image, e.g. PNG."""
        ...


@dataclass(frozen=True)
class NegativeText:
    """A false caption: see `rls3.language.caption.Negative`. `term` is "" unless kind is "flip"."""

    kind: str
    term: str
    text: str


@dataclass(frozen=True)
class Provenance:
    """Where samples come from: a campaign (or benchmark), its seed, the round; and their use."""

    campaign: str
    seed: int
    round: int
    split: Split


_IMAGE = StorableBytes()


@dataclass(frozen=True)
class Sample:
    """One image with its captions and provenance.

    Attributes:
        sample_id: hash of the SceneSpec. spec: its JSON.
        subject, reference: object names ("red mug"). terms: in caption order. cell: index into
            `CELLS`.
        image: PNG bytes, width_px x height_px; of samples that were read from a file they wait on
            the disk and are read each time they are asked for.
        camera, objects: as measured; object 0 is the subject, 1 the reference (world frame, metres;
            pixels of the image).
        simulator: label of what drew it. seed: the campaign's. step: index of the proposal in the
            round's rollout.
    """

    sample_id: str
    spec: str
    floor_plan: str
    subject: str
    reference: str
    terms: tuple[str, ...]
    cell: int
    complexity: int
    caption: str
    negatives: tuple[NegativeText, ...]
    image: bytes = _IMAGE
    width_px: int
    height_px: int
    camera: Camera
    objects: tuple[SceneObject, ...]
    simulator: str
    campaign: str
    seed: int
    round: int
    step: int
    split: Split

    @property
    def picture_id(self) -> str:
        return self.sample_id

    def flip(self, term: str) -> str:
        """The caption with that one term flipped."""
        return next(n.text for n in self.negatives if n.kind == "flip" and n.term == term)

    def negatives_of(self, *kinds: str) -> list[str]:
        return [n.text for n in self.negatives if n.kind in kinds]


def make_sample(
    scene: Scene,
    vocabulary: Sequence[Kind],
    rng: np.random.Generator,
    provenance: Provenance,
    step: int,
) -> Sample:
    """Caption a rendered scene from its measured geometry (box centres, camera heading).

    Args:
        vocabulary: kinds that object negatives may name; those in the scene are left out.
        step: index of the proposal in the round's rollout.
    """
    subject, reference = scene.objects[:2]
    cell = relation(subject.box.center, reference.box.center, scene.camera.yaw_deg)
    caption = Caption(subject.kind, cell, reference.kind)
    present = {item.kind for item in scene.objects}
    negatives = hard_negatives(caption, [kind for kind in vocabulary if kind not in present], rng)
    buffer = io.BytesIO()
    Image.fromarray(scene.image).save(buffer, "PNG", compress_level=1)
    height, width = scene.image.shape[:2]
    return Sample(
        sample_id=scene.spec.hash,
        spec=scene.spec.to_json(),
        floor_plan=scene.spec.floor_plan,
        subject=object_name(subject.kind),
        reference=object_name(reference.kind),
        terms=tuple(map(str, cell.terms)),
        cell=cell.index,
        complexity=cell.complexity,
        caption=caption.text,
        negatives=tuple(NegativeText(n.kind, str(n.term or ""), n.caption.text) for n in negatives),
        image=buffer.getvalue(),
        width_px=width,
        height_px=height,
        camera=scene.camera,
        objects=scene.objects,
        simulator=scene.simulator,
        campaign=provenance.campaign,
        seed=provenance.seed,
        round=provenance.round,
        step=step,
        split=provenance.split,
    )


_PICTURE_RESTORE = (
    "restore the file that holds it (`dvc checkout --force` does if it is published), or give a "
    "PNG, JPEG, WebP, AVIF, GIF, BMP or TIFF"
)


def decode(picture: Pictured) -> np.ndarray:
    """(H, W, 3) uint8, as a person sees it. Raises: DataError if it is damaged or too large."""
    return read_picture(picture.image, picture.picture_id, way_out=_PICTURE_RESTORE)


_VECTOR = pa.list_(pa.float64(), 3)
_SCHEMA = pa.schema(
    [
        ("sample_id", pa.string()),
        ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("caption", pa.string()),
        ("subject", pa.string()),
        ("terms", pa.list_(pa.string())),
        ("reference", pa.string()),
        ("cell", pa.int16()),
        ("complexity", pa.int16()),
        (
            "negatives",
            pa.list_(
                pa.struct([("kind", pa.string()), ("term", pa.string()), ("text", pa.string())])
            ),
        ),
        ("floor_plan", pa.string()),
        ("spec", pa.string()),
        ("width_px", pa.int32()),
        ("height_px", pa.int32()),
        (
            "camera",
            pa.struct(
                [
                    ("position", _VECTOR),
                    ("yaw_deg", pa.float64()),
                    ("horizon_deg", pa.float64()),
                    ("fov_deg", pa.float64()),
                ]
            ),
        ),
        (
            "objects",
            pa.list_(
                pa.struct(
                    [
                        ("object_id", pa.string()),
                        ("name", pa.string()),
                        ("type", pa.string()),
                        ("color", pa.string()),
                        ("center", _VECTOR),
                        ("size", _VECTOR),
                        ("yaw_deg", pa.float64()),
                        ("visible_px", pa.int32()),
                        ("box_px", pa.list_(pa.int32())),
                        ("parent", pa.string()),
                    ]
                )
            ),
        ),
        ("simulator", pa.string()),
        ("campaign", pa.string()),
        ("seed", pa.int64()),
        ("round", pa.int32()),
        ("step", pa.int32()),
        ("split", pa.string()),
    ]
)
# How `datasets` learns that the column holds images.
_HUGGINGFACE = {"info": {"features": {"image": {"_type": "Image"}}}}


def _object_row(item: SceneObject) -> dict[str, Any]:
    return {
        "object_id": item.object_id,
        "name": item.name,
        "type": item.kind.type,
        "color": item.kind.color,
        "center": item.box.center,
        "size": item.box.size,
        "yaw_deg": item.box.yaw_deg,
        "visible_px": item.visible_px,
        "box_px": item.box_px,
        "parent": item.parent,
    }


def _row(sample: Sample) -> dict[str, Any]:
    plain = {
        name: getattr(sample, name)
        for name in _SCHEMA.names
        if name not in ("image", "objects", "camera", "negatives")
    }
    return plain | {
        "image": {"bytes": sample.image, "path": f"{sample.sample_id}.png"},
        "negatives": [asdict(n) for n in sample.negatives],
        "camera": asdict(sample.camera),
        "objects": [_object_row(item) for item in sample.objects],
    }


def _sample(row: dict[str, Any], store: Store) -> Sample:
    objects = tuple(
        SceneObject(
            o["object_id"],
            o["name"],
            Kind(o["type"], o["color"]),
            Box(tuple(o["center"]), tuple(o["size"]), o["yaw_deg"]),
            o["visible_px"],
            tuple(o["box_px"]) if o["box_px"] is not None else None,
            o["parent"],
        )
        for o in row["objects"]
    )
    camera = row["camera"] | {"position": tuple(row["camera"]["position"])}
    return Sample(
        **row
        | {
            "image": store.add(row["image"]["bytes"]),
            "terms": tuple(row["terms"]),
            "negatives": tuple(NegativeText(**n) for n in row["negatives"]),
            "camera": Camera(**camera),
            "objects": objects,
        }
    )


def to_table(samples: Sequence[Sample]) -> pa.Table:
    """One row a sample, with the schema that `datasets` reads."""
    return pa.Table.from_pylist([_row(sample) for sample in samples], schema=sample_schema())


def sample_schema() -> pa.Schema:
    """Of a shard; see the module's docstring."""
    return _SCHEMA.with_metadata({"huggingface": json.dumps(_HUGGINGFACE)})


_MOST_ROWS = 1000
_MOST_BYTES = 64 << 20  # of images; Arrow reads no nested column above 2 GiB in one row group


def write_samples(
    samples: Iterable[Sample],
    path: Path,
    most_rows: int = _MOST_ROWS,
    most_bytes: int = _MOST_BYTES,
) -> None:
    """Write a Parquet shard, a row group at a time; it appears under its name only when complete.
    The same samples give the same bytes.

    Args:
        most_rows, most_bytes: of the images of one row group; more samples begin another.
    Raises: StorageError if the disk is full or the folder cannot be written.
    """
    with (
        whole_file(path) as temporary,
        temporary.open(
            "wb"
        ) as file,  # its errors say what is wrong with the disk; Arrow wraps them
        pq.ParquetWriter(file, sample_schema(), compression="zstd", compression_level=1) as writer,
    ):
        for group in row_groups(samples, most_rows, most_bytes):
            writer.write_table(to_table(group))


def row_groups(
    samples: Iterable[Sample], most_rows: int = _MOST_ROWS, most_bytes: int = _MOST_BYTES
) -> Iterator[list[Sample]]:
    """At least one, which is empty if there are no samples."""
    group: list[Sample] = []
    held = 0
    for sample in samples:
        size = len(sample.image)
        if group and (len(group) == most_rows or held + size > most_bytes):
            yield group
            group, held = [], 0
        group.append(sample)
        held += size
    yield group


def read_samples(path: Path, store: Store | None = None) -> list[Sample]:
    """Read a shard, some rows at a time; the images wait on the disk.

    Args:
        store: where the images wait, if several shards shall share one.
    Raises: DataError if the shard is missing or damaged. StorageError if there is no space for the
        images.
    """
    store = store or Store()
    with (
        _shard_errors(path),
        pq.ParquetFile(path, buffer_size=_READ_BUFFER) as file,
    ):
        samples = [_sample(row, store) for batch in _batches(file) for row in batch.to_pylist()]
    pa.default_memory_pool().release_unused()  # else Arrow keeps for itself what it does not need
    return samples


@contextlib.contextmanager
def _shard_errors(path: Path) -> Iterator[None]:
    restore = "restore it with `dvc checkout`, or delete its round's folder to make it again"
    with read_errors(path, pa.ArrowException, way_out=restore):
        yield


_READ_BUFFER = 1 << 20  # without it, Arrow reads whole columns
_BATCH_ROWS, _BATCH_BYTES = 64, 16 << 20


def _batches(file: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    """The rows in order, some at a time, also where a row group is large."""
    for number in range(file.num_row_groups):
        group = file.metadata.row_group(number)
        row_bytes = group.total_byte_size / max(1, group.num_rows)
        rows = int(np.clip(_BATCH_BYTES / max(1.0, row_bytes), 1, _BATCH_ROWS))
        # a quarantine has a column more, see `rls3.dataset.quarantine`
        yield from file.iter_batches(rows, row_groups=[number], columns=_SCHEMA.names)


def balance(samples: Sequence[Sample]) -> dict[str, dict[str, int]]:
    """How often each term, cell and complexity occurs."""
    counts: dict[str, dict[str, int]] = {
        "term": {},
        "cell": {str(c): 0 for c in CELLS},
        "complexity": {},
    }
    for sample in samples:
        for term in sample.terms:
            counts["term"][term] = counts["term"].get(term, 0) + 1
        counts["cell"][str(CELLS[sample.cell])] += 1
        counts["complexity"][str(sample.complexity)] = (
            counts["complexity"].get(str(sample.complexity), 0) + 1
        )
    return counts
