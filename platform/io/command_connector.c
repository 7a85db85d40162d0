#include "platform/io/admin.h"
#include "platform/io/admin_commands.h"

#include "common/core/id.h"
#include "common/io/cli_json.h"

#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 200 };

/* ---- enrolment strings: the string alone on standard output, to be piped or copied ---- */

static void print_string(const json_t *enrollment)
{
    fprintf(
        stderr,
        "On the agent's machine run `connector-agent enroll` and give it this line (once, until "
        "%s):\n",
        admin_text(enrollment, "expires_at"));
    printf("%s\n", admin_text(enrollment, "string"));
}

enum cli_status command_connector_add(const struct cli_args *args)
{
    struct admin_ask ask = {.method = "POST", .path = "/v1/connectors"};
    struct admin_answer answer;
    enum cli_status status;
    json_t *body;

    if (!admin_name(args, args->words[0])) {
        return CLI_USAGE;
    }
    body = json_pack("{s:s}", "name", args->words[0]);
    ask.body = body;
    status = admin_do(args, &ask, &answer);
    if (status == CLI_DONE) {
        print_string(json_object_get(answer.json, "enrollment"));
    }
    json_decref(body);
    admin_answer_done(&answer);
    return status;
}

/* Ask about the connector that the first word names; `below` is what follows its name. */
static enum cli_status ask_of(const struct cli_args *args, const char *method, const char *below,
                              struct admin_answer *answer)
{
    char path[PATH_BYTES];
    struct admin_ask ask = {.method = method, .path = path};

    *answer = (struct admin_answer){0};
    if (!admin_name(args, args->words[0])) {
        return CLI_USAGE;
    }
    (void)snprintf(path, sizeof(path), "/v1/connectors/%s%s", args->words[0], below);
    return admin_do(args, &ask, answer);
}

enum cli_status command_connector_enroll(const struct cli_args *args)
{
    struct admin_answer answer;
    enum cli_status status = ask_of(args, "POST", "/enrollments", &answer);

    if (status == CLI_DONE) {
        print_string(answer.json);
    }
    admin_answer_done(&answer);
    return status;
}

/* ---- showing ---- */

static void print_connector(const json_t *c)
{
    json_t *agent;
    size_t connected = 0;
    size_t i;

    json_array_foreach(json_object_get(c, "agents"), i, agent)
    {
        connected += strcmp(admin_text(agent, "state"), "connected") == 0;
    }
    printf("%-30s %-8s agents %zu of %zu connected, jobs %lld of %lld, queued %lld\n",
           admin_text(c, "name"), admin_text(c, "state"), connected,
           json_array_size(json_object_get(c, "agents")), admin_number(c, "jobs"),
           admin_number(c, "capacity"), admin_number(c, "queued"));
}

enum cli_status command_connector_list(const struct cli_args *args)
{
    struct admin_ask ask = {.method = "GET", .path = "/v1/connectors"};
    struct admin_answer answer;
    enum cli_status status = admin_do(args, &ask, &answer);
    json_t *c;
    size_t i;

    if (status == CLI_DONE) {
        json_array_foreach(json_object_get(answer.json, "connectors"), i, c)
        {
            print_connector(c);
        }
    }
    admin_answer_done(&answer);
    return status;
}

static void print_rules(const json_t *policy)
{
    json_t *rule;
    size_t i;

    json_array_foreach(json_object_get(policy, "rules"), i, rule)
    {
        const char *url = admin_text(rule, "url");

        printf("    may reach    %s (%s)\n", url[0] != '\0' ? url : "not shared",
               admin_text(rule, "name"));
    }
}

static void print_agent(const json_t *agent)
{
    const char *seen = admin_text(agent, "last_seen_at");
    const json_t *alarm = json_object_get(agent, "alarm");

    printf("  agent %s  %s\n", admin_text(agent, "id"), admin_text(agent, "state"));
    printf("    host         %s, version %s\n", admin_text(agent, "host"),
           admin_text(agent, "version"));
    printf("    last seen    %s\n", seen[0] != '\0' ? seen : "never");
    printf("    jobs         %lld\n", admin_number(agent, "jobs"));
    printf("    certificate  %lld days left\n", admin_number(agent, "certificate_days_left"));
    print_rules(json_object_get(agent, "policy"));
    if (alarm != NULL) {
        printf("    ALARM        %s (%s)\n", admin_text(alarm, "message"), admin_text(alarm, "at"));
    }
}

enum cli_status command_connector_show(const struct cli_args *args)
{
    struct admin_answer answer;
    enum cli_status status = ask_of(args, "GET", "", &answer);
    json_t *agent;
    size_t i;

    if (status == CLI_DONE) {
        cli_json_clean(answer.json);
        print_connector(answer.json);
        json_array_foreach(json_object_get(answer.json, "agents"), i, agent)
        {
            print_agent(agent);
        }
    }
    admin_answer_done(&answer);
    return status;
}

/* ---- revoking and removing ---- */

static enum cli_status revoke_agent(const struct cli_args *args, const char *agent)
{
    char below[80];
    struct admin_answer answer;
    enum cli_status status;

    (void)snprintf(below, sizeof(below), "/agents/%s", agent);
    status = ask_of(args, "DELETE", below, &answer);
    if (status == CLI_DONE) {
        printf("revoked agent %s\n", agent);
    }
    admin_answer_done(&answer);
    return status;
}

static enum cli_status revoke_all(const struct cli_args *args)
{
    struct admin_answer answer;
    enum cli_status status = ask_of(args, "GET", "", &answer);
    json_t *agent;
    size_t i;

    json_array_foreach(json_object_get(answer.json, "agents"), i, agent)
    {
        if (status == CLI_DONE && strcmp(admin_text(agent, "state"), "revoked") != 0) {
            status = revoke_agent(args, admin_text(agent, "id"));
        }
    }
    admin_answer_done(&answer);
    return status;
}

enum cli_status command_connector_revoke(const struct cli_args *args)
{
    struct cx_id id;

    if (args->nwords == 1) {
        return revoke_all(args);
    }
    if (id_parse(slice_of_str(args->words[1]), &id) != CX_OK) {
        fprintf(stderr, "connector-platform: connector revoke: AGENT is an id as `connector show` "
                        "prints it\n");
        return CLI_USAGE;
    }
    return revoke_agent(args, args->words[1]);
}

enum cli_status command_connector_remove(const struct cli_args *args)
{
    struct admin_answer answer;
    enum cli_status status = ask_of(args, "DELETE", "", &answer);

    admin_answer_done(&answer);
    return status;
}
