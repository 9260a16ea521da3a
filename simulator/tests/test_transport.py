from datetime import timedelta

from simulator import transport
from simulator.services import webhooks


def test_post_with_an_endless_answer_stops_reading_in_time(monkeypatch):
    monkeypatch.setattr(transport, "TIMEOUT_SECONDS", 0)

    class Drip:
        def iter_raw(self):
            while True:
                yield b"."

    assert transport._beginning(Drip()) == b"."


def test_post_to_an_address_that_is_none_is_a_failed_attempt():
    answer = transport.post(url="http://shop\n.example", headers={}, body=b"")

    assert answer.status_code is None
    assert answer.excerpt.startswith("InvalidURL")


def test_lease_outlasts_any_attempt():
    assert transport.TIMEOUT_SECONDS == 10
    assert timedelta(seconds=4 * transport.TIMEOUT_SECONDS) < webhooks.LEASE
