#include "agent/core/advice.h"

#include <stddef.h>

/* The first row that fits; STAGE_NONE fits every stage. */
static const struct {
    enum verdict code;
    enum stage stage;
    const char *text;
} rows[] = {
    {VERDICT_PROFILE_INCOMPLETE, STAGE_SECRET,
     "this version of the agent keeps no secrets: put {{name}} there, and give the value with each "
     "call"},
    {VERDICT_PROFILE_INCOMPLETE, STAGE_NONE,
     "give the value that is named (--set or --ask), or change the profile's field"},
    {VERDICT_POLICY_REFUSED, STAGE_NONE,
     "if it is to be allowed, add or widen a rule, its `networks` included; `connector-agent "
     "explain METHOD URL` compares them all"},
    {VERDICT_ENDPOINT_UNREACHABLE, STAGE_RESOLVE,
     "check the host in token_url, and whether this machine's DNS knows it (getent hosts HOST)"},
    {VERDICT_ENDPOINT_UNREACHABLE, STAGE_PROXY,
     "check the rule's proxy: its address, its credentials, and whether it lets this host through"},
    {VERDICT_ENDPOINT_UNREACHABLE, STAGE_CONNECT,
     "check host and port in token_url, that the server runs, and that no firewall is between it "
     "and this machine"},
    {VERDICT_ENDPOINT_UNREACHABLE, STAGE_TLS,
     "check the rule's `ca`, which must hold the CA of this server's certificate, the host in "
     "token_url, which the certificate must name, and this machine's clock"},
    {VERDICT_ENDPOINT_UNREACHABLE, STAGE_NONE,
     "the server closed the connection: its log says why. It may have acted on the request"},
    {VERDICT_BUDGET_EXCEEDED, STAGE_NONE,
     "see why this step takes so long, or raise the profile's budget_ms"},
    {VERDICT_CREDENTIALS_REFUSED, STAGE_NONE,
     "use other credentials; not the same again, since many providers lock an account after a few"},
    {VERDICT_CLIENT_REFUSED, STAGE_NONE,
     "check the profile's client: its id, its secret, and whether the provider wants another "
     "method"},
    {VERDICT_REQUEST_REFUSED, STAGE_NONE,
     "compare the request above with the provider's documentation: fields, scope, method, "
     "content_type"},
    {VERDICT_ENDPOINT_BUSY, STAGE_NONE, "wait, and try again"},
    {VERDICT_ENDPOINT_FAILED, STAGE_NONE,
     "check token_url; if this is how the provider refuses a wrong password, add the status to "
     "auth_error_status"},
    {VERDICT_REDIRECTED, STAGE_NONE,
     "put the URL that it redirects to into token_url: credentials never follow a redirect"},
    {VERDICT_ANSWER_UNREADABLE, STAGE_NONE,
     "check token_url, and the answer's size against limits.answer_bytes in agent.conf"},
    {VERDICT_AGENT_UNAVAILABLE, STAGE_NONE,
     "this version of the agent can't do what the profile asks for, or has no memory left"},
};

const char *advice_for(enum verdict code, enum stage stage)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].code == code && (rows[i].stage == stage || rows[i].stage == STAGE_NONE)) {
            return rows[i].text;
        }
    }
    return "";
}
