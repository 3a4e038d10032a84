"""What the tests of mutants rest on is proved once for all processes that run tests."""

from __future__ import annotations

import fcntl
import pickle

import pytest

from wsoracle.generators.mutants.distinguish import Distinguisher
from wsoracle.generators.mutants.equivalence import Ground


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Ground:
    """What the prover proves of the original rules; the first process that asks proves it, the others wait for it."""
    folder = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        folder = folder.parent  # Each process has a folder of its own, in that of the session.
    proved = folder / "ground.pickle"
    with (folder / "ground.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not proved.exists():
            proved.write_bytes(pickle.dumps(Distinguisher().prover.ground))
        found = pickle.loads(proved.read_bytes())
    assert isinstance(found, Ground)
    return found
