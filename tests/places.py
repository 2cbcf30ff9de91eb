"""Where the tests write: into memory, where there is plenty of it.

SQLite sees every commit safely to the disk, and PostgreSQL makes a database of hundreds of files for each test:
to wait for a disk would take longer than all else. What is written survives every crash of a process there as well,
and no test cuts the power.
"""

import os
import tempfile
from pathlib import Path

DISK = Path("/tmp")
MEMORY = Path("/dev/shm")
ENOUGH = 4 * 2**30
"""Bytes; one run of all tests needs a quarter of it."""


def best() -> Path:
    """Return the folder for temporary files that every account can use: in memory, or else on the disk."""
    return MEMORY if _is_fit(MEMORY) else DISK


def prefer_memory() -> None:
    """Let all temporary files be in the best place, unless `TMPDIR` names another."""
    if Path(tempfile.gettempdir()) == DISK:
        os.environ["TMPDIR"] = tempfile.tempdir = str(best())


def _is_fit(folder: Path) -> bool:
    if not os.access(folder, os.W_OK):
        return False
    there = os.statvfs(folder)
    return there.f_bavail * there.f_frsize >= ENOUGH and not there.f_flag & os.ST_NOEXEC
