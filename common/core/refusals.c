#include "common/core/refusals.h"

#include <stdlib.h>
#include <string.h>

enum {
    SLICE_S = 600,
    SLICES = 7,     /* an hour in slices, and the one that has begun */
    BUCKETS = 8192, /* a power of two */
};

struct user {
    uint8_t key[REFUSALS_KEY_BYTES];
    uint64_t slice; /* the latest that was counted in */
    uint32_t next;  /* in its bucket, or of those that are free; 0: the last */
    uint32_t running;
    uint8_t counts[SLICES]; /* by the slice's number, modulo SLICES */
};

struct refusals {
    uint32_t buckets[BUCKETS];                 /* numbers of users; 0: empty */
    struct user users[REFUSALS_USERS_MAX + 1]; /* by number: 0 is nobody */
    uint32_t free;                             /* the first that was given back */
    uint32_t used;                             /* numbers that were ever given out */
    uint64_t swept_slice;                      /* when users of long ago were last looked for */
};

struct refusals *refusals_new(void)
{
    return calloc(1, sizeof(struct refusals)); /* the kernel gives what is touched */
}

void refusals_free(struct refusals *r)
{
    if (r != NULL) {
        explicit_bzero(r, sizeof(*r));
        free(r);
    }
}

/* A hash's bytes are as good as any other hash of them. */
static uint32_t *bucket_of(struct refusals *r, const uint8_t *key)
{
    uint32_t bits;

    memcpy(&bits, key, sizeof(bits));
    return &r->buckets[bits & (BUCKETS - 1)];
}

static uint32_t find(struct refusals *r, const uint8_t *key)
{
    uint32_t n = *bucket_of(r, key);

    while (n != REFUSALS_NOBODY && memcmp(r->users[n].key, key, REFUSALS_KEY_BYTES) != 0) {
        n = r->users[n].next;
    }
    return n;
}

/* Forget what is no part of the hour any more. */
static void move_on(struct user *u, uint64_t slice)
{
    for (uint64_t passed = 0; u->slice < slice; passed++) {
        u->slice = passed < SLICES ? u->slice + 1 : slice;
        u->counts[u->slice % SLICES] = 0;
    }
}

static unsigned total(const struct user *u)
{
    unsigned sum = 0;

    for (size_t i = 0; i < SLICES; i++) {
        sum += u->counts[i];
    }
    return sum;
}

static void forget(struct refusals *r, uint32_t n)
{
    uint32_t *link = bucket_of(r, r->users[n].key);

    while (*link != n) {
        link = &r->users[*link].next;
    }
    *link = r->users[n].next;
    r->users[n] = (struct user){.next = r->free};
    r->free = n;
}

static void sweep_bucket(struct refusals *r, uint32_t n, uint64_t slice)
{
    while (n != REFUSALS_NOBODY) {
        struct user *u = &r->users[n];
        uint32_t next = u->next;

        move_on(u, slice);
        if (u->running == 0 && total(u) == 0) {
            forget(r, n);
        }
        n = next;
    }
}

/* Users of long ago; once a slice, since none leaves within one by the passing of time. */
static void sweep(struct refusals *r, uint64_t slice)
{
    if (r->swept_slice == slice) {
        return;
    }
    r->swept_slice = slice;
    for (size_t i = 0; i < BUCKETS; i++) {
        sweep_bucket(r, r->buckets[i], slice);
    }
}

static uint32_t add(struct refusals *r, const uint8_t *key, uint64_t slice)
{
    uint32_t *bucket = bucket_of(r, key);
    uint32_t n;

    if (r->free == REFUSALS_NOBODY && r->used == REFUSALS_USERS_MAX) {
        sweep(r, slice);
    }
    n = r->free;
    if (n != REFUSALS_NOBODY) {
        r->free = r->users[n].next;
    } else if (r->used < REFUSALS_USERS_MAX) {
        n = ++r->used;
    } else {
        return REFUSALS_NOBODY;
    }
    r->users[n] = (struct user){.slice = slice, .next = *bucket};
    memcpy(r->users[n].key, key, REFUSALS_KEY_BYTES);
    *bucket = n;
    return n;
}

/* Until so many of the oldest are no part of the hour that one more may be refused. */
static uint64_t wait_of(const struct user *u, unsigned max, uint64_t now_s)
{
    unsigned left = total(u);
    uint64_t slice = u->slice >= SLICES ? u->slice - (SLICES - 1) : 0; /* the oldest that counts */

    while (slice < u->slice) {
        left -= u->counts[slice % SLICES];
        if (left < max) {
            break;
        }
        slice++;
    }
    return (slice + SLICES) * SLICE_S - now_s;
}

enum refusals_answer refusals_begin(struct refusals *r, const uint8_t key[REFUSALS_KEY_BYTES],
                                    unsigned max, uint64_t now_s, struct refusals_turn *turn)
{
    uint64_t slice = now_s / SLICE_S;
    uint32_t n = find(r, key);
    struct user *u;

    if (n == REFUSALS_NOBODY) {
        n = add(r, key, slice);
    }
    if (n == REFUSALS_NOBODY) {
        return REFUSALS_NO_ROOM;
    }
    u = &r->users[n];
    move_on(u, slice);
    if (total(u) >= max) {
        turn->wait_s = wait_of(u, max, now_s);
        return REFUSALS_SPENT;
    }
    if (total(u) + u->running >= max) {
        return REFUSALS_BUSY;
    }
    u->running++;
    turn->user = n;
    return REFUSALS_FREE;
}

void refusals_end(struct refusals *r, uint32_t user, bool is_refused, uint64_t now_s)
{
    struct user *u = &r->users[user];

    move_on(u, now_s / SLICE_S);
    u->running--;
    if (is_refused && u->counts[u->slice % SLICES] < UINT8_MAX) {
        u->counts[u->slice % SLICES]++;
    }
    if (u->running == 0 && total(u) == 0) {
        forget(r, user);
    }
}
