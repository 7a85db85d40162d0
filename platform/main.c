#include "common/core/pool.h"
#include "common/io/json_memory.h"
#include "platform/io/admin_commands.h"
#include "platform/io/commands.h"
#include "platform/io/settings.h"

/* clang-format off */
static const struct cli_option init_options[] = {
    {"public-url", "URL", "https://HOST[:PORT] at which agents will reach the tunnel's port"},
    {"san", "NAME", "one more name or address for the server's certificate; may be given again"},
};
static const struct cli_option key_options[] = {
    {"role", "ROLE", "admin: everything; app: exchanges only"},
};
static const struct cli_option exchange_options[] = {
    {"set", "NAME=VALUE", "a value; other users of this machine can see it: not for secrets"},
    {"ask", "NAME", "a value that is asked for, or read from standard input: a line each"},
    {"json", NULL, "the API's whole answer, the token included"},
};
static const struct cli_option profile_put_options[] = {
    {"ask", "MEMBER", "client.secret, credentials.NAME ...: asked for, or read from standard input: a line each"},
    {"file", "MEMBER=FILE", "likewise, but what FILE holds: a key, for example"},
    {"discover", "URL", "fill what FILE leaves out from this issuer's metadata"},
};
static const struct cli_option profile_test_options[] = {
    {"set", "NAME=VALUE", "a value; other users of this machine can see it: not for secrets"},
    {"ask", "NAME", "a value that is asked for, or read from standard input: a line each"},
    {"file", "FILE", "test this profile, which need not be saved, instead of the saved one"},
    {"json", NULL, "the API's whole answer"},
};
static const struct cli_option profile_list_options[] = {
    {"json", NULL, "the profiles whole, as `profile put` takes them back"},
};
#define OPTIONS(list) .options = (list), .noptions = sizeof(list) / sizeof((list)[0])
#define NAME_ONLY     .min_words = 1, .max_words = 1

static const struct cli_command commands[] = {
    {.name = "init", .args = "", .help = "make the CA, the store and the first admin key",
     OPTIONS(init_options), .run = command_init,
     .more = "Writes the configuration if there is none, and never overwrites a file. The admin key\n"
             "is printed once, as the last line of standard output."},
    {.name = "serve", .args = "", .help = "run the server in the foreground", .run = command_serve,
     .more =
         "SIGTERM takes nothing new, finishes what is under way and stops; SIGHUP reads the\n"
         "configuration anew. Sockets that systemd hands over are used where their addresses\n"
         "are those of listen: the README's \"Restarting\" has the unit."},
    {.name = "check", .args = "", .help = "check the configuration and its files, offline",
     .run = command_check, .more = "Names every fault in one run, with file and line."},
    {.name = "version", .args = "", .help = "show the version", .run = command_version},
    {.name = "key add", .args = "NAME --role ROLE", .help = "make an API key; it is printed once",
     OPTIONS(key_options), NAME_ONLY, .run = command_key_add},
    {.name = "key list", .args = "", .help = "list the API keys", .run = command_key_list},
    {.name = "key revoke", .args = "NAME", .help = "revoke an API key", NAME_ONLY,
     .run = command_key_revoke},
    {.name = "connector add", .args = "NAME", .help = "register a private network", NAME_ONLY,
     .run = command_connector_add,
     .more = "Prints one line, the enrolment string of its first agent: good for 15 minutes, once."},
    {.name = "connector list", .args = "", .help = "list the connectors",
     .run = command_connector_list},
    {.name = "connector show", .args = "NAME", .help = "show a connector and its agents", NAME_ONLY,
     .run = command_connector_show},
    {.name = "connector enroll", .args = "NAME", .help = "print an enrolment string for one more agent",
     NAME_ONLY, .run = command_connector_enroll},
    {.name = "connector revoke", .args = "NAME [AGENT]",
     .help = "revoke an agent, or all of a connector's", .min_words = 1, .max_words = 2,
     .run = command_connector_revoke, .more = "Its tunnel is closed at once, and later ones are refused."},
    {.name = "connector remove", .args = "NAME", .help = "remove a connector and its agents", NAME_ONLY,
     .run = command_connector_remove},
    {.name = "profile put", .args = "FILE|-", .help = "add or change an authorization profile", NAME_ONLY,
     OPTIONS(profile_put_options), .run = command_profile_put,
     .more = "FILE is a profile as JSON, as `profile show` prints it, or a list of them; \"-\" is standard\n"
             "input. It is checked whole, and every fault of it is named; a profile with a fault is not\n"
             "put. A secret that is shown as {\"set\": true} is kept if it is stored; else --ask or --file gives it.\n"
             "URL is an issuer (OpenID Connect Discovery, RFC 8414), or the address of its metadata. The\n"
             "profile's connector asks it, if its agents' policy allows a GET there; without one, the\n"
             "platform by itself, under its own policy. What FILE gives is never changed."},
    {.name = "profile list", .args = "", .help = "list the profiles", OPTIONS(profile_list_options),
     .run = command_profile_list},
    {.name = "profile show", .args = "NAME", .help = "show a profile as JSON, without its secrets",
     NAME_ONLY, .run = command_profile_show},
    {.name = "profile remove", .args = "NAME", .help = "remove a profile", NAME_ONLY,
     .run = command_profile_remove},
    {.name = "profile test", .args = "NAME", .help = "try a profile, and tell every hop of it",
     OPTIONS(profile_test_options), NAME_ONLY, .run = command_profile_test,
     .more = "The exchange is run, through the profile's connector or by the platform itself; its token\n"
             "is neither kept nor shown. Names that are no fields of the profile's form are values of\n"
             "the context; `tenant` is the tenant. A secret that FILE shows as {\"set\": true} is the\n"
             "saved profile's."},
    {.name = "exchange", .args = "PROFILE", .help = "ask for a token, as an application would",
     OPTIONS(exchange_options), NAME_ONLY, .run = command_exchange,
     .more = "Names that are no fields of the profile's form are values of the context; `tenant` is\n"
             "the tenant."},
};
/* clang-format on */

static const struct cli_program program = {
    .name = "connector-platform",
    .summary = "The platform end: keeps tunnels, connectors and authorization profiles.",
    .conf_path = PLATFORM_CONF_PATH,
    .commands = commands,
    .ncommands = sizeof(commands) / sizeof(commands[0]),
};

int main(int argc, char **argv)
{
    pool_keep();
    json_memory_init();
    return (int)cli_main(&program, argc, argv);
}
