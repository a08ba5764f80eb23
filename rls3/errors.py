"""Every failure that a user can mend is one of these: one sentence that names the thing, the value and the way out."""

import errno


class RLS3Error(Exception):
    """Base of all expected failures; the command line prints its message and exits with `exit_code`."""

    exit_code = 1


class ParamsError(RLS3Error):
    """An unknown key or a bad value in params.yaml or in `-S key=value`."""

    exit_code = 2


class SimulatorError(RLS3Error):
    """AI2-THOR (embedded or Unity) could not be started, refused an action, crashed or hung."""


class DataError(RLS3Error):
    """A dataset, benchmark or artefact is missing, damaged or fails validation."""


class StorageError(RLS3Error):
    """A file cannot be written: the disk is full, or the folder is read-only."""


class ModelError(RLS3Error):
    """A VLM checkpoint is missing, damaged or of the wrong family."""


class CampaignError(RLS3Error):
    """A campaign cannot go on: already running elsewhere, changed parameters, too many invalid samples."""


def no_space(error: BaseException | None) -> str | None:
    """The sentence for a full disk if that lies behind an error, however deep a library wrapped it."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            place = f" for {error.filename}" if error.filename else ""
            return f"no space left{place} ({error.strerror}); free some and run again: nothing finished is lost"
        if "disk is full" in str(error):  # SQLite's words
            return "no space left for a database (disk is full); free some and run again: nothing finished is lost"
        error = error.__cause__ or error.__context__
    return None
