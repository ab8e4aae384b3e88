"""Run the native probe's tests with gcc's address and undefined-behaviour sanitizers: `make sanitize`.

    python scripts/sanitize.py [ARGUMENTS OF PYTEST ...]

The tracer is copied into a temporary directory and installed there; the checkout's own extension stays as it is. Leaks
are not looked for: an interpreter frees little at its end (tests/qualification/stress_probe.py counts objects instead).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SANITIZERS = "-fsanitize=address,undefined"
FLAGS = f"{SANITIZERS} -fno-sanitize-recover=undefined -fno-omit-frame-pointer -O1 -g"
TESTS = ["probe/test_native_*.py", "assembly/test_lifecycles.py", "identify/test_cancellation.py"]
TESTS += ["patching/test_class_patches.py", "adapters/test_acquire_release.py", "adapters/test_patch_calls.py"]
TESTS += ["adapters/test_asyncio_locks.py", "adapters/test_asyncio_task*.py"]
TIMEOUT_S = "600"  # a test with the sanitizers takes several times as long


def build(directory: Path) -> Path:
    """Install a copy of the tracer with a sanitized extension; the directory that has the package."""
    tracer, installed = directory / "tracer", directory / "installed"
    shutil.copytree(ROOT / "tracer", tracer, ignore=shutil.ignore_patterns("*.so", "*.pyd", "build", "__pycache__"))
    environment = {**os.environ, "CC": "gcc", "CFLAGS": FLAGS, "LDFLAGS": SANITIZERS, "TENURE_DEV": "0"}
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--target", installed, tracer], env=environment, check=True)
    if not list(installed.glob("tenure/_probe.*.so")):
        raise SystemExit("the native probe was not built (are Python's headers installed?)")
    return installed


def library(gcc: str, name: str) -> str:
    """Where gcc keeps this library of its own."""
    command = [gcc, f"-print-file-name={name}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def main(arguments: list[str]) -> int:
    """Build and run the tests; 0 where they pass and no process reported anything."""
    gcc = shutil.which("gcc")
    if gcc is None:
        raise SystemExit("gcc was not found: the sanitizers' run needs it")
    with tempfile.TemporaryDirectory(prefix="tenure-sanitize-") as name:
        installed = build(Path(name))
        log = Path(name, "report")  # in files: pytest captures what is printed, and the process ends at once
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(installed), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
            "PYTHONMALLOC": "malloc",  # the interpreter's own allocator hides what is read after it was freed
            "LD_PRELOAD": " ".join(library(gcc, part) for part in ("libasan.so", "libubsan.so")),
            "ASAN_OPTIONS": f"detect_leaks=0:allocator_may_return_null=1:abort_on_error=1:log_path={log}",
            "UBSAN_OPTIONS": f"print_stacktrace=1:halt_on_error=1:log_path={log}",
            "TENURE_PROBE": "native",
        }
        used = "import sys, tenure._probe as probe; sys.exit(not probe.__file__.startswith(sys.argv[1]))"
        subprocess.run([sys.executable, "-c", used, str(installed)], env=environment, check=True)
        tests = [str(path) for pattern in TESTS for path in sorted((ROOT / "tests/tracer").glob(pattern))]
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout", TIMEOUT_S]
        code = subprocess.run([*command, *tests, *arguments], cwd=ROOT, env=environment, check=False).returncode
        reports = sorted(Path(name).glob("report.*"))  # also of processes that a test started
        for report in reports:
            sys.stderr.write(report.read_text(errors="replace"))
        return code or bool(reports)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
