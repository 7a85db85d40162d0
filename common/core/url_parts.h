#ifndef CONNECTOR_COMMON_CORE_URL_PARTS_H
#define CONNECTOR_COMMON_CORE_URL_PARTS_H

#include "common/core/slice.h"

/* The raw cut of a URL, shared by the reader of final URLs and the reader of the policy's patterns,
 * so that both refuse the same things. Private to common/core. */

enum { URL_HOST_BYTES_MAX = 253, URL_LABEL_BYTES_MAX = 63 };

enum url_use {
    URL_FOR_REQUEST,
    URL_FOR_PATTERN, /* a whole label of the host may be '*' */
};

struct url_parts {
    bool is_https;
    struct slice host; /* as written, without brackets; borrowed from the text, as all here */
    bool is_ipv6;
    bool is_ipv4;
    bool has_wildcard;  /* a label is '*' */
    uint16_t port;      /* the scheme's when none is written */
    struct slice path;  /* absent, or begins with '/' */
    struct slice query; /* absent, or what follows the '?' */
};

/* Cut and check `text` as url.h says. Errors: CX_E_SYNTAX. Pure, allocates nothing. */
enum cx_err url_cut(struct slice text, enum url_use use, struct url_parts *out,
                    struct cx_fail *fail) CX_MUST_CHECK;

/* The path's part of that. `path` begins with '/' or is empty. Error: CX_E_SYNTAX. */
enum cx_err url_check_path(struct slice path, struct cx_fail *fail) CX_MUST_CHECK;

/* The query's: no %00, no '%' without two hex digits. Error: CX_E_SYNTAX. */
enum cx_err url_check_query(struct slice query, struct cx_fail *fail) CX_MUST_CHECK;

/* True if two texts are equal once normalised as RFC 3986, 6.2.2 says: %XX of an unreserved
 * character is that character, the case of hex digits doesn't count. */
bool url_eq_normalised(struct slice a, struct slice b);

/* Fill `fail` with CX_E_SYNTAX and a fixed sentence; returns that code. */
enum cx_err url_fault(struct cx_fail *fail, const char *sentence);

#endif
