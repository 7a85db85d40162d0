#include "platform/core/issuer.h"

#include "common/core/buf.h"
#include "common/core/url.h"

#include <stdlib.h>
#include <string.h>

#define WELL_KNOWN "/.well-known/"
#define OPENID     WELL_KNOWN "openid-configuration"
#define OAUTH      WELL_KNOWN "oauth-authorization-server"

/* `text` is URL, cut where its path begins. */
struct parts {
    struct slice origin;
    struct slice path;
};

static struct parts cut(struct slice url)
{
    size_t authority = slice_find(url, 0, ':') + 3; /* behind "://" */
    size_t path = slice_find(url, authority, '/');

    return (struct parts){slice_first(url, path), slice_from(url, path)};
}

static char *joined(struct slice a, struct slice b, struct slice c)
{
    struct buf text;
    char *copy = NULL;

    buf_init(&text, 2 * URL_BYTES_MAX);
    if (buf_put(&text, a) == CX_OK && buf_put(&text, b) == CX_OK && buf_put(&text, c) == CX_OK &&
        buf_cstr(&text) != NULL) {
        copy = strdup(buf_cstr(&text));
    }
    buf_done(&text);
    return copy;
}

/* Where WELL_KNOWN begins in the path, or its length. */
static size_t find_well_known(struct slice path)
{
    const struct slice mark = SLICE_LIT(WELL_KNOWN);

    for (size_t i = 0; i + mark.len <= path.len; i++) {
        if (slice_has_prefix(slice_from(path, i), mark)) {
            return i;
        }
    }
    return path.len;
}

/* The document's own URL. */
static void read_document(struct slice url, const struct parts *at, size_t mark, struct issuer *out)
{
    const struct slice none = SLICE_LIT("");
    size_t name_end = slice_find(at->path, mark + strlen(WELL_KNOWN), '/');

    out->is_slash_open = true;
    out->urls[0] = joined(url, none, none);
    out->nurls = 1;
    out->name = joined(at->origin, slice_first(at->path, mark), slice_from(at->path, name_end));
}

static void read_issuer(struct slice url, const struct parts *at, struct issuer *out)
{
    const struct slice none = SLICE_LIT("");
    struct slice path = at->path;

    while (path.len > 0 && path.ptr[path.len - 1] == '/') {
        path = slice_first(path, path.len - 1);
    }
    out->urls[0] = joined(at->origin, path, SLICE_LIT(OPENID));
    out->urls[1] = joined(at->origin, SLICE_LIT(OAUTH), path);
    out->nurls = 2;
    out->name = joined(url, none, none);
}

static bool is_whole(const struct issuer *i)
{
    return i->name != NULL && i->urls[0] != NULL && (i->nurls == 1 || i->urls[1] != NULL);
}

bool issuer_read(struct slice url, struct issuer *out, struct faults *faults,
                 struct faults *warnings)
{
    struct cx_fail fail = {0};
    struct issuer made = {0};
    struct url read = {0};
    struct parts at;
    size_t mark;

    if (url_read(url, &read, &fail) != CX_OK) {
        faults_add(faults, NULL, "url", "%s", cx_fail_text(&fail));
        return false;
    }
    made.is_https = read.is_https;
    if (read.query != NULL) {
        url_done(&read);
        faults_add(faults, NULL, "url", "must have no query: an issuer has none (RFC 8414, 2)");
        return false;
    }
    url_done(&read);
    at = cut(url);
    mark = find_well_known(at.path);
    if (mark < at.path.len) {
        read_document(url, &at, mark, &made);
    } else {
        read_issuer(url, &at, &made);
    }
    if (!is_whole(&made)) {
        issuer_done(&made);
        faults_add(faults, NULL, "url", "%s", cx_err_text(CX_E_NOMEM));
        return false;
    }
    if (!made.is_https) {
        faults_add(warnings, NULL, "url",
                   "http lets anybody on the way say where passwords are sent to");
    }
    *out = made;
    return true;
}

void issuer_done(struct issuer *i)
{
    free(i->urls[0]);
    free(i->urls[1]);
    free(i->name);
    *i = (struct issuer){0};
}
