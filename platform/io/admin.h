#ifndef CONNECTOR_PLATFORM_IO_ADMIN_H
#define CONNECTOR_PLATFORM_IO_ADMIN_H

#include "common/io/cli.h"

#include <jansson.h>

/* What the commands share that speak to the running server through its control socket. */

/* One question to the API, as admin. */
struct admin_ask {
    const char *method;
    const char *path;   /* names in it are checked to need no encoding: admin_name */
    const json_t *body; /* NULL: none */
};

struct admin_answer {
    unsigned status;
    json_t *json; /* NULL: no body */
};
void admin_answer_done(struct admin_answer *a);

/* Ask. CLI_DONE if an answer came, whatever its status; else the reason was printed
 * (CLI_CONFIG, CLI_UNREACHABLE, CLI_FAILED). */
enum cli_status admin_ask(const struct cli_args *args, const struct admin_ask *ask,
                          struct admin_answer *out);

/* Ask, and print the problem if it was refused: CLI_DONE only for a 2xx. */
enum cli_status admin_do(const struct cli_args *args, const struct admin_ask *ask,
                         struct admin_answer *out);

/* A problem for a person, on standard error: the sentence, and each field's. */
void admin_print_problem(const struct cli_args *args, const struct admin_answer *answer);

/* True if `name` may stand in a path as it is; else prints why not. */
bool admin_name(const struct cli_args *args, const char *name);

/* cli_values_form of a profile as JSON: does its form have a field of that name? */
bool admin_is_form_field(const void *profile, const char *name);

/* Members of an object; "" and 0 if absent. */
const char *admin_text(const json_t *json, const char *key);
long long admin_number(const json_t *json, const char *key);

#endif
