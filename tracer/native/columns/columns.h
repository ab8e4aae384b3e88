/* Columns of unsigned numbers, as a batch of version 2 has them. Includes nothing of the probe.
 *
 * tenure.wire.columns says what each one means. No Python: it may run without the GIL. */

#ifndef TENURE_COLUMNS_H
#define TENURE_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    COLUMN_ID,
    COLUMN_PARENT,
    COLUMN_ROOT,
    COLUMN_TASK,
    COLUMN_RESOURCE,
    COLUMN_SITE,
    COLUMN_ACQUIRE,
    COLUMN_WAIT,
    COLUMN_HOLD,
    COLUMN_RELEASE,
    COLUMN_OUTCOMES,
    COLUMN_BODY,
    COLUMN_OWN,
    COLUMN_COUNT,
} Column;

enum { MAX_ROWS = 20000 };
enum { RESENT = 1 << 7 }; /* a bit of outcomes: a snapshot of this lifecycle was shipped before */

typedef enum { MODE_CONSTANT, MODE_VARINTS, MODE_RUNS, MODE_FIXED_1, MODE_FIXED_2, MODE_FIXED_4, MODE_FIXED_8 } Mode;
typedef enum { BY_VARINT, BY_WIDTH } Style; /* the fewest bytes, or always a fixed width */

/* Bytes that a column of so many values takes at most. */
size_t column_room(size_t count);
/* Write one column; return the place after it. */
uint8_t *column_put(uint8_t *to, const uint64_t *values, size_t count, Style style);

typedef struct {
    const uint8_t *at, *end;
} ColumnReader;

/* Read one column of so many values; false: it is damaged. */
bool column_take(ColumnReader *reader, uint64_t *values, size_t count);

/* The sizes of the tables that a batch's rows name entries of, and its clock. */
typedef struct {
    int64_t base_ns, offset_ns;
    uint64_t tasks, resources, sites, exceptions;
} ColumnTables;

/* Read all columns into `table`, which has room for COLUMN_COUNT * count numbers, one column after the other, as the
 * rows have them: ids instead of differences, times since the clock's zero, durations with -1. False: damaged. */
bool columns_take(ColumnReader *reader, size_t count, const ColumnTables *tables, int64_t *table);

uint64_t zigzag(int64_t value);

#endif
