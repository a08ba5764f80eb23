"""`python -m benchmarks.procthor`: ProcTHOR's own generator makes houses in our executable.

An outside check of CreateHouse: floor plans, walls, doors, windows, furniture and asset groups are
ProcTHOR's, and so is the last word, its `House.validate` (can the house be built, can the agent
stand at its start, can it walk into every room). Left out are its small objects and its test of
meshes against meshes, which need Unity's assets (SpawnAsset).

It is no dependency of ours: put it in a folder of its own first,

    pip install --no-deps --target build/procthor procthor==0.0.1.dev2
    pip install --target build/procthor trimesh python-sat shapely networkx moviepy
"""

import argparse
import contextlib
import os
import sys
import tempfile
import time
import types
import warnings
from pathlib import Path

from rls3.params import load_params
from rls3.thor.backend import embedded_command, make_backend
from rls3.thor.controller import SafeController, make_controller


def _generator(packages: Path) -> types.ModuleType:
    """Imported here, for the packages lie in a folder that is named on the command line."""
    sys.path.append(str(packages))  # last: our own versions of what both need come first
    import moviepy

    editor = types.ModuleType("moviepy.editor")  # a module of moviepy 1, which only its films need
    editor.ImageSequenceClip = moviepy.ImageSequenceClip
    sys.modules["moviepy.editor"] = editor
    import procthor.generation as generation
    from procthor.generation.asset_groups import AssetGroupGenerator

    AssetGroupGenerator.get_intersecting_objects = lambda *_, **__: (False, set())
    generation.add_small_objects = lambda **_: None
    return generation


def _house(generation: types.ModuleType, controller: SafeController, seed: int) -> str:
    """One row of the table."""
    generator = generation.HouseGenerator(
        split="train",
        seed=seed,
        room_spec_sampler=generation.PROCTHOR10K_ROOM_SPEC_SAMPLER,
        controller=controller,
    )
    house, _ = generator.sample()
    house.validate(controller)
    controller.reset(scene="Procedural")
    started = time.perf_counter()
    unknown = controller.act("CreateHouse", house=house.data, renderImage=False).metadata[
        "actionReturn"
    ]
    seconds = time.perf_counter() - started
    rooms, walls, doors = (len(house.data[key]) for key in ("rooms", "walls", "doors"))
    objects = sum(1 + len(o.get("children") or ()) for o in house.data["objects"])
    said = "; ".join(house.data["metadata"]["warnings"].values()) or "valid"
    left_out = len(unknown["unknownAssetIds"])
    counts = f"{seed:4d} {rooms:6d} {walls:6d} {doors:6d} {objects:8d} {left_out:9d}"
    return f"{counts} {seconds:8.2f}  {said}"


def main() -> None:
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--packages", type=Path, default=Path("build/procthor"))
    parser.add_argument("--seeds", type=int, default=20)
    arguments = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":  # the generator walks through sets of strings
        os.execve(
            sys.executable,
            [sys.executable, "-m", "benchmarks.procthor", *sys.argv[1:]],
            os.environ | {"PYTHONHASHSEED": "0"},
        )
    if not (arguments.packages / "procthor").is_dir():
        sys.exit(
            f"{arguments.packages} holds no procthor; "
            "see the top of benchmarks/procthor.py for how to put it there"
        )
    warnings.simplefilter("ignore")
    generation = _generator(arguments.packages)
    simulator = load_params(Path("params.yaml")).simulator
    simulator = simulator.model_copy(update={"embedded_command": embedded_command()})
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        controller = make_controller(
            make_backend(simulator),
            Path(folder),
            30.0,
            scene="Procedural",
            width=64,
            height=64,
            quality="Low",
        )
        stack.callback(controller.stop)
        print("seed  rooms  walls  doors  objects  left out  seconds  ProcTHOR says")
        for seed in range(1, arguments.seeds + 1):
            print(_house(generation, controller, seed), flush=True)


if __name__ == "__main__":
    main()
