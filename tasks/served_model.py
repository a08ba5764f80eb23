"""The registered model, as code (MLflow's model-from-code form: no pickle). Which caption fits an
image?

Input: a table with `image` (path, or PNG or JPEG bytes) and `captions` (list of texts). Output:
scores and the index of the best caption.
"""

import io
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd


class SpatialVLM(mlflow.pyfunc.PythonModel):
    """Loads the checkpoint folder that was logged with it."""

    def load_context(self, context: Any) -> None:
        import json

        from rls3.vlm.loading import load_vlm

        folder = Path(context.artifacts["model"])
        self.vlm = load_vlm(
            json.loads((folder / "config.json").read_text())["model_type"], str(folder)
        )

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        import torch
        from PIL import Image

        def pixels(image: Any) -> np.ndarray:
            return np.asarray(
                Image.open(io.BytesIO(image) if isinstance(image, bytes) else image).convert("RGB")
            )

        captions = [list(c) for c in model_input["captions"]]
        with torch.no_grad():
            scores = self.vlm.scores(
                self.vlm.features([pixels(i) for i in model_input["image"]], True), captions
            ).numpy()
        rows = [row[: len(c)] for row, c in zip(scores, captions)]
        return pd.DataFrame(
            {"scores": [r.tolist() for r in rows], "best": [int(r.argmax()) for r in rows]}
        )


mlflow.models.set_model(SpatialVLM())
