#include "platform/io/admin.h"
#include "platform/io/admin_commands.h"

#include "common/io/cli_json.h"
#include "common/io/cli_values.h"
#include "common/io/trace_print.h"

#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 128, PROFILE_BYTES_MAX = 1024 * 1024 };

static void print_for_person(const struct cli_args *args, const json_t *answer)
{
    const char *connector = admin_text(answer, "connector");
    const json_t *warning;
    size_t i;

    printf("%s, %s%s:\n", args->words[0], connector[0] != '\0' ? "through " : "from the platform",
           connector);
    trace_print(json_object_get(answer, "trace"));
    json_array_foreach(json_object_get(answer, "warnings"), i, warning)
    {
        printf("  warning: %s: %s\n", admin_text(warning, "field"), admin_text(warning, "message"));
    }
    printf("  id         %s\n", admin_text(answer, "id"));
}

static enum cli_status show(const struct cli_args *args, const struct admin_answer *answer)
{
    if (answer->status != 200) { /* it could not run */
        admin_print_problem(args, answer);
        return CLI_FAILED;
    }
    if (cli_has(args, "json")) {
        (void)json_dumpf(answer->json, stdout, JSON_INDENT(2));
        printf("\n");
    } else {
        print_for_person(args, answer->json);
    }
    return strcmp(admin_text(answer->json, "outcome"), "issued") == 0 ? CLI_DONE : CLI_FAILED;
}

/* `profile`: the saved one, or with `is_unsaved` what a file has. */
static enum cli_status run(const struct cli_args *args, json_t *profile, bool is_unsaved)
{
    char path[PATH_BYTES];
    json_t *body = cli_values_read(args, admin_is_form_field, profile);
    struct admin_ask ask = {.method = "POST", .path = path, .body = body};
    struct admin_answer answer = {0};
    enum cli_status status = CLI_USAGE;

    (void)snprintf(path, sizeof(path), "/v1/profiles/%s/test", args->words[0]);
    if (body != NULL) {
        if (is_unsaved) {
            (void)json_object_set(body, "profile", profile);
        }
        status = admin_ask(args, &ask, &answer);
        status = status == CLI_DONE ? show(args, &answer) : status;
    }
    json_decref(body);
    admin_answer_done(&answer);
    return status;
}

enum cli_status command_profile_test(const struct cli_args *args)
{
    const char *file = cli_value(args, "file");
    char path[PATH_BYTES];
    struct admin_ask ask = {.method = "GET", .path = path};
    struct admin_answer saved = {0};
    enum cli_status status;

    if (!admin_name(args, args->words[0])) {
        return CLI_USAGE;
    }
    if (file != NULL) {
        json_t *json = cli_json_read(args, file, PROFILE_BYTES_MAX);

        status = json == NULL ? CLI_FAILED : run(args, json, true);
        json_decref(json);
        return status;
    }
    (void)snprintf(path, sizeof(path), "/v1/profiles/%s", args->words[0]);
    status = admin_do(args, &ask, &saved);
    if (status == CLI_DONE) {
        status = run(args, saved.json, false);
    }
    admin_answer_done(&saved);
    return status;
}
