"""`python -m rls3.loop.reproduce.base --family clip --data pretrain.parquet --out base/clip`:
pre-train a base model."""

import argparse
import logging
import time
from pathlib import Path

from rls3.dataset.sample import read_samples
from rls3.loop.reproduce.entry import ended_well
from rls3.params import load_params
from rls3.vlm.pretraining import make_base, save_base

logger = logging.getLogger(__name__)


def main() -> None:
    """The DVC stages `base-clip` and `base-vilt`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--family", required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("-S", dest="overrides", action="append", default=[])
    arguments = parser.parse_args()
    with ended_well("base"):
        params = load_params(
            arguments.params, [*arguments.overrides, f"vlm.family={arguments.family}"]
        )
        started = time.perf_counter()
        vlm = make_base(params.vlm.family, read_samples(arguments.data), params.base)
        save_base(vlm, params.base, arguments.out)
        logger.info("made %s in %.0f s", arguments.out, time.perf_counter() - started)


if __name__ == "__main__":
    main()
