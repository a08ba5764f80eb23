"""Entry point of the executable: `rls3-thor`, or `python -m embedded_thor`."""

import argparse
import os
import sys

from embedded_thor import __version__

_HOW_TO_START = (
    "rls3-thor is started by ai2thor: Controller(local_executable_path='rls3-thor', x_display=':0')"
)


def main() -> None:
    """Started by ai2thor's Controller, with Unity's arguments and the pipes in the environment."""
    arguments = _parser().parse_args()
    if "AI2THOR_SERVER_TYPE" not in os.environ:
        sys.exit(_HOW_TO_START)
    # The Controller waits without a time limit for the pipe to be opened, so that comes before
    # whatever is slow or may fail to be imported; and `--version` needs none of it.
    from embedded_thor.wire import wire_from_environment

    wire = wire_from_environment()
    from embedded_thor.server import make_session, serve

    session = make_session(
        arguments.screen_width,
        arguments.screen_height,
        arguments.screen_quality,
        arguments.nographics,
        arguments.every_color,
    )
    serve(wire, session)


def _parser() -> argparse.ArgumentParser:
    """Unity's arguments, one of our own, and the version."""
    parser = argparse.ArgumentParser(
        prog="rls3-thor",
        description="A headless AI2-THOR, started by ai2thor's Controller (docs/embedded-thor.md).",
    )
    parser.add_argument("--version", action="version", version=f"embedded-thor {__version__}")
    parser.add_argument("-screen-fullscreen", type=int, default=0)
    parser.add_argument("-screen-quality", type=int, default=7)
    parser.add_argument("-screen-width", type=int, default=300)
    parser.add_argument("-screen-height", type=int, default=300)
    parser.add_argument("-batchmode", action="store_true")
    parser.add_argument("-nographics", action="store_true")
    parser.add_argument(
        "-every-color",
        action="store_true",
        help="furnish floor plans with 15 types in all of five colours (what RLS3 arranges)",
    )
    return parser


if __name__ == "__main__":
    main()
