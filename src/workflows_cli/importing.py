"""From a place that somebody names to what Python finds there."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from workflows_core.errors import WorkflowError


class NotFoundError(Exception):
    """The workflows cannot be found; the message says what to do."""


def imported(place: str) -> tuple[ModuleType, str]:
    """Import a module, given as `package.module` or `path/to/file.py`, each maybe with `:name` behind it.

    Returns:
        The module, and the name in it (empty if none was given).

    Raises:
        NotFoundError: If there is no such module, or it cannot be imported.
        WorkflowError: If the engine refuses something while the module is imported.
    """
    head, _, name = place.partition(":")
    return (_from_file(Path(head)) if head.endswith(".py") else _from_name(head)), name


def named(module: object, module_name: str, name: str) -> object:
    """Return what has a (dotted) name in a module.

    Raises:
        NotFoundError: If there is none.
    """
    found = module
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            raise NotFoundError(f"{module_name!r} has no {name!r}.") from error
    return found


@contextmanager
def running(what: str) -> Iterator[None]:
    """Run code of the user; what it raises becomes one sentence that says where, unless the engine raised it.

    Raises:
        NotFoundError: If it failed.
    """
    try:
        yield
    except (WorkflowError, NotFoundError):
        raise
    except (Exception, SystemExit) as error:
        raise NotFoundError(f"{what} failed: {_told(error)}") from error


def _from_name(name: str) -> ModuleType:
    _look_in(Path.cwd())  # as the application's server does
    try:
        with running(f"Importing {name!r}"):
            return import_module(name)
    except NotFoundError as error:
        cause = error.__cause__
        if isinstance(cause, ModuleNotFoundError) and _is_part(cause.name, name):
            raise NotFoundError(f"There is no module {cause.name!r} (looked from {Path.cwd()}).") from cause
        if isinstance(cause, ValueError) and not name.strip("."):
            raise NotFoundError(
                f"{name!r} is not the name of a module: write package.module:name."
            ) from cause
        raise


def _is_part(missing: str | None, name: str) -> bool:
    """Whether it is the module itself that is missing, and not something that it needs."""
    return missing is not None and f"{name}.".startswith(f"{missing}.")


def _from_file(path: Path) -> ModuleType:
    """Import a file as Python would from the folder above its packages, so that its own imports work."""
    if not path.is_file():
        raise NotFoundError(f"There is no file {str(path)!r} (looked from {Path.cwd()}).")
    path = path.resolve()
    root, names = path.parent, [] if path.stem == "__init__" else [path.stem]
    while (root / "__init__.py").exists():
        root, names = root.parent, [root.name, *names]
    _look_in(root)
    name = ".".join(names)
    known = sys.modules.get(name)
    if known is not None:
        if getattr(known, "__file__", None) == str(path):
            return known
        name = f"workflows_file_{name}"  # called like a module that is something else
    with running(f"Importing {path.name!r}"):
        return _executed(name, path)


def _executed(name: str, path: Path) -> ModuleType:
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise NotFoundError(f"{path.name!r} is not a file of Python.")
    module = sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _look_in(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _told(error: BaseException) -> str:
    """Say what was raised, and in which line of whose file: the last one that is no library's."""
    said = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
    if isinstance(error, SyntaxError):
        return f"{said} ({Path(error.filename or '').name}, line {error.lineno})"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_of_user(frame.filename)]
    return f"{said} ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else said


def _is_of_user(filename: str) -> bool:
    if filename.startswith("<"):  # the machinery of imports
        return False
    path = Path(filename)
    return (
        not path.is_relative_to(Path(__file__).parents[1] / "workflows_cli")
        and not path.is_relative_to(sys.base_prefix)
        and "site-packages" not in path.parts
    )
