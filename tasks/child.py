"""`python -m tasks.child MODULE ARGUMENTS...`: as `python -m MODULE ARGUMENTS...`, but it ends when
whoever started it ends, however that ends.

Its standard input is a pipe that the parent holds open. The kernel closes the parent's end even
after SIGKILL; a thread here waits for that, and takes everything below this process along.
"""

import contextlib
import os
import runpy
import sys
import threading

import psutil


def main() -> None:
    """Run the module that the arguments name."""
    pipe = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # what is started from here must not read the pipe
    os.close(nothing)
    threading.Thread(target=_end_with_parent, args=(pipe,), daemon=True).start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _end_with_parent(pipe: int) -> None:
    with contextlib.suppress(OSError):
        while os.read(pipe, 64):
            pass
    with contextlib.suppress(psutil.Error):
        for below in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                below.kill()
    os._exit(1)


if __name__ == "__main__":
    main()
