"""Sessions of browsers that have shown the token: a cookie that says until when, signed with a key made of the token.

Nothing is stored, so a session outlives the collector's restart; those that have logged out are remembered until they
would have ended.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Callable

from tenure_server.limits import MAX_LOGGED_OUT, SESSION_S

COOKIE = "tenure_session"

_ITERATIONS = 200_000  # whoever has a cookie cannot try short tokens by the million


class Sessions:
    """The sessions of one token."""

    def __init__(self, token: str, clock: Callable[[], int]) -> None:
        """``clock`` answers wall time in ns."""
        self._key = hashlib.pbkdf2_hmac("sha256", token.encode(), b"tenure session", _ITERATIONS)
        self._clock = clock
        self._logged_out: dict[str, int] = {}  # cookie -> when it would have ended, s
        self._watchers: dict[str, set[asyncio.Event]] = {}  # cookie -> those who wait for its end

    def begin(self) -> str:
        """The cookie of a new session."""
        unsigned = f"{self._now_s() + SESSION_S}.{secrets.token_hex(16)}"
        return f"{unsigned}.{self._sign(unsigned)}"

    def seconds_left(self, cookie: str) -> int:
        """For how long the session goes on; 0: it has ended, or there never was one."""
        unsigned, _, signature = cookie.rpartition(".")
        if not hmac.compare_digest(signature.encode(errors="replace"), self._sign(unsigned).encode()):
            return 0
        end, _, _ = unsigned.partition(".")
        return 0 if cookie in self._logged_out else max(0, int(end) - self._now_s())

    def end(self, cookie: str) -> None:
        """Log out: the cookie is worth nothing from now on, whoever has it."""
        left = self.seconds_left(cookie)
        if not left:
            return
        now_s = self._now_s()
        self._logged_out = {known: end for known, end in self._logged_out.items() if end > now_s}
        if len(self._logged_out) >= MAX_LOGGED_OUT:
            del self._logged_out[next(iter(self._logged_out))]
        self._logged_out[cookie] = now_s + left
        for logged_out in self._watchers.get(cookie, ()):
            logged_out.set()

    async def ended(self, cookie: str) -> None:
        """Return when the session has ended, by its time or by a logout."""
        logged_out = asyncio.Event()
        watchers = self._watchers.setdefault(cookie, set())
        watchers.add(logged_out)
        try:
            async with asyncio.timeout(self.seconds_left(cookie)):
                await logged_out.wait()
        except TimeoutError:
            return
        finally:
            watchers.discard(logged_out)
            if not watchers:
                self._watchers.pop(cookie, None)

    def _now_s(self) -> int:
        return self._clock() // 1_000_000_000

    def _sign(self, unsigned: str) -> str:
        return hmac.new(self._key, unsigned.encode(errors="replace"), hashlib.sha256).hexdigest()
