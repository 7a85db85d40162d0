#ifndef CONNECTOR_COMMON_CORE_TEMPLATE_H
#define CONNECTOR_COMMON_CORE_TEMPLATE_H

#include "common/core/buf.h"

/* Templates of authorization profiles: {name} (tenancy or a path field; in URLs only), {{name}} (a
 * variable), {{secret:name}} (kept by the agent). "{{{{" stands for a literal "{{". Names are
 * [A-Za-z0-9_.-]{1,64}. Values are not expanded again. Pure. */

enum template_kind { TEMPLATE_LITERAL, TEMPLATE_PATH, TEMPLATE_VARIABLE, TEMPLATE_SECRET };

/* Where in a URL a part stands. Only host labels, path and query may hold placeholders. */
enum template_region { TEMPLATE_IN_TEXT, TEMPLATE_IN_HOST, TEMPLATE_IN_PATH, TEMPLATE_IN_QUERY };

struct template_part {
    enum template_kind kind;
    enum template_region region; /* a URL's placeholder; TEMPLATE_IN_TEXT for everything else */
    struct slice text;           /* the literal, or the name; borrowed from the template's text */
};

struct template
{
    struct template_part *parts; /* owned */
    size_t nparts;
};

/* True if `name` may stand in a placeholder. */
bool template_is_name(struct slice name);

/* True for one host label: 1 to 63 letters, digits and hyphens, no hyphen at either end. */
bool template_is_label(struct slice value);

/* Parse a value (header, payload, query, path field, client): "{" alone is a literal there.
 * `text` must outlive `out`. Errors: CX_E_SYNTAX (a placeholder that does not end, an empty or
 * malformed name), CX_E_NOMEM; out is untouched then. `fail` says at which byte and never shows
 * the text, which may be a secret. */
enum cx_err template_parse(struct slice text, struct template *out,
                           struct cx_fail *fail) CX_MUST_CHECK;

/* Parse a URL: {name} is a placeholder too, and each placeholder knows its region. Besides the
 * above, CX_E_SYNTAX is: no "://", a placeholder in the scheme, the port or an IPv6 literal,
 * {{secret:…}} anywhere (a host label would tell it to the DNS, a path or query to every log),
 * userinfo, a fragment, a '}' that closes nothing (write %7D). Whatever else a URL must be is
 * url_read's to say, once it is expanded. */
enum cx_err template_parse_url(struct slice text, struct template *out,
                               struct cx_fail *fail) CX_MUST_CHECK;

void template_done(struct template *t);

/* How a value is escaped for the place it lands in. */
enum template_escape {
    TEMPLATE_RAW,    /* as it is: payload values (the body's encoder escapes) */
    TEMPLATE_HEADER, /* as it is; CR, LF, NUL and the other control characters (RFC 9110, 5.5; a
                        tab is none) are refused, the template's own text included */
    TEMPLATE_LINE,   /* as it is; a value that is not slice_is_line is refused, while the template's
                        own text may have lines: a payload that is one text */
    TEMPLATE_URL     /* by region: host one label (letters, digits, hyphens, 1 to 63, no hyphen at
                        either end), path and query percent-encoded (RFC 3986); in the path, "."
                        and ".." are refused: they are structure, whatever their encoding */
};

/* Gives the value of a placeholder: CX_OK and `value` (borrowed until the next call), or
 * CX_E_MISSING (nothing fills it), CX_E_SECRET. */
typedef enum cx_err template_lookup(void *ctx, enum template_kind kind, struct slice name,
                                    struct slice *value);

/* Where values come from. */
struct template_values {
    template_lookup *look_up;
    void *ctx;
};

/* Append the expansion to `out` (unchanged on error). Errors: CX_E_MISSING and CX_E_SECRET (`fail`
 * names the placeholder), CX_E_SYNTAX (a value that can't stand in its place; never shown),
 * CX_E_TOO_BIG, CX_E_NOMEM, and any other that `look_up` gives. */
enum cx_err template_expand(const struct template *t, enum template_escape escape,
                            const struct template_values *values, struct buf *out,
                            struct cx_fail *fail) CX_MUST_CHECK;

/* Parse `text` (as a URL where that is the escape) and expand it. Errors: those of both. */
enum cx_err template_fill(struct slice text, enum template_escape escape,
                          const struct template_values *values, struct buf *out,
                          struct cx_fail *fail) CX_MUST_CHECK;

#endif
