"""What was recorded as one HTML page: the dashboard with its diagrams in it, which asks nobody for anything."""

from tenure_server.archive.contents import Archive
from tenure_server.archive.gathering import gather
from tenure_server.archive.page import render

__all__ = ["Archive", "gather", "render"]
