#include "agent/core/failures.h"

#include <string.h>

/* As much as fits, without half a character at its end. */
static void put_text(struct failure *out, struct slice text)
{
    size_t len = text.len < FAILURE_TEXT_BYTES - 1 ? text.len : FAILURE_TEXT_BYTES - 1;

    while (len > 0 && len < text.len && (text.ptr[len] & 0xc0) == 0x80) {
        len--;
    }
    if (len > 0) {
        memcpy(out->text, text.ptr, len);
    }
    out->text[len] = '\0';
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
    put_text(out, result->error.message);
    f->next = (f->next + 1) % FAILURES_KEPT;
    f->count += f->count < FAILURES_KEPT ? 1 : 0;
}

const struct failure *failures_at(const struct failures *f, size_t nth)
{
    return nth < f->count ? &f->kept[(f->next + FAILURES_KEPT - 1 - nth) % FAILURES_KEPT] : NULL;
}
