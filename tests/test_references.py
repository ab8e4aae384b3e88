"""Every path and every dotted name in a page, a docstring or a comment exists."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path, PurePath
from types import CodeType

import pytest
from tests.qualification.reliability.fault_guards import GUARDS

ROOT = Path(__file__).parent.parent
PACKAGES = {"tenure": ROOT / "tracer", "tenure_server": ROOT / "server"}
PAGES = re.compile(r"(ARCHITECTURE|README|CONTRIBUTING|SECURITY)\.md|(tracer|server|web)/README\.md|docs/.+\.md")
SUFFIXES = "py|pyi|c|h|md|ts|tsx|mjs|css|html|json|toml|yml"

# Modules whose literals are names that only look like dotted names of Tenure: a page may mention these too.
NAMES_OF_OTHERS = {
    "tracer/tenure/semconv/__init__.py": "attributes and events of spans",
    "server/tenure_server/metrics/conventions.py": "metrics of resources",
    "server/tenure_server/metrics/resources.py": "attributes of these metrics",
    "server/tenure_server/metrics/health.py": "metrics of the collector itself",
    "tracer/tenure/_core/installation.py": "the group of entry points that add commands",
}

# Names of files that stand for a user's file, or for a file of another project.
EXAMPLES = {
    "app.py": "a program of the reader's",
    "script.py": "a program of the reader's",
    "app.html": "a page of the reader's",
    "dist/": "a folder that `make wheels` makes",
    "NAME.py": "the module that a test makes",
    "FILE.json": "a recording of the reader's",
    "FILE.html": "a page of the reader's",
    "x.mmd.recording.json": "a recording of the reader's",
    "x.json": "a recording of the reader's",
    "import.c": "a source file of CPython",
    "stat.h": "a header of C",
    "coverage.py": "the name of a tool",
    "stock.py": "a program in an example of a diagram",
    "orders.py": "a program in an example of a diagram",
    "pay.py": "a program in an example of a diagram",
    "api/openapi.json": "an address of the collector",
}

# Names that are dotted and name no module, though a module of ours has the name before the dot.
NO_MODULES = {
    "processes.skew_ns": "a column of a table",
    "session.get": "a method of aiohttp's client",
}

Place = tuple[Path, int, str]  # a file, a line, and what stands there

_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_PATH = re.compile(rf"(?<![\w/.:$~*<-])[\w.*-]+(?:/[\w.*-]+)*\.(?:{SUFFIXES})\b(?![/(])")
_FOLDER = re.compile(r"`{1,2}([a-z][\w-]*(?:/[\w-]+)*/)`")
_DOTTED = re.compile(r"`{1,2}([A-Za-z_]\w*(?:\.[A-Za-z_*]\w*)+)(?:\([^`]*\))?`")


def test_every_path_that_is_mentioned_exists() -> None:
    """`a/b.py` is a file below the root, a distribution or the place of its mention; `b.c` is a file of that name."""
    missing = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path, line, text in _texts()
        for name in [*_PATH.findall(text), *_FOLDER.findall(text)]
        if name not in EXAMPLES and not _is_file(name, path)
    ]

    assert missing == []


def test_every_dotted_name_that_is_mentioned_exists() -> None:
    """`tenure.x.y` and, within a distribution, `module.name` is a module or is defined in one."""
    missing = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path, line, text in _texts()
        for name in _DOTTED.findall(text)
        if not _is_known(name, path)
    ]

    assert missing == []


def test_every_exception_is_needed() -> None:
    """An example's name that nothing mentions, and a module of others' names that is gone, leave the lists."""
    texts = "\n".join(text for _, _, text in _texts())

    assert [name for name in [*EXAMPLES, *NO_MODULES] if name not in texts] == []
    assert [file for file in NAMES_OF_OTHERS if not (ROOT / file).exists()] == []


@pytest.mark.parametrize(
    ("text", "exists"),
    [
        ("tenure._core.paths", True),
        ("tenure.install", True),
        ("tenure._core.path", False),
        ("tenure.instal", False),
        ("tenure_server.store.protocol.Store", True),
        ("tenure_server.store.protocol.Shop", False),
        ("tenure.resource.kind", True),
        ("tenure.resource.kinds", False),
        ("asyncio.nothing", True),
    ],
)
def test_a_name_that_does_not_exist_is_found(text: str, exists: bool) -> None:
    """Names of modules, of what they define and of attributes are told from misspelt ones; others are not judged."""
    assert _is_known(text, ROOT / "README.md") is exists


@cache
def _files() -> frozenset[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    return frozenset(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines())


def _texts() -> Iterator[Place]:
    """Lines of pages but for blocks of code, and of docstrings and comments, with their places."""
    for name in sorted(_files()):
        path = ROOT / name
        if PAGES.fullmatch(name) and path.exists():
            text = _BLOCK.sub(lambda block: "\n" * block[0].count("\n"), path.read_text(encoding="utf-8"))
            yield from ((path, number, line) for number, line in enumerate(text.split("\n"), 1))
        elif name.startswith(("tracer/", "server/")) and path.exists():
            if name.endswith((".py", ".pyi")):
                yield from _of_python(path)
            elif name.endswith((".c", ".h")):
                yield from _of_c(path)


def _of_python(path: Path) -> Iterator[Place]:
    source = path.read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and token.string.startswith('"""')):
            yield from ((path, token.start[0] + number, line) for number, line in enumerate(token.string.split("\n")))


def _of_c(path: Path) -> Iterator[Place]:
    source = path.read_text(encoding="utf-8")
    for comment in re.finditer(r"/\*.*?\*/", source, re.DOTALL):
        first = source.count("\n", 0, comment.start()) + 1
        yield from ((path, first + number, line) for number, line in enumerate(comment[0].split("\n")))


def _is_file(name: str, mentioned_in: Path) -> bool:
    if "/" not in name:
        return any(PurePath(file).match(name) for file in _files())
    roots = [ROOT, *PACKAGES.values(), ROOT / "tracer" / "native", mentioned_in.parent]
    return any(next(root.glob(name.rstrip("/")), None) for root in roots)


def _is_known(name: str, mentioned_in: Path) -> bool:
    parts = name.split(".")
    if parts[0] in PACKAGES:
        return _resolves(PACKAGES[parts[0]], parts) or _is_name_of_others(name)
    if name in NO_MODULES or PathFinder.find_spec(parts[0]) or parts[-1] in SUFFIXES.split("|"):
        return True  # of another project, or a path
    own = [folder / package for package, folder in PACKAGES.items() if mentioned_in.is_relative_to(folder)]
    bases = [
        path.parent
        for package in own
        for path in package.rglob("*")
        if path.name in {parts[0], f"{parts[0]}.py"} and not path.is_relative_to(package / "adapters")
    ]
    return not bases or any(_resolves(base, parts) for base in bases)


def _is_name_of_others(name: str) -> bool:
    pattern = re.compile(re.escape(name).replace(r"\*", r"[a-z_.]+"))
    return any(pattern.fullmatch(literal) for literal in _literals())


@cache
def _literals() -> frozenset[str]:
    """The literals of these modules; constants of the module that stand in an f-string are put in."""
    found: set[str] = set()
    for file in NAMES_OF_OTHERS:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        constants = dict(_constants(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
                found.add(node.value.decode() if isinstance(node.value, bytes) else node.value)
            elif isinstance(node, ast.JoinedStr):
                found.add("".join(_part(part, constants) for part in node.values))
    return frozenset(found)


def _part(part: ast.expr, constants: dict[str, str]) -> str:
    if isinstance(part, ast.FormattedValue):
        return constants.get(ast.unparse(part.value), "?")
    return str(part.value) if isinstance(part, ast.Constant) else "?"


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.Assign):
            (target,) = node.targets
            both = (
                zip(target.elts, node.value.elts, strict=True)
                if isinstance(target, ast.Tuple)
                else [(target, node.value)]
            )
            for name, value in both:
                if isinstance(name, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield name.id, value.value


def _resolves(base: Path, parts: list[str]) -> bool:
    """Whether the parts name a module below a folder, or something that the last module among them defines."""
    path, rest = base, parts
    while rest and (path / rest[0]).is_dir():
        path, rest = path / rest[0], rest[1:]
    if not rest or rest == ["*"]:
        return True
    for module in (path / f"{rest[0]}.py", path / f"{rest[0]}.pyi"):
        if module.exists():
            return len(rest) == 1 or rest[1] in _defined(module)
    package = path / "__init__.py"
    return package.exists() and rest[0] in _defined(package)


@cache
def _defined(module: Path) -> frozenset[str]:
    """What a module assigns, defines or imports at any depth that is not within a function."""
    found: set[str] = set()
    todo: list[ast.AST] = [ast.parse(module.read_text(encoding="utf-8"))]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            todo += ast.iter_child_nodes(node)
    return frozenset(found)


def _functions(code: CodeType) -> Iterator[str]:
    """The qualified names of all functions in this code, as the compiler makes them."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant.co_qualname
            yield from _functions(constant)


@pytest.mark.parametrize("guard", sorted(GUARDS))
def test_every_guard_of_the_fault_injection_is_a_function(guard: str) -> None:
    """A renamed guard would be tried like any other function, and the run would report the program's own fault."""
    module, function = guard.split(":")
    path = PACKAGES["tenure"] / f"{module.replace('.', '/')}.py"

    assert function in set(_functions(compile(path.read_bytes(), str(path), "exec")))
