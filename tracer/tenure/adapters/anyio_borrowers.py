"""anyio's limiters, borrowed from on behalf of something else than the running task.

A borrower is any object of the program's. Who acquires is the running task; the call is named with the borrower as it
is written there, ``acquire_on_behalf_of(job)``. A borrower is known by its address while the limiter keeps it.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from functools import partial
from typing import NamedTuple

from tenure import _probe_api as probe
from tenure._core.object_access import ByIdentity, attribute
from tenure._identify import libraries, resources, sites, tasks, tracer
from tenure._identify.sites import Site
from tenure._patching import class_patches
from tenure._patching.bodies import awaited, immediate
from tenure.adapters._kit import acquire_release, held_tokens
from tenure.adapters._kit.pure_acquire_release import AcquiringTasks

_RELEASE = "release_on_behalf_of"
_BORROWING, _RETURNING = "noting what is borrowed", "noting what a borrower gives back"  # said where they fail
_outside = libraries.entered_outside("anyio")


class _Loan(NamedTuple):
    borrower: int  # its address
    record: probe.Record
    limiter: object


class _Loans:
    """What is borrowed and not given back."""

    def __init__(self) -> None:
        self.by_limiter: ByIdentity[list[_Loan]] = ByIdentity()


def patch(kind: type) -> None:
    """Patch the methods of a class of limiters that it defines itself."""
    for name in ("acquire_on_behalf_of", "acquire_on_behalf_of_nowait"):
        original = vars(kind).get(name)
        if original is not None and not class_patches.is_ours(original):
            acquire = immediate.acquire if name.endswith("nowait") else awaited.acquire
            wrapper = acquire(
                original, _BORROWING, before=partial(_borrow, name), after=_borrowed, failed=_not_borrowed
            )
            tracer.current.of(AcquiringTasks).codes.add(original.__code__)
            class_patches.replace(kind, name, wrapper)
    if _RELEASE in vars(kind):
        release = immediate.method(
            getattr(kind, _RELEASE), _RETURNING, before=_give_back, after=_given_back, failed=_not_given_back
        )
        class_patches.replace(kind, _RELEASE, release)


def _borrow(method: str, limiter: object, arguments: tuple[object, ...], named: dict[str, object]) -> _Loan | None:
    frame = sys._getframe(1).f_back  # noqa: SLF001  # no other way to the caller
    if frame is None or not _outside(limiter):
        return None
    task, site = acquire_release.who(frame, type(limiter), method)
    record = probe.enter(limiter, site, task=task) if site else None
    if record is None:
        return None
    if site not in tracer.current.calls:
        resources.called_at(site, sites.call_with_argument(Site.of(site).expression, method), _RELEASE)
    return _Loan(id(_borrower(arguments, named)), record, limiter)


def _borrower(arguments: tuple[object, ...], named: dict[str, object]) -> object:
    return arguments[0] if arguments else named.get("borrower")


def _borrowed(loan: _Loan, _: object, __: object) -> None:
    probe.acquired(loan.record)
    running = tasks.running()
    if running is not None and id(running) == loan.borrower:  # it may release it by ``release()`` too
        held_tokens.hold_again(loan.record, loan.limiter)
        return
    loans = tracer.current.of(_Loans).by_limiter
    open_loans = loans.get(loan.limiter)
    if open_loans is None:
        loans.put(loan.limiter, open_loans := [])
    open_loans.append(loan)


def _not_borrowed(loan: _Loan, error: BaseException) -> None:
    probe.failed(loan.record, error)


def _give_back(
    limiter: object, arguments: tuple[object, ...], named: dict[str, object]
) -> tuple[object, _Loan | None] | None:
    """The limiter and the loan, where the borrower is the same object as the one that borrowed."""
    borrower = _borrower(arguments, named)
    running = tasks.running()
    if running is not None and running is borrower and _outside(limiter):
        record = held_tokens.give_up(limiter)
        if record is None:
            return None
        if record[probe.TASK] == tasks.current():
            probe.leaving(record, None)
            return limiter, _Loan(0, record, limiter)
        held_tokens.hold_again(record, limiter)
    loans = tracer.current.of(_Loans).by_limiter.get(limiter)
    if not loans:
        return None
    loan = next((loan for loan in loans if loan.borrower == id(borrower)), None)
    if loan is not None:
        loans.remove(loan)
        probe.leaving(loan.record, None)
    return limiter, loan


def _given_back(state: tuple[object, _Loan | None], _: object) -> None:
    limiter, loan = state
    if loan is not None:
        probe.released(loan.record, None)
        return
    loans = tracer.current.of(_Loans).by_limiter.get(limiter) or []
    kept = {id(borrower) for borrower in _borrowers(limiter)}
    for over in [loan for loan in loans if loan.borrower not in kept]:  # it was given back by one that equals it
        loans.remove(over)
        probe.leaving(over.record, None)
        probe.released(over.record, None)


def _not_given_back(state: tuple[object, _Loan | None], error: BaseException) -> None:
    _, loan = state
    if loan is not None:
        probe.failed(loan.record, error)


def _borrowers(limiter: object) -> Collection[object]:
    """What a limiter of either backend, or its stand-in, keeps."""
    limiter = attribute(limiter, "_internal_limiter") or limiter
    kept = attribute(attribute(limiter, "_CapacityLimiter__original", limiter), "_borrowers")
    return kept if isinstance(kept, set | frozenset) else ()
