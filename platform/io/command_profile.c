#include "platform/io/admin.h"
#include "platform/io/admin_commands.h"

#include <stdio.h>

enum { PATH_BYTES = 128 };

enum cli_status command_profile_list(const struct cli_args *args)
{
    struct admin_ask ask = {.method = "GET", .path = "/v1/profiles"};
    struct admin_answer answer;
    enum cli_status status = admin_do(args, &ask, &answer);
    json_t *profile;
    size_t i;

    if (status == CLI_DONE && cli_has(args, "json")) {
        (void)json_dumpf(answer.json, stdout, JSON_INDENT(2));
        printf("\n");
    } else if (status == CLI_DONE) {
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
