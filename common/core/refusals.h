#ifndef CONNECTOR_COMMON_CORE_REFUSALS_H
#define CONNECTOR_COMMON_CORE_REFUSALS_H

#include "common/core/err.h"

#include <stdbool.h>
#include <stdint.h>

/* The attempts of each user that were refused within the last hour, so that whoever tries one
 * password after the other finds an end. A user is a keyed hash here: who it is can't be told. What
 * is under way counts as if it were to be refused, or many at once would pass the bound. Bounded in
 * its size: with no room for one more user it lets none in that it does not know, rather than
 * forget one. Pure. */

enum {
    REFUSALS_KEY_BYTES = 16,
    REFUSALS_USERS_MAX = 16384,
    REFUSALS_MAX = 100, /* of one user in an hour, at most */
    REFUSALS_NOBODY = 0 /* no user's number */
};

struct refusals;

enum refusals_answer {
    REFUSALS_FREE,  /* let in; it is to be ended */
    REFUSALS_BUSY,  /* as many are under way as may be refused yet */
    REFUSALS_SPENT, /* as many were refused as may be */
    REFUSALS_NO_ROOM
};

struct refusals_turn {
    uint32_t user;   /* FREE: the number to end it with */
    uint64_t wait_s; /* SPENT: when the next one will be let in, at the earliest */
};

struct refusals *refusals_new(void); /* NULL: out of memory */
void refusals_free(struct refusals *r);

/* An attempt of that user begins. max: 1 to REFUSALS_MAX, refused in an hour. now_s: monotonic, and
 * never less than before. */
enum refusals_answer refusals_begin(struct refusals *r, const uint8_t key[REFUSALS_KEY_BYTES],
                                    unsigned max, uint64_t now_s, struct refusals_turn *turn);

/* It has ended. An hour is counted in slices of ten minutes, the one that has begun and the six
 * before it: never less than an hour, and ten minutes more at most. */
void refusals_end(struct refusals *r, uint32_t user, bool is_refused, uint64_t now_s);

#endif
