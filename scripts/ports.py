"""Free ports, claimed so that two clones that start at once do not pick the same one."""

import socket

# Outgoing connections take their ports from 32768 upwards.
HIGHEST_PORT = 32767
TRIES = 200

_claims: dict[int, socket.socket] = {}


def claim_port(*, preferred: int) -> int:
    """Take the preferred port, or the next free one, until this process ends."""
    for port in range(preferred, min(preferred + TRIES, HIGHEST_PORT + 1)):
        if port not in _claims and is_free(port=port) and _claim(port):
            return port
    raise OSError(f"no free port between {preferred} and {preferred + TRIES}")


def release_port(*, port: int) -> None:
    _claims.pop(port).close()


def is_free(*, port: int) -> bool:
    """Whether nothing listens on the port, on either loopback address."""
    return _can_listen(socket.AF_INET, "127.0.0.1", port) and (
        not _can_listen(socket.AF_INET6, "::1", 0) or _can_listen(socket.AF_INET6, "::1", port)
    )


def _can_listen(family: socket.AddressFamily, host: str, port: int) -> bool:
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def _claim(port: int) -> bool:
    # An abstract socket leaves no file and disappears with its process, however that ends.
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0zaaz-port-{port}")
    except OSError:
        claim.close()
        return False
    _claims[port] = claim
    return True
