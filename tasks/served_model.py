"""The registered model, as code (MLflow's model-from-code form: no pickle). Which caption fits an
image?

Input, a row a question: `image`, the bytes of a PNG, JPEG, ... or (over HTTP) the same in base64;
`captions`, a list of texts. Output, a row for each: the captions' `scores`, the index of the
`best`, `unknown_words`, which do not count, and `error`: one sentence if the row has no answer,
else null.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST
from mlflow.pyfunc import PythonModelContext

from rls3.dataset.picture import read_picture
from rls3.errors import DataError
from rls3.vlm.features import images_of
from rls3.vlm.interface import VLM, score
from rls3.vlm.loading import family_of, load_vlm
from rls3.vlm.vocabulary import unknown_words

MAX_PIXELS = 32_000_000
"""Of a picture."""
MAX_BYTES = 32 * 2**20
"""Of its file."""
MAX_ROWS = 1024
MAX_CAPTIONS = 64
MAX_CHARACTERS = 2000
"""Of a caption."""
_COLUMNS = ("image", "captions")


@dataclass(frozen=True)
class Answer:
    """A row of output."""

    scores: list[float] | None = None
    best: int | None = None
    unknown_words: tuple[str, ...] = ()
    error: str | None = None


class BadRequest(MlflowException):
    """MLflow's server would put the data, in several lines, before what is wrong with it."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, error_code=BAD_REQUEST)
        self.sentence = sentence

    def serialize_as_json(self) -> str:
        return json.dumps({"error_code": self.error_code, "message": self.sentence})


class SpatialVLM(mlflow.pyfunc.PythonModel):
    """Loads the checkpoint folder that was logged with it."""

    def load_context(self, context: PythonModelContext) -> None:
        folder = Path(context.artifacts["model"])
        self.vlm: VLM = load_vlm(family_of(folder), str(folder))

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: object = None
    ) -> pd.DataFrame:
        """Raises: BadRequest if the whole table is not what it should be."""
        rows = [answer(self.vlm, *row) for row in _rows(model_input)]
        return pd.DataFrame([asdict(row) for row in rows], dtype=object)


def _rows(table: object) -> list[tuple[object, object]]:
    if not isinstance(table, pd.DataFrame):
        raise BadRequest(
            'the input is not a table; send {"dataframe_records": [{"image": BASE64, '
            '"captions": [TEXT, TEXT]}]}'
        )
    missing = [name for name in _COLUMNS if name not in table.columns]
    if missing:
        raise BadRequest(
            f"the input has no column {missing[0]!r}; give image (base64) and captions (a list "
            "of texts) in each row"
        )
    if not 0 < len(table) <= MAX_ROWS:
        raise BadRequest(f"the input has {len(table)} rows; give 1 to {MAX_ROWS}")
    return [tuple(row) for row in table[list(_COLUMNS)].itertuples(index=False)]


def answer(vlm: VLM, image: object, captions: object) -> Answer:
    """To one row. Pictures are decoded one at a time: a request may hold many."""
    try:
        texts = _captions(captions)
        picture = read_picture(_encoded(image), "the image", MAX_PIXELS, MAX_BYTES)
    except DataError as error:
        return Answer(error=str(error))
    scores = score(vlm, images_of(vlm, [picture]), [texts])[0].tolist()
    return Answer(scores, int(np.argmax(scores)), tuple(unknown_words(vlm, texts)))


def _captions(captions: object) -> list[str]:
    if not isinstance(captions, Sequence | np.ndarray) or isinstance(captions, str | bytes):
        raise DataError("captions is not a list; give a list of texts")
    if not 0 < len(captions) <= MAX_CAPTIONS:
        raise DataError(f"captions holds {len(captions)} texts; give 1 to {MAX_CAPTIONS}")
    for number, text in enumerate(captions, 1):
        if not isinstance(text, str):
            raise DataError(f"caption {number} is not a text; give a list of texts")
        if not text.strip():
            raise DataError(f"caption {number} is empty; say what the image may show")
        if len(text) > MAX_CHARACTERS:
            raise DataError(
                f"caption {number} has {len(text)} characters; give at most {MAX_CHARACTERS}"
            )
    return [str(text) for text in captions]


def _encoded(image: object) -> bytes:
    """An image file's content."""
    if isinstance(image, bytes | bytearray):
        return bytes(image)
    if not isinstance(image, str) or not image:
        raise DataError("image is missing, or no text; give the file's content in base64")
    if len(image) > MAX_BYTES * 4 / 3 + 4:
        raise DataError(
            f"the image has more than the {MAX_BYTES / 2**20:.0f} MiB that it may have; "
            "make it smaller"
        )
    try:
        return base64.b64decode("".join(image.split()), validate=True)
    except (binascii.Error, ValueError):
        raise DataError("image is not base64; give the file's content in base64") from None


mlflow.models.set_model(SpatialVLM())
