import pytest

from common.errors import Invalid
from payments.gateways.registry import gateway_with
from payments.gateways.simulator import SimulatorGateway
from payments.tests.factories import CREDENTIALS


@pytest.mark.parametrize(
    ("change", "is_test", "field"),
    [
        ({"base_url": "ftp://localhost"}, True, "base_url"),
        ({"base_url": "localhost"}, True, "base_url"),
        ({"base_url": "http://"}, True, "base_url"),
        ({"base_url": "http://local\x00host"}, True, "base_url"),
        ({"secret_key": "sk_live_1"}, True, "secret_key"),
        ({"secret_key": ""}, True, "secret_key"),
        ({"webhook_secret": ""}, True, "webhook_secret"),
        ({"webhook_secret": "plain-word"}, True, "webhook_secret"),
        ({"webhook_secret": "whsec_c2hvcnQ="}, True, "webhook_secret"),
        ({"webhook_secret": "whsec_%%%"}, True, "webhook_secret"),
        ({"api_key": "1"}, True, "api_key"),
        ({}, False, "is_test"),
    ],
)
def test_credentials_that_cannot_work_are_refused_by_name(change, is_test, field):
    """An empty secret fails closed."""
    with pytest.raises(Invalid) as caught:
        gateway_with(value="simulator", is_test=is_test, credentials=CREDENTIALS | change)

    assert caught.value.field == field
    assert not any(value and value in caught.value.message for value in change.values())


def test_credentials_with_one_missing_are_refused_by_name():
    with pytest.raises(Invalid) as caught:
        gateway_with(value="simulator", is_test=True, credentials={"base_url": "http://localhost"})

    assert caught.value.field == "secret_key"


def test_credentials_that_work_make_the_adapter():
    assert gateway_with(
        value="simulator", is_test=True, credentials=CREDENTIALS
    ) == SimulatorGateway(**CREDENTIALS)
