"""The fixtures that all tests share."""

import atexit
import logging
from collections.abc import Iterator
from logging.handlers import QueueHandler, QueueListener
from pathlib import Path
from typing import Any

import pytest

from tests import places, profiles
from tests.databases import URLS, prepare
from tests.postgres import PostgresServer, PostgresUnavailableError

SERVER = pytest.StashKey[PostgresServer]()

places.prefer_memory()
profiles.load()


def started(config: pytest.Config) -> PostgresServer:
    """The server of this test run, started when it is first asked for."""
    if SERVER not in config.stash:
        server = PostgresServer()
        server.start()
        config.stash[SERVER] = server
    return config.stash[SERVER]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """With pytest-xdist the controller runs the one server, and tells every worker where it is."""
    try:
        server = started(node.config)
    except PostgresUnavailableError as error:
        node.workerinput["postgres"] = {"error": str(error)}
    else:
        node.workerinput["postgres"] = {"dsn": server.admin_dsn, "run": server.run}


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop it, whatever the tests did."""
    if SERVER in config.stash:
        config.stash[SERVER].stop()


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Undo what an application of the test has configured.

    Litestar logs from threads that end with the process, to where the output of this test went: it is closed by then.
    """
    root = logging.getLogger()
    level, before = root.level, _queueing(root)
    yield
    for handler in _queueing(root) - before:
        root.removeHandler(handler)
        listener = getattr(handler, "listener", None)
        if isinstance(listener, QueueListener):
            listener.stop()
            atexit.unregister(listener.stop)
    root.setLevel(level)


def _queueing(logger: logging.Logger) -> set[logging.Handler]:
    return {handler for handler in logger.handlers if isinstance(handler, QueueHandler)}


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> PostgresServer:
    """The PostgreSQL of this test run. It is never skipped: where there is none, the test fails."""
    given = getattr(pytestconfig, "workerinput", {}).get("postgres")
    if given is None:
        return started(pytestconfig)
    if "error" in given:
        raise PostgresUnavailableError(given["error"])
    return PostgresServer(given["dsn"], run=given["run"])


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """An empty database for one test."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("template") / "workflows.db"
    prepare(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A prepared database of each kind."""
    return URLS[str(request.param)](request)
