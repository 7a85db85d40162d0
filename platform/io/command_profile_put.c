#include "platform/io/admin.h"
#include "platform/io/admin_commands.h"
#include "platform/io/profile_secrets.h"

#include "common/io/cli_json.h"
#include "common/io/client_pem.h"
#include "platform/core/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PATH_BYTES = 128,
    FILE_BYTES_MAX = 16 * 1024 * 1024, /* all profiles of a platform may be in one */
};

static void print_warnings(const json_t *answer)
{
    json_t *warning;
    size_t i;

    json_array_foreach(json_object_get(answer, "warnings"), i, warning)
    {
        printf("  warning: %s: %s\n", admin_text(warning, "field"), admin_text(warning, "message"));
    }
}

/* ---- --discover ---- */

static void print_found(const json_t *found)
{
    json_t *row;
    size_t i;

    printf("found %s\n", admin_text(found, "url"));
    json_array_foreach(json_object_get(found, "filled"), i, row)
    {
        printf("  %s = %s (%s)\n", admin_text(row, "field"), admin_text(row, "value"),
               admin_text(row, "from"));
    }
    if (i == 0) {
        printf("  nothing that the file leaves out\n");
    }
    print_warnings(found);
}

/* Fill what `*profile` leaves out. */
static enum cli_status discover(const struct cli_args *args, const char *name, json_t **profile)
{
    char path[PATH_BYTES];
    json_t *body = json_pack("{s:s, s:O}", "url", cli_value(args, "discover"), "profile", *profile);
    struct admin_ask ask = {.method = "POST", .path = path, .body = body};
    struct admin_answer answer;
    enum cli_status status;

    (void)snprintf(path, sizeof(path), "/v1/profiles/%s/discover", name);
    status = admin_do(args, &ask, &answer);
    if (status == CLI_DONE) {
        print_found(answer.json);
        json_decref(*profile);
        *profile = json_incref(json_object_get(answer.json, "profile"));
    }
    admin_answer_done(&answer);
    json_decref(body);
    return status;
}

/* ---- one, and many ---- */

static enum cli_status put(const struct cli_args *args, const char *name, const json_t *profile)
{
    char path[PATH_BYTES];
    struct admin_ask ask = {.method = "PUT", .path = path, .body = profile};
    struct admin_answer answer;
    enum cli_status status;

    (void)snprintf(path, sizeof(path), "/v1/profiles/%s", name);
    status = admin_do(args, &ask, &answer);
    if (status == CLI_DONE) {
        printf("profile %s %s\n", name, answer.status == 201 ? "added" : "changed");
        print_warnings(answer.json);
    } else {
        profile_print_how_to_give(profile, answer.json);
    }
    admin_answer_done(&answer);
    return status;
}

/* Without a usable name the platform can't be asked: what it would say. */
static void print_faults(const struct cli_args *args, const json_t *json)
{
    struct profile_input in = {.json = json, .check_pem = client_pem_check};
    struct profile profile = {0};
    struct cx_fail fail = {0};
    struct faults faults;

    faults_init(&faults);
    (void)profile_read(&in, &profile, &faults, NULL);
    (void)cx_fail_set(&fail, CX_E_SYNTAX, "profile", "%zu value%s wrong", faults_total(&faults),
                      faults_total(&faults) == 1 ? " is" : "s are");
    cli_print_fail(args, args->words[0], &fail);
    for (size_t i = 0; i < faults.count; i++) {
        fprintf(stderr, "  %s: %s\n", faults.items[i].field, faults.items[i].what);
    }
    profile_done(&profile);
    faults_done(&faults);
}

static enum cli_status put_one(const struct cli_args *args, json_t *given)
{
    json_t *profile = json_incref(given);
    enum cli_status status = CLI_FAILED;
    char name[PATH_BYTES / 2 + 1];

    (void)snprintf(name, sizeof(name), "%s", admin_text(profile, "name"));
    if (!json_is_object(profile)) {
        fprintf(stderr, "%s: a profile is a JSON object\n", args->words[0]);
    } else if (!registry_is_name(slice_of_str(name))) {
        print_faults(args, profile);
    } else {
        status = profile_take_secrets(args, profile);
        if (status == CLI_DONE && cli_has(args, "discover")) {
            status = discover(args, name, &profile);
        }
        status = status == CLI_DONE ? put(args, name, profile) : status;
    }
    json_decref(profile);
    return status;
}

/* Every one of them is tried; the status is the last one that was not CLI_DONE. */
static enum cli_status put_many(const struct cli_args *args, const json_t *list)
{
    enum cli_status status = CLI_DONE;
    json_t *profile;
    size_t i;

    if (args->ngiven > 0) {
        return profile_refuse_usage(
            args, args->words[0], "has several profiles: --ask, --file and --discover are for one");
    }
    json_array_foreach(list, i, profile)
    {
        enum cli_status one = put_one(args, profile);

        if (one != CLI_DONE) {
            fprintf(stderr, "  this was the profile %s of %s\n", admin_text(profile, "name"),
                    args->words[0]);
            status = one;
        }
    }
    return status;
}

enum cli_status command_profile_put(const struct cli_args *args)
{
    enum cli_status status;
    json_t *json;
    json_t *list;

    if (strcmp(args->words[0], "-") == 0 && cli_has(args, "ask")) {
        return profile_refuse_usage(
            args, "--ask", "reads standard input, which is the profile already: give a FILE");
    }
    json = cli_json_read(args, args->words[0], FILE_BYTES_MAX);
    if (json == NULL) {
        return CLI_FAILED;
    }
    list = json_is_array(json) ? json : json_object_get(json, "profiles");
    status = json_is_array(list) ? put_many(args, list) : put_one(args, json);
    json_decref(json);
    return status;
}
