"""Calling what users wrote: steps, hooks and conditions, and reading what they answer.

Everything that can go wrong in user code becomes a `UserCodeError` that names its origin, so that
the one who reads the incident knows where to look. Nothing here touches a storage: user code never
runs inside a transaction of the engine.
"""

from workflows_core.user_code.calling import UserCodeError
from workflows_core.user_code.execution import execute
from workflows_core.user_code.routes import choose
from workflows_core.user_code.tasks import open_decision, open_task
from workflows_core.user_code.waits import await_call, await_message, secret_of, set_timer

__all__ = [
    "UserCodeError",
    "await_call",
    "await_message",
    "choose",
    "execute",
    "open_decision",
    "open_task",
    "secret_of",
    "set_timer",
]
