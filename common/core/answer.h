#ifndef CONNECTOR_COMMON_CORE_ANSWER_H
#define CONNECTOR_COMMON_CORE_ANSWER_H

#include "common/core/buf.h"
#include "common/core/message.h"

/* What a token endpoint answered, as it arrived whole. All borrowed. */
struct answer_input {
    uint32_t status;           /* HTTP status */
    struct slice content_type; /* header's value; absent if there was none */
    struct slice retry_after;
    struct slice location;
    bool is_location_hidden;  /* a sentence must not tell where it leads */
    struct slice body;        /* decoded (gzip …) */
    bool is_body_whole;       /* false: over the limit or cut short */
    enum body_encoding sent;  /* the request's encoding: the last guess at what the answer is */
    enum job_purpose purpose; /* a revocation has no token, and its 401 is about the client; else
                                 for the sentences; may be unknown */
    const struct msg_expect *expect; /* NULL: nothing special */
    uint64_t now_unix_s;             /* wall clock, for a Retry-After that is a date */
};

/* What it means. Owns its bytes (wiped when done). */
struct answer {
    enum outcome outcome;
    enum verdict code;
    enum stage stage; /* STAGE_NONE when issued or revoked; RECEIVE for a body that is not whole;
                         else PARSE */
    bool is_type_assumed;     /* token_type was missing and taken as Bearer */
    struct msg_token token;   /* slices into `bytes`; valid when outcome is OUTCOME_ISSUED */
    struct slice document;    /* likewise, of a discovery (discovery.h), in place of a token */
    struct msg_failure error; /* slices into `bytes`; valid otherwise */
    struct buf bytes;
};

/* True if an answer in that encoding can be read. */
bool answer_is_readable(enum body_encoding encoding);

/* Read it. Of a revocation any 2xx is the end, whatever its body says (RFC 7009, 2.2), and what
 * else comes is read as ever. The answer's own Content-Type is believed first, then its first
 * bytes, then what the profile expects. Every input has a verdict; the only error is CX_E_NOMEM.
 * Texts from the peer (descriptions, a redirect's host) are cut to 512 bytes and free of control
 * characters. Pure. */
enum cx_err answer_read(const struct answer_input *in, struct answer *out) CX_MUST_CHECK;

void answer_done(struct answer *a);

#endif
