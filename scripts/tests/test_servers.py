import os
import signal
import stat
from pathlib import Path

import psycopg
import pytest
import redis

from scripts.ports import is_free
from scripts.postgres import Postgres
from scripts.servers import Servers
from scripts.valkey import Valkey


def segments():
    return Path("/proc/sysvipc/shm").read_text().splitlines()[1:]


@pytest.fixture
def postgres(state, child_environment):
    server = Postgres(
        folder=state / "postgres",
        state=state,
        log=state / "postgres.log",
        environment=child_environment,
        is_durable=False,
    )
    yield server
    server.stop()


@pytest.fixture
def valkey(state, child_environment):
    server = Valkey(
        folder=state / "valkey",
        state=state,
        log=state / "valkey.log",
        environment=child_environment,
    )
    yield server
    server.stop()


def start(server):
    server.start()
    server.wait()


def test_postgres_keeps_its_data_over_a_restart(postgres):
    start(postgres)
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    postgres.stop()
    start(postgres)
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchall() == [(42,)]


def test_postgres_stopped_leaves_no_process_lock_or_shared_memory(postgres, state):
    start(postgres)
    pid, port = postgres.processes[0].pid, postgres.port
    ours = [segment for segment in segments() if f" {pid} " in segment]
    postgres.stop()
    assert len(ours) == 1
    assert ours[0] not in segments()
    assert not Path(f"/proc/{pid}").exists()
    assert not (postgres.data / "postmaster.pid").exists()
    assert is_free(port=port)


def test_postgres_refuses_a_wrong_password_and_listens_on_loopback_only(postgres):
    start(postgres)
    address = f"postgres://postgres:wrong@127.0.0.1:{postgres.port}/zaaz"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(address)
    with psycopg.connect(postgres.url) as connection:
        (addresses,) = connection.execute("SHOW listen_addresses").fetchone()
        (sockets,) = connection.execute("SHOW unix_socket_directories").fetchone()
    assert (addresses, sockets) == ("127.0.0.1", "")
    assert stat.S_IMODE((postgres.folder / "password").stat().st_mode) == 0o600


def test_postgres_after_a_kill_starts_again(postgres):
    start(postgres)
    os.kill(postgres.processes[0].pid, signal.SIGKILL)
    postgres.stop()
    assert (postgres.data / "postmaster.pid").exists()
    start(postgres)
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_postgres_stops_the_server_that_a_killed_run_has_left(postgres, state, child_environment):
    start(postgres)
    left = postgres.processes[0]
    second = Postgres(
        folder=postgres.folder,
        state=state,
        log=state / "second.log",
        environment=child_environment,
        is_durable=False,
    )
    start(second)
    with psycopg.connect(second.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    second.stop()
    assert left.exit_code == 0


def test_postgres_changes_no_permission_above_its_folder(postgres, state):
    above = [state, *state.parents]
    before = [stat.S_IMODE(folder.stat().st_mode) for folder in above]
    start(postgres)
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in above] == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root lends its rights")
def test_postgres_below_a_folder_closed_to_its_user_runs_unprivileged(postgres, state):
    state.chmod(0o700)
    start(postgres)
    status = Path(f"/proc/{postgres.processes[0].pid}/status").read_text()
    effective = next(line for line in status.splitlines() if line.startswith("CapEff"))
    assert f"Uid:\t{postgres.data.stat().st_uid}\t" in status
    assert postgres.data.stat().st_uid != 0
    assert int(effective.split()[1], 16).bit_count() == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can own the copy of another")
def test_postgres_whose_data_root_has_copied_gets_it_back(postgres):
    start(postgres)
    postgres.stop()
    for path in (postgres.data, *postgres.data.rglob("*")):
        os.chown(path, 0, 0)
    start(postgres)
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_valkey_answers_with_its_password_only(valkey):
    start(valkey)
    with redis.Redis.from_url(valkey.url) as client:
        assert client.set("key", "value")
    with (
        redis.Redis(host="127.0.0.1", port=valkey.port) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.get("key")


def test_valkey_stopped_leaves_no_process_and_no_file(valkey):
    start(valkey)
    pid, port = valkey.processes[0].pid, valkey.port
    valkey.stop()
    assert not Path(f"/proc/{pid}").exists()
    assert is_free(port=port)
    assert list(valkey.folder.iterdir()) == []


def test_servers_that_the_environment_names_are_used_and_not_started(state, child_environment):
    given = {
        "DATABASE_URL": "postgres://somewhere/zaaz",
        "REDIS_URL": "redis://somewhere",
        "RABBITMQ_URL": "amqp://somewhere",
    }
    servers = Servers(state=state, logs=state, environment={**child_environment, **given})
    servers.start_postgres(is_durable=True)
    servers.start_valkey()
    servers.start_rabbitmq()
    assert (servers.urls, servers.running) == (given, {})


def test_servers_stop_in_reverse_order(state, child_environment):
    servers = Servers(state=state, logs=state, environment=child_environment)
    servers.start_valkey()
    servers.start_postgres(is_durable=False)
    processes = servers.processes()
    assert [process.name for process in processes] == ["Valkey", "PostgreSQL"]
    servers.stop()
    assert servers.running == {}
    assert all(process.child is None for process in processes)
