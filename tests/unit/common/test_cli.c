#include "common/io/cli.h"

#include "tests/support/temp.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Commands that say on standard output what they were given. */
static enum cli_status show(const struct cli_args *args)
{
    printf("%s conf=%s%s", args->command->name, args->conf_path, args->conf_given ? "!" : "");
    for (size_t i = 0; i < args->nwords; i++) {
        printf(" [%s]", args->words[i]);
    }
    for (size_t i = 0; i < args->ngiven; i++) {
        printf(" %s=%s", args->command->options[args->given[i].option].name,
               args->given[i].value != NULL ? args->given[i].value : "");
    }
    puts("");
    return CLI_DONE;
}

static enum cli_status unreachable(const struct cli_args *args)
{
    struct cx_fail fail = {.code = CX_E_CONNECT};

    cli_print_fail(args, "asking the agent", &fail);
    return CLI_UNREACHABLE;
}

static const struct cli_option options[] = {
    {"set", "K=V", "a value"},
    {"json", NULL, "as JSON"},
};

static const struct cli_command commands[] = {
    {"check", "", "check the configuration", NULL, NULL, 0, 0, 0, show},
    {"enroll", "[STRING|-]", "enrol", "It asks for STRING when it is left out.", options, 2, 0, 1,
     show},
    {"explain", "METHOD URL", "which rule decides", NULL, NULL, 0, 2, 2, show},
    {"status", "", "ask", NULL, NULL, 0, 0, 0, unreachable},
    {"key add", "NAME", "add a key", NULL, options, 2, 1, 1, show},
    {"key list", "", "list the keys", NULL, NULL, 0, 0, 0, show},
    {"connector list", "", "list the connectors", NULL, NULL, 0, 0, 0, show},
    {"version", "", "the version", NULL, NULL, 0, 0, 0, show},
};

static const struct cli_program program = {"prog", "Does things.", "/etc/prog.conf", commands,
                                           COUNT(commands)};

static struct temp temp;

static int set_up(void **state)
{
    (void)state;
    temp_init(&temp);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_done(&temp);
    return 0;
}

/* What a run gave. */
struct ran {
    int status;
    char out[4096];
    char err[4096];
};

static void read_all(const char *path, char *out, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = read(fd, out, room - 1);

    assert_true(fd >= 0 && got >= 0);
    out[got] = '\0';
    (void)close(fd);
}

/* Run "prog" with the words of `line` (no quoting) in a child of its own. */
static void run(const char *line, struct ran *ran)
{
    char copy[256];
    char name[] = "prog";
    char *argv[20] = {name};
    char *rest = copy;
    int argc = 1;
    int status;
    pid_t pid;

    (void)snprintf(copy, sizeof(copy), "%s", line);
    while (argc < 19 && rest != NULL && *rest != '\0') {
        argv[argc++] = strsep(&rest, " ");
    }
    (void)fflush(stdout);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (freopen(temp_path(&temp, "out"), "w", stdout) == NULL ||
            freopen(temp_path(&temp, "err"), "w", stderr) == NULL) {
            _exit(99);
        }
        (void)setvbuf(stderr, NULL, _IONBF, 0); /* freopen has given it a buffer */
        _exit((int)cli_main(&program, argc, argv));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    ran->status = WEXITSTATUS(status);
    read_all(temp_path(&temp, "out"), ran->out, sizeof(ran->out));
    read_all(temp_path(&temp, "err"), ran->err, sizeof(ran->err));
}

static void cli_main_gives_commands_what_was_given(void **state)
{
    static const struct {
        const char *line, *out;
    } rows[] = {
        {"check", "check conf=/etc/prog.conf\n"},
        {"check -c x.conf", "check conf=x.conf!\n"},
        {"check -cx.conf", "check conf=x.conf!\n"},
        {"enroll", "enroll conf=/etc/prog.conf\n"},
        {"enroll -", "enroll conf=/etc/prog.conf [-]\n"},
        {"enroll abc --json", "enroll conf=/etc/prog.conf [abc] json=\n"},
        {"enroll --set a=b --json --set=c= abc -c f",
         "enroll conf=f! [abc] set=a=b json= set=c=\n"},
        {"enroll -- --json", "enroll conf=/etc/prog.conf [--json]\n"},
        {"explain POST https://a/", "explain conf=/etc/prog.conf [POST] [https://a/]\n"},
        {"key add -c f NAME", "key add conf=f! [NAME]\n"},
        {"key list", "key list conf=/etc/prog.conf\n"},
        {"--version", "version conf=/etc/prog.conf\n"},
    };
    struct ran ran;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        run(rows[i].line, &ran);
        assert_string_equal(ran.err, "");
        assert_string_equal(ran.out, rows[i].out);
        assert_int_equal(ran.status, 0);
    }
}

static void cli_main_says_what_is_wrong_with_the_usage(void **state)
{
    static const struct {
        const char *line, *err;
    } rows[] = {
        {"chekc", "prog: unknown command \"chekc\"; did you mean \"check\"?\n"},
        {"zzzzzz", "prog: unknown command \"zzzzzz\"\n"},
        {"key lst", "prog: unknown command \"key lst\"; did you mean \"key list\"?\n"},
        {"kye list", "prog: unknown command \"kye\"; did you mean \"key list\"?\n"},
        {"connectr remove", "prog: unknown command \"connectr\"; did you mean \"connector\"?\n"},
        {"check more", "prog check: too much: more\n"},
        {"explain POST", "prog explain: something is missing: METHOD URL\n"},
        {"enroll --jsn", "prog enroll: unknown option \"--jsn\"; did you mean \"--json\"?\n"},
        {"enroll --zzzz=1", "prog enroll: unknown option \"--zzzz\"\n"},
        {"enroll -x", "prog enroll: unknown option: -x\n"},
        {"enroll --json=1", "prog enroll: takes no value: --json\n"},
        {"enroll --set", "prog enroll: a value is missing behind --set\n"},
        {"check -c", "prog check: a value is missing behind -c\n"},
    };
    struct ran ran;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        run(rows[i].line, &ran);
        assert_string_equal(ran.out, "");
        assert_int_equal(strncmp(ran.err, rows[i].err, strlen(rows[i].err)), 0);
        assert_non_null(strstr(ran.err, "--help"));
        assert_int_equal(ran.status, CLI_USAGE);
    }
    run("", &ran);
    assert_int_equal(ran.status, CLI_USAGE);
    assert_non_null(strstr(ran.err, "Usage: prog COMMAND"));
    run("key", &ran);
    assert_int_equal(ran.status, CLI_USAGE);
    assert_non_null(strstr(ran.err, "key add NAME"));
    assert_null(strstr(ran.err, "check"));
}

static void cli_main_helps(void **state)
{
    static const char enroll[] = "Usage: prog enroll [STRING|-] [-c FILE] [OPTIONS]\n"
                                 "\n"
                                 "enrol\n"
                                 "\n"
                                 "It asks for STRING when it is left out.\n"
                                 "\n"
                                 "Options:\n"
                                 "  -c FILE     configuration file (default: /etc/prog.conf)\n"
                                 "  --set K=V   a value\n"
                                 "  --json      as JSON\n"
                                 "  -h, --help  this text\n";
    static const char *const all[] = {"--help", "-h", "help"};
    struct ran ran;

    (void)state;
    run("enroll --help", &ran);
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.out, enroll);
    run("explain -h", &ran); /* though words are missing */
    assert_int_equal(ran.status, 0);
    run("key --help", &ran);
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.out, "  key add NAME  add a key\n"));
    for (size_t i = 0; i < COUNT(all); i++) {
        run(all[i], &ran);
        assert_int_equal(ran.status, 0);
        assert_string_equal(ran.err, "");
        for (size_t c = 0; c < COUNT(commands); c++) {
            assert_non_null(strstr(ran.out, commands[c].help));
        }
    }
}

static void cli_main_passes_the_commands_status_on(void **state)
{
    struct ran ran;

    (void)state;
    run("status", &ran);
    assert_int_equal(ran.status, 4);
    assert_string_equal(ran.err, "prog: asking the agent: can't reach the peer\n");
}

static void cli_values_are_found_by_name(void **state)
{
    const struct cli_args args = {
        .program = &program,
        .command = &commands[1],
        .given = {{0, "a"}, {1, NULL}, {0, "b"}},
        .ngiven = 3,
    };
    const struct cli_args none = {.program = &program, .command = &commands[1]};

    (void)state;
    assert_string_equal(cli_value(&args, "set"), "b"); /* the last one counts */
    assert_string_equal(cli_value_at(&args, "set", 0), "a");
    assert_string_equal(cli_value_at(&args, "set", 1), "b");
    assert_null(cli_value_at(&args, "set", 2));
    assert_true(cli_has(&args, "json"));
    assert_false(cli_has(&none, "json"));
    assert_null(cli_value(&none, "set"));
}

static void cli_main_bounds_how_many_options_are_given(void **state)
{
    char set[] = "--set=x";
    char name[] = "prog";
    char command[] = "enroll";
    char *argv[CLI_VALUES_MAX + 4] = {name, command};
    int status;
    pid_t pid;

    (void)state;
    for (size_t i = 0; i < CLI_VALUES_MAX + 1; i++) {
        argv[i + 2] = set;
    }
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(STDOUT_FILENO);
        (void)close(STDERR_FILENO);
        _exit((int)cli_main(&program, CLI_VALUES_MAX + 3, argv));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == CLI_USAGE);
}

/* Each bit says that one thing is not as it must be. */
static int what_is_soft(void)
{
    struct rlimit core;
    struct stat st;
    int soft = 0;

    (void)close(STDIN_FILENO);
    cli_harden();
    soft |= getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_cur != 0 || core.rlim_max != 0 ? 1 : 0;
    soft |= prctl(PR_GET_DUMPABLE) != 0 ? 2 : 0;
    soft |= umask(0) != 077 ? 4 : 0;
    soft |= signal(SIGPIPE, SIG_DFL) != SIG_IGN ? 8 : 0;
    soft |= fstat(STDIN_FILENO, &st) != 0 ? 16 : 0;
    return soft;
}

static void cli_harden_closes_what_leaks(void **state)
{
    pid_t pid = fork();
    int status;

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(what_is_soft());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void cli_print_faults_prints_a_line_each(void **state)
{
    struct faults faults;
    char text[4096];
    int saved = dup(STDERR_FILENO);
    int fd = open(temp_path(&temp, "faults"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    (void)state;
    faults_init(&faults);
    faults_add(&faults, "agent.conf:3", "limits.jobs", "must be %d", 5);
    faults_add(&faults, "agent.conf", "", "no such file");
    faults_add(&faults, NULL, "name", "empty");
    faults.omitted = 2;
    assert_true(fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
    cli_print_faults(&faults);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    (void)close(saved);
    (void)close(fd);
    read_all(temp_path(&temp, "faults"), text, sizeof(text));
    assert_string_equal(text, "agent.conf:3: limits.jobs: must be 5\n"
                              "agent.conf: no such file\n"
                              "name: empty\n"
                              "... and 2 more\n");
    faults_done(&faults);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cli_main_gives_commands_what_was_given),
        TEST(cli_main_says_what_is_wrong_with_the_usage),
        TEST(cli_main_helps),
        TEST(cli_main_passes_the_commands_status_on),
        TEST(cli_values_are_found_by_name),
        TEST(cli_main_bounds_how_many_options_are_given),
        TEST(cli_harden_closes_what_leaks),
        TEST(cli_print_faults_prints_a_line_each),
    };

    return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
