"""The processes of one diagram: how its columns name them, and which have ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tenure_server.model.labels import process_label
from tenure_server.model.records import Process

_ID_LENGTH = 4  # characters of the id, for processes that have the same name


class ProcessNames:
    """``services``: the service of every process in the diagram, by its id; ``processes``: what else is known of it."""

    def __init__(self, services: Mapping[str, str], processes: Mapping[str, Process]) -> None:
        self._suffixes = _suffixes(services, processes)
        known = [process for process in processes.values() if process.id in services]
        self._ended = {process.id for process in known if not process.alive}
        if len(self._ended) == len(known):  # nothing to tell apart
            self._ended.clear()

    def suffix(self, process: str) -> str:
        """What follows the label of a column: " @ shop #28277"; "" in a diagram of one process."""
        return self._suffixes[process]

    def has_ended(self, process: str) -> bool:
        """Whether the process has ended while another one of the diagram runs."""
        return process in self._ended


def _suffixes(services: Mapping[str, str], processes: Mapping[str, Process]) -> dict[str, str]:
    if len(services) < 2:
        return dict.fromkeys(services, "")
    names = {process: _name(service, processes.get(process)) for process, service in services.items()}
    counts = Counter(names.values())
    return {
        process: f" @ {name}" if counts[name] == 1 else f" @ {name} {process[:_ID_LENGTH]}"
        for process, name in names.items()
    }


def _name(service: str, process: Process | None) -> str:
    return process_label(service, 0 if process is None else process.pid)
