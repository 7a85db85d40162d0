#include "agent/io/enroll_conf.h"

#include "common/core/buf.h"
#include "common/io/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CONF_BYTES_MAX = 64 * 1024 };

static const char head[] =
    "# connector-agent: written by enrolment. Change it as you like, then run\n"
    "# `connector-agent check`. Every setting with its default: agent.conf.example.\n"
    "\n";

static const char policy[] =
    "\n"
    "# What this agent may reach: nothing but what is listed here and in policy.d/*.conf.\n"
    "# The first rule that matches decides.\n"
    "policy = (\n"
    "#   { name = \"hr\"; url = \"https://login.hr.corp.example/oauth/**\"; methods = [\"POST\"];\n"
    "#     networks = [\"10.0.0.0/8\"]; }\n"
    ");\n";

/* ` NAME = "VALUE";` */
static enum cx_err put_setting(struct buf *out, const char *name, struct slice value)
{
    enum cx_err err = CX_OK;
    const struct slice parts[] = {SLICE_LIT(" "), slice_of_str(name), SLICE_LIT(" = \""), value,
                                  SLICE_LIT("\";")};

    if (slice_has_control(value) || slice_find(value, 0, '"') < value.len ||
        slice_find(value, 0, '\\') < value.len) {
        return CX_E_SYNTAX;
    }
    for (size_t i = 0; err == CX_OK && i < sizeof(parts) / sizeof(parts[0]); i++) {
        err = buf_put(out, parts[i]);
    }
    return err;
}

static enum cx_err put_proxy(struct buf *out, const struct enroll_conf *conf, struct cx_fail *fail)
{
    char *path = NULL;
    enum cx_err err = put_setting(out, "proxy", slice_of_str(conf->proxy));

    if (err == CX_OK && conf->proxy_auth_file != NULL) {
        path = realpath(conf->proxy_auth_file, NULL);
        err = path == NULL ? cx_fail_set(fail, CX_E_NOT_FOUND, "enroll", "%s: %s",
                                         conf->proxy_auth_file, strerror(errno))
                           : put_setting(out, "proxy_auth_file", slice_of_str(path));
        free(path);
    }
    return err;
}

static enum cx_err put_all(struct buf *out, const struct enroll_conf *conf, struct cx_fail *fail)
{
    enum cx_err err = buf_put_str(out, head);

    if (err == CX_OK) {
        err = buf_put_str(out, "platform = {");
    }
    if (err == CX_OK) {
        err = put_setting(out, "url", conf->tunnel_url);
    }
    if (err == CX_OK && conf->proxy != NULL) {
        err = put_proxy(out, conf, fail);
    }
    if (err == CX_OK) {
        err = buf_put_str(out, " };\n");
    }
    return err == CX_OK ? buf_put_str(out, policy) : err;
}

enum cx_err enroll_conf_write(const char *path, const struct enroll_conf *conf,
                              struct cx_fail *fail)
{
    struct cx_fail why = {0};
    struct buf text;
    enum cx_err err;

    buf_init(&text, CONF_BYTES_MAX);
    err = put_all(&text, conf, &why);
    if (err == CX_OK) {
        err = file_write(path, buf_view(&text), 0644, FILE_NEW, fail);
    } else if (why.code != CX_OK) {
        *fail = why;
    } else if (err == CX_E_SYNTAX) {
        (void)cx_fail_set(fail, err, "enroll",
                          "the platform's tunnel URL or the path of the proxy's file is malformed");
    } else {
        (void)cx_fail_set(fail, err, "enroll", "%s", cx_err_text(err));
    }
    buf_done(&text);
    return err;
}
