#include "platform/io/store_sqlite.h"

#include <string.h>

/* Results that were delivered and whose rows are still there, for the next ones to be written over.
 * Nearly every result is delivered as soon as it is stored: taking its row away again would cost
 * more than storing it, and the pages would come and go. Only the youngest rows are used again, so
 * that the order of seq stays nearly that of expiry (store_tidy). */

enum {
    SPARE_GROUPS = 4
}; /* that long a row is kept for another; or until a group has nothing else
      to write */

static bool is_young(const struct store *s, uint64_t seq)
{
    return seq + STORE_SPARES >= s->next_result;
}

void store_free_result(struct store *s, const struct cx_id *id)
{
    const struct note *note = s->answered;

    if (note == NULL || note->kind != NOTE_RESULT || note->seq == 0 ||
        !id_eq(&note->of.exchange.id, id) || s->spares.count == STORE_SPARES) {
        store_drop_result(s, id);
        return;
    }
    s->spares.items[s->spares.count++] =
        (struct spare){.id = *id, .seq = note->seq, .group = s->groups};
}

bool spare_is(const struct store *s, const struct cx_id *id)
{
    for (size_t i = 0; i < s->spares.count; i++) {
        if (id_eq(&s->spares.items[i].id, id)) {
            return true;
        }
    }
    return false;
}

static void remove_at(struct store *s, size_t i)
{
    s->spares.count--;
    memmove(&s->spares.items[i], &s->spares.items[i + 1],
            (s->spares.count - i) * sizeof(s->spares.items[0]));
}

uint64_t spare_seq(const struct store *s)
{
    return s->spares.count > 0 && is_young(s, s->spares.items[0].seq) ? s->spares.items[0].seq
                                                                      : s->next_result;
}

void spare_used(struct store *s, uint64_t seq)
{
    if (seq == s->next_result) {
        s->next_result++; /* numbers of a group that fails are not used again */
    } else {
        remove_at(s, 0);
    }
}

static enum cx_err drop(struct store *s, const struct spare *spare, struct cx_fail *fail)
{
    struct query q;

    query_start_kept(&q, s, KEPT_FREE_RESULT);
    query_put_u64(&q, spare->seq);
    query_put_id(&q, &spare->id);
    return query_run(&q, fail);
}

enum cx_err spare_drop_old(struct store *s, struct cx_fail *fail)
{
    enum cx_err err = CX_OK;
    size_t i = 0;

    while (i < s->spares.count && err == CX_OK) {
        struct spare spare = s->spares.items[i];

        if (s->written.count > 0 && s->groups - spare.group < SPARE_GROUPS &&
            is_young(s, spare.seq)) {
            i++;
            continue;
        }
        err = drop(s, &spare, fail);
        remove_at(s, i);
    }
    s->groups++;
    return err;
}
