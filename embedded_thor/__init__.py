"""An executable that speaks AI2-THOR's protocol, drawn by MuJoCo: `python -m embedded_thor`.

A program of its own: it imports nothing of RLS3, and nothing in RLS3 imports it. The unmodified
`ai2thor` Controller starts it and cannot tell it from Unity's build but by what it draws.
"""

import os

__version__ = "0.1.0"

os.environ.setdefault("MUJOCO_GL", "egl")  # read when mujoco is first imported
os.environ.setdefault("LP_NUM_THREADS", "0")  # one core a worker: Mesa draws in the calling thread
