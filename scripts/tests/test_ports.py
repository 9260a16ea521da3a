import socket
import subprocess
import sys

import pytest

from scripts import ports

LOW = 21000


@pytest.fixture
def listener():
    port = ports.claim_port(preferred=LOW)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen(1)
        yield port
    ports.release_port(port=port)


def test_is_free_of_a_port_with_a_listener_is_false(listener):
    assert not ports.is_free(port=listener)


def test_is_free_of_a_port_with_a_listener_on_the_other_loopback_is_false():
    with socket.socket(socket.AF_INET6) as other:
        try:
            other.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 loopback here")
        other.listen(1)
        assert not ports.is_free(port=other.getsockname()[1])


def test_claim_of_a_taken_port_gives_the_next_free_one(listener):
    claimed = ports.claim_port(preferred=listener)
    ports.release_port(port=claimed)
    assert listener < claimed <= ports.HIGHEST_PORT


def test_claim_in_two_processes_at_once_gives_two_ports():
    mine = ports.claim_port(preferred=LOW + 500)
    code = f"from scripts import ports; print(ports.claim_port(preferred={mine}))"
    theirs = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    ports.release_port(port=mine)
    assert int(theirs.stdout) > mine


def test_release_makes_a_port_claimable_again():
    claimed = ports.claim_port(preferred=LOW + 700)
    ports.release_port(port=claimed)
    again = ports.claim_port(preferred=claimed)
    ports.release_port(port=again)
    assert again == claimed


def test_claim_beyond_the_highest_port_is_refused():
    with pytest.raises(OSError, match="no free port between 32768 and"):
        ports.claim_port(preferred=ports.HIGHEST_PORT + 1)
