#ifndef CONNECTOR_COMMON_CORE_ANSWER_READER_H
#define CONNECTOR_COMMON_CORE_ANSWER_READER_H

#include "common/core/answer.h"

#include <jansson.h>

/* What the files that read answers share. Private to common/core. A reader turns a body of its
 * encoding into a JSON value; what that value means is the same for all of them. */

enum { ANSWER_TEXT_BYTES_MAX = 512 }; /* of a peer's text, and of a sentence */

/* Read `body` (valid UTF-8, without byte order mark and surrounding white space, not empty) into a
 * new reference. Errors, with a clause in `fail` that continues "the answer can't be read: "
 * without showing any of the body: CX_E_SYNTAX (not this encoding), CX_E_DUPLICATE (a name twice),
 * CX_E_UTF8, CX_E_TOO_BIG (nested too deep, too many members), CX_E_NOMEM. */
typedef enum cx_err answer_reader(struct slice body, json_t **root, struct cx_fail *fail);

answer_reader answer_read_json;

/* Pairs, or one JSON object, percent-encoded. */
answer_reader answer_read_form;

/* A body, read by whichever reader it is for. */
struct answer_body {
    json_t *root;       /* NULL if it is empty or can't be read */
    bool is_empty;      /* nothing but white space */
    struct cx_fail why; /* why it can't be read */
};

/* The only error is CX_E_NOMEM. */
enum cx_err answer_body_read(const struct answer_input *in, struct answer_body *out) CX_MUST_CHECK;
void answer_body_done(struct answer_body *b);

/* The `error` of an answer (RFC 6749 5.2). Slices are borrowed from the root. */
struct answer_refusal {
    bool is_error;            /* there is one that is neither null, false, 0 nor empty */
    struct slice code;        /* absent if it is no string of RFC 6749's characters */
    struct slice description; /* as it came */
};

void answer_refusal_find(const json_t *root, struct answer_refusal *out);

/* True if the code is one of the six of RFC 6749 5.2. */
bool answer_refusal_is_standard(const struct answer_refusal *r);

/* Move the token's members out of `root` and into `out`, the rest into extra. Errors, with a clause
 * in `fail` as above: CX_E_NOT_FOUND (there is no access token), CX_E_DUPLICATE (two different
 * ones), CX_E_TYPE, CX_E_SYNTAX (control characters in a token), CX_E_NOMEM. */
enum cx_err answer_token_take(json_t *root, struct answer *out, struct cx_fail *fail) CX_MUST_CHECK;

/* What was decided about an answer that brings no token. */
struct answer_judgement {
    enum verdict code;
    struct answer_refusal refusal;
    bool has_retry_after;
    uint64_t retry_after_ms;
};

/* The sentence for the person: what happened and what to do. Cut to ANSWER_TEXT_BYTES_MAX - 1. */
void answer_say(const struct answer_input *in, const struct answer_body *body,
                const struct answer_judgement *j, char out[ANSWER_TEXT_BYTES_MAX]);

/* The first character of `s` (valid UTF-8, not empty): its bytes, and whether it is a control
 * character (C0, DEL, C1). */
size_t answer_char(struct slice s, bool *is_control);

/* Append `text` (valid UTF-8), cut to ANSWER_TEXT_BYTES_MAX bytes at a character's end, control
 * characters as '?'. */
enum cx_err answer_put_clean(struct slice text, struct buf *out) CX_MUST_CHECK;

#endif
