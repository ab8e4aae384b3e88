"""What an exported page carries. The dashboard's TypeScript types are generated from these structs."""

from __future__ import annotations

import msgspec

from tenure_server.diagram.steps import Step
from tenure_server.live.messages import Overview
from tenure_server.model.lens import Lens
from tenure_server.model.records import Lifecycle


class ArchivedDiagram(msgspec.Struct, frozen=True):
    """A drawn diagram, and the same as Mermaid text."""

    steps: list[Step]
    earlier: int
    mermaid: str


class View(msgspec.Struct, frozen=True):
    """What a lens shows: the place of its picture among the archive's. Lenses that show the same share one."""

    lens: Lens
    picture: int


class Archive(msgspec.Struct, frozen=True):
    """Everything that the page can show.

    ``lifecycles`` are those that the pictures tell of; ``left_out`` subjects have no diagram of their own here, for the
    page's size.
    """

    overview: Overview
    views: list[View]
    pictures: list[ArchivedDiagram]
    lifecycles: list[Lifecycle]
    left_out: int
