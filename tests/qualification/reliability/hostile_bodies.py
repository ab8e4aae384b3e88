"""Bodies made to take long, and twenty legal ones of 16 MB at once, while /healthz is asked all the time."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import aiohttp
from tests.qualification.reliability import hostile_inputs
from tests.qualification.reliability.experiment import Experiment, Measured
from tests.qualification.reliability.hostile_inputs import Body
from tests.qualification.reliability.serving import Served, serving

WORST_MS = 250  # without the time that its threads waited for a core of the machine
AT_ONCE = 20  # legal ones
SHORT_SHARE = 0.25  # of the hostile ones, in the short form
_TIMEOUT_S = 300.0
_MUTANT = "from tenure_server import limits; limits.MAX_MEMBERS = 10**9; limits.SMALL_ENCODED = 10**9"


def run(short: bool, seed: int, mutated: bool) -> Measured:
    """Post them all to a collector of its own."""
    chance = random.Random(seed)
    with (
        tempfile.TemporaryDirectory() as directory,
        serving(Path(directory), first=_MUTANT if mutated else "") as served,
        serving(Path(directory)) as idle,
    ):
        return asyncio.run(_measure(served, idle, short, chance, mutated))


async def _measure(served: Served, idle: Served, short: bool, chance: random.Random, mutated: bool) -> Measured:
    hostile: Iterator[Body] = hostile_inputs.packed(1 if short else 10)
    if not mutated:
        hostile = itertools.chain(hostile, hostile_inputs.spans(), hostile_inputs.batches())
    legal = [] if mutated else hostile_inputs.legal(chance, 2 if short else AT_ONCE)
    small = iter(()) if mutated else hostile_inputs.mutated(chance, 100 if short else 5_000)
    watch = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.qualification.reliability.stall_watch"),
        *(served.url, str(served.pid), idle.url, str(idle.pid)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    wrong: list[str] = []
    answers: Counter[int] = Counter()
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
        for body in itertools.chain(hostile, small):
            if short and not mutated and body.name != "mutated" and chance.random() > SHORT_SHARE:
                continue
            await _post(session, served.url, body, wrong, answers)
        await asyncio.gather(*(_post(session, served.url, body, wrong, answers) for body in legal))
        if not short:
            await asyncio.gather(
                *(
                    _post(session, served.url, body, wrong, answers)
                    for body in itertools.islice(hostile_inputs.packed(10), AT_ONCE)
                )
            )
    output, _ = await watch.communicate(b"")
    stall = json.loads(output)
    if stall["own_ms"] > WORST_MS + stall["idle_ms"]:  # so long the machine lets an idle one wait
        wrong.append(f"/healthz took {stall['own_ms']:.0f} ms (an idle collector's {stall['idle_ms']:.0f} ms)")
    numbers: dict[str, int | float | str] = {
        "bodies": answers.total(),
        "legal bodies of 16 MB at once": len(legal),
        "worst /healthz, ms": round(stall["ms"]),
        "worst without waiting for a core, ms": round(stall["own_ms"]),
        "worst /healthz of an idle collector beside it, ms": round(stall["idle_ms"]),
        "/healthz asked": stall["asked"],
        "answers": ", ".join(f"{status}: {count}" for status, count in sorted(answers.items())),
    }
    return Measured(answers.total(), wrong, numbers)


async def _post(session: aiohttp.ClientSession, url: str, body: Body, wrong: list[str], answers: Counter[int]) -> None:
    headers = {"Content-Type": body.kind} | ({"Content-Encoding": body.encoding} if body.encoding else {})
    async with session.post(f"{url}{body.path}", data=io.BytesIO(body.data), headers=headers) as answer:
        detail = (await answer.read())[:200]
    answers[answer.status] += 1
    if answer.status not in body.statuses | {503}:
        wrong.append(f"{body.name} to {body.path} is answered {answer.status}: {detail!r}")


EXPERIMENT = Experiment(
    "hostile_bodies",
    f"no body, hostile or large, stops the collector for more than {WORST_MS} ms; each is answered as documented",
    run,
    "the limit on members off, bodies decompressed on the event loop",
)
