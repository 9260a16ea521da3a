import sys

import pytest

from scripts.console import Failed
from scripts.servers import Servers
from scripts.test import CLOSING_LINE, Bench, _pytest


@pytest.fixture
def bench(state):
    return Bench(servers=Servers(state=state, logs=state, environment={}))


def refuse():
    raise Failed("installing it takes root")


@pytest.mark.parametrize(
    "line",
    [
        "======= 1 failed, 56 passed in 12.73s =======",
        "===== 812 passed, 1 skipped in 93.21s (0:01:33) =====",
        "\x1b[32m===== \x1b[32m\x1b[1m3 passed\x1b[0m\x1b[32m in 0.02s\x1b[0m\x1b[32m =====\x1b[0m",
    ],
)
def test_closing_line_is_recognised(line):
    assert CLOSING_LINE.match(line)


@pytest.mark.parametrize(
    "line", ["=== FAILURES ===", "== short test summary info ==", "waited in 3s", "FAILED a::b"]
)
def test_other_lines_are_not_the_closing_line(line):
    assert not CLOSING_LINE.match(line)


def test_what_is_missing_is_told_and_the_suite_goes_on(bench, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    bench._attempt("RabbitMQ", refuse)
    assert bench.missing == ["RabbitMQ: installing it takes root"]


def test_what_is_missing_is_an_error_in_ci(bench, monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(Failed, match="installing it takes root"):
        bench._attempt("RabbitMQ", refuse)


def test_closing_line_is_held_back_and_the_rest_is_shown(capsys):
    script = "print('collected'); print('== 1 passed in 0.01s =='); print('after')"
    exit_code, closing_line = _pytest([sys.executable, "-c", script], {})
    assert (exit_code, closing_line) == (0, "== 1 passed in 0.01s ==")
    assert capsys.readouterr().out == "collected\nafter\n"


def test_exit_code_of_the_suite_is_passed_on():
    exit_code, _ = _pytest([sys.executable, "-c", "raise SystemExit(5)"], {})
    assert exit_code == 5
