#ifndef CONNECTOR_COMMON_CORE_REQUEST_PARTS_H
#define CONNECTOR_COMMON_CORE_REQUEST_PARTS_H

#include "common/core/request.h"
#include "common/core/template.h"

/* A request under construction; for request*.c alone. */

/* Where a template stands. */
struct request_spot {
    const char *what;        /* "payload field", "client.id": for messages */
    enum secret_place place; /* SECRET_NOWHERE: no secret may stand there */
    struct slice key;        /* the field's; or which member of the client: id, secret, key … */
};

/* Errors: CX_E_NOMEM. Either way request_parts_done is safe, and due. */
enum cx_err request_parts_init(struct request_parts *p, const struct msg_job *job,
                               struct request *out) CX_MUST_CHECK;

/* What belongs to the building; the request that was made stays. */
void request_parts_done(struct request_parts *p);

/* Say what was refused (a part, or a field by its key) and why, and return `code`. */
enum cx_err request_parts_refuse(const struct request_parts *p, enum cx_err code, const char *what,
                                 const char *why);
enum cx_err request_parts_refuse_field(const struct request_parts *p, enum cx_err code,
                                       const char *what, struct slice key, const char *why);

/* Append to `out` what the template at `spot` gives; the spot is named where it fails.
 * Errors: CX_E_MISSING if `text` is absent, CX_E_SECRET, and template_expand's. */
enum cx_err request_parts_expand(struct request_parts *p, const struct request_spot *spot,
                                 struct slice text, enum template_escape escape,
                                 struct buf *out) CX_MUST_CHECK;

/* Expand one field and put it where it belongs. Errors: request_begin's. */
enum cx_err request_parts_put_field(struct request_parts *p,
                                    const struct msg_field *field) CX_MUST_CHECK;

/* Expand one path, query or payload field. */
enum cx_err request_parts_put_item(struct request_parts *p, const struct msg_field *field,
                                   const struct request_spot *spot) CX_MUST_CHECK;

/* A payload item with that value as it is. */
enum cx_err request_parts_put_text(struct request_parts *p, struct slice key,
                                   struct slice value) CX_MUST_CHECK;

/* The first item of that place and key, or NULL. */
const struct request_item *request_parts_find(const struct request_parts *p, enum field_place place,
                                              struct slice key);

/* Borrowed until the next item. */
struct slice request_parts_value(const struct request_parts *p, const struct request_item *item);

/* A header line. Errors, which leave a part of it: CX_E_TOO_BIG, CX_E_NOMEM. */
enum cx_err request_parts_put_header(struct request_parts *p, struct slice name,
                                     struct slice value) CX_MUST_CHECK;
bool request_parts_has_header(const struct request_parts *p, struct slice name);

/* Encode the payload, once it is there, into the body, with its Content-Type. Errors:
 * request_begin's. */
enum cx_err request_body_put(struct request_parts *p) CX_MUST_CHECK;

/* The client's authentication: can this version do it; what of it goes into the payload (or its id
 * alone), once all fields of that are there; what is a header, once all other ones are; what is
 * shown in TLS. Errors: request_begin's. */
enum cx_err request_client_check(const struct request_parts *p) CX_MUST_CHECK;
enum cx_err request_client_put_payload(struct request_parts *p) CX_MUST_CHECK;
enum cx_err request_client_put_header(struct request_parts *p) CX_MUST_CHECK;
enum cx_err request_client_put_identity(struct request_parts *p) CX_MUST_CHECK;

/* Where the client's id stands. */
extern const struct request_spot request_client_id_spot;

/* Append the client's assertion (private_key_jwt), made and signed by the keeper. */
enum cx_err request_assertion_make(struct request_parts *p, struct buf *out) CX_MUST_CHECK;

#endif
