#include "agent/core/recent.h"

#include <stdlib.h>

enum { PLACES = 2 * RECENT_IDS, HOME_SHIFT = 64 - 17 };

/* From this distance on an entry does not tell its own. */
enum { FAR = 254 };

/* A ring of ids, and a table over it with linear probing: an id stands at its home, which is the
 * top 17 bits of its hash, or at a place behind, with no free one between. A free place is 0. Else
 * it holds, from the top, 8 bits of 1 + the distance from home, 8 more bits of the hash, and 16
 * bits of the slot in the ring: so that as a rule the ring, too large for the cache, need not be
 * read to see that an id isn't there, nor to close a gap. */
struct recent {
    struct cx_id ring[RECENT_IDS];
    uint32_t table[PLACES];
    uint32_t at;  /* the slot that is written next */
    bool is_full; /* every slot is in use */
};

struct recent *recent_new(void)
{
    return calloc(1, sizeof(struct recent));
}

void recent_free(struct recent *r)
{
    free(r);
}

static uint32_t home_of(uint64_t hash)
{
    return (uint32_t)(hash >> HOME_SHIFT);
}

/* The top 8 bits of an entry. */
static uint32_t top_of(uint32_t distance)
{
    return 1 + (distance < FAR ? distance : FAR);
}

/* All that stands above the slot in the entry of an id with this hash. */
static uint32_t mark_of(uint64_t hash, uint32_t distance)
{
    return top_of(distance) << 8 | (hash >> (HOME_SHIFT - 8) & 0xff);
}

static uint32_t after(uint32_t place)
{
    return (place + 1) % PLACES;
}

/* Where the id is, or the free place where it belongs. */
static uint32_t find(const struct recent *r, const struct cx_id *id, uint64_t hash)
{
    uint32_t place = home_of(hash);
    uint32_t entry;

    for (uint32_t distance = 0; (entry = r->table[place]) != 0; distance++) {
        if (entry >> 16 == mark_of(hash, distance) && id_eq(&r->ring[entry % RECENT_IDS], id)) {
            break;
        }
        place = after(place);
    }
    return place;
}

bool recent_has(const struct recent *r, const struct cx_id *id)
{
    return r->table[find(r, id, id_hash(id))] != 0;
}

static uint32_t distance_at(const struct recent *r, uint32_t place)
{
    uint32_t entry = r->table[place];
    uint32_t distance = (entry >> 24) - 1;

    if (distance < FAR) {
        return distance;
    }
    return (place - home_of(id_hash(&r->ring[entry % RECENT_IDS]))) % PLACES;
}

/* Free the place of a slot's id. What comes behind it moves up, so that a look-up needs no mark
 * where something was. */
static void forget(struct recent *r, uint32_t slot)
{
    uint32_t gap = find(r, &r->ring[slot], id_hash(&r->ring[slot]));

    for (uint32_t place = after(gap); r->table[place] != 0; place = after(place)) {
        uint32_t distance = distance_at(r, place);
        uint32_t step = (place - gap) % PLACES;

        if (distance >= step) {
            r->table[gap] = top_of(distance - step) << 24 | (r->table[place] & 0xffffff);
            gap = place;
        }
    }
    r->table[gap] = 0;
}

void recent_add(struct recent *r, const struct cx_id *id)
{
    uint64_t hash = id_hash(id);
    uint32_t slot = r->at;
    uint32_t place = find(r, id, hash);

    if (r->table[place] != 0) {
        return;
    }
    if (r->is_full) {
        forget(r, slot);
        place = find(r, id, hash); /* one that is nearer may be free now */
    }
    r->ring[slot] = *id;
    r->table[place] = mark_of(hash, (place - home_of(hash)) % PLACES) << 16 | slot;
    r->at = (slot + 1) % RECENT_IDS;
    r->is_full = r->is_full || r->at == 0;
}
