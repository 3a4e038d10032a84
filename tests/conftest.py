"""What every test shares: the Hypothesis profiles."""

import os

import pytest
from hypothesis import HealthCheck, settings

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
