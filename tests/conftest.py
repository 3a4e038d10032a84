"""What all tests share: profiles of Hypothesis, compiled modules, and a heap that garbage collection passes over."""

import gc
import os
import sys

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

# The default run is the same on every machine and every day. A machine under load must not turn a true test red, so
# neither the deadline nor the check of how fast examples are drawn takes part.
settings.register_profile(
    "default",
    derandomize=True,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
# For campaigns: HYPOTHESIS_PROFILE=thorough makes new examples in every run, many of them, and remembers failures.
settings.register_profile(
    "thorough",
    derandomize=False,
    max_examples=5_000,
    stateful_step_count=100,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)

PROFILES = ("default", "thorough")


def pytest_configure(config: pytest.Config) -> None:
    """Load the profile that HYPOTHESIS_PROFILE names; an unknown name stops the run instead of meaning the default."""
    name = os.environ.get("HYPOTHESIS_PROFILE", "default")
    if name not in PROFILES:
        raise pytest.UsageError(f"HYPOTHESIS_PROFILE={name!r} is no profile; there are {', '.join(PROFILES)}")
    settings.load_profile(name)
    if name == "default":
        draw_no_constants_of_modules()
    keep_bytecode(config)


def draw_no_constants_of_modules() -> None:
    """Let examples depend on nothing but the test. Hypothesis draws constants that it finds in the project's modules
    that are loaded by then, which follows the order in which the processes of a run come to the tests."""
    providers._get_local_constants = lambda: providers._local_constants


def keep_bytecode(config: pytest.Config) -> None:
    """Let the processes that tests start keep what they compile, in the cache of pytest, where the environment says
    that Python keeps nothing: hundreds are started, and each would compile our modules anew."""
    if sys.dont_write_bytecode and os.environ.pop("PYTHONDONTWRITEBYTECODE", None) is not None:
        cache: pytest.Cache | None = getattr(config, "cache", None)
        if cache is not None:
            os.environ["PYTHONPYCACHEPREFIX"] = str(cache.mkdir("bytecode"))


def pytest_collection_finish() -> None:
    """Leave what collecting has made (thousands of tests, and the mutants that some are made from) out of every later
    collection of garbage: it lives as long as the process, and to look through it takes a second each time."""
    gc.collect()
    gc.freeze()
