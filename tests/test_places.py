"""Where the tests write, and that no test hears of the logging of another."""

import logging
import tempfile
from logging.handlers import QueueHandler
from pathlib import Path

import pytest
from litestar import Litestar

from tests import places


@pytest.mark.parametrize(("room", "chosen"), [(0, "memory"), (2**80, "disk")])
def test_memory_is_used_where_it_has_room(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, room: int, chosen: str
) -> None:
    monkeypatch.setattr(places, "MEMORY", tmp_path / "memory")
    monkeypatch.setattr(places, "DISK", tmp_path / "disk")
    (tmp_path / "memory").mkdir()
    monkeypatch.setattr(places, "ENOUGH", room)
    assert places.best() == tmp_path / chosen


def test_where_there_is_no_memory_to_write_to_the_disk_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(places, "MEMORY", tmp_path / "missing")
    assert places.best() == places.DISK


def test_who_names_another_place_is_heeded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    places.prefer_memory()
    assert tempfile.gettempdir() == str(tmp_path)


@pytest.mark.parametrize("number", [1, 2])
def test_an_application_leaves_no_logging_behind(number: int) -> None:
    """The second of them finds none of the first."""
    assert queueing() == []
    Litestar([])
    assert len(queueing()) == 1


def queueing() -> list[logging.Handler]:
    return [each for each in logging.getLogger().handlers if isinstance(each, QueueHandler)]
