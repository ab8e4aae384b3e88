#include "columns.h"

enum { LONGEST_VARINT = 10 }; /* bytes of 64 bits */

size_t column_room(size_t count)
{
    return 1 + 2 * LONGEST_VARINT + LONGEST_VARINT * count;
}

uint64_t zigzag(int64_t value)
{
    return value < 0 ? ~((uint64_t)value << 1) : (uint64_t)value << 1;
}

/* ---- writing ---- */

static uint8_t *put_varint(uint8_t *to, uint64_t value)
{
    while (value >= 0x80) {
        *to++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *to++ = (uint8_t)value;
    return to;
}

static uint8_t *put_runs(uint8_t *to, const uint64_t *values, size_t count)
{
    for (size_t at = 0; at < count;) {
        size_t from = at;
        while (at < count && values[at] == values[from]) {
            at++;
        }
        to = put_varint(put_varint(to, values[from]), at - from);
    }
    return to;
}

static uint8_t *put_fixed(uint8_t *to, const uint64_t *values, size_t count, unsigned width)
{
    for (size_t at = 0; at < count; at++) {
        for (unsigned byte = 0; byte < width; byte++) {
            *to++ = (uint8_t)(values[at] >> 8 * byte);
        }
    }
    return to;
}

static Mode width_of(uint64_t bits)
{
    return bits >> 8 == 0 ? MODE_FIXED_1 : bits >> 16 == 0 ? MODE_FIXED_2 : bits >> 32 == 0 ? MODE_FIXED_4 : MODE_FIXED_8;
}

static size_t varint_length(uint64_t value)
{
#if defined(__GNUC__)
    return (size_t)(63 - __builtin_clzll(value | 1)) / 7 + 1;
#else
    size_t length = 1;
    while (value >>= 7) {
        length++;
    }
    return length;
#endif
}

uint8_t *column_put(uint8_t *to, const uint64_t *values, size_t count, Style style)
{
    uint64_t bits = 0;
    size_t changes = 0, length = 0;
    for (size_t at = 0; at < count; at++) {
        bits |= values[at];
        changes += at != 0 && values[at] != values[at - 1];
        length += varint_length(values[at]);
    }
    if (changes == 0) {
        *to++ = MODE_CONSTANT;
        return put_varint(to, count == 0 ? 0 : values[0]);
    }
    if (style == BY_VARINT && 3 * changes < count) {
        *to++ = MODE_RUNS;
        return put_runs(to, values, count);
    }
    Mode mode = width_of(bits);
    unsigned width = 1u << (mode - MODE_FIXED_1);
    if (style == BY_VARINT && length < width * count) {
        *to++ = MODE_VARINTS;
        for (size_t at = 0; at < count; at++) {
            to = put_varint(to, values[at]);
        }
        return to;
    }
    *to++ = (uint8_t)mode;
    return put_fixed(to, values, count, width);
}

/* ---- reading ---- */

static bool take_varint(ColumnReader *reader, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
        uint8_t byte = *reader->at++;
        if (shift == 63 && byte > 1) {
            return false;
        }
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return true;
        }
    }
    return false;
}

static bool take_runs(ColumnReader *reader, uint64_t *values, size_t count)
{
    uint64_t value, length;
    for (size_t at = 0; at < count;) {
        if (!take_varint(reader, &value) || !take_varint(reader, &length) || length == 0 || length > count - at) {
            return false;
        }
        while (length-- != 0) {
            values[at++] = value;
        }
    }
    return true;
}

static bool take_fixed(ColumnReader *reader, uint64_t *values, size_t count, unsigned width)
{
    if ((size_t)(reader->end - reader->at) / width < count) {
        return false;
    }
    for (size_t at = 0; at < count; at++) {
        uint64_t value = 0;
        for (unsigned byte = 0; byte < width; byte++) {
            value |= (uint64_t)*reader->at++ << 8 * byte;
        }
        values[at] = value;
    }
    return true;
}

bool column_take(ColumnReader *reader, uint64_t *values, size_t count)
{
    if (reader->at >= reader->end) {
        return false;
    }
    uint8_t mode = *reader->at++;
    uint64_t value;
    switch (mode) {
    case MODE_CONSTANT:
        if (!take_varint(reader, &value)) {
            return false;
        }
        for (size_t at = 0; at < count; at++) {
            values[at] = value;
        }
        return true;
    case MODE_VARINTS:
        for (size_t at = 0; at < count; at++) {
            if (!take_varint(reader, &values[at])) {
                return false;
            }
        }
        return true;
    case MODE_RUNS:
        return take_runs(reader, values, count);
    case MODE_FIXED_1:
    case MODE_FIXED_2:
    case MODE_FIXED_4:
    case MODE_FIXED_8:
        return take_fixed(reader, values, count, 1u << (mode - MODE_FIXED_1));
    default:
        return false;
    }
}
