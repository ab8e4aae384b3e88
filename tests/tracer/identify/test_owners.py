"""The names of locks: attribute and owner, key, ordinal; found without running code of the program."""

import asyncio
import gc
import sys
import textwrap
import weakref

import pytest

from tenure import testing
from tenure._identify import ordinals, owners

ACCOUNT = """
    import asyncio
    class Account:
        def __init__(self, **facts):
            self.__dict__.update(facts)
            self._lock = asyncio.Lock()
        async def use(self):
            async with self._lock: pass
        async def use_by_hand(self):
            await self._lock.acquire()
            self._lock.release()
    async def use(source):
        async with source._lock: pass
"""


def names(source, main="main"):
    """The names of the locks that a program uses, in the order of their first use."""
    with testing.recorder() as recorder:
        app = recorder.load(textwrap.dedent(ACCOUNT) + textwrap.dedent(source))
        asyncio.run(getattr(app, main)())
        lifecycles = recorder.lifecycles()
    return list(dict.fromkeys(lifecycle.resource.partition(" ")[2] for lifecycle in lifecycles))


SHARED = """
    class Buffer:
        def __init__(self, name):
            self.name = name
            self.lock = asyncio.Lock()
            self.not_full = asyncio.Condition(self.lock)
    async def main():
        buffer = Buffer("jobs")
        async with buffer.not_full: pass
        guard = asyncio.Lock()
        ready = asyncio.Condition(guard)
        async with ready: pass
"""


def test_the_lock_of_a_condition_is_called_by_its_own_name():
    """Whoever enters the condition holds the lock, which others may share."""
    assert names(SHARED) == ["Buffer.lock of jobs", "guard"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("await use(Account(name='left'))", ["Account.lock of left"]),
        ("await Account(id=17).use()", ["Account.lock of 17"]),
        ("await Account(_key='x' * 99).use()", [f"Account.lock of {'x' * 39}…"]),
        ("left, right = Account(), Account(); await use(left); await use(right)",
         ["Account.lock of left", "Account.lock of right"]),
        ("left = Account(); await asyncio.gather(use(left), use(left))", ["Account.lock of left"]),
        ("known = {'left': Account()}; await use(known['left'])", ["Account.lock of known['left']"]),
        ("known = [Account()]; await use(known[0])", ["Account.lock of known[0]"]),
        ("await use(Account()); await use(Account())", ["Account.lock #1", "Account.lock #2"]),
        ("await use(Account())", ["Account.lock"]),
        ("for account in Account(), Account():\n        await use(account)",
         ["Account.lock of account", "Account.lock"]),
        ("locks = {'left': asyncio.Lock()}; key = 'left'\n    async with locks[key]: pass", ["locks['left']"]),
        ("locks = {('a', 1): asyncio.Lock()}; key = 'a', 1\n    async with locks[key]: pass", ["locks[('a', 1)]"]),
        ("for _ in range(3):\n        lock = asyncio.Lock()\n        async with lock: pass",
         ["lock #1", "lock #2", "lock #3"]),
    ],
)  # fmt: skip
def test_a_lock_is_called_by_its_owner(body, expected):
    """By the owner's own name, else by who refers to it, else by an ordinal; never two by one name."""
    assert names(f"async def main():\n    {body}\n") == expected


def test_a_function_that_makes_many_owners_is_not_searched_for_ever(monkeypatch):
    """Each search costs the program's time; the owner's own name does not."""
    monkeypatch.setattr(owners, "_MAX_SEARCHES", 2)
    body = "known = [Account() for _ in range(3)]\n    for n in range(3): await known[n].use()"
    assert names(f"async def main():\n    {body}\n") == [
        "Account.lock of known[0]",
        "Account.lock of known[1]",
        "Account.lock",
    ]


def test_two_accounts_with_one_name_are_told_apart():
    """The name does not say which one it is: the others have none, or an ordinal."""
    body = "for _ in range(3): await use(Account(name='left'))"
    assert names(f"async def main():\n    {body}\n") == ["Account.lock of left", "Account.lock #1", "Account.lock #2"]


@pytest.mark.parametrize("way", ["use", "use_by_hand"])
def test_an_account_of_the_module_has_its_variables_name(way):
    """Also where the lock is acquired by calls; a parameter's name says nothing."""
    assert names(f"left = Account()\nasync def main(): await left.{way}()") == ["Account.lock of left"]


def test_the_locks_of_a_module_and_of_a_class_have_no_owner_to_tell():
    """There is one of each."""
    source = """
        class Shop:
            lock = asyncio.Lock()
            async def use(self):
                async with self.lock: pass
        stock_lock = asyncio.Lock()
        async def main():
            shop = Shop()
            await shop.use()
            async with Shop.lock: pass
            async with stock_lock: pass
    """
    assert names(source) == ["Shop.lock", "stock_lock"]


def test_no_code_of_the_program_runs():
    """Properties, __getattr__, __eq__ and __hash__ of owners, keys and containers."""
    source = """
        def called(*_): raise AssertionError("called")
        class Hostile:
            name = property(called)
            __getattr__ = __eq__ = __repr__ = __bool__ = called
            __hash__ = called
            def __init__(self): self.lock = asyncio.Lock()
        class Key(str):
            __hash__ = str.__hash__
            __repr__ = __str__ = called
        class Map(dict):
            items = values = __iter__ = called
        async def main():
            hostile, locks, key = Hostile(), Map(), Key("k")
            dict.__setitem__(locks, key, asyncio.Lock())
            async with hostile.lock: pass
            async with locks[key]: pass
    """
    assert names(source) == ["Hostile.lock of hostile", ""]


def test_a_lock_in_a_slot_and_one_behind_a_property():
    """A slot is read; a property is not, so that its attribute alone is the name."""
    source = """
        class Slotted:
            __slots__ = ("lock", "name", "__weakref__")
        class Behind:
            def __init__(self): self._it = asyncio.Lock()
            lock = property(lambda self: self._it)
        async def main():
            slotted, behind = Slotted(), Behind()
            slotted.lock, slotted.name = asyncio.Lock(), "s"
            async with slotted.lock: pass
            async with behind.lock: pass
    """
    assert names(source) == ["Slotted.lock of s", "lock"]


def test_nothing_of_a_function_is_kept_alive_by_looking_at_it():
    """Neither what the function that uses the lock deletes, nor what its callers and the creating task do."""
    source = """
        import weakref
        class Thing: pass
        async def inner(owner):
            thing = Thing()
            gone = weakref.ref(thing)
            async with owner._lock:
                del thing
                assert gone() is None
        async def main():
            thing, owner = Thing(), Account()
            gone = weakref.ref(thing)
            await inner(owner)
            task = asyncio.create_task(inner(Account()))
            await task
            del thing
            assert gone() is None
            gone = weakref.ref(owner)
            del owner
            assert gone() is None
    """
    assert names(source) == ["Account.lock of owner", "Account.lock"]


def test_what_a_function_sees_by_locals_is_as_without_recording():
    """The dictionary that it has keeps what it put there, and the values of that moment: it is not looked at."""
    source = """
        async def main():
            account, number = Account(), 1
            before = locals()
            before["own"] = 1
            number = 2
            async with account._lock: pass
            assert (before["own"], before["number"]) == (1, 1)
    """
    assert names(source) == ["lock"]


def test_a_debugger_that_runs_the_program_keeps_the_variables():
    """Until Python 3.12, what a trace function leaves in the dictionary is what the function has afterwards."""
    source = """
        import sys
        async def main():
            account, number, seen = Account(), 1, []
            use = account.use
            def trace(frame, event, argument):
                if event == "line" and "kept" in frame.f_locals and not seen:
                    seen.append(1)
                    try:
                        use().send(None)  # as a debugger runs what is typed at its prompt
                    except StopIteration:
                        pass
                return trace
            def traced():
                kept = number
                kept += 0
                return kept
            sys.settrace(trace)
            try:
                assert traced() == 1
            finally:
                sys.settrace(None)
            assert (number, seen) == (1, [1])
    """
    assert names(source) == ["Account.lock of account" if sys.version_info >= (3, 13) else "lock"]


def test_an_account_that_dies_is_not_kept(monkeypatch):
    """And its ordinal is no other one's, until the names are forgotten."""
    monkeypatch.setattr(ordinals, "MAX_NAMES", 2)
    with testing.recorder() as recorder:
        app = recorder.load(ACCOUNT)
        account = app.Account()
        reference = weakref.ref(account)
        asyncio.run(app.use(account))
        del account
        gc.collect()
        assert reference() is None
        recorder.batches()
        for _ in range(4):
            asyncio.run(app.Account().use())
        assert len({lifecycle.resource for lifecycle in recorder.lifecycles()}) > 1


def test_the_first_one_is_shipped_again_with_its_ordinal():
    """It was shipped before there was a second one."""
    with testing.recorder() as recorder:
        app = recorder.load(ACCOUNT)
        asyncio.run(app.use(app.Account()))
        (first,) = recorder.batches()
        asyncio.run(app.use(app.Account()))
        (second,) = recorder.batches()
    assert [resource.name for resource in first.resources] == ["Account.lock"]
    assert [(resource.id, resource.name) for resource in second.resources] == [
        (2, "Account.lock #2"),
        (1, "Account.lock #1"),
    ]
