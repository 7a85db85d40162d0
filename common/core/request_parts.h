#ifndef CONNECTOR_COMMON_CORE_REQUEST_PARTS_H
#define CONNECTOR_COMMON_CORE_REQUEST_PARTS_H

#include "common/core/request.h"
#include "common/core/template.h"

/* A request under construction; for request*.c alone. */

/* A path, query or payload field whose value is expanded, but not escaped yet. */
struct request_item {
    enum field_place place;
    struct slice key; /* borrowed from the job */
    size_t at;        /* where in request_parts.values: that buffer moves while it grows */
    size_t len;
};

struct request_parts {
    const struct msg_job *job;
    struct request made;
    struct request_item *items; /* as many as the job has fields, and the client's two */
    size_t nitems;
    struct buf values;
    size_t header_bytes;
    struct cx_fail *fail;
};

/* Errors: CX_E_NOMEM. Either way request_parts_done is safe, and due. */
enum cx_err request_parts_init(struct request_parts *p, const struct msg_job *job,
                               struct cx_fail *fail) CX_MUST_CHECK;
void request_parts_done(struct request_parts *p);

/* Say what was refused (a part, or a field by its key) and why, and return `code`. */
enum cx_err request_parts_refuse(const struct request_parts *p, enum cx_err code, const char *what,
                                 const char *why);
enum cx_err request_parts_refuse_field(const struct request_parts *p, enum cx_err code,
                                       const char *what, struct slice key, const char *why);

/* Append to `out` what the field's template gives; `what` and the key name it where it fails.
 * Errors: CX_E_MISSING if it has none, and template_expand's. */
enum cx_err request_parts_expand(struct request_parts *p, const char *what,
                                 const struct msg_field *field, enum template_escape escape,
                                 struct buf *out) CX_MUST_CHECK;

/* Expand one field and put it where it belongs. Errors: request_build's. */
enum cx_err request_parts_put_field(struct request_parts *p,
                                    const struct msg_field *field) CX_MUST_CHECK;

/* Expand one path, query or payload field, which `what` names. */
enum cx_err request_parts_put_item(struct request_parts *p, const struct msg_field *field,
                                   const char *what) CX_MUST_CHECK;

/* The first item of that place and key, or NULL. */
const struct request_item *request_parts_find(const struct request_parts *p, enum field_place place,
                                              struct slice key);

/* Borrowed until the next item. */
struct slice request_parts_value(const struct request_parts *p, const struct request_item *item);

/* A header line. Errors: CX_E_TOO_BIG, CX_E_NOMEM. */
enum cx_err request_parts_put_header(struct request_parts *p, struct slice name,
                                     struct slice value) CX_MUST_CHECK;
bool request_parts_has_header(const struct request_parts *p, struct slice name);

/* The client's authentication, or its id alone. Errors: request_build's. */
enum cx_err request_client_put(struct request_parts *p) CX_MUST_CHECK;

#endif
