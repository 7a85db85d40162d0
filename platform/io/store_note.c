#include "platform/io/store_sqlite.h"

#include "common/io/seal.h"

#include <stdlib.h>
#include <string.h>

/* What is to be written with the next group. What is secret is sealed here, before it is noted, so
 * that the clear text stays where it came from; and the notes are wiped all the same. */

enum {
    GROUP_FIRST_NOTES = 64,
    GROUP_MAX_NOTES = 1 << 17,
    GROUP_MAX_BYTES = 1 << 26,  /* of strings and sealed parts */
    GROUP_KEEP_BYTES = 1 << 20, /* memory beyond this is given back after the group */
};

void note_group_init(struct note_group *g)
{
    *g = (struct note_group){0};
    buf_init(&g->bytes, GROUP_MAX_BYTES);
}

static void wipe_notes(struct note_group *g)
{
    if (g->notes != NULL) {
        explicit_bzero(g->notes, g->count * sizeof(g->notes[0]));
    }
    g->count = 0;
}

void note_group_clear(struct note_group *g)
{
    wipe_notes(g);
    if (g->bytes.room > GROUP_KEEP_BYTES) {
        buf_done(&g->bytes);
    } else {
        buf_clear(&g->bytes);
    }
}

void note_group_done(struct note_group *g)
{
    wipe_notes(g);
    free(g->notes);
    buf_done(&g->bytes);
    *g = (struct note_group){0};
}

bool note_group_drops(const struct note_group *g, const struct cx_id *id)
{
    for (size_t i = 0; i < g->count; i++) {
        if (g->notes[i].kind == NOTE_DROP && id_eq(&g->notes[i].of.exchange.id, id)) {
            return true;
        }
    }
    return false;
}

static bool grow(struct note_group *g)
{
    size_t room = g->room != 0 ? g->room * 2 : GROUP_FIRST_NOTES;
    struct note *grown;

    if (room > GROUP_MAX_NOTES) {
        return false;
    }
    grown = malloc(room * sizeof(*grown));
    if (grown == NULL) {
        return false;
    }
    if (g->count > 0) {
        memcpy(grown, g->notes, g->count * sizeof(*grown));
        explicit_bzero(g->notes, g->count * sizeof(*grown));
    }
    free(g->notes);
    g->notes = grown;
    g->room = room;
    return true;
}

/* A new note at the end of the group; NULL if there is no room for it. */
static struct note *add(struct store *s, enum note_kind kind)
{
    struct note_group *g = &s->noted;
    struct note *note;

    if (g->count == g->room && !grow(g)) {
        return NULL;
    }
    note = &g->notes[g->count++];
    *note = (struct note){.kind = kind};
    return note;
}

static enum cx_err put_texts(struct buf *bytes, const char *const *texts, size_t count)
{
    enum cx_err err = CX_OK;

    for (size_t i = 0; i < count && err == CX_OK; i++) {
        const char *text = texts[i] != NULL ? texts[i] : "";

        err = buf_put(bytes, slice_of(text, strlen(text) + 1));
    }
    return err;
}

/* Copy the strings; on failure the note is left as one that is not to be written. */
static void note_texts(struct store *s, struct note *note, const char *const *texts, size_t count)
{
    note->text_at = s->noted.bytes.len;
    if (put_texts(&s->noted.bytes, texts, count) != CX_OK) {
        buf_truncate(&s->noted.bytes, note->text_at);
        note->err = CX_E_STORE;
    }
}

static enum cx_err put_aad(struct buf *out, const char *kind, const struct cx_id *id)
{
    char text[CX_ID_TEXT_BYTES];

    return store_aad(out, kind, id_text(id, text));
}

enum cx_err store_result_aad(struct buf *out, const struct cx_id *id)
{
    return put_aad(out, "result", id);
}

enum cx_err store_body_aad(struct buf *out, const struct cx_id *id)
{
    return put_aad(out, "body", id);
}

/* Seal `part` into the group's bytes; on failure the note is left as one that is not to be written.
 */
static void note_part(struct store *s, struct note *note, struct slice part)
{
    struct buf *bytes = &s->noted.bytes;
    const struct cx_id *id = &note->of.exchange.id;
    struct buf aad;
    enum cx_err err;

    note->part_at = bytes->len;
    buf_init(&aad, STORE_AAD_MAX_BYTES);
    err = note->kind == NOTE_RESULT ? store_result_aad(&aad, id) : store_body_aad(&aad, id);
    if (err == CX_OK) {
        err = seal(s->key, buf_view(&aad), part, bytes);
    }
    if (err == CX_OK) {
        note->part_bytes = bytes->len - note->part_at;
    } else {
        note->err = CX_E_STORE;
    }
    buf_done(&aad);
}

void store_put_exchange(struct store *s, const struct store_exchange *e, store_done *done,
                        void *ctx)
{
    const char *const texts[] = {e->profile, e->connector, e->key, e->subject, e->moved, e->hold};
    struct note *note = add(s, NOTE_EXCHANGE);

    if (note != NULL) {
        note->done.exchange = done;
        note->ctx = ctx;
        note->of.exchange = *e;
        note_texts(s, note, texts, sizeof(texts) / sizeof(texts[0]));
        if (note->err == CX_OK && e->is_keyed) {
            note_part(s, note, slice_of(e->body_sha256, sizeof(e->body_sha256)));
        }
    } else if (done != NULL) {
        done(ctx, CX_E_STORE);
    }
}

void store_put_result(struct store *s, const struct store_exchange *ended, struct slice sealed_part,
                      store_result_done *done, void *ctx)
{
    struct note *note = add(s, NOTE_RESULT);

    if (note == NULL) {
        if (done != NULL) {
            done(ctx, STORE_RESULT_NEW, CX_E_STORE);
        }
        return;
    }
    note->done.result = done;
    note->ctx = ctx;
    note->of.exchange = *ended;
    note_texts(s, note, &ended->connector, 1);
    if (note->err == CX_OK && sealed_part.len > 0) {
        note_part(s, note, sealed_part);
    }
}

void store_drop_result(struct store *s, const struct cx_id *id)
{
    struct note *note = add(s, NOTE_DROP);

    if (note != NULL) { /* without memory for it: it goes when it expires */
        note->of.exchange.id = *id;
    }
}

void store_put_agent_seen(struct store *s, const struct store_agent *a)
{
    struct note *note = add(s, NOTE_AGENT);
    const char *const texts[] = {a->version, a->host};

    if (note != NULL) { /* without memory for it: it comes again with the next hello */
        note->of.agent = *a;
        note_texts(s, note, texts, sizeof(texts) / sizeof(texts[0]));
    }
}

bool store_is_dirty(const struct store *s)
{
    return s->noted.count > 0;
}

size_t store_noted(const struct store *s)
{
    return s->noted.count;
}
