"""Being stopped: Ctrl-C, SIGTERM and a closed terminal are one thing, raised once."""

import signal

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def raise_when_stopped() -> None:
    """From now on each of the stop signals raises KeyboardInterrupt."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.default_int_handler)


def no_longer_stop() -> None:
    """From now on they are ignored: what is going on is the stopping."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
