"""What is known of instances that wait for people: how much, and how long."""

import pytest

from workflows_core import recent as keeping
from workflows_core.instance import Instance
from workflows_core.recent import Recent
from workflows_core.testing.samples import course, start
from workflows_core.values import changed


def waiting(**fields: object) -> Instance:
    """An instance with an open task."""
    return changed(course()[-1].instance, **fields)


def test_an_instance_is_known_by_its_id_and_by_its_tasks() -> None:
    recent, instance = Recent(), waiting()
    (task_id,) = instance.tasks
    recent.note(instance)
    assert recent.get(instance.id) is instance
    assert recent.get_of_task(task_id) is instance

    recent.forget(instance.id)
    assert recent.get(instance.id) is None
    assert recent.get_of_task(task_id) is None


def test_what_waits_for_nobody_is_let_go() -> None:
    recent, instance = Recent(), waiting()
    (task_id,) = instance.tasks
    recent.note(start().instance)
    recent.note(instance)
    recent.note(changed(instance, tasks={}, revision=instance.revision + 1))
    assert recent.get(instance.id) is None
    assert recent.get_of_task(task_id) is None


def test_an_older_state_that_comes_late_does_not_replace_a_newer_one() -> None:
    """Flushes that are under way together may end in any order, with another change of the instance in between."""
    recent, older = Recent(), waiting()
    newer = changed(older, revision=older.revision + 1)
    recent.note(newer)
    recent.note(older)
    assert recent.get(older.id) is newer


def test_there_are_never_more_than_so_many_and_the_oldest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MOST", 3)
    recent, instances = Recent(), [waiting() for _ in range(4)]
    for instance in instances:
        recent.note(instance)
    recent.note(changed(instances[1], revision=instances[1].revision + 1))
    recent.note(waiting())
    assert [recent.get(each.id) is not None for each in instances] == [False, True, False, True]


def test_large_ones_are_not_kept() -> None:
    recent, small = Recent(), waiting()
    large = waiting(saved_size=keeping.LARGEST, unsaved_size=1)
    for instance in (small, large, changed(small, saved_size=keeping.LARGEST + 1)):
        recent.note(instance)
    assert recent.get(large.id) is None
    assert recent.get(small.id) is None
