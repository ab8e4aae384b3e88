"""Sessions of browsers that have sent the token: a cookie with its end, signed with a key derived from the token.

The collector does not store sessions, so they survive its restart. A session that logged out is remembered until its
end.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Callable

from tenure_server.limits import MAX_LOGGED_OUT, SESSION_S

COOKIE = "tenure_session"

_ITERATIONS = 200_000  # they make it slow to search the token of a known cookie


class Sessions:
    """The sessions of one token."""

    def __init__(self, token: str, clock: Callable[[], int]) -> None:
        """``clock`` answers wall time in ns."""
        self._key = hashlib.pbkdf2_hmac("sha256", token.encode(), b"tenure session", _ITERATIONS)
        self._clock = clock
        self._logged_out: dict[str, int] = {}  # cookie -> its end, s
        self._watchers: dict[str, set[asyncio.Event]] = {}  # cookie -> set by a logout

    def begin(self) -> str:
        """The cookie of a new session."""
        unsigned = f"{self._now_s() + SESSION_S}.{secrets.token_hex(16)}"
        return f"{unsigned}.{self._sign(unsigned)}"

    def seconds_left(self, cookie: str) -> int:
        """The seconds until the session ends; 0: it has ended, or the cookie is not valid."""
        unsigned, _, signature = cookie.rpartition(".")
        if not hmac.compare_digest(signature.encode(errors="replace"), self._sign(unsigned).encode()):
            return 0
        end, _, _ = unsigned.partition(".")
        return 0 if cookie in self._logged_out else max(0, int(end) - self._now_s())

    def end(self, cookie: str) -> None:
        """Log out: the cookie is not valid any more."""
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
