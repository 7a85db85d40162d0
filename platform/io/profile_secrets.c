#include "platform/io/profile_secrets.h"

#include "platform/io/admin.h"

#include "common/io/file.h"
#include "common/io/terminal.h"

#include <stdio.h>
#include <string.h>

enum { PART_BYTES = 128, PROMPT_BYTES = 160, SECRET_BYTES_MAX = 16 * 1024 };

enum cli_status profile_refuse_usage(const struct cli_args *args, const char *what, const char *why)
{
    struct cx_fail fail = {0};

    (void)cx_fail_set(&fail, CX_E_SYNTAX, "profile.put", "%s", why);
    cli_print_fail(args, what, &fail);
    return CLI_USAGE;
}

/* The part of the profile that "client.secret" or "credentials.pin" is in, made if it is missing;
 * NULL if it is neither. `key` gets what follows the dot. */
static json_t *part_of(json_t *profile, const char *member, const char **key)
{
    static const char *const parts[] = {"client", "credentials"};

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t len = strlen(parts[i]);

        if (strncmp(member, parts[i], len) != 0 || member[len] != '.' || member[len + 1] == '\0') {
            continue;
        }
        *key = member + len + 1;
        if (!json_is_object(json_object_get(profile, parts[i]))) {
            (void)json_object_set_new(profile, parts[i], json_object());
        }
        return json_object_get(profile, parts[i]);
    }
    return NULL;
}

static enum cli_status set_member(const struct cli_args *args, json_t *profile, const char *member,
                                  struct slice text)
{
    const char *key = NULL;
    json_t *part = part_of(profile, member, &key);

    if (part == NULL) {
        return profile_refuse_usage(args, member, "is neither client.NAME nor credentials.NAME");
    }
    if (json_object_set_new(part, key, json_stringn((const char *)text.ptr, text.len)) != 0) {
        return profile_refuse_usage(args, member, "is not UTF-8");
    }
    return CLI_DONE;
}

static enum cli_status ask_for(const struct cli_args *args, json_t *profile, const char *member)
{
    struct secret value = {0};
    struct cx_fail fail = {0};
    char prompt[PROMPT_BYTES];
    enum cli_status status;

    (void)snprintf(prompt, sizeof(prompt), "%s: ", member);
    if (terminal_ask_secret(prompt, &value, &fail) != CX_OK) {
        cli_print_fail(args, member, &fail);
        return CLI_FAILED;
    }
    status = set_member(args, profile, member, secret_view(&value));
    secret_done(&value);
    return status;
}

/* The file's text, without the line end that an editor leaves. */
static enum cli_status take_file(const struct cli_args *args, json_t *profile, const char *given)
{
    const char *equals = strchr(given, '=');
    struct cx_fail fail = {0};
    enum cli_status status = CLI_FAILED;
    char member[PROMPT_BYTES];
    struct slice value;
    struct buf text;

    if (equals == NULL || (size_t)(equals - given) >= sizeof(member)) {
        return profile_refuse_usage(args, "--file", "takes MEMBER=FILE");
    }
    (void)snprintf(member, sizeof(member), "%.*s", (int)(equals - given), given);
    buf_init(&text, SECRET_BYTES_MAX);
    if (file_read(equals + 1, SECRET_BYTES_MAX, &text, &fail) != CX_OK) {
        cli_print_fail(args, member, &fail);
    } else {
        value = buf_view(&text);
        while (value.len > 0 &&
               (value.ptr[value.len - 1] == '\n' || value.ptr[value.len - 1] == '\r')) {
            value = slice_first(value, value.len - 1);
        }
        status = set_member(args, profile, member, value);
    }
    buf_done(&text);
    return status;
}

enum cli_status profile_take_secrets(const struct cli_args *args, json_t *profile)
{
    enum cli_status status = CLI_DONE;
    const char *given;

    for (size_t i = 0; status == CLI_DONE && (given = cli_value_at(args, "file", i)) != NULL; i++) {
        status = take_file(args, profile, given);
    }
    for (size_t i = 0; status == CLI_DONE && (given = cli_value_at(args, "ask", i)) != NULL; i++) {
        status = ask_for(args, profile, given);
    }
    return status;
}

static bool is_kept_mark(const json_t *profile, const char *field)
{
    const char *dot = strchr(field, '.');
    char part[PART_BYTES];
    json_t *value;

    if (dot == NULL || (size_t)(dot - field) >= sizeof(part)) {
        return false;
    }
    (void)snprintf(part, sizeof(part), "%.*s", (int)(dot - field), field);
    value = json_object_get(json_object_get(profile, part), dot + 1);
    return json_is_true(json_object_get(value, "set"));
}

void profile_print_how_to_give(const json_t *profile, const json_t *problem)
{
    bool is_any = false;
    json_t *error;
    size_t i;

    json_array_foreach(json_object_get(problem, "errors"), i, error)
    {
        const char *field = admin_text(error, "field");
        bool is_key = strcmp(field, "client.key") == 0; /* has many lines */

        if (is_kept_mark(profile, field)) {
            fprintf(stderr, "%s --%s %s%s",
                    is_any ? "" : "  a profile that is shown has no secrets; give them:",
                    is_key ? "file" : "ask", field, is_key ? "=FILE" : "");
            is_any = true;
        }
    }
    if (is_any) {
        fprintf(stderr, "\n");
    }
}
