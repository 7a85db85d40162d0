#ifndef CONNECTOR_COMMON_CORE_JSON_TEXT_H
#define CONNECTOR_COMMON_CORE_JSON_TEXT_H

#include "common/core/buf.h"

#include <jansson.h>

/* Writes an object as JSON text (RFC 8259) straight into a buffer: what an answer on the hot path
 * is made with. (jansson builds a tree first and takes ten times as long.) Pure.
 *
 * `key` is a literal of ours that needs no escape. The first error stays, and makes what follows do
 * nothing. The caller sees to it that no key comes twice. */
struct json_text {
    struct buf *out; /* borrowed; appended to */
    bool has_member; /* of the object that is open */
    enum cx_err err;
};

/* Begin with the outermost object. */
void json_text_init(struct json_text *w, struct buf *out);
/* End it. Errors: those of buf_put; the buffer's content is not to be used then. */
enum cx_err json_text_end(struct json_text *w) CX_MUST_CHECK;

void json_text_open(struct json_text *w, const char *key); /* an object as a member */
void json_text_close(struct json_text *w);

/* A string; bytes that are not UTF-8 become U+FFFD. An absent one is left out. */
void json_text_put(struct json_text *w, const char *key, struct slice text);
void json_text_put_str(struct json_text *w, const char *key, const char *text); /* NULL: left out */
void json_text_put_u64(struct json_text *w, const char *key, uint64_t value);
void json_text_put_true(struct json_text *w, const char *key);
void json_text_put_json(struct json_text *w, const char *key, const json_t *json); /* borrowed */

#endif
