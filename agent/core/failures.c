#include "agent/core/failures.h"

#include "common/core/answer_reader.h"

#include <string.h>

/* Append as much as fits, without half a character at its end. */
static void put_text(struct failure *out, struct slice text)
{
    size_t at = strlen(out->text);
    size_t room = FAILURE_TEXT_BYTES - 1 - at;
    size_t len = text.len < room ? text.len : room;

    while (len > 0 && len < text.len && (text.ptr[len] & 0xc0) == 0x80) {
        len--;
    }
    if (len > 0) {
        memcpy(out->text + at, text.ptr, len);
    }
    out->text[at + len] = '\0';
}

/* The sentence quotes the endpoint's `error`. One that no standard has is the endpoint's own
 * choice, and could be anything that it was sent. */
static void put_message(struct failure *out, const struct msg_failure *error)
{
    const struct answer_refusal refusal = {.code = error->oauth_error};
    const struct slice message = error->message;
    const uint8_t *quoted = NULL;

    out->text[0] = '\0';
    if (error->oauth_error.len > 0 && !answer_refusal_is_standard(&refusal)) {
        quoted = memmem(message.ptr, message.len, error->oauth_error.ptr, error->oauth_error.len);
    }
    if (quoted == NULL) {
        put_text(out, message);
    } else {
        put_text(out, slice_first(message, (size_t)(quoted - message.ptr)));
        put_text(out, SLICE_LIT("an error of its own"));
        put_text(out, slice_from(message, (size_t)(quoted - message.ptr) + error->oauth_error.len));
    }
    cx_text_clean(out->text);
}

void failures_add(struct failures *f, const struct msg_result *result, uint64_t now_unix_s)
{
    struct failure *out = &f->kept[f->next];

    if (!result->has_error) {
        return;
    }
    out->at_unix_s = now_unix_s;
    out->code = result->code;
    out->stage = result->error.stage;
    out->status = result->status;
    put_message(out, &result->error);
    f->next = (f->next + 1) % FAILURES_KEPT;
    f->count += f->count < FAILURES_KEPT ? 1 : 0;
}

const struct failure *failures_at(const struct failures *f, size_t nth)
{
    return nth < f->count ? &f->kept[(f->next + FAILURES_KEPT - 1 - nth) % FAILURES_KEPT] : NULL;
}
