#ifndef CONNECTOR_PLATFORM_CORE_ISSUER_H
#define CONNECTOR_PLATFORM_CORE_ISSUER_H

#include "common/core/faults.h"
#include "common/core/slice.h"

#include <jansson.h>

/* What a profile can learn from its issuer's metadata (OpenID Connect Discovery 1.0, 4; RFC 8414,
 * 3). Pure. */

enum { ISSUER_URLS_MAX = 2 };

/* Where the metadata may be, and whose it must be. Owned. */
struct issuer {
    char *urls[ISSUER_URLS_MAX]; /* in the order in which they are tried */
    size_t nurls;
    char *name;         /* the issuer that the metadata must name */
    bool is_https;      /* then its endpoints are https too */
    bool is_slash_open; /* a document's own URL was given, which does not tell whether the issuer's
                           name ends in '/' */
};

/* From what the admin gave. An issuer has two places: OpenID Connect's, behind its path, and RFC
 * 8414's, before its path. A URL with "/.well-known/NAME" in it is that of the document itself:
 * what it has before or behind that is the issuer's. False: `faults` says, for the field "url",
 * what is wrong with it (or that memory ran out). An http issuer is a warning. */
bool issuer_read(struct slice url, struct issuer *out, struct faults *faults,
                 struct faults *warnings);

void issuer_done(struct issuer *i); /* safe on a zeroed struct */

/* A profile that is filled. All borrowed. */
struct issuer_target {
    json_t *profile;         /* as it would be put */
    json_t *filled;          /* an array: gets {"field", "value", "from"} for each */
    struct faults *faults;   /* why nothing was filled */
    struct faults *warnings; /* what the admin should look at, by field */
};

/* Fill what the profile leaves out from `metadata`, and nothing that it gives: token_url,
 * revocation_url, client.method (the one of the server's that fits what `client` has:
 * client_secret_basic and client_secret_post want a secret, private_key_jwt a key, tls_client_auth
 * a certificate, none has none of them; a server that names none of its methods has
 * client_secret_basic, RFC 8414, 2).
 * False, with a fault: another issuer than the one asked (RFC 8414, 3.3), no token endpoint where
 * one is wanted, one that is no https URL, or no memory. */
bool issuer_fill(const struct issuer *i, const json_t *metadata,
                 const struct issuer_target *target);

#endif
