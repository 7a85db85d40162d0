#include "platform/io/admin.h"
#include "platform/io/admin_commands.h"

#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 128 };

enum cli_status command_key_add(const struct cli_args *args)
{
    const char *role = cli_value(args, "role");
    struct admin_ask ask = {.method = "POST", .path = "/v1/keys"};
    struct admin_answer answer;
    enum cli_status status;
    json_t *body;

    if (role == NULL || (strcmp(role, "admin") != 0 && strcmp(role, "app") != 0)) {
        fprintf(stderr, "connector-platform: key add: --role must be admin or app\n");
        return CLI_USAGE;
    }
    if (!admin_name(args, args->words[0])) {
        return CLI_USAGE;
    }
    body = json_pack("{s:s, s:s}", "name", args->words[0], "role", role);
    ask.body = body;
    status = admin_do(args, &ask, &answer);
    if (status == CLI_DONE) {
        fprintf(stderr, "This key is shown once; keep it secret:\n");
        printf("%s\n", admin_text(answer.json, "key"));
    }
    json_decref(body);
    admin_answer_done(&answer);
    return status;
}

enum cli_status command_key_list(const struct cli_args *args)
{
    struct admin_ask ask = {.method = "GET", .path = "/v1/keys"};
    struct admin_answer answer;
    enum cli_status status = admin_do(args, &ask, &answer);
    json_t *key;
    size_t i;

    if (status == CLI_DONE) {
        json_array_foreach(json_object_get(answer.json, "keys"), i, key)
        {
            printf("%-30s %-6s since %s\n", admin_text(key, "name"), admin_text(key, "role"),
                   admin_text(key, "created_at"));
        }
    }
    admin_answer_done(&answer);
    return status;
}

enum cli_status command_key_revoke(const struct cli_args *args)
{
    char path[PATH_BYTES];
    struct admin_ask ask = {.method = "DELETE", .path = path};
    struct admin_answer answer;
    enum cli_status status;

    if (!admin_name(args, args->words[0])) {
        return CLI_USAGE;
    }
    (void)snprintf(path, sizeof(path), "/v1/keys/%s", args->words[0]);
    status = admin_do(args, &ask, &answer);
    admin_answer_done(&answer);
    return status;
}
