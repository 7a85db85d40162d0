#include "common/core/wire.h"
#include "common/core/wire_read.h"

#include <stdlib.h>
#include <string.h>

/* Where the arrays of what is read live: each message has its own memory, or many share some. */

/* Of a message's arrays and maps, and then as much again: no more than malloc keeps at hand.
 * msgpack's own 8 KiB for each message cost it more than reading does. */
enum { ZONE_BYTES = 1000 };

/* A dozen jobs. */
enum { ARENA_BYTES = 32 * 1024 };

enum cx_err wire_get(struct slice message, struct msg *out, struct cx_fail *fail)
{
    msgpack_zone *zone = msgpack_zone_new(ZONE_BYTES);
    enum cx_err err;

    if (zone == NULL) {
        return cx_fail_set(fail, CX_E_NOMEM, "wire.get", "%s", "");
    }
    err = wire_read_message(zone, message, out, fail);
    if (err != CX_OK) {
        msgpack_zone_free(zone);
        return err;
    }
    out->arena = zone;
    return CX_OK;
}

void wire_done(struct msg *m)
{
    msgpack_zone_free(m->arena);
    memset(m, 0, sizeof(*m));
}

struct wire_arena {
    msgpack_zone zone;
};

struct wire_arena *wire_arena_new(void)
{
    struct wire_arena *arena = malloc(sizeof(*arena));

    if (arena != NULL && !msgpack_zone_init(&arena->zone, ARENA_BYTES)) {
        free(arena);
        return NULL;
    }
    return arena;
}

void wire_arena_free(struct wire_arena *arena)
{
    if (arena != NULL) {
        msgpack_zone_destroy(&arena->zone);
    }
    free(arena);
}

void wire_arena_clear(struct wire_arena *arena)
{
    msgpack_zone_clear(&arena->zone);
}

enum cx_err wire_get_in(struct wire_arena *arena, struct slice message, struct msg *out,
                        struct cx_fail *fail)
{
    return wire_read_message(&arena->zone, message, out, fail);
}
