"""What fine-tuning teaches: true captions of pictures, each beside false ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rls3.dataset.pairs import pair_captions
from rls3.dataset.sample import Sample
from rls3.language.caption import Caption, hard_negatives, parse
from rls3.params import FinetuneParams, SamplingParams
from rls3.scene.records import Kind


@dataclass(frozen=True)
class Lesson:
    """A true caption of a picture.

    Attributes:
        image: the picture's row.
        absent: kinds that it does not show, for captions with a false name.
        rival: the false caption that is always shown, for it is true of a picture that is shown
            beside this one; None leaves all to chance.
    """

    image: int
    caption: Caption
    absent: Sequence[Kind]
    rival: Caption | None = None


def lessons_of(
    shards: Sequence[Sequence[Sample]],
    params: FinetuneParams,
    sampling: SamplingParams,
) -> list[list[Lesson]]:
    """Of each shard; pictures are numbered through all of them.

    What is absent from a picture is known of the kinds that any picture shows.
    """
    samples = [sample for shard in shards for sample in shard]
    kinds = sorted({item.kind for sample in samples for item in sample.objects})
    first, lessons = 0, []
    for shard in shards:
        lessons.append(
            [
                lesson
                for image, sample in enumerate(shard, first)
                for lesson in _lessons(image, sample, kinds, params, sampling)
            ]
        )
        first += len(shard)
    return lessons


def _lessons(
    image: int,
    sample: Sample,
    kinds: Sequence[Kind],
    params: FinetuneParams,
    sampling: SamplingParams,
) -> list[Lesson]:
    present = {item.kind for item in sample.objects}
    absent = [kind for kind in kinds if kind not in present]
    if params.captions == "one":
        return [Lesson(image, parse(sample.caption), absent)]
    return [Lesson(image, caption, absent) for caption in pair_captions(sample, sampling)]


def with_mirrored(lesson: Lesson, n_images: int) -> tuple[Lesson, Lesson]:
    """A lesson beside the same of the mirrored picture, which stands `n_images` rows further down.

    Left is right and right is left there, and all else holds: each caption that says left or right
    is the other's rival.
    """
    caption, image = lesson.caption, n_images + lesson.image
    lateral = caption.cell.lateral
    if lateral is None:
        return lesson, replace(lesson, image=image)
    other = replace(caption, cell=caption.cell.flipped(lateral))
    return (
        replace(lesson, rival=other),
        replace(lesson, image=image, caption=other, rival=caption),
    )


def captions_of(lesson: Lesson, n_negatives: int, rng: np.random.Generator) -> list[str]:
    """The true caption, then at most `n_negatives` false ones, drawn anew each time: first of other
    relations (each flip, all flipped, exchanged), filled up with false names, of which there is one
    at least where there is room for two."""
    negatives = hard_negatives(lesson.caption, lesson.absent, rng)
    relation = [n.caption for n in negatives if n.kind != "object"]
    objects = [n.caption for n in negatives if n.kind == "object"]
    rng.shuffle(relation)
    relation.sort(key=lambda caption: caption != lesson.rival)  # it comes first, if there is one
    keep_object = 1 if objects and n_negatives > 1 else 0
    chosen = relation[: n_negatives - keep_object]
    chosen += objects[: n_negatives - len(chosen)]
    return [caption.text for caption in (lesson.caption, *chosen)]
