#include "common/core/advice.h"

#include <stddef.h>

/* The first row that fits; STAGE_NONE fits every stage. */
static const struct {
    enum verdict code;
    enum stage stage;
    const char *text;
    const char *on_platform; /* NULL: the same */
} rows[] = {
    {VERDICT_PROFILE_INCOMPLETE, STAGE_SECRET,
     "see what the agent's `secrets` and the rule's own hold: a secret is given only to the place "
     "and key that its rule names",
     "the platform keeps no secrets for {{secret:...}}: put {{name}} there and give the value with "
     "each call, or use a connector"},
    {VERDICT_PROFILE_INCOMPLETE, STAGE_NONE,
     "give the value that is named (--set or --ask), or change the profile's field", NULL},
    {VERDICT_POLICY_REFUSED, STAGE_NONE,
     "if it is to be allowed, add or widen a rule of the agent, its `networks` included; "
     "`connector-agent explain METHOD URL` there compares them all",
     "if it is to be allowed, add or widen a rule of `policy` in platform.conf, its `networks` "
     "included, and reload"},
    {VERDICT_ENDPOINT_UNREACHABLE, STAGE_RESOLVE,
     "check the host in token_url, or in `target` if the agent's rule has one, and whether the "
     "agent's DNS knows it (getent hosts HOST there)",
     "check the host in token_url, and whether the platform's DNS knows it (getent hosts HOST "
     "there); a name of a private network needs a connector"},
    {VERDICT_ENDPOINT_UNREACHABLE, STAGE_PROXY,
     "check the rule's proxy: its address, its credentials, and whether it lets this host through",
     NULL},
    {VERDICT_ENDPOINT_UNREACHABLE, STAGE_CONNECT,
     "check host and port in token_url, or in `target` if the agent's rule has one, that the "
     "server runs, and that no firewall is between it and the agent",
     "check host and port in token_url, that the server runs, and that no firewall is between it "
     "and the platform; an address of a private network needs a connector"},
    {VERDICT_ENDPOINT_UNREACHABLE, STAGE_TLS,
     "check what the text above names: the rule's `ca`, which must hold the CA of this server's "
     "certificate; the host in token_url, which the certificate must name; the agent's clock; the "
     "rule's `pins` and `tls_min`; the client certificate, of the rule or of the profile",
     "check what the text above names: the rule's `ca`, which must hold the CA of this server's "
     "certificate; the host in token_url, which the certificate must name; the platform's clock; "
     "the rule's `pins` and `tls_min`; the client certificate, of the rule or of the profile"},
    {VERDICT_ENDPOINT_UNREACHABLE, STAGE_NONE,
     "the server closed the connection: its log says why. It may have acted on the request", NULL},
    {VERDICT_BUDGET_EXCEEDED, STAGE_NONE,
     "see why this step takes so long, or raise the profile's budget_ms", NULL},
    {VERDICT_CREDENTIALS_REFUSED, STAGE_NONE,
     "use other credentials; not the same again, since many providers lock an account after a few",
     NULL},
    {VERDICT_CLIENT_REFUSED, STAGE_NONE,
     "check the profile's client: its id, its secret, and whether the provider wants another "
     "method",
     NULL},
    {VERDICT_REQUEST_REFUSED, STAGE_NONE,
     "compare the request above with the provider's documentation: fields, scope, method, "
     "content_type",
     NULL},
    {VERDICT_ENDPOINT_BUSY, STAGE_NONE, "wait, and try again", NULL},
    {VERDICT_ENDPOINT_FAILED, STAGE_NONE,
     "check token_url; if this is how the provider refuses a wrong password, add the status to "
     "auth_error_status",
     NULL},
    {VERDICT_REDIRECTED, STAGE_NONE,
     "put the URL that it redirects to into token_url: credentials never follow a redirect", NULL},
    {VERDICT_ANSWER_UNREADABLE, STAGE_NONE,
     "check token_url, and the answer's size against limits.answer_bytes in agent.conf",
     "check token_url, and the answer's size against limits.answer_bytes in platform.conf"},
    {VERDICT_AGENT_UNAVAILABLE, STAGE_NONE,
     "this version of the agent can't do what the profile asks for, or has no memory left: its log "
     "says which",
     NULL},
    {VERDICT_CONNECTOR_OFFLINE, STAGE_NONE,
     "ask the admin of the connector's data centre, and look at `connector-agent status` there and "
     "at `connector-platform connector show NAME` here",
     NULL},
    {VERDICT_CONNECTOR_FULL, STAGE_POLICY,
     "wait until the other one has ended: it may have brought what this one asks for", NULL},
    {VERDICT_CONNECTOR_FULL, STAGE_AGENT,
     "wait, and try again; the endpoint answers slowly or not at all, or `jobs` of the agent's "
     "rule is too small for it",
     NULL},
    {VERDICT_CONNECTOR_FULL, STAGE_NONE,
     "wait, and try again; if it is often full, add an agent to the connector or raise limits.jobs "
     "in its agent.conf",
     "wait, and try again; if it is often so, raise limits.own_exchanges in platform.conf, or "
     "`jobs` of the rule that the text above names"},
    {VERDICT_AGENT_LOST, STAGE_NONE,
     "the agent went away while it had the job: its log and `connector-agent status` there say why",
     NULL},
    {VERDICT_PLATFORM_FAILED, STAGE_NONE, "the platform's log says why", NULL},
};

const char *advice_for(enum advice_side side, enum verdict code, enum stage stage)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].code == code && (rows[i].stage == stage || rows[i].stage == STAGE_NONE)) {
            return side == ADVICE_PLATFORM && rows[i].on_platform != NULL ? rows[i].on_platform
                                                                          : rows[i].text;
        }
    }
    return "";
}
