#include "common/io/cli_help.h"

#include <string.h>

enum { HELP_COLUMN_MAX = 40 };

bool cli_is_in_group(const struct cli_command *command, const char *group)
{
    size_t len = strlen(group);

    return strncmp(command->name, group, len) == 0 && command->name[len] == ' ';
}

static bool is_shown(const struct cli_command *command, const char *group)
{
    return group == NULL || cli_is_in_group(command, group);
}

/* "check", "enroll [STRING|-]". Gives its length. */
static int put_synopsis(const struct cli_command *command, char *out, size_t room)
{
    bool has_args = command->args != NULL && command->args[0] != '\0';

    return snprintf(out, room, "%s%s%s", command->name, has_args ? " " : "",
                    has_args ? command->args : "");
}

/* A name and, from `column` on, what it means; on a line of its own where the name is too long. */
static void put_row(FILE *to, const char *name, int column, const char *help)
{
    if ((int)strlen(name) > column) {
        (void)fprintf(to, "  %s\n  %*s  %s\n", name, column, "", help);
    } else {
        (void)fprintf(to, "  %-*s  %s\n", column, name, help);
    }
}

void cli_help_program(const struct cli_program *program, const char *group, FILE *to)
{
    char synopsis[160];
    int column = 0;

    for (size_t i = 0; i < program->ncommands; i++) {
        int len = put_synopsis(&program->commands[i], synopsis, sizeof(synopsis));

        if (is_shown(&program->commands[i], group) && len > column && len <= HELP_COLUMN_MAX) {
            column = len;
        }
    }
    if (group == NULL) {
        (void)fprintf(to, "%s: %s\n\nUsage: %s COMMAND [-c FILE] [OPTIONS]\n\nCommands:\n",
                      program->name, program->summary, program->name);
    } else {
        (void)fprintf(to, "Usage: %s %s COMMAND [-c FILE] [OPTIONS]\n\nCommands:\n", program->name,
                      group);
    }
    for (size_t i = 0; i < program->ncommands; i++) {
        if (is_shown(&program->commands[i], group)) {
            (void)put_synopsis(&program->commands[i], synopsis, sizeof(synopsis));
            put_row(to, synopsis, column, program->commands[i].help);
        }
    }
    (void)fprintf(to,
                  "\nThe configuration is %s unless -c names another file.\n"
                  "Exit status: 0 done, 1 failed, 2 wrong usage, 3 wrong configuration, "
                  "4 can't reach.\n"
                  "%s COMMAND --help tells more about one command.\n",
                  program->conf_path, program->name);
}

/* "--proxy URL" */
static int put_option(const struct cli_option *option, char *out, size_t room)
{
    return snprintf(out, room, "--%s%s%s", option->name, option->value != NULL ? " " : "",
                    option->value != NULL ? option->value : "");
}

void cli_help_command(const struct cli_program *program, const struct cli_command *command,
                      FILE *to)
{
    char text[160];
    int column = (int)sizeof("-h, --help") - 1;

    (void)put_synopsis(command, text, sizeof(text));
    (void)fprintf(to, "Usage: %s %s [-c FILE]%s\n\n%s\n", program->name, text,
                  command->noptions > 0 ? " [OPTIONS]" : "", command->help);
    if (command->more != NULL) {
        (void)fprintf(to, "\n%s\n", command->more);
    }
    for (size_t i = 0; i < command->noptions; i++) {
        int len = put_option(&command->options[i], text, sizeof(text));

        column = len > column && len <= HELP_COLUMN_MAX ? len : column;
    }
    (void)fprintf(to, "\nOptions:\n  %-*s  configuration file (default: %s)\n", column, "-c FILE",
                  program->conf_path);
    for (size_t i = 0; i < command->noptions; i++) {
        (void)put_option(&command->options[i], text, sizeof(text));
        put_row(to, text, column, command->options[i].help);
    }
    put_row(to, "-h, --help", column, "this text");
}
