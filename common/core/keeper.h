#ifndef CONNECTOR_COMMON_CORE_KEEPER_H
#define CONNECTOR_COMMON_CORE_KEEPER_H

#include "common/core/buf.h"
#include "common/core/terms.h"

/* What the agent keeps for the requests that it sends, as the request builder asks for it. The
 * builder knows where in the request a secret would stand; whoever keeps it decides whether the
 * rule that allowed the request binds it to that place. */

/* One use of {{secret:name}}. */
struct keeper_use {
    enum secret_place place;
    struct slice key;  /* the header's name; the payload field's key; in client: id, secret, key or
                          certificate */
    struct slice name; /* the secret's */
};

/* An assertion by which the client authenticates itself (RFC 7523), to be made and signed. */
struct keeper_assertion {
    enum client_alg alg;
    struct slice kid;       /* absent: none */
    struct slice client_id; /* iss and sub */
    struct slice audience;  /* absent: not said, then the secret's own, or the URL */
    struct slice url;       /* of the request, without its query */
    struct slice secret;    /* name of the secret that is the key; absent: the key is here */
    struct slice key_pem;
};

struct request_parts; /* request.h */

struct request_keeper {
    /* The value for that use: CX_OK and `value`, borrowed until the request is finished; or
     * CX_E_SECRET, and `fail` says why not and what the agent's admin can do about it. */
    enum cx_err (*find_secret)(void *ctx, const struct keeper_use *use, struct slice *value,
                               struct cx_fail *fail);
    /* Append the assertion, with a jti of its own each time. By a secret it is signed only if the
     * rule binds that to place client, key "key", with the same iss, sub and aud: else CX_E_SECRET,
     * as above. CX_E_SYNTAX: the key here is none that fits, or a text is not UTF-8. */
    enum cx_err (*sign)(void *ctx, const struct keeper_assertion *ask, struct buf *out,
                        struct cx_fail *fail);
    /* Asked about the whole request when all is in it, while its fields can be told apart. NULL:
     * nobody asks. Errors: CX_E_DENIED (STAGE_POLICY), and those of request_finish. */
    enum cx_err (*look)(void *ctx, const struct request_parts *parts, struct cx_fail *fail);
    void *ctx;
};

/* NULL keeps nothing. Errors: find_secret's. */
enum cx_err keeper_find_secret(const struct request_keeper *keeper, const struct keeper_use *use,
                               struct slice *value, struct cx_fail *fail) CX_MUST_CHECK;

/* NULL signs nothing: CX_E_SECRET. Errors: sign's, CX_E_NOMEM. */
enum cx_err keeper_sign(const struct request_keeper *keeper, const struct keeper_assertion *ask,
                        struct buf *out, struct cx_fail *fail) CX_MUST_CHECK;

/* Are two uses of the same place and key? A header's name compares without case (RFC 9110, 5.1). */
bool keeper_is_same_place(const struct keeper_use *a, const struct keeper_use *b);

#endif
