/* Marks: which task is entering which manager now. Includes address_map.h, layout.h. */

#ifndef TENURE_MARKS_H
#define TENURE_MARKS_H

#include "../address_map.h"
#include "layout.h"

extern Map marks; /* (address of a manager, task that is entering it) to the number of such entries */

static inline bool mark_is_set(PyObject *manager, uint64_t task)
{
    return map_find(&marks, (uint64_t)(uintptr_t)manager, task) != NULL;
}

void mark_set(Handle *handle);
void marks_clear(void);

static inline void mark_clear(Handle *handle) /* inline, so that the two stamps without a mark make no call */
{
    if (!(handle->stamps.flags & MARKED)) {
        return;
    }
    handle->stamps.flags &= ~(uint32_t)MARKED;
    Slot *slot = map_find(&marks, handle->address, handle->stamps.task);
    if (slot != NULL && --slot->value == 0) {
        map_remove(&marks, slot);
    }
}

#endif
