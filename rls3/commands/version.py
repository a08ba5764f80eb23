"""Which RLS3 this is."""

from importlib import metadata

from rls3.errors import RLS3Error


def installed_version() -> str:
    """Raises: RLS3Error if the package is run without being installed."""
    try:
        return metadata.version("rls3")
    except metadata.PackageNotFoundError:
        raise RLS3Error("rls3 is not installed, so it has no version; run `make setup`") from None
