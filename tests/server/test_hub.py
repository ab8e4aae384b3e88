"""The hub: its mailboxes, and which batch concerns which subscriber."""

from __future__ import annotations

import msgspec
from tests.server.support.batches import Program

from tenure import wire
from tenure_server.hub import Mailbox
from tenure_server.live import messages
from tenure_server.live.lens_filter import affects
from tenure_server.model.lens import Lens

_decoder = msgspec.json.Decoder(messages.ServerMessage)


async def test_a_mailbox_holds_so_much_and_counts_the_rest() -> None:
    """Once something was left out nothing more goes in until it is emptied: what follows would not fit to what was."""
    mailbox: Mailbox[int] = Mailbox(2)
    assert [mailbox.put(n) for n in range(5)] == [True, True, False, False, False]
    assert await mailbox.take() == ([0, 1], 3)
    assert mailbox.put(9)
    assert await mailbox.take() == ([9], 0)


def test_only_what_can_change_a_picture_wakes_it() -> None:
    """Told from the batch: another process, another trace, an empty batch do not; in doubt it is read again."""
    program, other = Program(1), Program(2)
    for each in (program, other):
        each.use("main", "Lock stock", acquire=0, wait=1)
        each.use("main", "Pool orders", acquire=0, wait=1)
    first = program.batch()
    heartbeat = msgspec.structs.replace(program.batch(), tasks=[], resources=[])
    second = other.batch()

    def woken_by(batch: wire.Batch, **lens: str) -> bool:
        return affects(Lens(**lens), batch)  # type: ignore[arg-type]

    assert woken_by(first)
    assert not woken_by(heartbeat)
    for lens in (
        {"process": program.hex}, {"trace": program.trace_id(1)}, {"task": program.id(1)}, {"resource": program.id(2)},
    ):  # fmt: skip
        assert woken_by(first, **lens)
        assert not woken_by(second, **lens)
    assert not woken_by(first, trace=program.trace_id(9))
    assert not woken_by(first, resource=program.id(9))
    assert woken_by(msgspec.structs.replace(first, final=True), trace=program.trace_id(9))
