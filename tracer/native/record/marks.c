/* Marks: which task is entering which manager now (patch/method.h explains the purpose). */

#include "marks.h"

Map marks;

void mark_set(Handle *handle)
{
    Slot *slot = map_add(&marks, handle->address, handle->stamps.task);
    if (slot != NULL) {
        slot->value++;
        handle->stamps.flags |= MARKED;
    }
}

void marks_clear(void)
{
    map_clear(&marks);
}
