"""What user code sees of a run: a snapshot it may change freely."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workflows_core.data import NO_PATCH, Json, JsonObject, Patch, copy_json, diff

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from workflows_core.instance import Instance


class WorkflowContext:
    """The view a step, a hook or a condition gets of its instance.

    Changes, nested ones included, are seen by this view alone until the step is committed; then what
    was changed (and nothing else) is written to the instance. Values are copied only when they are
    looked at, so the cost follows what a step touches and not how much there is.

    Attributes:
        instance_id: The instance.
        workflow_name: The definition it runs.
        workflow_version: The version it is pinned to.
        current_step: The step that is asked.
        idempotency_key: The same for every attempt at this step of this run; give it to the outside
            services a step calls, so that they can tell a repetition.
        attempt: Which attempt this is, counted from 1.
        user_id: Who started the instance, if that is known.
        tenant_id: The tenant of the instance.
        started_at: When the instance was started (UTC).
        metadata: What the caller noted at the start; changes to it are not kept.
        session: What a transactional step writes with, in the transaction that commits it: an `AsyncSession` where
            the storage is SQL. `None` for all other steps, and in memory.
    """

    def __init__(self, instance: Instance, *, step: str, token: int = 0, attempt: int = 0) -> None:
        self._instance = instance
        self._base = instance.data
        self._touched: dict[str, Any] = {}
        self._whole: dict[str, Any] | None = None
        self._deleted: set[str] = set()
        self.instance_id: UUID = instance.id
        self.workflow_name: str = instance.definition_name
        self.workflow_version: str = instance.definition_version
        self.current_step: str = step
        self.attempt = attempt
        self._token = token
        self.user_id: str | None = instance.created_by
        self.tenant_id: str | None = instance.tenant_id
        self.started_at: datetime = instance.started_at
        self.session: Any = None

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt at this step of this run."""
        return f"{self.instance_id}:{self._token}"

    @property
    def data(self) -> dict[str, Any]:
        """All data of the instance as a dict of this view's own; change it as you like."""
        if self._whole is None:
            whole = {key: copy_json(value) for key, value in self._base.items() if key not in self._deleted}
            self._whole = whole | self._touched
        return self._whole

    @property
    def metadata(self) -> JsonObject:
        """A copy of what the caller noted at the start."""
        return {key: copy_json(value) for key, value in self._instance.metadata.items()}

    @property
    def tasks(self) -> Mapping[str, JsonObject]:
        """Human step name to the form data last submitted for it; a copy."""
        return {
            step: {key: copy_json(value) for key, value in form.items()}
            for step, form in self._instance.forms.items()
        }

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value under a key of the data, or the default."""
        if self._whole is not None:
            return self._whole.get(key, default)
        if key in self._touched:
            return self._touched[key]
        if key in self._deleted or key not in self._base:
            return default
        value = self._base[key]
        if isinstance(value, dict | list):
            value = self._touched[key] = copy_json(value)
        return value

    def set(self, key: str, value: Json | object) -> None:
        """Put a value under a key of the data; it must be JSON when the step ends."""
        if self._whole is not None:
            self._whole[key] = value
        else:
            self._touched[key] = value
            self._deleted.discard(key)

    def delete(self, key: str) -> None:
        """Remove a key from the data; removing an absent one is a no-op."""
        if self._whole is not None:
            self._whole.pop(key, None)
        else:
            self._touched.pop(key, None)
            if key in self._base:
                self._deleted.add(key)

    def patch(self) -> Patch:
        """Return what was changed.

        Raises:
            InvalidDataError: If something that was set is not JSON.
        """
        what = f"The data written by step {self.current_step!r}"
        if self._whole is not None:
            return diff(self._base, self._whole, what=what)
        if not self._touched and not self._deleted:
            return NO_PATCH
        touched = self._touched.keys() | self._deleted
        return diff(
            {key: value for key, value in self._base.items() if key in touched}, self._touched, what=what
        )
