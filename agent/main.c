#include "agent/io/commands.h"
#include "agent/io/settings.h"
#include "common/core/pool.h"
#include "common/io/json_memory.h"

static const struct cli_option enroll_options[] = {
    {"force", NULL, "replace the identity that this agent has"},
    {"proxy", "URL", "HTTP proxy to the platform, http://HOST:PORT, or: environment"},
    {"proxy-auth-file", "FILE", "a line user:password for it (mode 0600)"},
};
static const struct cli_option try_options[] = {
    {"set", "NAME=VALUE", "a value; other users of this machine can see it: not for secrets"},
    {"ask", "NAME", "a value that is asked for, or read from standard input: a line each"},
};
static const struct cli_option status_options[] = {
    {"json", NULL, "as JSON, for scripts; with --watch a line each time"},
    {"watch", NULL, "again each second, until it is interrupted"},
};

static const struct cli_command commands[] = {
    {.name = "run",
     .args = "",
     .help = "run the agent in the foreground",
     .run = command_run,
     .more =
         "Connects to the platform and runs the jobs that its policy allows. SIGTERM finishes\n"
         "what has begun and stops; SIGHUP reads the configuration anew, and tries again at once\n"
         "where the platform has refused."},
    {.name = "enroll",
     .args = "[STRING|-]",
     .help = "enrol this agent with the platform",
     .options = enroll_options,
     .noptions = 3,
     .max_words = 1,
     .run = command_enroll,
     .more =
         "Makes a key that never leaves this machine, has the platform certify it, and writes a\n"
         "first configuration if there is none. STRING is the one-time enrolment string from\n"
         "`connector-platform connector add NAME`; it is good for 15 minutes and once. With - it\n"
         "is read from standard input; left out, it is asked for. (On the command line other\n"
         "users of this machine could see it while the command runs.) Behind an HTTP proxy, give\n"
         "it here: a first configuration keeps it. Otherwise platform.proxy of the configuration\n"
         "counts. The proxy's password is read from a file, and stays there."},
    {.name = "check",
     .args = "",
     .help = "check configuration and policy, offline",
     .run = command_check,
     .more =
         "Names every fault in one run, with file and line, also of the secrets and the ledger;\n"
         "and notes how many jobs each rule may have, what the ledger has set aside, and a disk\n"
         "that is nearly full. It changes nothing, and may run beside the agent."},
    {.name = "explain",
     .args = "METHOD URL",
     .help = "say which policy rule decides on a request, and why",
     .min_words = 2,
     .max_words = 2,
     .run = command_explain,
     .more =
         "Compares the request with the rules as a job's is compared: which rule decides and what\n"
         "of it fits, which addresses the name has now and which of them the rule allows, which\n"
         "rule nearly did and what did not fit. Nothing is sent. The exit status is 0 if the\n"
         "request is allowed and 1 if it is refused."},
    {.name = "try",
     .args = "PROFILE.json",
     .help = "ask for a token from here, without the platform, and show each hop",
     .options = try_options,
     .noptions = 2,
     .min_words = 1,
     .max_words = 1,
     .run = command_try,
     .more =
         "Runs the profile in the file as the agent runs a job of the platform, under the same\n"
         "policy: template, policy, resolve, connect, TLS, request, answer, verdict, each\n"
         "with the time that it took and, where it failed, what to change. Secrets are masked;\n"
         "the token is neither shown nor kept. --set and --ask may be repeated.\n"
         "The agent need not be enrolled, nor running."},
    {.name = "status",
     .args = "",
     .help = "show what the running agent does",
     .options = status_options,
     .noptions = 2,
     .run = command_status,
     .more =
         "Asks the running agent through its control socket: tunnels and their round trip, jobs,\n"
         "the last failures, the days that the certificate has left. With --watch it goes on "
         "while\n"
         "the agent is restarted, and says so."},
    {.name = "version", .args = "", .help = "show the version", .run = command_version},
};

static const struct cli_program program = {
    .name = "connector-agent",
    .summary = "Runs token exchanges inside a private network for a platform outside it.",
    .conf_path = AGENT_CONF_PATH,
    .commands = commands,
    .ncommands = sizeof(commands) / sizeof(commands[0]),
};

int main(int argc, char **argv)
{
    pool_keep();
    json_memory_init();
    return (int)cli_main(&program, argc, argv);
}
