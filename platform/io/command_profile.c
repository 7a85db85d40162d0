#include "platform/io/admin.h"
#include "platform/io/admin_commands.h"

#include "common/io/file.h"

#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 128, PROFILE_BYTES_MAX = 1024 * 1024 };

/* The file, or with "-" standard input, as JSON. NULL: the reason was printed. */
static json_t *read_profile(const struct cli_args *args)
{
    const char *file = args->words[0];
    struct cx_fail fail = {0};
    json_error_t error;
    json_t *json = NULL;
    struct buf text;
    enum cx_err err;

    buf_init(&text, PROFILE_BYTES_MAX);
    err = strcmp(file, "-") == 0 ? file_read_stdin(PROFILE_BYTES_MAX, &text, &fail)
                                 : file_read(file, PROFILE_BYTES_MAX, &text, &fail);
    if (err != CX_OK) {
        cli_print_fail(args, "profile put", &fail);
    } else {
        json =
            json_loadb((const char *)buf_view(&text).ptr, text.len, JSON_REJECT_DUPLICATES, &error);
        if (json == NULL) { /* the place only: the file may hold a secret */
            fprintf(stderr, "%s:%d: column %d: this is where reading it as JSON stopped\n", file,
                    error.line, error.column);
        }
    }
    buf_done(&text);
    return json;
}

static void print_warnings(const json_t *profile)
{
    json_t *warning;
    size_t i;

    json_array_foreach(json_object_get(profile, "warnings"), i, warning)
    {
        printf("  warning: %s: %s\n", admin_text(warning, "field"), admin_text(warning, "message"));
    }
}

enum cli_status command_profile_put(const struct cli_args *args)
{
    char path[PATH_BYTES];
    struct admin_ask ask = {.method = "PUT", .path = path};
    struct admin_answer answer;
    json_t *json = read_profile(args);
    const char *name = admin_text(json, "name");
    enum cli_status status = CLI_FAILED;

    if (json == NULL) {
        return CLI_FAILED;
    }
    if (name[0] == '\0') {
        fprintf(stderr, "%s: name: is missing\n", args->words[0]);
    } else if (admin_name(args, name)) {
        (void)snprintf(path, sizeof(path), "/v1/profiles/%s", name);
        ask.body = json;
        status = admin_do(args, &ask, &answer);
        if (status == CLI_DONE) {
            printf("profile %s %s\n", name, answer.status == 201 ? "added" : "changed");
            print_warnings(answer.json);
        }
        admin_answer_done(&answer);
    }
    json_decref(json);
    return status;
}

enum cli_status command_profile_list(const struct cli_args *args)
{
    struct admin_ask ask = {.method = "GET", .path = "/v1/profiles"};
    struct admin_answer answer;
    enum cli_status status = admin_do(args, &ask, &answer);
    json_t *profile;
    size_t i;

    if (status == CLI_DONE) {
        json_array_foreach(json_object_get(answer.json, "profiles"), i, profile)
        {
            const char *connector = admin_text(profile, "connector");

            printf("%-30s %s through %s\n", admin_text(profile, "name"),
                   admin_text(profile, "token_url"),
                   connector[0] != '\0' ? connector : "no connector");
        }
    }
    admin_answer_done(&answer);
    return status;
}

static enum cli_status ask_of(const struct cli_args *args, const char *method,
                              struct admin_answer *answer)
{
    char path[PATH_BYTES];
    struct admin_ask ask = {.method = method, .path = path};

    *answer = (struct admin_answer){0};
    if (!admin_name(args, args->words[0])) {
        return CLI_USAGE;
    }
    (void)snprintf(path, sizeof(path), "/v1/profiles/%s", args->words[0]);
    return admin_do(args, &ask, answer);
}

enum cli_status command_profile_show(const struct cli_args *args)
{
    struct admin_answer answer;
    enum cli_status status = ask_of(args, "GET", &answer);

    if (status == CLI_DONE) {
        (void)json_dumpf(answer.json, stdout, JSON_INDENT(2));
        printf("\n");
    }
    admin_answer_done(&answer);
    return status;
}

enum cli_status command_profile_remove(const struct cli_args *args)
{
    struct admin_answer answer;
    enum cli_status status = ask_of(args, "DELETE", &answer);

    admin_answer_done(&answer);
    return status;
}
