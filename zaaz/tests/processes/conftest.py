"""One system for each worker of the test run; a test leaves it as it found it: running."""

import os

import pytest

from scripts.console import Failed
from scripts.rabbitmq import RabbitMQ
from zaaz.tests.processes.shop import open_shop


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    shop = getattr(item, "funcargs", {}).get("shop")
    if report.failed and shop is not None:
        report.sections.append(("logs of the system", shop.system.logs()))
    return report


@pytest.fixture(scope="session")
def running_shop(tmp_path_factory):
    with open_shop(tmp_path_factory.mktemp("system")) as shop:
        yield shop


@pytest.fixture
def shop(running_shop):
    """A shop whose tasks go through Valkey."""
    running_shop.system.run("web", "simulator", "worker", "beat")
    return running_shop


@pytest.fixture
def rabbitmq(tmp_path_factory):
    """A broker that only this test uses, and may kill."""
    if not os.environ.get("RABBITMQ_URL"):
        miss("RABBITMQ_URL is not set: `make test` sets it where it finds a RabbitMQ")
    folder = tmp_path_factory.mktemp("broker")
    folder.chmod(0o755)
    broker = RabbitMQ(
        folder=folder / "rabbitmq",
        state=folder,
        log=folder / "rabbitmq.log",
        environment=os.environ,
    )
    try:
        broker.start()
        broker.wait()
    except Failed as error:
        broker.stop()
        miss(f"no RabbitMQ that may be killed: {error}")
    yield broker
    broker.stop()


def miss(reason):
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
