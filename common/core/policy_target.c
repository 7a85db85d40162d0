#include "common/core/policy_parts.h"
#include "common/core/url_parts.h"

/* Virtual names: a rule whose requests go to another origin than their URL says. */

enum cx_err policy_target_check(const char *text, struct cx_fail *fail)
{
    struct slice target = slice_of_str(text);
    struct url_parts parts;
    enum cx_err err = url_cut(target, URL_FOR_REQUEST, &parts, fail);

    if (err == CX_OK && !slice_has_prefix(target, SLICE_LIT("https://")) &&
        !slice_has_prefix(target, SLICE_LIT("http://"))) {
        err = cx_fail_set(fail, CX_E_SYNTAX, "policy.target",
                          "must begin with https:// or http://, in lower case");
    }
    if (err == CX_OK && (!slice_is_absent(parts.path) || !slice_is_absent(parts.query))) {
        err = cx_fail_set(fail, CX_E_SYNTAX, "policy.target",
                          "must end behind the host or its port, as https://host:8443: path and "
                          "query are the request's own");
    }
    return err;
}

/* What follows "scheme://host:port". */
static struct slice behind_origin(struct slice url)
{
    static const char mark[] = "://";
    size_t at = slice_find(url, 0, ':') + sizeof(mark) - 1;

    while (at < url.len && url.ptr[at] != '/' && url.ptr[at] != '?') {
        at++;
    }
    return slice_from(url, at < url.len ? at : url.len);
}

enum cx_err policy_put_url(const struct policy_rule *rule, struct slice url, struct buf *out)
{
    size_t before = out->len;
    enum cx_err err;

    if (rule->target == NULL) {
        return buf_put(out, url);
    }
    err = buf_put_str(out, rule->target);
    if (err == CX_OK) {
        err = buf_put(out, behind_origin(url));
    }
    if (err != CX_OK) {
        buf_truncate(out, before);
    }
    return err;
}
