#include "platform/io/admin.h"

#include "common/io/cli_json.h"
#include "common/io/conf_file.h"
#include "common/io/control.h"
#include "common/io/http.h"
#include "platform/core/problem.h"
#include "platform/core/registry.h"
#include "platform/io/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_MS = 130 * 1000 /* the longest budget, and a little */ };

void admin_answer_done(struct admin_answer *a)
{
    json_decref(a->json);
    *a = (struct admin_answer){0};
}

const char *admin_text(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    return text != NULL ? text : "";
}

long long admin_number(const json_t *json, const char *key)
{
    return (long long)json_integer_value(json_object_get(json, key));
}

bool admin_name(const struct cli_args *args, const char *name)
{
    struct cx_fail fail = {0};

    if (registry_is_name(slice_of_str(name))) {
        return true;
    }
    (void)cx_fail_set(&fail, CX_E_SYNTAX, "name",
                      "a name is lower-case letters, digits and . _ -, 63 at most, and begins with "
                      "a letter or digit");
    cli_print_fail(args, name, &fail);
    return false;
}

static enum cli_status ask_socket(const struct cli_args *args, const char *socket_path,
                                  const struct admin_ask *ask, struct admin_answer *out)
{
    char *text = ask->body == NULL ? NULL : json_dumps(ask->body, JSON_COMPACT);
    struct control_request request = {.socket_path = socket_path,
                                      .method = ask->method,
                                      .path = ask->path,
                                      .body = slice_of_str(text),
                                      .timeout_ms = ASK_MS};
    struct cx_fail fail = {0};
    enum cli_status status = CLI_DONE;
    struct buf answer;

    buf_init(&answer, CONTROL_ANSWER_BYTES_MAX);
    if (http_global_init(&fail) != CX_OK ||
        control_ask(&request, &out->status, &answer, &fail) != CX_OK) {
        cli_print_fail(args, "can't ask the platform", &fail);
        status = CLI_UNREACHABLE;
    } else if (answer.len > 0) {
        out->json = json_loadb((const char *)answer.ptr, answer.len, 0, NULL);
    }
    if (text != NULL) {
        explicit_bzero(text, strlen(text)); /* it may hold a password */
    }
    free(text);
    buf_done(&answer);
    return status;
}

enum cli_status admin_ask(const struct cli_args *args, const struct admin_ask *ask,
                          struct admin_answer *out)
{
    struct platform_settings settings;
    struct faults faults;
    enum cli_status status = CLI_CONFIG;
    enum cx_err err;

    *out = (struct admin_answer){0};
    faults_init(&faults);
    err = conf_file_read(&platform_settings_table, args->conf_path, &settings, &faults);
    if ((err != CX_OK && err != CX_E_CONFIG) || settings.control == NULL) {
        cli_print_faults(&faults);
    } else {
        status = ask_socket(args, settings.control, ask, out);
    }
    conf_done(&platform_settings_table, &settings);
    faults_done(&faults);
    return status;
}

void admin_print_problem(const struct cli_args *args, const struct admin_answer *answer)
{
    const char *what = args->nwords > 0 ? args->words[0] : args->command->name;
    const char *detail; /* longer than a struct cx_fail has room for */
    json_t *error;
    size_t i;

    cli_json_clean(answer->json);
    detail = admin_text(answer->json, "detail");
    if (answer->json == NULL) {
        fprintf(stderr, "%s: %s: the platform answered HTTP %u %s\n", args->program->name, what,
                answer->status, problem_title(answer->status));
    } else {
        fprintf(stderr, "%s: %s: %s\n", args->program->name, what,
                detail[0] != '\0' ? detail : admin_text(answer->json, "title"));
    }
    json_array_foreach(json_object_get(answer->json, "errors"), i, error)
    {
        fprintf(stderr, "  %s: %s\n", admin_text(error, "field"), admin_text(error, "message"));
    }
}

enum cli_status admin_do(const struct cli_args *args, const struct admin_ask *ask,
                         struct admin_answer *out)
{
    enum cli_status status = admin_ask(args, ask, out);

    if (status == CLI_DONE && (out->status < 200 || out->status > 299)) {
        admin_print_problem(args, out);
        status = CLI_FAILED;
    }
    return status;
}

bool admin_is_form_field(const void *profile, const char *name)
{
    json_t *field;
    size_t i;

    if (strcmp(name, "username") == 0 || strcmp(name, "password") == 0) {
        return true; /* whether or not the form names them */
    }
    json_array_foreach(json_object_get(profile, "form_fields"), i, field)
    {
        if (strcmp(admin_text(field, "key"), name) == 0) {
            return true;
        }
    }
    return false;
}
