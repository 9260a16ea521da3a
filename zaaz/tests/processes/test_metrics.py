import re
from pathlib import Path

import httpx
import pytest
from prometheus_client.mmap_dict import MmapedDict

pytestmark = pytest.mark.processes

REFUSED = re.compile(
    r'^zaaz_payment_webhooks_total\{verdict="invalid_signature"\} (\S+)$', re.MULTILINE
)
WEBHOOKS, QUESTIONS = 30, 10


@pytest.fixture
def system(shop):
    """The web with two worker processes."""
    shop.system.kill("web")
    shop.system.web_workers = 2
    shop.system.run("web")
    yield shop.system
    shop.system.web_workers = 1
    shop.system.kill("web")


def refused_by(system):
    """Return what each web worker has counted for itself."""
    web = system.processes["web"].pid
    counts = {}
    for pid in Path(f"/proc/{web}/task/{web}/children").read_text().split():
        if (file := system.metrics_folder / f"counter_{pid}.db").exists():
            values = MmapedDict.read_all_values_from_file(str(file))
            counts[pid] = sum(value for key, value, *_ in values if "invalid_signature" in key)
    return counts


def refused_in_all(system):
    """Ask a few times, each time over a new connection: any of the workers answers."""
    pages = [httpx.get(f"{system.base_url}/metrics").text for _ in range(QUESTIONS)]
    return {float(found[1]) if (found := REFUSED.search(page)) else 0 for page in pages}


def test_counters_of_both_web_workers_add_up_whichever_of_them_is_asked(shop, system):
    (before,) = refused_in_all(system)
    method = shop.system.report["order"]["payment_method"]
    for _ in range(WEBHOOKS):
        refused = httpx.post(f"{system.base_url}/api/payments/webhook/{method}", content=b"{}")
        assert refused.status_code == 400

    counts = refused_by(system)
    assert len(counts) == 2
    assert all(counts.values())
    assert sum(counts.values()) == WEBHOOKS
    assert refused_in_all(system) == {before + WEBHOOKS}
