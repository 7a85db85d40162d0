#include "agent/core/recent.h"

#include <stdlib.h>

/* A ring of ids, and chains over it: heads[hash] and next[slot] hold slot + 1, 0 ends a chain. */
struct recent {
    struct cx_id ring[RECENT_IDS];
    uint32_t heads[RECENT_IDS];
    uint32_t next[RECENT_IDS];
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

static uint32_t head_of(const struct cx_id *id)
{
    return (uint32_t)(id_hash(id) >> 48);
}

bool recent_has(const struct recent *r, const struct cx_id *id)
{
    for (uint32_t link = r->heads[head_of(id)]; link != 0; link = r->next[link - 1]) {
        if (id_eq(&r->ring[link - 1], id)) {
            return true;
        }
    }
    return false;
}

static void forget(struct recent *r, uint32_t slot)
{
    uint32_t *link = &r->heads[head_of(&r->ring[slot])];

    while (*link != slot + 1) {
        link = &r->next[*link - 1];
    }
    *link = r->next[slot];
}

void recent_add(struct recent *r, const struct cx_id *id)
{
    uint32_t slot = r->at;
    uint32_t head;

    if (recent_has(r, id)) {
        return;
    }
    if (r->is_full) {
        forget(r, slot);
    }
    head = head_of(id);
    r->ring[slot] = *id;
    r->next[slot] = r->heads[head];
    r->heads[head] = slot + 1;
    r->at = (slot + 1) % RECENT_IDS;
    r->is_full = r->is_full || r->at == 0;
}
