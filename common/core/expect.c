#include "common/core/expect.h"

#include <stdlib.h>
#include <string.h>

enum { PLACES = 6 };

static void list_places(struct msg_places *p, struct slice *out[PLACES])
{
    out[0] = &p->access_token;
    out[1] = &p->refresh_token;
    out[2] = &p->expires_in;
    out[3] = &p->token_type;
    out[4] = &p->success_at;
    out[5] = &p->success_is;
}

/* Copy what `s` views to `*at`. An empty slice stays present, an absent one absent. */
static void move_slice(struct slice *s, uint8_t **at)
{
    if (s->len > 0) {
        memcpy(*at, s->ptr, s->len);
        s->ptr = *at;
        *at += s->len;
    } else if (!slice_is_absent(*s)) {
        *s = SLICE_LIT("");
    }
}

enum cx_err expect_dup(const struct msg_expect *from, struct expect *out)
{
    struct expect made = {.view = *from};
    size_t statuses = from->nauth_error_status * sizeof(*from->auth_error_status);
    size_t total = statuses;
    struct slice *places[PLACES];
    uint8_t *at;

    list_places(&made.view.places, places);
    for (size_t i = 0; i < PLACES; i++) {
        total += places[i]->len;
    }
    if (total > 0) {
        made.memory = malloc(total);
        if (made.memory == NULL) {
            return CX_E_NOMEM;
        }
    }
    at = made.memory;
    made.view.auth_error_status = NULL;
    if (statuses > 0) {
        memcpy(at, from->auth_error_status, statuses);
        made.view.auth_error_status = made.memory;
        at += statuses;
    }
    for (size_t i = 0; i < PLACES; i++) {
        move_slice(places[i], &at);
    }
    *out = made;
    return CX_OK;
}

void expect_done(struct expect *e)
{
    free(e->memory);
    *e = (struct expect){.memory = NULL};
}
