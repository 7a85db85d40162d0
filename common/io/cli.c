#include "common/io/cli.h"

#include "common/io/cli_help.h"

#include <assert.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* What getopt_long gives for a long option: its index, past every character. */
enum { OPTION_BASE = 256 };

void cli_harden(void)
{
    const struct rlimit none = {0, 0};
    int fd;

    do { /* a file of ours must never become a standard stream that the caller left closed */
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO) {
        (void)close(fd);
    }
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)umask(077);
}

/* The command that `words` (NULL-terminated) begin with; `*used` of them name it. */
static const struct cli_command *find_command(const struct cli_program *program, char **words,
                                              int *used)
{
    char both[128] = "";

    if (words[1] != NULL) {
        (void)snprintf(both, sizeof(both), "%s %s", words[0], words[1]);
    }
    for (size_t i = 0; i < program->ncommands; i++) {
        const struct cli_command *command = &program->commands[i];

        if (strcmp(command->name, both) == 0 || strcmp(command->name, words[0]) == 0) {
            *used = strchr(command->name, ' ') != NULL ? 2 : 1;
            return command;
        }
    }
    return NULL;
}

static bool is_group(const struct cli_program *program, const char *word)
{
    for (size_t i = 0; i < program->ncommands; i++) {
        if (cli_is_in_group(&program->commands[i], word)) {
            return true;
        }
    }
    return false;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* Say that `name` isn't known, what is near it, and where help is. */
static void print_unknown(const struct cli_program *program, const char *kind, const char *name,
                          const char *nearest)
{
    (void)fprintf(stderr, "%s: unknown %s \"%s\"", program->name, kind, name);
    if (nearest != NULL) {
        (void)fprintf(stderr, "; did you mean \"%s\"?", nearest);
    }
    (void)fprintf(stderr, "\n%s --help lists the commands\n", program->name);
}

enum { HEAD_MAX_BYTES = 64 };

/* What was meant, in `head`: the nearest command of two words, or else the nearest first word. NULL
 * if nothing is near. */
static const char *nearest_command(const struct cli_program *program, char **words,
                                   char head[HEAD_MAX_BYTES])
{
    const char **names = calloc(program->ncommands + 1, sizeof(*names));
    char(*heads)[HEAD_MAX_BYTES] = calloc(program->ncommands + 1, sizeof(*heads));
    const char *nearest = NULL;
    char both[128];
    size_t n = 0;

    for (size_t i = 0; names != NULL && i < program->ncommands; i++) {
        if (strchr(program->commands[i].name, ' ') != NULL) {
            names[n++] = program->commands[i].name;
        }
    }
    if (words[1] != NULL) {
        (void)snprintf(both, sizeof(both), "%s %s", words[0], words[1]);
        nearest = faults_nearest(both, names, n);
    }
    for (n = 0; names != NULL && heads != NULL && n < program->ncommands; n++) {
        const char *name = program->commands[n].name;

        (void)snprintf(heads[n], HEAD_MAX_BYTES, "%.*s", (int)strcspn(name, " "), name);
        names[n] = heads[n];
    }
    if (nearest == NULL) {
        nearest = faults_nearest(words[0], names, n);
    }
    if (nearest != NULL) {
        (void)snprintf(head, HEAD_MAX_BYTES, "%s", nearest);
    }
    free(names);
    free(heads);
    return nearest != NULL ? head : NULL;
}

static enum cli_status unknown_command(const struct cli_program *program, char **words)
{
    bool is_second = is_group(program, words[0]);
    char head[HEAD_MAX_BYTES];
    char name[128];

    (void)snprintf(name, sizeof(name), "%s%s%s", words[0], is_second ? " " : "",
                   is_second ? words[1] : "");
    print_unknown(program, "command", name, nearest_command(program, words, head));
    return CLI_USAGE;
}

/* The usage of a command is wrong: say how, and where help is. */
static enum cli_status wrong(const struct cli_args *args, const char *what, const char *name)
{
    (void)fprintf(stderr, "%s %s: %s%s\n%s %s --help tells more\n", args->program->name,
                  args->command->name, what, name, args->program->name, args->command->name);
    return CLI_USAGE;
}

static enum cli_status unknown_option(const struct cli_args *args, const char *word)
{
    const char *names[CLI_OPTIONS_MAX + 1];
    char name[64];
    const char *nearest;

    if (strncmp(word, "--", 2) != 0) {
        return wrong(args, "unknown option: ", word);
    }
    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
    for (size_t i = 0; i < args->command->noptions; i++) {
        names[i] = args->command->options[i].name;
    }
    nearest = faults_nearest(name, names, args->command->noptions);
    (void)fprintf(stderr, "%s %s: unknown option \"--%s\"", args->program->name,
                  args->command->name, name);
    if (nearest != NULL) {
        (void)fprintf(stderr, "; did you mean \"--%s\"?", nearest);
    }
    (void)fprintf(stderr, "\n%s %s --help tells more\n", args->program->name, args->command->name);
    return CLI_USAGE;
}

static void fill_options(const struct cli_command *command, struct option out[CLI_OPTIONS_MAX + 2])
{
    size_t n = 0;

    if (command->noptions > CLI_OPTIONS_MAX) {
        abort(); /* our table is wrong */
    }
    for (; n < command->noptions; n++) {
        out[n] = (struct option){.name = command->options[n].name,
                                 .has_arg = command->options[n].value != NULL ? required_argument
                                                                              : no_argument,
                                 .val = OPTION_BASE + (int)n};
    }
    out[n++] = (struct option){.name = "help", .has_arg = no_argument, .val = 'h'};
    out[n] = (struct option){0};
}

/* What one of getopt_long's answers means. `is_done`: nothing is left to do but to end with the
 * status. */
static enum cli_status take(struct cli_args *args, const char **words, int got, const char *word,
                            bool *is_done)
{
    *is_done = true;
    if (got == 1) { /* not an option */
        words[args->nwords++] = optarg;
    } else if (got == 'c') {
        args->conf_path = optarg;
        args->conf_given = true;
    } else if (got == 'h') {
        cli_help_command(args->program, args->command, stdout);
        return CLI_DONE;
    } else if (got == ':') {
        return wrong(args, "a value is missing behind ", word);
    } else if (got == '?' && optopt >= OPTION_BASE) {
        return wrong(args, "takes no value: --", args->command->options[optopt - OPTION_BASE].name);
    } else if (got == '?') {
        return unknown_option(args, word);
    } else if (args->ngiven == CLI_VALUES_MAX) {
        return wrong(args, "too many options", "");
    } else {
        args->given[args->ngiven++] = (struct cli_given){(size_t)(got - OPTION_BASE), optarg};
    }
    *is_done = false;
    return CLI_DONE;
}

/* Read options and words, in any order; `argv[0]` is the command's last word. */
static enum cli_status read_args(struct cli_args *args, const char **words, int argc, char **argv,
                                 bool *is_done)
{
    struct option options[CLI_OPTIONS_MAX + 2];
    enum cli_status status = CLI_DONE;
    int got;

    fill_options(args->command, options);
    *is_done = false;
    opterr = 0;
    optind = 0; /* glibc: start afresh */
    while (!*is_done) {
        const char *word;

        optopt = 0;
        got = getopt_long(argc, argv, "-:c:h", options, NULL); /* '-': words come in order */
        if (got == -1) {
            break;
        }
        word = optind > 0 && optind <= argc ? argv[optind - 1] : "";
        status = take(args, words, got, word, is_done);
    }
    for (; !*is_done && optind < argc; optind++) { /* what follows "--" */
        words[args->nwords++] = argv[optind];
    }
    return status;
}

static enum cli_status run(struct cli_args *args, int argc, char **argv)
{
    const char **words = calloc((size_t)argc + 1, sizeof(*words));
    enum cli_status status;
    bool is_done;

    if (words == NULL) {
        return wrong(args, cx_err_text(CX_E_NOMEM), "");
    }
    args->words = words;
    status = read_args(args, words, argc, argv, &is_done);
    if (!is_done && args->nwords < args->command->min_words) {
        status = wrong(args, "something is missing: ", args->command->args);
    } else if (!is_done && args->nwords > args->command->max_words) {
        status = wrong(args, "too much: ", words[args->command->max_words]);
    } else if (!is_done) {
        status = args->command->run(args);
    }
    free(words);
    return status;
}

/* What the words before any option ask for. */
static enum cli_status dispatch(const struct cli_program *program, int argc, char **argv)
{
    static char version[] = "version";
    struct cli_args args = {.program = program, .conf_path = program->conf_path};
    int used = 0;

    if (argc < 2) {
        cli_help_program(program, NULL, stderr);
        return CLI_USAGE;
    }
    if (is_help(argv[1]) || strcmp(argv[1], "help") == 0) {
        cli_help_program(program, NULL, stdout);
        return CLI_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        argv[1] = version;
    }
    args.command = find_command(program, argv + 1, &used);
    if (args.command != NULL) {
        return run(&args, argc - used, argv + used);
    }
    if (is_group(program, argv[1]) && (argc == 2 || is_help(argv[2]))) {
        cli_help_program(program, argv[1], argc == 2 ? stderr : stdout);
        return argc == 2 ? CLI_USAGE : CLI_DONE;
    }
    return unknown_command(program, argv + 1);
}

enum cli_status cli_main(const struct cli_program *program, int argc, char **argv)
{
    enum cli_status status;

    cli_harden();
    status = dispatch(program, argc, argv);
    if (fflush(stdout) != 0 && status == CLI_DONE) {
        (void)fprintf(stderr, "%s: standard output can't be written\n", program->name);
        status = CLI_FAILED;
    }
    return status;
}

/* The index of an option that the command has. */
static size_t option_index(const struct cli_args *args, const char *name)
{
    size_t i = 0;

    while (i < args->command->noptions && strcmp(args->command->options[i].name, name) != 0) {
        i++;
    }
    assert(i < args->command->noptions);
    return i;
}

const char *cli_value(const struct cli_args *args, const char *name)
{
    size_t option = option_index(args, name);
    const char *value = NULL;

    for (size_t i = 0; i < args->ngiven; i++) {
        value = args->given[i].option == option ? args->given[i].value : value;
    }
    return value;
}

const char *cli_value_at(const struct cli_args *args, const char *name, size_t nth)
{
    size_t option = option_index(args, name);

    for (size_t i = 0; i < args->ngiven; i++) {
        if (args->given[i].option == option && nth-- == 0) {
            return args->given[i].value;
        }
    }
    return NULL;
}

bool cli_has(const struct cli_args *args, const char *name)
{
    size_t option = option_index(args, name);
    bool has = false;

    for (size_t i = 0; i < args->ngiven; i++) {
        has = has || args->given[i].option == option;
    }
    return has;
}

void cli_print_faults(const struct faults *faults)
{
    for (size_t i = 0; i < faults->count; i++) {
        const struct fault *f = &faults->items[i];

        (void)fprintf(stderr, "%s%s%s%s%s\n", f->where, f->where[0] != '\0' ? ": " : "", f->field,
                      f->field[0] != '\0' ? ": " : "", f->what);
    }
    if (faults->omitted > 0) {
        (void)fprintf(stderr, "... and %zu more\n", faults->omitted);
    }
}

void cli_print_fail(const struct cli_args *args, const char *what, const struct cx_fail *fail)
{
    (void)fprintf(stderr, "%s: %s: %s\n", args->program->name, what, cx_fail_text(fail));
}
