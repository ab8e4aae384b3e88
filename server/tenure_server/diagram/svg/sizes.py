"""Every length of a picture, in CSS pixels. They are those of the dashboard: web/src/layout/sizes.ts."""

from __future__ import annotations

# Rows, from top to bottom
TITLE_BAND = 34  # above the heads, if there is a title
TITLE_BASELINE = 22
HEAD_BAND = 52  # the heads of the columns that are there from the beginning
MESSAGE_ROW, MESSAGE_LINE = 36, 25  # a message: its height, and from its top to its line
SELF_ROW = 34
CREATE_ROW, CREATE_LINE = 54, 31
DESTROY_ROW = 40
NOTE_ROW = 38  # of one line of text
BEGIN_ROW, END_ROW = 38, 14
TAIL = 22  # below the last step, where open activations go on

# Columns, from left to right
MARGIN = 12
GAP_MIN, GAP_MAX = 56, 190
CROWD, GAP_CROWDED = 8, 100  # from so many columns on, GAP_CROWDED replaces GAP_MAX
STACK_GAP = 34
EDGE = 4  # from a label or a note to the picture's edge

# Text
LABEL, HEAD, KIND, TAG, TITLE = 12.0, 11.0, 10.0, 10.5, 13.0  # font sizes
BASELINE = 4  # from the middle of a line of text to its baseline
LINE = 15  # from one line of a note to the next

# Heads
HEAD_HEIGHT = 36
HEAD_TEXT_MIN, HEAD_TEXT_MAX, HEAD_ONE_LINE = 30, 106, 70
HEAD_PADDING, HEAD_GAP, HEAD_LINE = 6, 5, 14
HEAD_ICON, HEAD_ICON_TOP, HEAD_ICON_SCALE = 16, 11, 0.8
HEAD_RADIUS = 4

# Activations
ACTIVATION, ACTIVATION_MIN, ACTIVATION_RADIUS = 9, 3, 2
LEVEL, LEVELS = 6, 8  # from one stacked activation to the next; further activations lie on the last level

# Messages
LABEL_MAX, LABEL_PADDING, LABEL_RISE = 420, 18, 7
ARROWHEAD, ARROWHEAD_HALF = 8, 4.5
END_MARK, CROSS, BARRED = 7, 4, 4.5
SELF, SELF_RISE, SELF_RADIUS = 26, 13, 6
SELF_LABEL_GAP, SELF_LABEL_DROP = 2, 10

# How a lifeline ends
FOOT_WIDTH, FOOT_HEIGHT, END_CROSS, END_BARRED = 12, 4, 5, 5.5

# Notes
NOTE_HEIGHT, NOTE_PADDING, NOTE_PLACES = 24, 24, 90  # NOTE_PLACES: characters of a line
NOTE_GAP, NOTE_RADIUS, NOTE_BASELINE = 14, 4, 16
ANCHOR, ANCHOR_CLEARANCE = 3, 2

# Fragments
FRAGMENT_PADDING, FRAGMENT_INSET, FRAGMENT_TOP, FRAGMENT_BOTTOM = 24, 8, 6, 4
FRAGMENT_RADIUS, FRAGMENT_EDGE, FRAGMENT_LABEL_MAX = 3, 1, 560
FRAGMENT_LABEL_GAP, FRAGMENT_LABEL_BASELINE, FRAGMENT_END = 10, 15, 24
TAB_HEIGHT, TAB_CORNER, TAB_PADDING, TAB_TEXT_LEFT, TAB_BASELINE = 20, 6, 20, 9, 14

# Tags of open lifecycles, below their columns
TAG_HEIGHT, TAG_ROW, TAG_PADDING, TAG_GAP, TAG_TEXT_MAX, TAG_BASELINE = 18, 21, 14, 4, 420, 12.5
MAX_TAGS = 20  # of a column; if there are more, the last tag counts them
