"""How hard the property tests look: `HYPOTHESIS_PROFILE` names the profile.

`default` is for people who wait, `ci` finds the same on every run, `deep` takes its time (`make test-deep`).
"""

import os

from hypothesis import HealthCheck, settings

# A machine that is busy is no bug, so nothing is timed.
settings.register_profile("default", deadline=None, max_examples=100)
settings.register_profile("ci", deadline=None, max_examples=100, derandomize=True, print_blob=True)
settings.register_profile(
    "deep", deadline=None, max_examples=5000, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)


def load() -> None:
    """Load the profile that is asked for; in CI, `ci` by default."""
    settings.load_profile(
        os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default")
    )


def slow() -> int:
    """Return how many examples a test tries that takes long for each: it looks as hard as the profile says, among such."""
    return settings().max_examples // 3
