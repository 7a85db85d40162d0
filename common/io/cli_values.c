#include "common/io/cli_values.h"

#include "common/io/terminal.h"

#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 128, PROMPT_BYTES = NAME_BYTES + 16 };

struct values {
    const struct cli_args *args;
    cli_values_form *is_in_form;
    const void *ctx;
    json_t *body;
};

static bool set_value(const struct values *v, const char *name, struct slice value)
{
    json_t *text = json_stringn((const char *)value.ptr, value.len);
    const char *part = v->is_in_form(v->ctx, name) ? "variables" : "context";
    json_t *object = strcmp(name, "tenant") == 0 ? v->body : json_object_get(v->body, part);
    struct cx_fail fail = {0};

    if (text == NULL) {
        (void)cx_fail_set(&fail, CX_E_UTF8, "cli.values", "the value is not UTF-8");
    } else if (json_object_set_new(object, name, text) != 0) {
        (void)cx_fail_set(&fail, CX_E_UTF8, "cli.values", "the name is not UTF-8");
    } else {
        return true;
    }
    cli_print_fail(v->args, name, &fail);
    return false;
}

static bool set_given(const struct values *v, const char *given)
{
    const char *equals = strchr(given, '=');
    struct cx_fail fail = {0};
    char name[NAME_BYTES];

    if (equals == NULL || equals == given || (size_t)(equals - given) >= sizeof(name)) {
        (void)cx_fail_set(&fail, CX_E_SYNTAX, "cli.values", "takes NAME=VALUE");
        cli_print_fail(v->args, "--set", &fail);
        return false;
    }
    memcpy(name, given, (size_t)(equals - given));
    name[equals - given] = '\0';
    return set_value(v, name, slice_of_str(equals + 1));
}

static bool set_asked(const struct values *v, const char *name)
{
    struct secret value = {0};
    struct cx_fail fail = {0};
    char prompt[PROMPT_BYTES];
    bool is_set = false;

    (void)snprintf(prompt, sizeof(prompt), "%.*s: ", NAME_BYTES, name);
    if (terminal_ask_secret(prompt, &value, &fail) == CX_OK) {
        is_set = set_value(v, name, secret_view(&value));
    } else {
        cli_print_fail(v->args, name, &fail);
    }
    secret_done(&value);
    return is_set;
}

static bool fill(const struct values *v)
{
    const char *given;

    for (size_t i = 0; (given = cli_value_at(v->args, "set", i)) != NULL; i++) {
        if (!set_given(v, given)) {
            return false;
        }
    }
    for (size_t i = 0; (given = cli_value_at(v->args, "ask", i)) != NULL; i++) {
        if (!set_asked(v, given)) {
            return false;
        }
    }
    return true;
}

json_t *cli_values_read(const struct cli_args *args, cli_values_form *is_in_form, const void *ctx)
{
    struct values v = {.args = args,
                       .is_in_form = is_in_form,
                       .ctx = ctx,
                       .body = json_pack("{s:{}, s:{}}", "variables", "context")};
    struct cx_fail fail = {.code = CX_E_NOMEM};

    if (v.body == NULL) {
        cli_print_fail(args, "values", &fail);
    } else if (!fill(&v)) {
        json_decref(v.body);
        v.body = NULL;
    }
    return v.body;
}
