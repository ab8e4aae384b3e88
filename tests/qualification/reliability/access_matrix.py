"""Who may ask what: combinations of Host, Origin, Sec-Fetch-Site, token and address, compared with a small table."""

from __future__ import annotations

import asyncio
import itertools
import random
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.qualification.reliability.experiment import Experiment, Measured
from tests.qualification.reliability.serving import serving

from tenure_server.http.sessions import COOKIE, Sessions
from tenure_server.limits import SESSION_S

TOKEN, INGEST = "the-dashboards", "the-senders"
ALLOWED = ("--allow-host", "traces.example")
SHORT = 3_000
CONNECTIONS = 8  # to each collector

# What a collector is started with, and which tokens open which kind of address there.
SEND, SEE = "send", "see"
BOTH = frozenset({SEND, SEE})
SETUPS: dict[str, tuple[list[str], dict[str, frozenset[str]]]] = {
    "open": ([], {}),
    "two tokens": (
        ["--token", TOKEN, "--ingest-token", INGEST],
        {"dashboard": BOTH, "ingest": frozenset({SEND}), "valid cookie": frozenset({SEE})},
    ),
    "one token": (["--token", TOKEN], {"dashboard": BOTH, "valid cookie": frozenset({SEE})}),
}
HOSTS = {
    "127.0.0.1:{port}": True, "LOCALHOST:1": True, "[::1]:{port}": True, "traces.example": True,
    "evil.example": False, "x.traces.example": False, "192.0.2.1": False,
}  # fmt: skip
ORIGINS = {
    "": True, "http://{host}": True, "https://{host}": True, "http://evil.example": False, "null": False,
    "http://127.0.0.1:1": False,
}  # fmt: skip
LINK = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n"
SITES = {
    "": True, "same-origin": True, "none": True, "cross-site": False, "same-site": False, "made-up": False,
}  # fmt: skip
TOKENS = [
    "none", "wrong", "ingest", "dashboard", "valid cookie", "expired cookie", "forged cookie",
    "wrong in the address", "ingest in the address", "dashboard in the address",
]  # fmt: skip


class Address(NamedTuple):
    """Method and path, what a token must be good for (None: nothing), and how it answers whoever may ask."""

    method: str
    path: str
    right: str | None
    answers: frozenset[int]
    is_page: bool = False


ADDRESSES = [
    Address("GET", "/", SEE, frozenset({200, 303}), is_page=True),
    Address("GET", "/login", None, frozenset({200, 303}), is_page=True),
    Address("POST", "/logout", None, frozenset({303})),
    Address("GET", "/api/processes", SEE, frozenset({200})),
    Address("GET", "/api/live", SEE, frozenset({426})),
    Address("GET", "/nothing", SEE, frozenset({404})),
    Address("GET", "/healthz", None, frozenset({200})),
    Address("POST", "/v1/lifecycles", SEND, frozenset({415})),
    Address("POST", "/v1/traces", SEND, frozenset({415})),
]


class Case(NamedTuple):
    """One request."""

    setup: str
    host: str
    origin: str
    site: str
    is_link: bool
    token: str
    address: Address

    def expected(self) -> frozenset[int]:
        """The oracle."""
        comes_by_link = self.is_link and self.address.is_page
        if not (HOSTS[self.host] and ORIGINS[self.origin] and (SITES[self.site] or comes_by_link)):
            return frozenset({403})
        _, rights = SETUPS[self.setup]
        kind = self.token.removesuffix(" in the address")
        if not rights or self.address.right is None or self.address.right in rights.get(kind, frozenset()):
            return self.address.answers
        return frozenset({401})

    def request(self, port: int, sessions: dict[str, Sessions]) -> bytes:
        """As it is sent."""
        host = self.host.format(port=port)
        path, lines = self.address.path, [f"Host: {host}", "Accept: text/html"]
        bearer = {"wrong": "wrong", "ingest": INGEST, "dashboard": TOKEN}
        if self.token.endswith(" in the address"):
            path += f"?token={bearer[self.token.removesuffix(' in the address')]}"
        elif self.token in bearer:
            lines.append(f"Authorization: Bearer {bearer[self.token]}")
        elif self.token in sessions:  # one of its own, for logging out ends it
            lines.append(f"Cookie: {COOKIE}={sessions[self.token].begin()}")
        if self.origin:
            lines.append(f"Origin: {self.origin.format(host=host)}")
        if self.site:
            lines.append(f"Sec-Fetch-Site: {self.site}")
        if self.is_link:
            lines.append(LINK.removesuffix("\r\n"))
        lines.append("Content-Length: 0")
        return "\r\n".join([f"{self.address.method} {path} HTTP/1.1", *lines, "", ""]).encode()


def run(short: bool, seed: int, mutated: bool) -> Measured:
    """Ask collectors of every setup."""
    cases = [Case(*case) for case in itertools.product(SETUPS, HOSTS, ORIGINS, SITES, (False, True), TOKENS, ADDRESSES)]
    if short:
        cases = random.Random(seed).sample(cases, SHORT)
    first = "from tenure_server.http import access; access._is_own = lambda origin, host: True" if mutated else ""
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        ports = {}
        for setup, (options, _) in SETUPS.items():
            ports[setup] = (
                urlsplit(stack.enter_context(serving(Path(directory), *options, *ALLOWED, first=first)).url).port or 0
            )
        answers = asyncio.run(_ask_all(cases, ports))
    wrong = [
        f"{case} is answered {status}, expected {sorted(case.expected())}"
        for case, status in zip(cases, answers, strict=True)
        if status not in case.expected()
    ]
    counts = ", ".join(f"{status}: {count}" for status, count in sorted(Counter(answers).items()))
    return Measured(len(cases), wrong, {"answers": counts, "setups": len(SETUPS)})


async def _ask_all(cases: Sequence[Case], ports: dict[str, int]) -> list[int]:
    answers = [0] * len(cases)
    waiting: dict[str, list[int]] = {setup: [] for setup in SETUPS}
    for number, case in enumerate(cases):
        waiting[case.setup].append(number)
    sessions = _sessions()

    async def ask(setup: str, numbers: Sequence[int]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", ports[setup])
        for number in numbers:
            writer.write(cases[number].request(ports[setup], sessions))
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next(line for line in head.lower().split("\r\n") if line.startswith("content-length:"))
            await reader.readexactly(int(length.partition(":")[2]))
            answers[number] = int(head.split()[1])
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(
        *(ask(setup, waiting[setup][start::CONNECTIONS]) for setup in SETUPS for start in range(CONNECTIONS))
    )
    return answers


def _sessions() -> dict[str, Sessions]:
    """Sessions are signed with a key made of the token, and nowhere stored: so they can be made here."""

    def long_ago() -> int:
        return time.time_ns() - (SESSION_S + 1) * 10**9

    return {
        "valid cookie": Sessions(TOKEN, time.time_ns),
        "expired cookie": Sessions(TOKEN, long_ago),
        "forged cookie": Sessions("another", time.time_ns),
    }


EXPERIMENT = Experiment(
    "access_matrix",
    "each combination of Host, Origin, Sec-Fetch-Site, token and address is answered as a table says",
    run,
    "the check of Origin off",
)
