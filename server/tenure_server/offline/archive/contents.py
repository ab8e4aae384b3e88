"""The content of an exported page. The dashboard's TypeScript types are generated from these structs."""

from __future__ import annotations

import msgspec

from tenure_server.diagram.steps import Step
from tenure_server.live.messages import Overview
from tenure_server.model.diagram_input import OpenCounts
from tenure_server.model.lens import Lens
from tenure_server.model.records import Lifecycle


class ArchivedDiagram(msgspec.Struct, frozen=True):
    """A diagram as steps and as Mermaid text. ``earlier`` and ``internal``: as in ``steps.Diagram``."""

    steps: list[Step]
    earlier: int
    mermaid: str
    open: OpenCounts = OpenCounts()
    internal: int = 0


class View(msgspec.Struct, frozen=True):
    """The diagram of a lens: ``picture`` is an index of the archive's ``pictures``. Equal diagrams are stored once."""

    lens: Lens
    picture: int


class Archive(msgspec.Struct, frozen=True):
    """Everything that the page can show.

    ``lifecycles`` are those that the diagrams refer to. ``left_out`` is how many subjects have no diagram of their own,
    and ``lifecycles_left_out`` how many lifecycles are in no diagram, because the size of the page is limited.
    ``remedy`` is a command that makes a page of them.
    """

    overview: Overview
    views: list[View]
    pictures: list[ArchivedDiagram]
    lifecycles: list[Lifecycle]
    left_out: int
    lifecycles_left_out: int = 0
    remedy: str = ""
