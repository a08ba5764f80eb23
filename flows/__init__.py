"""In what order: Prefect flows. They read like the figure of the loop.

Whoever imports a flow (the command line, a Prefect worker) gets dependencies that do not phone
home: they are told so here, before they are imported.
"""

from rls3.telemetry import switch_off

switch_off()
