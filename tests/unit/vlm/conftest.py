import pytest

from rls3.vlm.loading import FAMILIES


@pytest.fixture(params=FAMILIES)
def folder(request):
    """A small random model of each family; the folder has the family's name."""
    return request.getfixturevalue(f"tiny_{request.param}")
