"""Every failure that a user can mend is one of these: one sentence that names the thing, the value
and the way out."""


class RLS3Error(Exception):
    """Base of all expected failures; the command line prints its message and exits with
    `exit_code`."""

    exit_code = 1


class ParamsError(RLS3Error):
    """An unknown key or a bad value in params.yaml, in `-S key=value`, or of an option or argument
    of the command line."""

    exit_code = 2


class SimulatorError(RLS3Error):
    """AI2-THOR (embedded or Unity) could not be started, refused an action, crashed or hung."""


class RefusedAction(SimulatorError):
    """The simulator answered no; it is alive and in a known state."""


class ExecutionError(RLS3Error):
    """Workers cannot be had: a process died, a Dask cluster cannot be reached or has no worker."""


class DataError(RLS3Error):
    """A dataset, benchmark or artefact is missing, damaged or fails validation."""


class StorageError(RLS3Error):
    """A file cannot be written: the disk is full, or the folder is read-only."""


class ModelError(RLS3Error):
    """A VLM checkpoint is missing, damaged or of the wrong family."""


class TrackingError(RLS3Error):
    """MLflow (tracking server, registry, artifact store) cannot be asked, or what it holds cannot
    be had."""


class ServerError(RLS3Error):
    """A server that should run beside (Prefect's, MLflow's pages) does not start or not answer."""


class CampaignError(RLS3Error):
    """A campaign cannot go on: already running elsewhere, changed parameters, too many invalid
    samples."""


class CampaignBusy(CampaignError):
    """Another process runs the campaign at the moment."""


def first_line(error: BaseException) -> str:
    """What a library's error says in its first line; its kind if it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
