/* What the columns of a batch mean, and the ranges of schema.py. The twin of tenure.wire.columns.read. */

#include "columns.h"

static const uint64_t IDS = (uint64_t)1 << 40, DURATIONS = (uint64_t)1 << 57, INSTANTS = (uint64_t)1 << 62;
enum { OUTCOMES = 1 << 8 };

/* ids: the difference from the previous row's becomes the id */
static bool take_ids(uint64_t *ids, size_t count)
{
    uint64_t id = 0;
    for (size_t at = 0; at < count; at++) {
        if (ids[at] == 0 || ids[at] >= IDS || (id += ids[at]) >= IDS) {
            return false;
        }
        ids[at] = id;
    }
    return true;
}

/* parents and roots: the difference from the row's id becomes an id; `none` stands for no parent */
static bool take_ids_before(const uint64_t *ids, uint64_t *values, size_t count, bool none)
{
    for (size_t at = 0; at < count; at++) {
        if (values[at] >= ids[at]) {
            return false;
        }
        values[at] = none && values[at] == 0 ? 0 : ids[at] - values[at];
    }
    return true;
}

static bool take_acquires(uint64_t *values, size_t count, const ColumnTables *tables)
{
    uint64_t acquire_ns = (uint64_t)tables->base_ns; /* unsigned: a sum that is out of range wraps, and is refused */
    for (size_t at = 0; at < count; at++) {
        uint64_t half = values[at] >> 1;
        if (at == 0 ? values[at] != 0 : half >= DURATIONS) {
            return false;
        }
        acquire_ns += (values[at] & 1) != 0 ? ~half : half;
        if (acquire_ns + (uint64_t)tables->offset_ns >= INSTANTS) {
            return false;
        }
        values[at] = acquire_ns;
    }
    return true;
}

static bool take_durations(uint64_t *values, size_t count)
{
    for (size_t at = 0; at < count; at++) {
        if (values[at] > DURATIONS) {
            return false;
        }
        values[at]--; /* 0, not reached, becomes -1 */
    }
    return true;
}

static bool are_below(const uint64_t *values, size_t count, uint64_t bound)
{
    for (size_t at = 0; at < count; at++) {
        if (values[at] >= bound) {
            return false;
        }
    }
    return true;
}

static bool take_meaning(Column column, const uint64_t *ids, uint64_t *values, size_t count, const ColumnTables *tables)
{
    switch (column) {
    case COLUMN_ID:
        return take_ids(values, count);
    case COLUMN_PARENT:
    case COLUMN_ROOT:
        return take_ids_before(ids, values, count, column == COLUMN_PARENT);
    case COLUMN_TASK:
        return are_below(values, count, tables->tasks);
    case COLUMN_RESOURCE:
        return are_below(values, count, tables->resources);
    case COLUMN_SITE:
        return are_below(values, count, tables->sites);
    case COLUMN_ACQUIRE:
        return take_acquires(values, count, tables);
    case COLUMN_OUTCOMES:
        return are_below(values, count, OUTCOMES);
    case COLUMN_BODY:
    case COLUMN_OWN:
        return are_below(values, count, tables->exceptions + 1);
    default:
        return take_durations(values, count);
    }
}

bool columns_take(ColumnReader *reader, size_t count, const ColumnTables *tables, int64_t *table)
{
    uint64_t *first = (uint64_t *)table; /* the same bits: a signed and an unsigned type may stand for each other */
    for (unsigned column = 0; column < COLUMN_COUNT; column++) {
        uint64_t *values = first + column * count;
        if (!column_take(reader, values, count) || !take_meaning((Column)column, first, values, count, tables)) {
            return false;
        }
    }
    return reader->at == reader->end;
}
