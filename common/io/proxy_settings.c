#include "common/io/proxy_settings.h"

#include "common/io/file.h"

#include <stdlib.h>
#include <string.h>

/* As curl does: the lower-case variable first. NULL: neither is set, or it is empty. */
static const char *variable(const char *lower, const char *upper)
{
    const char *value = getenv(lower);

    if (value == NULL || value[0] == '\0') {
        value = getenv(upper);
    }
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static enum cx_err read_environment(const char *host, struct proxy *out, struct cx_fail *fail)
{
    const char *url = variable("https_proxy", "HTTPS_PROXY");
    struct cx_fail why = {0};

    if (url == NULL || proxy_is_bypassed(variable("no_proxy", "NO_PROXY"), host)) {
        return CX_OK;
    }
    if (proxy_read_environment(url, out, &why) != CX_OK) {
        return cx_fail_set(fail, why.code, "proxy",
                           "is \"" PROXY_FROM_ENVIRONMENT
                           "\", and the variable https_proxy there: %s",
                           cx_fail_text(&why));
    }
    return CX_OK;
}

static enum cx_err read_url(const struct proxy_settings *s, struct proxy *out, struct cx_fail *fail)
{
    if (strcmp(s->url, PROXY_FROM_ENVIRONMENT) != 0) {
        return proxy_read(s->url, out, fail);
    }
    if (s->host == NULL) {
        return cx_fail_set(fail, CX_E_SYNTAX, "proxy",
                           "must be http://HOST:PORT: only the tunnel's proxy may come from the "
                           "environment");
    }
    return read_environment(s->host, out, fail);
}

static enum cx_err read_credentials(const char *path, struct proxy *out, struct cx_fail *fail)
{
    struct secret line = {0};
    struct cx_fail why = {0};
    enum cx_err err = file_read_secret_line(path, PROXY_CREDENTIALS_MAX + 2, &line, fail);

    if (err == CX_OK) {
        err = proxy_set_credentials(out, secret_view(&line), &why);
        if (err != CX_OK) {
            (void)cx_fail_set(fail, err, "proxy", "the line in %s %s", path, cx_fail_text(&why));
        }
    }
    secret_done(&line);
    return err;
}

enum cx_err proxy_settings_read(const struct proxy_settings *s, struct proxy *out,
                                const char **field, struct cx_fail *fail)
{
    struct proxy made = {0};
    enum cx_err err = CX_OK;

    *field = "proxy";
    if (s->url != NULL) {
        err = read_url(s, &made, fail);
    } else if (s->auth_file != NULL) {
        *field = "proxy_auth_file";
        err = cx_fail_set(fail, CX_E_MISSING, "proxy", "is of no use without `proxy`");
    }
    if (err == CX_OK && s->auth_file != NULL && proxy_is_set(&made)) {
        *field = "proxy_auth_file";
        err = read_credentials(s->auth_file, &made, fail);
    }
    if (err == CX_OK) {
        proxy_done(out);
        *out = made;
    } else {
        proxy_done(&made);
    }
    return err;
}
