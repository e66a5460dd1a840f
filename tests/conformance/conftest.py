"""The local cloud alone, for as long as the cases need it."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from local import cloud, ports  # noqa: E402  (the path has to be set first)


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    """Where the local cloud answers."""
    folder = tmp_path_factory.mktemp("cloud")
    port = ports.free().cloud
    child = cloud.start(port, str(folder), str(folder / "cloud.log"), auth=False)
    yield f"http://127.0.0.1:{port}"
    child.stop()
