"""Secrets in every form and every place where a program could have them, looked for in every byte that leaves it.

A generated program has one unmistakable secret (a canary) for each form of ``secret_forms`` in each place: messages,
names of tasks and resources, expressions. It runs under ``tenure run`` with a recording and a collector, which exports
to a second collector by OTLP; that one gets spans of others with canaries too. Then the recording, what is exported
from it, both stores, all answers and what was printed are searched, decompressed and decoded.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import aiohttp
from tests.qualification.reliability.canary_search import Canaries, search
from tests.qualification.reliability.experiment import Experiment, Measured
from tests.qualification.reliability.secret_forms import EXPRESSIONS, TEXTS, text_with

from tenure.scrubbing import scrubber
from tenure_server.app import Server, create_app
from tenure_server.cli import export
from tenure_server.export.targets import Target
from tenure_server.settings import Settings

_PLACES = ("message", "late", "acquire", "failure", "cancelled", "task", "resource")
_OFF = "import tenure.scrubbing.scrubber as s; s.scrub = s.scrub_expression = lambda text: text; "
_MAIN = "import sys; from tenure.__main__ import main; sys.exit(main())"
_PROGRAM = """
import asyncio, contextlib, json, tenure
from pathlib import Path
class Manager:
    async def __aenter__(self): pass
    async def __aexit__(self, *details): pass
class Fails:
    def __init__(self, text): self.text = text
    async def __aenter__(self): raise OSError(self.text)
    async def __aexit__(self, *details): pass
def make(*_, **__): return Manager()
async def use(text):
    async with Manager(): raise ValueError(text)
async def acquire(text):
    async with Fails(text): pass
async def hold():
    async with Manager(): await asyncio.Event().wait()
async def fail(text):
    async with Manager(): await asyncio.sleep(0)
    raise RuntimeError(text)
async def one(texts):
    with contextlib.suppress(ValueError): await use(texts["message"])
    with contextlib.suppress(ValueError): await use("." * 478 + " " + texts["late"])
    with contextlib.suppress(OSError): await acquire(texts["acquire"])
    await asyncio.gather(asyncio.create_task(fail(texts["failure"])), return_exceptions=True)
    task = asyncio.create_task(hold(), name=texts["task"])
    await asyncio.sleep(0)
    task.cancel(texts["cancelled"])
    await asyncio.gather(task, return_exceptions=True)
    async with tenure.track(Manager(), name=texts["resource"]): pass
"""


def run(short: bool, seed: int, mutated: bool) -> Measured:
    """Plant, run, search; ``mutated``: nothing is scrubbed."""
    canaries = Canaries(random.Random(seed))  # to be found again, not to be kept secret
    with tempfile.TemporaryDirectory() as directory, _scrubber(off=mutated):
        outputs = asyncio.run(_outputs(Path(directory), canaries, short=short, mutated=mutated))
        outputs |= _exported(Path(directory))
    leaks, halves = search(outputs, canaries)
    wrong = [f"{subject} in {where}" for subject, where in sorted(leaks.items())]
    wrong += [f"half of a secret in {where}: {text}" for where, text in sorted(halves.items())]
    forms = len(TEXTS) + len(EXPRESSIONS)
    numbers: dict[str, int | float | str] = {
        "forms": forms,
        "secrets planted": len(canaries.places),
        "outputs searched": len(outputs),
        "MB searched": round(sum(map(len, outputs.values())) / 1e6, 1),
        "found": len(leaks) + len(halves),
    }
    return Measured(len(canaries.places), wrong, numbers)


def _program(canaries: Canaries, *, short: bool) -> tuple[str, list[dict[str, str]]]:
    """The program, and the texts that it reads: one canary for each form and place."""
    texts = [
        {place: text_with(form, canaries.new(f"{form!r} as {place}")) for place in _PLACES}
        for form in (TEXTS[::2] if short else TEXTS)
    ]
    lines = []
    for form in TEXTS[1::2] if short else TEXTS:
        literal = text_with(form, canaries.new(f"{form!r} as a literal"))
        keyword = text_with(form, canaries.new(f"{form!r} as a keyword's literal"))
        lines += [f"    async with make({literal!r}): pass", f"    async with make(1, name={keyword!r}): pass"]
    for form in EXPRESSIONS:
        expression = text_with(form, canaries.new(f"{form!r} as an expression")).replace("\n", "\n        ")
        lines.append(f"    async with {expression}: pass")
    source = [_PROGRAM, "async def main():", *lines, "    for texts in json.loads(Path('texts.json').read_text()):"]
    return "\n".join([*source, "        await one(texts)", "asyncio.run(main())", ""]), texts


async def _outputs(directory: Path, canaries: Canaries, *, short: bool, mutated: bool) -> dict[str, bytes]:
    program, texts = _program(canaries, short=short)
    (directory / "program.py").write_text(program)
    (directory / "texts.json").write_text(json.dumps(texts))
    outputs: dict[str, bytes] = {}
    second = Server(create_app(Settings(port=0, store=directory / "second.sqlite")))
    second_url = await second.start()
    settings = Settings(port=0, store=directory / "first.sqlite", otlp=(Target.parse(second_url),))
    first = Server(create_app(settings))
    url = await first.start()
    try:
        outputs["what tenure run printed"] = await asyncio.to_thread(
            _record, directory, url, canaries.new("a service's name"), mutated=mutated
        )
        async with aiohttp.ClientSession() as session:
            await _send_spans(session, second_url, canaries, short=short)
            await _exported_all(session, url)
            for name, base in (("first", url), ("second", second_url)):
                outputs |= {f"{name}: {path}": body for path, body in await _answers(session, base)}
        outputs |= _files(directory, "*.sqlite*", "while it is open")
    finally:
        await first.stop()
        await second.stop()
    return outputs | _files(directory, "*.sqlite*", "closed") | _files(directory, "recording.json", "")


def _files(directory: Path, pattern: str, when: str) -> dict[str, bytes]:
    return {f"{path.name} {when}".rstrip(): path.read_bytes() for path in directory.glob(pattern)}


def _record(directory: Path, url: str, secret: str, *, mutated: bool) -> bytes:
    command = [sys.executable, "-c", (_OFF if mutated else "") + _MAIN, "run", "--collector", url]
    command += ["-o", "recording.json", "--service", f"shop of postgres://me:{secret}@db/shop", "program.py"]
    done = subprocess.run(command, check=False, cwd=directory, capture_output=True, timeout=120)
    if done.returncode:
        raise RuntimeError(f"the program ended with {done.returncode}: {done.stderr.decode()[-500:]}")
    return done.stdout + done.stderr


async def _send_spans(session: aiohttp.ClientSession, url: str, canaries: Canaries, *, short: bool) -> None:
    """Spans of a service that scrubs nothing."""
    spans = []
    for number, form in enumerate(TEXTS[::3] if short else TEXTS, 1):

        def text(place: str, form: str = form) -> str:
            return text_with(form, canaries.new(f"{form!r} as a span's {place}"))

        attributes = {"db.system.name": "x", "db.namespace": text("database"), "thread.name": text("thread")}
        spans.append(_span(number, text("name"), attributes, text("exception"), ""))
        spans.append(_span(number + 2_000, "x", {}, "", text("status")))
    for number, form in enumerate(EXPRESSIONS, 1_000):
        expression = text_with(form, canaries.new(f"{form!r} as a span's expression"))
        own = {f"tenure.{subject}.id": f"{'ab' * 16}-{number}" for subject in ("task", "resource")}
        own |= {"tenure.phase": "closed", "tenure.resource.kind": "x", "tenure.site.expression": expression}
        spans.append(_span(number, "x", own, "none", ""))
    scope = {"scope": {"name": "tenure"}, "spans": spans}
    service = f"token={canaries.new('a span service name')}"
    body = {"resourceSpans": [{"resource": {"attributes": _plain({"service.name": service})}, "scopeSpans": [scope]}]}
    async with session.post(f"{url}/v1/traces", json=body) as answer:
        if answer.status != 200 or "partialSuccess" in await answer.json():
            raise RuntimeError(f"spans were not taken: {answer.status} {await answer.text()}")


def _span(number: int, name: str, attributes: dict[str, str], exception: str, status: str) -> dict[str, object]:
    start = 1_700_000_000_000_000_000 + number * 1_000_000
    event = {"exception.type": "ValueError", "exception.message": exception}
    return {
        "traceId": f"{number:032x}",
        "spanId": f"{number:016x}",
        "name": name,
        "kind": 1,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + 1_000),
        "attributes": _plain(attributes),
        "events": [{"name": "exception", "timeUnixNano": str(start), "attributes": _plain(event)}] if exception else [],
        "status": {"code": 2, "message": status},
    }


def _plain(values: dict[str, str]) -> list[dict[str, object]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]


async def _exported_all(session: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(60):
        while True:
            async with session.get(f"{url}/api/exporters") as answer:
                exporters = (await answer.json())["items"]
            if all(exporter["exported"] and not exporter["waiting"] for exporter in exporters):
                return
            await asyncio.sleep(0.1)


async def _answers(session: aiohttp.ClientSession, url: str) -> list[tuple[str, bytes]]:
    """What every address says that shows records; diagrams of some traces, as text and as steps."""
    paths = ["/api/processes", "/api/resources", "/api/exporters", "/metrics"]
    answers = [(path, await _get(session, url + path)) for path in paths]
    for path in ("/api/lifecycles?limit=1000", "/api/traces?limit=1000"):
        cursor = ""
        while cursor is not None:
            body = await _get(session, f"{url}{path}{cursor}")
            answers.append((f"{path}{cursor}", body))
            after = json.loads(body)["cursor"]
            cursor = f"&cursor={after}" if after else None
    traces = [trace["id"] for path, body in answers if "/traces" in path for trace in json.loads(body)["items"]]
    for trace in traces[:3]:
        for form in ("json", "mermaid"):
            path = f"/api/diagram?trace={trace}&format={form}"
            answers.append((path, await _get(session, url + path)))
    async with session.ws_connect(f"{url}/api/live") as socket:
        with contextlib.suppress(TimeoutError):
            answers.append(("/api/live", str(await socket.receive(timeout=2)).encode()))
    return answers


async def _get(session: aiohttp.ClientSession, url: str) -> bytes:
    async with session.get(url) as answer:
        if answer.status != 200:
            raise RuntimeError(f"{url} answers {answer.status}: {await answer.text()}")
        return await answer.read()


def _exported(directory: Path) -> dict[str, bytes]:
    """What ``tenure export`` makes of the recording."""
    outputs = {}
    for to in ("mermaid", "json", "html", "otlp"):
        path, printed = directory / f"exported.{to}", io.StringIO()
        with contextlib.redirect_stderr(printed), contextlib.redirect_stdout(printed):
            code = export.main([str(directory / "recording.json"), "--to", to, "-o", str(path)])
        if code:
            raise RuntimeError(f"the export to {to} ended with {code}: {printed.getvalue()}")
        outputs |= {f"tenure export --to {to}": path.read_bytes(), f"printed by --to {to}": printed.getvalue().encode()}
    return outputs


@contextlib.contextmanager
def _scrubber(*, off: bool) -> Iterator[None]:
    """The collectors' own, which run here; the program's runs in its process."""
    if not off:
        yield
        return
    with patch.object(scrubber, "scrub", str), patch.object(scrubber, "scrub_expression", str):
        yield


EXPERIMENT = Experiment(
    "canaries",
    "no secret that is planted in a name, a message, an expression or a span is in anything that leaves",
    run,
    "scrubber off",
)
