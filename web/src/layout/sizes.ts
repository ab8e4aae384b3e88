// The measures of a diagram, in CSS pixels.

export const ROW = 36; // a message: its label above its line
export const LINE = 25; // from a row's top to a message's line
export const SELF_ROW = 34;
export const NOTE_ROW = 38;
export const NOTE = 24; // a note's box
export const CREATE_ROW = 54;
export const DESTROY_ROW = 40;
export const BEGIN_ROW = 38;
export const END_ROW = 14;
export const TAIL = 22; // below the last step, where what is open goes on

export const HEAD = 36; // a participant's head
export const HEAD_MIN = 30; // of its text
export const HEAD_TEXT = 106; // the widest line
export const HEAD_LINE = 70; // what stays on one line although its words could stand on two
export const HEAD_PADDING = 6;
export const HEAD_ICON = 16; // its shape and the space beside it
export const HEAD_APART = 5; // from one to the next

export const BAR = 9; // an activation's width
export const LEVEL = 6; // from one of stacked activations to the next
export const LEVELS = 8; // as many are told apart; what is more lies on the last

export const GAP_MIN = 56; // from column to column
export const GAP_MAX = 190; // that a label may ask for: a longer one reaches over the columns beside it
export const CROWD = 8; // columns, from which on
export const GAP_CROWDED = 100; // is all that a label may ask for
export const STACK_APART = 34; // from stacked activations to the next lifeline
export const LABEL_PADDING = 18; // what an arrow is longer than its label
export const LABEL_MAX = 420;
export const EDGE = 4; // from a label or a note to the edge of all
export const NOTE_PADDING = 24;
export const NOTE_MAX = 420;
export const NOTE_APART = 14; // from a note to its anchor's lifeline
export const SELF = 26; // a self message's loop
export const FRAME = 24; // from a fragment's outermost lifeline to its frame
export const INSET = 8; // from a fragment to one inside it
export const TAB = 46; // a fragment's tab
export const MARGIN = 12;
export const NEAR = 36; // what is shown of a row's surroundings when the view goes there

export const LONGEST = 300; // characters of a text that are measured: what is longer is cut anyway
