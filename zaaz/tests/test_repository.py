"""The house rules that can be checked by reading the files."""

import ast
import re
import subprocess
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parent.parent.parent
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 30
MONEY = re.compile(r"wallets/(?!tests/)|payments/(?!tests/)|billing/(?!tests/)|common/money\.py")
# file: why a float is right there
FLOATS_WITH_A_REASON = {"payments/gateways/http.py": "seconds to wait for an answer"}


def repository_files():
    """What git tracks or would, so that a file is judged before it is committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607 -- git is there
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [Path(name) for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


FILES = repository_files()
PYTHON = [path for path in FILES if path.suffix == ".py" and "migrations" not in path.parts]


def text_of(path):
    return (ROOT / path).read_text(encoding="utf-8")


def lines_with(pattern, paths):
    found = re.compile(pattern)
    return [
        f"{path}:{number}"
        for path in paths
        for number, line in enumerate(text_of(path).splitlines(), start=1)
        if found.search(line)
    ]


def text_files():
    return [path for path in FILES if b"\0" not in (ROOT / path).read_bytes()[:1024]]


def nodes_of(path, *kinds):
    return [node for node in ast.walk(ast.parse(text_of(path))) if isinstance(node, kinds)]


def body_lines(function):
    """Lines from ``def`` to the last one, without the docstring."""
    first = function.body[0]
    is_docstring = ast.get_docstring(function, clean=False) is not None
    docstring = first.end_lineno - first.lineno + 1 if is_docstring else 0
    return function.end_lineno - function.lineno + 1 - docstring


def test_no_file_is_longer_than_300_lines():
    lengths = {str(path): len(text_of(path).splitlines()) for path in PYTHON}

    assert {path: n for path, n in lengths.items() if n > MAX_FILE_LINES} == {}


def test_no_function_is_longer_than_30_lines():
    too_long = {
        f"{path}:{function.lineno} {function.name}": body_lines(function)
        for path in PYTHON
        for function in nodes_of(path, ast.FunctionDef, ast.AsyncFunctionDef)
        if body_lines(function) > MAX_FUNCTION_LINES
    }

    assert too_long == {}


def test_no_float_is_near_money():
    floats = [
        f"{path}:{node.lineno}"
        for path in PYTHON
        if MONEY.match(str(path)) and str(path) not in FLOATS_WITH_A_REASON
        for node in nodes_of(path, ast.Constant, ast.Name)
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Name) and node.id == "float")
    ]

    assert floats == []
    assert all((ROOT / name).is_file() for name in FLOATS_WITH_A_REASON)


def test_no_work_is_left_for_later_in_a_comment():
    words = "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3 + r"\b(?!\")"])

    assert lines_with(rf"\b({words})", text_files()) == []


def test_no_path_of_a_machine_and_no_registry_stands_in_a_file():
    hosts = (
        r"files[.]pythonhosted|pypi[.]org/simple|--(extra-)?index-url|artifactor[y]|[.]internal\b"
    )
    machine = r"(?<![\w.])/(home|Users|root|work|mnt|private)/\w"

    assert lines_with(rf"{hosts}|{machine}", text_files()) == []


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned_and_says_what_it_is_for(name):
    lines = [line for line in text_of(name).splitlines() if line[:1] not in {"#", "-", ""}]

    assert lines
    pinned = re.compile(r"[\w\[\]-]+==[\w.]+\s+# \w.+")
    assert [line for line in lines if not pinned.fullmatch(line)] == []


def test_every_app_of_ours_has_a_readme():
    ours = [Path(app.path) for app in apps.get_app_configs() if Path(app.path).parent == ROOT]

    assert len(ours) >= 9
    assert [path.name for path in ours if not (path / "README.md").is_file()] == []


def test_decision_records_are_numbered_without_gaps():
    names = sorted(path.name for path in FILES if path.parent == Path("docs/adr"))
    numbers = [int(name[:4]) for name in names if re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", name)]

    assert numbers == list(range(1, len(names) + 1))
