// Every length of a diagram, in CSS pixels. styles/tokens.css repeats some; test/styles.test.ts compares.

// Rows, from top to bottom
export const MESSAGE_ROW = 36; // a message: its label above its line
export const MESSAGE_LINE = 25; // from a row's top to a message's line
export const SELF_ROW = 34;
export const CREATE_ROW = 54;
export const CREATE_LINE = 31; // from a row's top to the line that creates a task
export const DESTROY_ROW = 40;
export const NOTE_ROW = 38;
export const BEGIN_ROW = 38;
export const END_ROW = 14;
export const TAIL = 22; // below the last step, where open activations go on

// Columns, from left to right
export const MARGIN = 12; // left and right of all columns
export const GAP_MIN = 56; // from column to column
export const GAP_MAX = 190; // for a label; a longer label reaches over the columns beside it
export const CROWD = 8; // from so many columns on, GAP_CROWDED replaces GAP_MAX
export const GAP_CROWDED = 100;
export const STACK_GAP = 34; // from stacked activations to the next lifeline
export const EDGE = 4; // from a label or a note to the diagram's edge

// Text
export const BASELINE = 4; // from the middle of a line of text to its baseline
export const MAX_MEASURED = 300; // characters; every longer text is truncated anyway
export const TEXT = { label: 12, head: 11, kind: 10, tag: 10.5 } as const; // font sizes
export const BOLD = ["head", "tag"]; // of these; the others are regular

// Heads
export const HEAD_BAND = 52; // the band of heads at the top edge
export const HEAD_HEIGHT = 36;
export const HEAD_TEXT_MIN = 30;
export const HEAD_TEXT_MAX = 106;
export const HEAD_ONE_LINE = 70; // a shorter text stays on one line, although its words could stand on two
export const HEAD_PADDING = 6;
export const HEAD_GAP = 5;
export const HEAD_LINE = 14; // from one line of text to the next
export const HEAD_ICON = 16; // the shape and the space beside it
export const HEAD_ICON_TOP = 11; // from the shape's top to the baseline
export const HEAD_ICON_SCALE = 0.8; // shapes are drawn in a square of 16
export const HEAD_RADIUS = 4;

// Activations
export const ACTIVATION = 9;
export const ACTIVATION_MIN = 3; // height
export const ACTIVATION_RADIUS = 2;
export const LEVEL = 6; // from one stacked activation to the next
export const LEVELS = 8; // further activations lie on the last level

// Messages
export const LABEL_MAX = 420;
export const LABEL_PADDING = 18; // an arrow is longer than its label by this
export const LABEL_MARGIN = 10; // beside a label that follows the view
export const LABEL_RISE = 7; // from the line up to the label's baseline
export const HIT_RISE = 22; // from the line up to the top of the area that takes the pointer
export const HIT_HEIGHT = 30;
export const ARROWHEAD = 8;
export const ARROWHEAD_HALF = 4.5;
export const END_MARK = 7; // from the arrow's end to the middle of a cross or a barred circle
export const CROSS = 4; // radius
export const BARRED = 4.5; // radius
export const SELF = 26; // a self message's loop
export const SELF_RISE = 13; // from the line up to the loop's top
export const SELF_RADIUS = 6; // the loop is twice as high
export const SELF_LABEL_GAP = 2;
export const SELF_LABEL_DROP = 10; // from the loop's top to the label's baseline

// How a lifeline ends
export const FOOT_WIDTH = 12;
export const FOOT_HEIGHT = 4;
export const END_CROSS = 5; // radius
export const END_BARRED = 5.5; // radius

// Notes
export const NOTE_HEIGHT = 24;
export const NOTE_PADDING = 24;
export const NOTE_MAX = 640;
export const NOTE_GAP = 14; // to the anchor's lifeline
export const NOTE_RADIUS = 4;
export const NOTE_BASELINE = 16; // from the box's top
export const ANCHOR = 3; // radius of the dot on a lifeline
export const ANCHOR_CLEARANCE = 2; // a dot this close to the box is not drawn

// Fragments
export const FRAGMENT_PADDING = 24; // from the outermost lifeline to the frame
export const FRAGMENT_INSET = 8; // from a frame to one inside it
export const FRAGMENT_TOP = 6; // from the row's top to the frame
export const FRAGMENT_BOTTOM = 4;
export const FRAGMENT_RADIUS = 3;
export const FRAGMENT_EDGE = 1; // to the diagram's left edge
export const FRAGMENT_LABEL_MAX = 560;
export const FRAGMENT_LABEL_GAP = 10;
export const FRAGMENT_LABEL_BASELINE = 15;
export const FRAGMENT_CAPTION = 136; // beside a label: the tab and the button
export const FRAGMENT_END = 24; // behind a label
export const TAB_HEIGHT = 20;
export const TAB_CORNER = 6;
export const TAB_PADDING = 20;
export const TAB_TEXT_LEFT = 9;
export const TAB_BASELINE = 14;
export const UNFOLD_WIDTH = 46;
export const UNFOLD_HEIGHT = 17;
export const UNFOLD_BASELINE = 12.5;
export const UNFOLD_TOP = 3;
export const UNFOLD_LEFT = 22; // from the label's end
export const UNFOLD_END = 80; // behind a label that has the button

// Hints at an edge of the view
export const HINT_MAX = 260;
export const HINT_EDGE = 12;

// Tags of open lifecycles, at the bottom edge
export const TAG_HEIGHT = 18;
export const TAG_ROW = TAG_HEIGHT + 3;
export const TAG_PADDING = 14; // of the text, both sides together
export const TAG_GAP = 4;
export const TAG_TOP = 4;
export const TAG_EDGE = 1;
export const TAG_BAND_PADDING = 8;
export const TAG_VISIBLE = 20; // a tag counts as in view from so much on

// The view
export const PAINT_STEP = 400; // the painted part grows and shrinks by this, so that few scroll events paint
export const BOTTOM_REACH = 32; // this close to the bottom counts as at the bottom
export const REVEAL = 36; // shown beside a row that the view goes to
export const GUTTER_TEXT_RISE = 8;
export const GUTTERS = { "since first": 54, wall: 84 } as const;
