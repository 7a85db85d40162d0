#ifndef CONNECTOR_COMMON_CORE_ANSWER_READER_H
#define CONNECTOR_COMMON_CORE_ANSWER_READER_H

#include "common/core/answer.h"

#include <jansson.h>

/* What the files that read answers share. Private to common/core. A reader turns a body of its
 * encoding into a JSON value; what that value means is the same for all of them. */

#define ANSWER_IS_HTML "it is HTML, a page for people"

enum { ANSWER_TEXT_BYTES_MAX = 512 }; /* of a peer's text, and of a sentence */

/* The names that mean something in an answer: of what a token is made of, the standard's first,
 * then what some providers call it; of what may wrap it; of a refusal. */
enum answer_name {
    ANSWER_ACCESS_TOKEN,
    ANSWER_ACCESS_TOKEN_CAMEL, /* "accessToken"; likewise below */
    ANSWER_TOKEN_TYPE,
    ANSWER_TOKEN_TYPE_CAMEL,
    ANSWER_EXPIRES_IN,
    ANSWER_EXPIRES_IN_CAMEL,
    ANSWER_EXPIRES,
    ANSWER_REFRESH_TOKEN,
    ANSWER_REFRESH_TOKEN_CAMEL,
    ANSWER_SCOPE,
    ANSWER_ID_TOKEN,
    ANSWER_ID_TOKEN_CAMEL,
    ANSWER_REFRESH_EXPIRES_IN,
    ANSWER_REFRESH_TOKEN_EXPIRES_IN,
    ANSWER_REFRESH_EXPIRES_IN_CAMEL,
    ANSWER_REFRESH_TOKEN_EXPIRES_IN_CAMEL,
    ANSWER_DATA,
    ANSWER_RESULT,
    ANSWER_ITEMS,
    ANSWER_ERROR,
    ANSWER_ERROR_DESCRIPTION,
    ANSWER_NAME_COUNT
};

const char *answer_name_text(enum answer_name name);

/* An object's members of these names: found in one pass, since looking for each of them costs more
 * than all else that an answer is read for. Everything is borrowed from the object. */
struct answer_members {
    json_t *object;                   /* NULL or no object: it has no members */
    json_t *value[ANSWER_NAME_COUNT]; /* NULL: there is none, or it was taken */
    enum answer_name taken[ANSWER_NAME_COUNT];
    size_t ntaken;
};

void answer_members_find(json_t *object, struct answer_members *out);

/* Note that a member is no longer the object's; its value lives until it is removed. */
void answer_members_take(struct answer_members *m, enum answer_name name);

/* How many members the object has besides those that were taken. */
size_t answer_members_left(const struct answer_members *m);

/* Remove those that were taken from the object. */
void answer_members_remove(struct answer_members *m);

/* A body, read by whichever reader it is for. */
struct answer_body {
    json_t *document; /* NULL if it is empty or can't be read */
    json_t *root;     /* what RFC 6749's names are looked for in: the document; of XML its element's
                         content, of RSS its first item. Borrowed from it */
    struct answer_members members; /* the root's; answer_body_read finds them */
    bool is_xml;
    bool is_empty;      /* nothing but white space */
    struct cx_fail why; /* why it can't be read, or why there is no token in it */
};

/* Read `body` (valid UTF-8, without byte order mark and surrounding white space, not empty): set
 * document, root and is_xml of `out`. Errors, with a clause in `fail` that continues "the answer
 * can't be read: " without showing any of the body: CX_E_SYNTAX (not this encoding), CX_E_DUPLICATE
 * (a name twice), CX_E_UTF8, CX_E_TOO_BIG (nested too deep, too many members), CX_E_NOMEM. */
typedef enum cx_err answer_reader(struct slice body, struct answer_body *out, struct cx_fail *fail);

answer_reader answer_read_json;
answer_reader answer_read_form; /* pairs, or one JSON object, percent-encoded */
answer_reader answer_read_xml;  /* and RSS */
answer_reader answer_read_csv;
answer_reader answer_read_text;

/* For readers of what has no levels. Set a member. Errors as above: CX_E_DUPLICATE, CX_E_SYNTAX (a
 * NUL character), CX_E_NOMEM. */
enum cx_err answer_set_text(json_t *object, struct slice name, struct slice value,
                            struct cx_fail *fail) CX_MUST_CHECK;

/* Steals `object`: it becomes the document, or, with an error, nothing. Returns `err`. */
enum cx_err answer_keep_flat(json_t *object, enum cx_err err,
                             struct answer_body *out) CX_MUST_CHECK;

/* Without the white space around it (space, tab, CR, LF). */
struct slice answer_trim(struct slice s);

/* The only error is CX_E_NOMEM. */
enum cx_err answer_body_read(const struct answer_input *in, struct answer_body *out) CX_MUST_CHECK;
void answer_body_done(struct answer_body *b);

/* The `error` of an answer (RFC 6749 5.2). Slices are borrowed from the body. */
struct answer_refusal {
    bool is_error;            /* there is one that is neither null, false, 0 nor empty, nor one of
                                 these as text */
    struct slice code;        /* absent if it is no string of RFC 6749's characters */
    struct slice description; /* as it came */
};

void answer_refusal_find(const struct answer_body *body, struct answer_refusal *out);

/* True if the code is one of the six of RFC 6749 5.2. */
bool answer_refusal_is_standard(const struct answer_refusal *r);

/* Move the token's members out of the body and into `out`, what else its root holds into extra.
 * places: NULL if all have RFC 6749's names. Errors, with a clause in body->why as above:
 * CX_E_NOT_FOUND (there is no access token), CX_E_DUPLICATE (two different ones), CX_E_TYPE,
 * CX_E_SYNTAX (control characters in a token), CX_E_NOMEM. */
enum cx_err answer_token_take(struct answer_body *body, const struct msg_places *places,
                              struct answer *out) CX_MUST_CHECK;

/* The readings of single values. NULL, null or "". */
bool answer_is_nothing(const json_t *value);

/* A token as text: CX_E_TYPE (no string), CX_E_DUPLICATE (several), CX_E_SYNTAX (control
 * characters); `name` is for the clause. */
enum cx_err answer_check_token(const json_t *value, const char *name,
                               struct cx_fail *fail) CX_MUST_CHECK;

/* A lifetime in seconds: a number, or one as text; a fraction is cut off. */
bool answer_read_seconds(const json_t *value, uint64_t *out);

/* Text or a list of texts, or null: what is read as scopes. */
bool answer_is_scope(const json_t *scope);

/* At least as many bytes as its scopes take. */
size_t answer_scope_bytes_max(const json_t *scope);

/* Append its scopes (with spaces or commas), separated by single spaces (RFC 6749 3.3). */
enum cx_err answer_put_scopes(const json_t *scope, struct buf *out) CX_MUST_CHECK;

/* True unless the profile's success condition is unmet. */
bool answer_is_success(const struct answer_body *body, const struct msg_places *places);

/* What was decided about an answer that brings no token. */
struct answer_judgement {
    enum verdict code;
    struct answer_refusal refusal;
    bool is_unmet; /* the success condition */
    bool has_retry_after;
    uint64_t retry_after_ms;
};

/* Retry-After (RFC 9110, 10.2.3): seconds, or a date. Nothing is set if it is neither. */
void answer_read_retry_after(const struct answer_input *in, struct answer_judgement *j);

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
