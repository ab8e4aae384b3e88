"""Random programs: what stands where, as hypothesis picks it."""

from __future__ import annotations

import functools
import sys
import textwrap
from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import strategies as st
from tests.tracer.transparency.oracle import shared_objects
from tests.tracer.transparency.oracle.program import Program

_BEGINNING = """\
lock0, lock1, latch0 = asyncio.Lock(), asyncio.Lock(), Latch()
sem0, sem1, pool0 = asyncio.Semaphore(2), asyncio.BoundedSemaphore(1), Pool(3)
slot0, box, cond0, kept = Slotted("p", "p"), Box(), asyncio.Condition(), []
"""
_ENTER = st.sampled_from([*["", "p", "w", "pp"] * 5, "e", "pe", "b", "k", "bp"])
_LEAVE = st.sampled_from([*["", "p", "t", "pt", "w"] * 3, "e", "r", "n", "b", "pk", "bp"])
_ENTER_NOW = st.sampled_from([*[""] * 6, "e", "b"])
_LEAVE_NOW = st.sampled_from([*["", "t"] * 3, "e", "r", "n"])
_TARGETS = st.sampled_from(
    [*[""] * 12, *[" as x", " as box.value"] * 3, " as (x, y)", " as (x, y, z)", " as [*box.rest]"]
)


class _Place(NamedTuple):
    """Where a statement stands: what it may do there."""

    functions: tuple[str, ...] = ()  # coroutine functions to call
    generators: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()  # functions with @asynccontextmanager
    yields: bool = False
    loop: bool = False
    group: str = ""  # a task group's name
    stack: str = ""
    awaits: bool = True


class _Writer:
    """Writes a program, asking hypothesis at each turn; what comes first is what shrinking ends at."""

    def __init__(self, draw: Callable[..., Any]) -> None:
        self._draw = draw
        self.marks = 0
        self._names = 0

    def pick(self, *among: Any) -> Any:
        return self._draw(st.sampled_from(among))

    def mark(self, sort: str, expression: str) -> str:
        self.marks += 1
        return f"⟦{sort}:{self.marks}:{expression}⟧"

    def name(self, short: str) -> str:
        self._names += 1
        return f"{short}{self._names}"

    def block(self, place: _Place, depth: int, longest: int = 3) -> str:
        count = self._draw(st.integers(1, longest))
        lines = "\n".join(self.statement(place, depth) for _ in range(count))
        return textwrap.indent(lines, "    ")

    def main(self, place: _Place) -> str:
        """A function that goes on after most of what goes wrong."""
        lines = []
        for _ in range(self._draw(st.integers(1, 4))):
            sort = self.pick(*[self._async_with] * 3, *[self._task] * 2, self._grouped, self._for, self._try)
            written = sort(place, 3)
            if self.pick(0, 1, 1):
                written = (
                    f"try:\n{textwrap.indent(written, '    ')}\nexcept BaseException as error:\n    say(repr(error))"
                )
            lines.append(written)
        return "async def main():\n" + textwrap.indent("\n".join(lines), "    ")

    def statement(self, place: _Place, depth: int) -> str:
        simple = [*[self._say, self._wait, self._call, self._call, self._wait] * 2, self._flush, self._cancel]
        simple += [self._leave_somehow, functools.partial(shared_objects.meet, self)]
        if place.yields:
            simple += [self._yield] * 3
        compound = [self._async_with] * 6 + [self._try, self._try, self._for, self._with, self._task, self._choice]
        compound += [
            self._hold_by_call,
            self._hold_by_call,
            functools.partial(shared_objects.on_condition, self),
            functools.partial(shared_objects.on_condition, self),
            self._inner,
            self._iterate,
            self._grouped,
            functools.partial(shared_objects.make_client, self),
        ]
        sort = self.pick(*simple, *(compound * (2 if depth > 2 else 1) if depth else ()))
        written: str = sort(place, depth)
        return written

    def _say(self, place: _Place, depth: int) -> str:
        return self.pick("say('here')", "say(repr(sys.exception()))", "say(sorted(locals()))", *["x = 1"] * 5, "del x")

    def _wait(self, place: _Place, depth: int) -> str:
        if not place.awaits:
            return "pass"
        return "await asyncio.sleep(" + self.pick("0", "1", "2", "0.5") + ")"

    def _leave_somehow(self, place: _Place, depth: int) -> str:
        ways = [*["raise KeyError('k')", "return" if place.yields else "return 5"] * 3, "raise", "undefined"]
        return self.pick(*ways, *(["break", "continue"] if place.loop else ()))

    def _yield(self, place: _Place, depth: int) -> str:
        return "x = yield 1"

    def _flush(self, place: _Place, depth: int) -> str:
        return "flush()"

    def _cancel(self, place: _Place, depth: int) -> str:
        return self.pick("cancel_current()", "cancel(0)", "cancel(1)", "cancel(2)")

    def _call(self, place: _Place, depth: int) -> str:
        if not place.functions or not place.awaits:
            return "say('no function')"
        called = self.pick(*place.functions)
        ways = [
            f"await {called}()",
            f"half({called}())",
            f"await asyncio.wait_for({called}(), 1)",
            f"await asyncio.gather({called}(), {called}(), return_exceptions=True)",
            *["say(await anext(shared, None))"] * 2,
        ]
        if place.group:
            ways += [f"{place.group}.create_task({called}())"] * 3
        if place.stack:
            ways += [f"await {place.stack}.enter_async_context({self.manager(place)})"] * 3
        return self.pick(*ways)

    def manager(self, place: _Place) -> str:
        ways = ["gate0", "gate1", "cond0", "lock0", "lock1", "sem0", "sem1", "latch0", "slot0", "pool0.acquire()"]
        ways += [f"asyncio.timeout({self.pick('1', '0', '2.5', 'None')})", *[f"{name}()" for name in place.handles] * 3]
        ways += [f"contextlib.aclosing({name}())" for name in place.generators]
        if not place.stack:  # a stack has its own words for these
            ways.append(self.pick("Half()", "None", "undefined"))
        own = f'Gate("{self._draw(_ENTER)}", "{self._draw(_LEAVE)}")'
        return self.mark("observed", self.pick(*[own] * 8, *ways))

    def _async_with(self, place: _Place, depth: int) -> str:
        if not place.awaits:
            return self._with(place, depth)
        count = self.pick(1, 1, 1, 2, 2, 7 if depth == 1 else 1)  # seven cannot all be stamped in place
        items = [f"{self.manager(place._replace(stack=''))}{self._draw(_TARGETS)}" for _ in range(count)]
        if self.pick(0, 0, 0, 1):
            stack = self.name("stack")
            items.append(f"{self.mark('observed', 'contextlib.AsyncExitStack()')} as {stack}")
            place = place._replace(stack=stack)
        body = self.block(place, depth - 1)
        if count > 1 and self.pick(0, 1):
            return "async with (\n    " + ",\n    ".join(items) + ",\n):\n" + body
        return f"async with {', '.join(items)}:\n{body}"

    def _with(self, place: _Place, depth: int) -> str:
        own = f'Hold("{self._draw(_ENTER_NOW)}", "{self._draw(_LEAVE_NOW)}")'
        manager = self.mark("observed_sync", self.pick(*[own, "hold0", "contextlib.suppress(KeyError)"] * 4, "None"))
        return f"with {manager}{self._draw(_TARGETS)}:\n{self.block(place, depth - 1)}"

    def _grouped(self, place: _Place, depth: int) -> str:
        if not place.awaits:
            return self._with(place, depth)
        group = self.name("group")
        body = self.block(place._replace(group=group, loop=False), depth - 1)
        return f"async with {self.mark('observed', 'asyncio.TaskGroup()')} as {group}:\n{body}"

    def _try(self, place: _Place, depth: int) -> str:
        body = self.block(place, depth - 1)
        way = self.pick("except KeyError as error", "except Exception", "except BaseException", "finally", "except*")
        if way == "except*":
            return f"try:\n{body}\nexcept* (KeyError, OSError) as errors:\n    say(repr(errors))"
        return f"try:\n{body}\n{way}:\n{self.block(place, depth - 1, 2)}"

    def _for(self, place: _Place, depth: int) -> str:
        if place.awaits and self.pick(0, 0, 1):
            gate = self.mark("observed", "gate")
            body = textwrap.indent(self.block(place._replace(loop=True), depth - 1), "    ")
            return f"for gate in (gate0, gate1):\n    async with {gate}:\n{body}"
        head = self.pick("for i in range(2)", "for i in range(9)" if depth < 2 else "for i in range(3)")
        other = f"\nelse:\n{self.block(place, depth - 1, 1)}" if self.pick(0, 0, 1) else ""
        return f"{head}:\n{self.block(place._replace(loop=True), depth - 1)}{other}"

    def _choice(self, place: _Place, depth: int) -> str:
        return f"match say('choose'):\n    case None:\n{textwrap.indent(self.block(place, depth - 1), '    ')}"

    def _task(self, place: _Place, depth: int) -> str:
        if not place.functions or not place.awaits:
            return "say('no task')"
        task = self.name("task")
        title = self.pick("", "", ", name='job'")
        lines = [f"{task} = asyncio.create_task({self.pick(*place.functions)}(){title})"]
        lines += [self.statement(place, depth - 1) for _ in range(self.pick(0, 1, 2))]
        lines.append(
            self.pick(
                f"await {task}",
                "pass",
                f"{task}.cancel('by its maker')",
                f"await asyncio.wait([{task}], timeout=1)",
                f"await asyncio.shield({task})",
                f"del {task}",
            )
        )
        return "\n".join(lines)

    def _hold_by_call(self, place: _Place, depth: int) -> str:
        if not place.awaits:
            return "say('no call')"
        lock = self.pick("sem0", "lock0", "sem0", "sem1")
        acquire = f"await {self.mark('acquiring', f'{lock}.acquire')}"
        if self.pick(0, 0, 1):
            call = self.mark("acquiring_for", f"{lock}.acquire")
            acquire = "await " + self.pick(
                f"asyncio.create_task({call})",
                f"asyncio.ensure_future({call})",
                f"asyncio.wait_for({call}, 9)",
                f"asyncio.shield({call})",
            )
        release = self.mark("releasing", f"{lock}.release")
        body = self.block(place, depth - 1)
        return self.pick(
            f"{acquire}\ntry:\n{body}\nfinally:\n    {release}",
            f"{acquire}\n{textwrap.dedent(body)}\n{release}",
            f"{release}\n{acquire}",
            acquire,
            release,
        )

    def _inner(self, place: _Place, depth: int) -> str:
        if not place.awaits:
            return "pass"
        name = self.name("Inner")
        method = self.block(_Place(place.functions, place.generators, place.handles), depth - 1)
        return f"class {name}:\n    async def method(self):\n{textwrap.indent(method, '    ')}\nawait {name}().method()"

    def _iterate(self, place: _Place, depth: int) -> str:
        if not place.generators or not place.awaits:
            return "say('no generator')"
        body = self.block(place._replace(loop=True), depth - 1)
        return f"async for x in {self.pick(*place.generators)}():\n{body}"


@st.composite
def programs(draw: Any) -> Program:
    """Any program: handles, generators and functions that may use those written before them, and ``main``."""
    writer = _Writer(draw)
    parts = [_BEGINNING.rstrip()]
    parts += [f'gate{n} = Gate("{draw(_ENTER)}", "{draw(_LEAVE)}")' for n in range(2)]
    parts.append(f'hold0 = Hold("{draw(_ENTER_NOW)}", "{draw(_LEAVE_NOW)}")')
    notify = writer.pick("cond0.notify()", "cond0.notify_all()", "cond0.notify(2)")
    parts += [
        (
            f"async def waits0():\n    async with {writer.mark('observed', 'cond0')}:\n"
            f"        await {writer.mark('waiting', 'cond0.wait')}\n        say('notified')"
        ),
        (
            f"async def notifies0():\n    await asyncio.sleep(1)\n    async with {writer.mark('observed', 'cond0')}:\n"
            f"        {notify}\n        await asyncio.sleep({writer.pick('0', '1')})"
        ),
    ]
    place = _Place()
    for sort in draw(st.lists(st.sampled_from(["f", "f", "g", "h"]), min_size=1, max_size=4)):
        name = writer.name(sort)
        if sort == "f":
            parts.append(f"async def {name}():\n{writer.block(place, 2)}")
            place = place._replace(functions=(*place.functions, name))
            continue
        body = writer.block(place._replace(yields=True), 2)
        again = f"for i in range(3):\n    async with {writer.manager(place)}:\n        x = yield i\n        say(x)"
        end = writer.pick(again if sort == "g" else "yield 2", "try:\n    yield 2\nfinally:\n    say('end')", "pass")
        start = "@contextlib.asynccontextmanager\n" if sort == "h" else ""
        nothing = "    if False:\n        yield\n"
        parts.append(f"{start}async def {name}():\n{nothing}{body}\n{textwrap.indent(end, '    ')}")
        field = "handles" if sort == "h" else "generators"
        place = place._replace(**{field: (*getattr(place, field), name)})
    if writer.pick(0, 0, 0, 1):
        parts.append(f"try:\n{writer.block(_Place(awaits=False), 2, 2)}\nexcept BaseException:\n    say('at the top')")
    shared = f"{writer.pick(*place.generators)}()" if place.generators else "nothing()"
    parts += [f"shared = {shared}", writer.main(place)]
    return Program(
        "\n".join(parts) + "\n",
        sync=draw(st.booleans()),
        long_held=draw(st.sampled_from([60_000, 10, 3])),
        eager=sys.version_info >= (3, 12) and draw(st.booleans()),
    )
