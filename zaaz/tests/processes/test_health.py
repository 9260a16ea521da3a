import httpx
import pytest

pytestmark = pytest.mark.processes


def test_readiness_names_cache_and_broker_while_valkey_is_away(shop):
    def parts_not_ok():
        answer = httpx.get(f"{shop.system.base_url}/health/ready", timeout=10)
        parts = answer.json()["parts"]
        return answer.status_code, {name for name, state in parts.items() if state != "ok"}

    assert parts_not_ok() == (200, set())
    with shop.system.without_valkey():
        assert parts_not_ok() == (503, {"cache", "broker"})
        assert httpx.get(f"{shop.system.base_url}/health/live").status_code == 200
    assert parts_not_ok() == (200, set())
