"""The registered model, as code (MLflow's model-from-code form: no pickle). Which caption fits an
image?

Input: a table with `image` (path, or PNG or JPEG bytes) and `captions` (list of texts). Output:
scores and the index of the best caption.
"""

from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc import PythonModelContext

from rls3.dataset.picture import read_picture
from rls3.vlm.features import images_of
from rls3.vlm.interface import VLM, score
from rls3.vlm.loading import family_of, load_vlm


class SpatialVLM(mlflow.pyfunc.PythonModel):
    """Loads the checkpoint folder that was logged with it."""

    def load_context(self, context: PythonModelContext) -> None:
        folder = Path(context.artifacts["model"])
        self.vlm: VLM = load_vlm(family_of(folder), str(folder))

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: object = None
    ) -> pd.DataFrame:
        captions = [list(row) for row in model_input["captions"]]
        pictures = [
            read_picture(image if isinstance(image, bytes) else Path(image))
            for image in model_input["image"]
        ]
        scores = score(self.vlm, images_of(self.vlm, pictures), captions).numpy()
        rows = [row[: len(own)] for row, own in zip(scores, captions)]
        best = [int(np.argmax(row)) for row in rows]
        return pd.DataFrame({"scores": [row.tolist() for row in rows], "best": best})


mlflow.models.set_model(SpatialVLM())
