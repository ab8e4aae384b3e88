"""What import-linter does not check of the rooms: modules outside them, the place of a test, the length of a file."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MOST_MODULES = {"tracer/tenure": 8, "server/tenure_server": 6}
LONGEST = 320  # lines
GENERATED = {"web/src/schema/messages.ts"}
TESTED = {"tests/tracer": "tracer/tenure", "tests/server": "server/tenure_server"}
OTHER_FOLDERS = {
    "tests/tracer/support": "what the tracer's tests share",
    "tests/tracer/transparency": "every room at once: programs that must not notice that they are recorded",
    "tests/server/support": "what the collector's tests share",
}
PUBLIC = {
    "wire",
    "wire_constants",
    "errors",
    "scrubbing",
    "semconv",
    "session",
    "adapters",
    "_probe_api",
}  # of tenure


def test_few_modules_stand_outside_the_rooms():
    """What is new goes into a room, so that the first look at the package tells the parts."""
    for folder, most in MOST_MODULES.items():
        modules = sorted(path.name for path in (ROOT / folder).glob("*.py"))
        assert len(modules) <= most, modules


def test_the_package_itself_is_imported_by_no_room_of_the_tracer():
    """``from tenure import ...`` in a room names another room or the extension, never what the package exports."""
    breaches = []
    for path in sorted((ROOT / "tracer" / "tenure").rglob("*.py")):
        if path.name in {"__init__.py", "__main__.py", "testing.py"} and path.parent.name == "tenure":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import) and any(alias.name == "tenure" for alias in node.names):
                breaches.append(f"{path}:{node.lineno} imports tenure")
            if isinstance(node, ast.ImportFrom) and node.module == "tenure":
                names = {alias.name for alias in node.names} - PUBLIC - {"_probe"}
                breaches += [f"{path}:{node.lineno} imports {name} of tenure" for name in sorted(names)]
    assert breaches == []


def test_the_names_of_spans_are_a_leaf():
    """tenure.semconv imports the standard library alone, so that both sides may import it."""
    for file in (ROOT / "tracer" / "tenure" / "semconv").glob("*.py"):
        tree = ast.parse(file.read_text())
        imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        imported += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        others = [name for name in imported if name.partition(".")[0] not in sys.stdlib_module_names]
        assert imported
        assert others == [name for name in others if name.startswith("tenure.semconv.")]


@pytest.mark.parametrize("tests", TESTED)
def test_every_test_lies_in_the_room_that_it_tests(tests):
    """A folder has the name of a room; a file beside the folders, that of a room which is one module."""
    paths = [path for path in (ROOT / TESTED[tests]).iterdir() if not path.name.startswith("__")]
    rooms = {path.stem.strip("_").removesuffix("_api") for path in paths if path.is_dir()}
    modules = {f"test_{path.stem}.py" for path in paths if path.suffix == ".py"}

    inside = [path for path in (ROOT / tests).iterdir() if path.name != "__pycache__"]
    folders = {path.name for path in inside if path.is_dir() and f"{tests}/{path.name}" not in OTHER_FOLDERS}
    assert folders - rooms == set()
    assert {path.name for path in inside if path.is_file()} - modules == {"conftest.py"}


def test_no_test_imports_another_test():
    """What several tests need lies in a folder named support."""
    breaches = [
        f"{path.relative_to(ROOT)}:{node.lineno} imports {node.module}"
        for folder in ("interop", "qualification", "server", "tracer", "web")
        for path in (ROOT / "tests" / folder).rglob("test_*.py")
        if "node_modules" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and re.match(r"tests\..*\btest_", node.module or "")
    ]
    assert breaches == []


def test_every_other_folder_of_tests_is_there():
    """A folder that is gone leaves the list."""
    assert [folder for folder in OTHER_FOLDERS if not (ROOT / folder).is_dir()] == []


def test_no_file_of_code_is_long():
    """A file past this length has begun to do a second thing."""
    listed = subprocess.run(
        ["git", "ls-files", "tracer", "server", "web/src", "scripts", "benchmarks", "examples", "tests"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    code = [
        ROOT / name for name in listed if name.endswith((".py", ".ts", ".tsx", ".c", ".h")) and name not in GENERATED
    ]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in code if path.exists()}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}
