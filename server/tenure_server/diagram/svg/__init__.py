"""Steps as a picture in SVG: one file without scripts, fonts or references, for light and dark pages.

    svg_text     steps -> the text of the picture, and what it leaves out
    STYLE_HASH   by which a server allows the style sheet of the pictures that it sends

``layout`` finds where each step stands (``shapes`` are what it is made of, ``sizes`` every length, ``spacing`` the
columns, ``heads`` the boxes at their tops, ``text_width`` how wide a text is). ``marks`` and ``arrows`` draw it
(``elements`` writes XML), in the colours of ``colours``. The dashboard draws the same steps in the same way: its code
stands in web/src/layout and web/src/draw.
"""

from tenure_server.diagram.svg.colours import STYLE_HASH
from tenure_server.diagram.svg.picture import MAX_STEPS, svg_text

__all__ = ["MAX_STEPS", "STYLE_HASH", "svg_text"]
