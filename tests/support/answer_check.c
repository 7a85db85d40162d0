#include "tests/support/answer_check.h"

static void read_it(const char *type, struct slice body, const struct msg_expect *expect,
                    enum body_encoding sent, struct answer *out)
{
    const struct answer_input in = {.status = 200,
                                    .content_type = slice_of_str(type),
                                    .body = body,
                                    .is_body_whole = true,
                                    .sent = sent,
                                    .expect = expect};

    if (answer_read(&in, out) != CX_OK) {
        fail_msg("%.*s: out of memory", SLICE_ARG(body));
    }
}

void answer_read_body(const char *type, struct slice body, enum body_encoding expect,
                      enum body_encoding sent, struct answer *out)
{
    read_it(type, body, &(const struct msg_expect){.answer = expect}, sent, out);
}

void answer_read_expected(const char *type, const char *body, const struct msg_expect *expect,
                          struct answer *out)
{
    read_it(type, slice_of_str(body), expect, ENCODING_FORM, out);
}

void answer_need_issued(const char *why, const struct answer *a)
{
    if (a->code != VERDICT_ISSUED) {
        fail_msg("%s: %s (%.*s)", why, terms_verdict(a->code), SLICE_ARG(a->error.message));
    }
}

void answer_need_declined(const char *why, const struct answer *a, enum verdict code,
                          const char *says)
{
    struct slice m = a->error.message;

    if (a->code != code) {
        fail_msg("%s: %s (%.*s), not %s", why, terms_verdict(a->code), SLICE_ARG(m),
                 terms_verdict(code));
    }
    if (memmem(m.ptr, m.len, says, strlen(says)) == NULL) {
        fail_msg("%s: \"%.*s\" doesn't say \"%s\"", why, SLICE_ARG(m), says);
    }
    CHECK(why, slice_is_absent(a->token.access_token));
}

void answer_check_slice(const char *why, struct slice got, const char *want)
{
    CHECK(why, slice_is_absent(got) == (want == NULL));
    CHECK_TEXT(why, got, want == NULL ? "" : want);
}
