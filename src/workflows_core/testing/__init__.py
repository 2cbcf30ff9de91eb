"""What helps others to test: their workflows, and the storages they write.

* `simulate` runs a workflow without a storage and without waiting, and says where it went.
* `assert_sound` follows every course that a workflow allows, and shows the shortest that goes wrong.
* `crash_everywhere` crashes a workflow before and after every commit, and compares the ends.
* `strategies` draws definitions, data and commands (needs Hypothesis).
* `storage.StorageSuite` is what every storage has to pass (needs pytest and pytest-asyncio), and
  `task_lists.TaskListSuite` what its lists must hold (needs Hypothesis, too).
* `VirtualClock` and `NumberedIds` are for engines in tests.

Hypothesis and pytest are needed by those who import the modules that use them, and by nobody else.
"""

from workflows_core.testing.choices import Answer, Choice, Fake, SimulationError
from workflows_core.testing.clock import NumberedIds, VirtualClock
from workflows_core.testing.crashes import CrashError, Crashes, crash_everywhere, crash_everywhere_async
from workflows_core.testing.form_data import UnfillableFormError, form_data
from workflows_core.testing.simulation import Simulated, simulate, simulate_async
from workflows_core.testing.soundness import Exploration, UndecidedError, UnsoundWorkflowError, assert_sound

__all__ = [
    "Answer",
    "Choice",
    "CrashError",
    "Crashes",
    "Exploration",
    "Fake",
    "NumberedIds",
    "Simulated",
    "SimulationError",
    "UndecidedError",
    "UnfillableFormError",
    "UnsoundWorkflowError",
    "VirtualClock",
    "assert_sound",
    "crash_everywhere",
    "crash_everywhere_async",
    "form_data",
    "simulate",
    "simulate_async",
]
