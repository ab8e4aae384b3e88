"""Elements of SVG as text, with everything escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # characters that no XML may hold
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})

Value = str | float


def escape(text: str) -> str:
    """Text for an element or an attribute."""
    return _NOT_XML.sub("\ufffd", text).translate(_ESCAPES)


def element(name: str, attributes: Mapping[str, Value], *content: str) -> str:
    """An element; its content is elements and escaped text. Lengths are written with at most one decimal."""
    written = "".join(f' {key}="{_value(value)}"' for key, value in attributes.items())
    return f"<{name}{written}>{''.join(content)}</{name}>" if content else f"<{name}{written}/>"


def group(classes: str, *content: str) -> str:
    return element("g", {"class": classes}, *content)


def text(content: str, x: float, y: float, classes: str = "", anchor: str = "") -> str:
    """A line of text at a baseline."""
    attributes: dict[str, Value] = {"class": classes} if classes else {}
    attributes |= {"x": x, "y": y}
    if anchor:
        attributes["text-anchor"] = anchor
    return element("text", attributes, escape(content))


def path(classes: str, d: str) -> str:
    return element("path", {"class": classes, "d": d})


def title(content: str) -> str:
    """What a browser shows under the pointer, and reads out."""
    return element("title", {}, escape(content))


def number(value: float) -> str:
    """A length, in CSS pixels."""
    return f"{value:.1f}".removesuffix(".0")


def _value(value: Value) -> str:
    return escape(value) if isinstance(value, str) else number(value)
