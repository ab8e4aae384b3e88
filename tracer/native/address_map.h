/* Numbers by address: tasks, marks, sites, open lifecycles. Includes nothing of the probe. */

#ifndef TENURE_ADDRESS_MAP_H
#define TENURE_ADDRESS_MAP_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

/* (address, number) to number; the address is never 0. */
typedef struct {
    uint64_t address, second, value;
} Slot;

typedef struct {
    Slot *slots;
    size_t size, used; /* size is a power of two or 0 */
} Map;

Slot *map_find(const Map *map, uint64_t address, uint64_t second);
Slot *map_add(Map *map, uint64_t address, uint64_t second); /* the slot of this key, new ones with value 0; or NULL */
void map_remove(Map *map, Slot *slot);                      /* moves other slots: any Slot * is stale afterwards */
void map_clear(Map *map);

#endif
