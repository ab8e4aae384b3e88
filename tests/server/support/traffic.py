"""A program of which something is always held and waited for, and changes all the time."""

from __future__ import annotations

import random

from tests.server.support.batches import Program, Use

POOL = "Pool orders"


class Traffic:
    """Tasks that hold and wait for a pool of three and a lock, changed at random, one batch at a time."""

    def __init__(self, program: Program, seed: int) -> None:
        self._program = program
        self._random = random.Random(seed)
        self._open: list[Use] = []
        self._now = 0.0
        program.resource(POOL, capacity=3, stereotype="database")

    def step(self, passed_ms: float = 1) -> None:
        """Change the program; its next batch has what has changed."""
        self._now += passed_ms
        for _ in range(self._random.randint(1, 4)):
            if self._open and self._random.random() < 0.5:
                self._advance(self._random.choice(self._open))
            elif len(self._open) < 12:
                label = self._random.choice([POOL, "Lock stock"])
                self._open.append(self._program.use(f"worker-{self._random.randint(1, 30)}", label, acquire=self._now))

    def _advance(self, use: Use) -> None:
        lasted = self._now - use.acquire
        if use.wait is None:
            self._program.go_on(use, wait=lasted)
        elif use.hold is None and self._random.random() < 0.5:
            self._program.go_on(use, hold=lasted - use.wait)
        else:
            self._program.go_on(use, hold=lasted - use.wait if use.hold is None else use.hold, release=0.5)
            self._open.remove(use)
