#include "platform/io/admin.h"
#include "platform/io/admin_commands.h"

#include "common/io/cli_json.h"
#include "common/io/cli_values.h"
#include "common/io/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 128, TOKEN_SHOWN = 4 };

/* ---- the answer, for a person ---- */

static void print_token(const json_t *token)
{
    const char *access = admin_text(token, "access_token");
    const json_t *expires = json_object_get(token, "expires_in");

    printf("  token      %.*s... (%s, %zu characters, the rest is not shown)\n",
           strlen(access) > 4 * (size_t)TOKEN_SHOWN ? TOKEN_SHOWN : 0, access,
           admin_text(token, "token_type"), strlen(access));
    if (expires != NULL) {
        printf("  expires    in %lld s\n", (long long)json_integer_value(expires));
    }
    printf("  refresh    %s\n", json_object_get(token, "refresh_token") != NULL ? "yes" : "no");
    if (admin_text(token, "scope")[0] != '\0') {
        printf("  scope      %s\n", admin_text(token, "scope"));
    }
}

/* What the agent measured, hop by hop (one that a kept connection spared is left out), and how long
 * it took from here to the token endpoint and back. */
static void print_times(const json_t *timing, uint64_t whole_us)
{
    json_t *value;
    const char *key;

    if (json_object_size(timing) > 0) {
        printf("  hops      ");
        json_object_foreach((json_t *)(uintptr_t)timing, key, value)
        {
            if (json_integer_value(value) >= 5) { /* else it would show as 0.00 */
                printf(" %s %.2f", key, (double)json_integer_value(value) / 1000.0);
            }
        }
        printf(" ms\n");
    }
    printf("  whole way  %.2f ms\n", (double)whole_us / 1000.0);
}

static void print_issued(const char *profile, const json_t *answer, uint64_t whole_us)
{
    const char *connector = admin_text(answer, "connector");
    const char *agent = admin_text(answer, "agent");

    printf("issued: %s %s%s\n", profile, connector[0] != '\0' ? "through " : "from the platform",
           connector);
    print_token(json_object_get(answer, "token"));
    print_times(json_object_get(answer, "timing_us"), whole_us);
    printf("  id         %s%s%s\n", admin_text(answer, "id"), agent[0] != '\0' ? ", agent " : "",
           agent);
}

static void print_row(const char *title, const char *text)
{
    if (text[0] != '\0') {
        printf("  %-10s %s\n", title, text);
    }
}

/* `safe_to_retry` and `execution` in words. */
static const char *in_words(const char *word)
{
    static const struct {
        const char *word, *words;
    } rows[] = {
        {"yes", "yes"},
        {"no", "no: the token endpoint may have acted"},
        {"with_new_credentials", "with other credentials only"},
        {"after_fix", "only after somebody has changed something"},
        {"not_sent", "nothing of the request was sent"},
        {"sent", "the request may have been sent; no whole answer came"},
        {"answered", "the token endpoint has answered"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].word, word) == 0) {
            return rows[i].words;
        }
    }
    return word;
}

static void print_problem(const char *profile, const json_t *answer, uint64_t whole_us)
{
    const char *execution = admin_text(answer, "execution");
    json_t *error;
    size_t i;

    printf("%s: %s\n", admin_text(answer, "code"), profile);
    print_row("why", admin_text(answer, "detail"));
    print_row("endpoint", admin_text(answer, "oauth_error"));
    print_row("", admin_text(answer, "oauth_description"));
    if (strcmp(execution, "answered") != 0) { /* else it went all the way */
        print_row("ended at", admin_text(answer, "stage"));
    }
    print_row("so far", in_words(execution));
    print_row("try again", in_words(admin_text(answer, "safe_to_retry")));
    json_array_foreach(json_object_get(answer, "errors"), i, error)
    {
        printf("  %s: %s\n", admin_text(error, "field"), admin_text(error, "message"));
    }
    print_times(json_object_get(answer, "timing_us"), whole_us);
    print_row("id", admin_text(answer, "id"));
}

static enum cli_status show(const struct cli_args *args, const struct admin_answer *answer,
                            uint64_t whole_us)
{
    bool is_issued = answer->status == 200;

    if (cli_has(args, "json")) {
        (void)json_dumpf(answer->json, stdout, JSON_INDENT(2));
        printf("\n");
    } else {
        cli_json_clean(answer->json);
        (is_issued ? print_issued : print_problem)(args->words[0], answer->json, whole_us);
    }
    return is_issued ? CLI_DONE : CLI_FAILED;
}

static enum cli_status run(const struct cli_args *args, const json_t *profile)
{
    char path[PATH_BYTES];
    json_t *body = cli_values_read(args, admin_is_form_field, profile);
    struct admin_ask ask = {.method = "POST", .path = path, .body = body};
    struct admin_answer answer = {0};
    enum cli_status status = CLI_USAGE;

    (void)snprintf(path, sizeof(path), "/v1/profiles/%s/exchange", args->words[0]);
    if (body != NULL) {
        uint64_t began_us = clock_mono_us();

        status = admin_ask(args, &ask, &answer);
        if (status == CLI_DONE) {
            status = show(args, &answer, clock_mono_us() - began_us);
        }
    }
    json_decref(body);
    admin_answer_done(&answer);
    return status;
}

enum cli_status command_exchange(const struct cli_args *args)
{
    char path[PATH_BYTES];
    struct admin_ask ask = {.method = "GET", .path = path};
    struct admin_answer profile;
    enum cli_status status;

    if (!admin_name(args, args->words[0])) {
        return CLI_USAGE;
    }
    (void)snprintf(path, sizeof(path), "/v1/profiles/%s", args->words[0]);
    status = admin_do(args, &ask, &profile);
    if (status == CLI_DONE) {
        status = run(args, profile.json);
    }
    admin_answer_done(&profile);
    return status;
}
