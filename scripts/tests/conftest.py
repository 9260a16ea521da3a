import os

import pytest

from scripts.processes import stop_leftovers


@pytest.fixture
def state(tmp_path):
    """A state folder whose processes are gone afterwards, whatever a test did."""
    tmp_path.chmod(0o755)
    yield tmp_path
    stop_leftovers(tmp_path)


@pytest.fixture
def child_environment():
    return {"PATH": os.environ["PATH"]}
