// The measures of a diagram, in CSS pixels.

export const ROW = 36; // a message: its label above its line
export const LINE = 25; // from a row's top to a message's line
export const SELF_ROW = 34;
export const NOTE_ROW = 38;
export const NOTE = 24; // a note's box
export const CREATE_ROW = 46;
export const DESTROY_ROW = 40;
export const BEGIN_ROW = 38;
export const END_ROW = 14;
export const TAIL = 28; // below the last step, where what is open goes on

export const HEAD = 30; // a participant's head
export const HEAD_MIN = 64;
export const HEAD_MAX = 230;
export const HEAD_PADDING = 12;
export const HEAD_ICON = 22; // its shape and the space beside it

export const BAR = 9; // an activation's width
export const LEVEL = 6; // from one of stacked activations to the next
export const LEVELS = 8; // as many are told apart; what is more lies on the last

export const GAP_MIN = 104; // from column to column
export const GAP_MAX = 330;
export const LABEL_PADDING = 30; // what an arrow is longer than its label
export const NOTE_PADDING = 24;
export const NOTE_MAX = 420;
export const NOTE_APART = 14; // from a note to its anchor's lifeline
export const SELF = 30; // a self message's loop
export const FRAME = 30; // from a fragment's outermost lifeline to its frame
export const INSET = 8; // from a fragment to one inside it
export const TAB = 46; // a fragment's tab
export const MARGIN = 36;
