#ifndef CONNECTOR_COMMON_IO_CLI_H
#define CONNECTOR_COMMON_IO_CLI_H

#include "common/core/faults.h"

#include <stdbool.h>
#include <stddef.h>

/* The command line of both programs: a table of commands, each with its options. A program's main
 * is
 *
 *     int main(int argc, char **argv) { return (int)cli_main(&program, argc, argv); }
 */

/* Exit statuses; scripts and service units rely on them. */
enum cli_status {
    CLI_DONE = 0,
    CLI_FAILED = 1,      /* the thing asked for failed */
    CLI_USAGE = 2,       /* wrong usage */
    CLI_CONFIG = 3,      /* wrong configuration */
    CLI_UNREACHABLE = 4, /* can't reach the other end */
};

struct cli_option {
    const char *name;  /* "proxy" is --proxy */
    const char *value; /* what help calls its value ("URL"); NULL: a flag */
    const char *help;  /* one line */
};

enum { CLI_OPTIONS_MAX = 16, CLI_VALUES_MAX = 64 };

struct cli_given {
    size_t option; /* index in the command's options */
    const char *value;
};

/* What was given. All of it borrowed from argv and the tables. */
struct cli_args {
    const struct cli_program *program;
    const struct cli_command *command;
    const char *conf_path;    /* -c FILE, or the program's default */
    bool conf_given;          /* -c was given */
    const char *const *words; /* what is left besides options */
    size_t nwords;
    struct cli_given given[CLI_VALUES_MAX]; /* options, in order */
    size_t ngiven;
};

struct cli_command {
    const char *name;                 /* "check", or two words: "key add" */
    const char *args;                 /* as help shows them: "NAME --role ROLE" */
    const char *help;                 /* one line */
    const char *more;                 /* paragraphs for its own --help, or NULL */
    const struct cli_option *options; /* besides -c and --help */
    size_t noptions;
    size_t min_words; /* how many words may be left */
    size_t max_words;
    enum cli_status (*run)(const struct cli_args *args);
};

struct cli_program {
    const char *name;      /* "connector-agent" */
    const char *summary;   /* one line */
    const char *conf_path; /* where its configuration is by default */
    const struct cli_command *commands;
    size_t ncommands;
};

/* Harden the process, read the command line, run the command. Help goes to standard output; what is
 * wrong with the usage to standard error, with the nearest neighbour of a name that isn't known,
 * and gives CLI_USAGE. */
enum cli_status cli_main(const struct cli_program *program, int argc, char **argv);

/* The last value of --NAME, or NULL if it wasn't given. `name` must be one of the command's
 * options. */
const char *cli_value(const struct cli_args *args, const char *name);

/* The nth (from 0) value of an option that may be given several times, or NULL. */
const char *cli_value_at(const struct cli_args *args, const char *name, size_t nth);

/* True if --NAME was given. */
bool cli_has(const struct cli_args *args, const char *name);

/* No core files, not dumpable or traceable by other processes of the user, files private by default
 * (umask 077), writing to a closed connection is an error and not a signal. */
void cli_harden(void);

/* "FILE:LINE: FIELD: WHAT", each on a line of standard error; then how many didn't fit. */
void cli_print_faults(const struct faults *faults);

/* "PROGRAM: WHAT: TEXT" on standard error; `what` says what was being done. */
void cli_print_fail(const struct cli_args *args, const char *what, const struct cx_fail *fail);

#endif
