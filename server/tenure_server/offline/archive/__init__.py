"""Records as one HTML page: the dashboard with its diagrams in it. The page sends no requests."""

from tenure_server.offline.archive.contents import Archive
from tenure_server.offline.archive.gathering import gather
from tenure_server.offline.archive.page import render

__all__ = ["Archive", "gather", "render"]
