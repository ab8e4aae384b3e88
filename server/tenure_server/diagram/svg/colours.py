"""The colours of a picture, for light and for dark pages. They are those of the dashboard: web/src/styles.

Viewers of SVG files know neither ``light-dark()`` nor ``color-mix()`` nor variables, so each rule has plain colours.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

HUES, PLAIN_HUES = 8, 3  # the last three are for resources without a shape: time limits, requests, task groups

_COLOURS = {  # light, dark
    "ground": ("#fbfbfa", "#15171b"),
    "raised": ("#ffffff", "#1b1e23"),
    "sunken": ("#f2f2ef", "#101216"),
    "rule": ("#e3e3de", "#2b2f36"),
    "ink": ("#1d2025", "#e6e8eb"),
    "soft": ("#62676f", "#9aa1ab"),
    "faint": ("#6f747c", "#838b95"),
    "line": ("#c6c8cc", "#454b55"),
    "error": ("#c4232f", "#ff7a80"),
    "error-wash": ("#fdecec", "#40211f"),
    "amber": ("#9a5b00", "#f2b450"),
    "amber-wash": ("#fff3da", "#3a2d14"),
    "amber-rule": ("#e8c27a", "#6f5621"),
}
_HUES = (
    ("#2b7fd6", "#6fb1f5"),
    ("#7a4fd0", "#b196f7"),
    ("#14877a", "#4cc7b6"),
    ("#b23a95", "#ec8ad3"),
    ("#4f8a14", "#96cc57"),
    ("#1d7f9e", "#5cc2e2"),
    ("#5560c9", "#98a2ff"),
    ("#80633d", "#c9a97c"),
)
_FIXED = """
text{font-family:Arial,Helvetica,"Liberation Sans",system-ui,sans-serif;font-size:12px}
.title{font-size:13px;font-weight:600}
.head text{font-size:11px;font-weight:600}
.head .kind{font-size:10px;font-weight:400}
.head.ended rect{stroke-dasharray:3 2}
.head.ended text{font-weight:400}
.glyph{fill:none;stroke-width:1.3}
.lifeline.resource{stroke-dasharray:2 3}
.arrow{fill:none;stroke-opacity:.75}
.dashed{stroke-dasharray:4 3}
.hollow,.barred{stroke-width:1.6}
.label{paint-order:stroke;stroke-width:4px;stroke-linejoin:round}
.reach{stroke-dasharray:3 3}
.fragment{fill-opacity:.025}
.fragment-label .kind{font-size:11px;font-weight:600}
.tag text{font-size:10.5px;font-weight:600}
"""
_COLOURED = """
.ground{{fill:{ground}}}
text{{fill:{ink}}}
.title{{fill:{ink}}}
.head rect{{fill:{raised};stroke:{line}}}
.head .kind,.head.ended text,.fragment-label text{{fill:{soft}}}
.glyph{{stroke:{soft}}}
.lifeline{{stroke:{line}}}
.arrow,.end{{stroke:{ink}}}
.end{{fill:{ink}}}
.end.hollow{{fill:none}}
.end.barred{{fill:{ground}}}
.foot{{fill:{faint}}}
.label{{stroke:{ground}}}
.error .arrow,.error .end{{stroke:{error}}}
.error .end,.error .label{{fill:{error}}}
.cancelled .arrow,.cancelled .end{{stroke:{amber}}}
.cancelled .end,.cancelled .label{{fill:{amber}}}
.error .end.hollow,.cancelled .end.hollow{{fill:none}}
.cancelled .end.barred{{fill:{ground}}}
.note .box{{fill:{sunken};stroke:{rule}}}
.reach{{stroke:{amber-rule}}}
.anchor{{fill:{amber-rule}}}
.note.wait .box,.tag.waiting rect{{fill:{amber-wash};stroke:{amber-rule}}}
.note.wait text,.tag.waiting text{{fill:{amber}}}
.note.error .box{{fill:{error-wash};stroke:{error-rule}}}
.note.error text{{fill:{error}}}
.note.error .reach{{stroke:{error-rule}}}
.note.error .anchor{{fill:{error-rule}}}
.fragment{{fill:{ink};stroke:{line}}}
.tab{{fill:{sunken};stroke:{line}}}
"""
_OF_HUE = """
.head.hue-{number} rect{{fill:{faint};stroke:{edge}}}
.head.hue-{number} .glyph{{stroke:{hue}}}
.activation.hue-{number}{{fill:{bar};stroke:{hue}}}
.activation.open.hue-{number}{{fill:{open}}}
.tag.hue-{number} rect{{fill:{bar};stroke:{hue}}}
"""


def _style() -> str:
    return f"{_FIXED}{_rules(0)}@media (prefers-color-scheme:dark){{\n{_rules(1)}}}\n"


def _rules(scheme: int) -> str:
    colours = {name: pair[scheme] for name, pair in _COLOURS.items()}
    ground = colours["ground"]
    colours["error-rule"] = _mix(colours["error"], ground, 0.45)
    rules = _COLOURED.lstrip("\n").format(**colours)
    for number, pair in enumerate(_HUES):
        hue = pair[scheme]
        faint, edge, bar, opened = (_mix(hue, ground, share) for share in (0.10, 0.60, 0.26, 0.60))
        rules += _OF_HUE.lstrip("\n").format(number=number, hue=hue, faint=faint, edge=edge, bar=bar, open=opened)
    return rules


def _mix(colour: str, ground: str, share: float) -> str:
    """So much of the colour on the ground."""
    mixed = (
        round(int(colour[at : at + 2], 16) * share + int(ground[at : at + 2], 16) * (1 - share)) for at in (1, 3, 5)
    )
    return "#" + "".join(f"{part:02x}" for part in mixed)


STYLE = _style()
"""The style sheet: light, and dark where the page or the viewer prefers that."""

STYLE_HASH = f"sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}"
"""By which a Content-Security-Policy allows the style sheet."""
