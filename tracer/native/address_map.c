/* An open-addressing hash map from (address, number) to number. Removing a slot moves later slots back into the hole,
 * so there are no tombstones, which would accumulate while the program runs. */

#include "address_map.h"

enum { SMALLEST = 64 };

static size_t place_of(const Map *map, uint64_t address, uint64_t second)
{
    /* Addresses are multiples of 16, so their lowest bits are always 0. */
    uint64_t mixed = (address >> 4) * 0x9E3779B97F4A7C15u ^ second * 0xD6E8FEB86659FD93u;
    return (size_t)(mixed ^ mixed >> 32) & (map->size - 1);
}

Slot *map_find(const Map *map, uint64_t address, uint64_t second)
{
    if (map->used == 0) {
        return NULL;
    }
    for (size_t at = place_of(map, address, second);; at = (at + 1) & (map->size - 1)) {
        Slot *slot = &map->slots[at];
        if (slot->address == address && slot->second == second) {
            return slot;
        }
        if (slot->address == 0) {
            return NULL;
        }
    }
}

static Slot *free_slot(const Map *map, uint64_t address, uint64_t second)
{
    size_t at = place_of(map, address, second);
    while (map->slots[at].address != 0) {
        at = (at + 1) & (map->size - 1);
    }
    return &map->slots[at];
}

static bool grow(Map *map)
{
    Map larger = {.size = map->size ? 2 * map->size : SMALLEST, .used = map->used};
    larger.slots = PyMem_Calloc(larger.size, sizeof(Slot));
    if (larger.slots == NULL) {
        return false;
    }
    for (size_t at = 0; at < map->size; at++) {
        const Slot *slot = &map->slots[at];
        if (slot->address != 0) {
            *free_slot(&larger, slot->address, slot->second) = *slot;
        }
    }
    PyMem_Free(map->slots);
    *map = larger;
    return true;
}

Slot *map_add(Map *map, uint64_t address, uint64_t second)
{
    Slot *slot = map_find(map, address, second);
    if (slot != NULL) {
        return slot;
    }
    if (2 * (map->used + 1) > map->size && !grow(map)) {
        return NULL;
    }
    slot = free_slot(map, address, second);
    *slot = (Slot){address, second, 0};
    map->used++;
    return slot;
}

void map_remove(Map *map, Slot *slot)
{
    size_t mask = map->size - 1;
    size_t hole = (size_t)(slot - map->slots);
    for (size_t at = (hole + 1) & mask; map->slots[at].address != 0; at = (at + 1) & mask) {
        size_t wanted = place_of(map, map->slots[at].address, map->slots[at].second);
        if (((at - wanted) & mask) >= ((at - hole) & mask)) {
            map->slots[hole] = map->slots[at];
            hole = at;
        }
    }
    map->slots[hole] = (Slot){0, 0, 0};
    map->used--;
}

void map_clear(Map *map)
{
    PyMem_Free(map->slots);
    *map = (Map){NULL, 0, 0};
}
