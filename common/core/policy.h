#ifndef CONNECTOR_COMMON_CORE_POLICY_H
#define CONNECTOR_COMMON_CORE_POLICY_H

#include "common/core/buf.h"
#include "common/core/faults.h"
#include "common/core/keeper.h"
#include "common/core/proxy.h"
#include "common/core/secret.h"
#include "common/core/terms.h"
#include "common/core/tls_terms.h"
#include "common/core/url.h"

#include <sys/socket.h>

/* What may be reached: denied unless a rule allows it. The first rule in reading order that matches
 * scheme, host, port, path and method of the final URL decides, its address check included. */

enum policy_share { POLICY_SHARE_NONE, POLICY_SHARE_NAME, POLICY_SHARE_URL };

struct policy_network {
    int family; /* AF_INET, AF_INET6 */
    uint8_t address[16];
    unsigned prefix_bits;
};

enum { POLICY_SECRETS_MAX = 64 }; /* of one rule */

/* One secret that a rule binds, as written. */
struct policy_secret_text {
    const char *file;  /* "agent.conf", for faults */
    const char *field; /* "policy[0].secrets[0]", for faults */
    uint32_t line;
    const char *name;
    enum secret_place place;
    const char *key; /* the header's name, the payload field's key (may be ""); of client: id,
                        secret, key or certificate */
    const char *iss, *sub, *aud; /* client's key: what it signs assertions with; iss and aud NULL:
                                    it signs none; sub NULL: iss */
};

/* One rule as written, in strings: what the configuration gives. All borrowed. */
struct policy_rule_text {
    const char *where; /* "agent.conf:12", for faults */
    const char *field; /* "policy[0]", for faults */
    const char *name;
    const char *url; /* pattern: SCHEME://HOST[:PORT]/PATH. '*' is one whole label of the host (of
                        a name, never of an address) or one whole segment of the path, not empty;
                        '**' as the last segment is the rest, none included; no port: the scheme's.
                        The path is required and compared by case; a query is not part of it */
    const char *const *methods;  /* NULL-terminated; NULL or empty: POST */
    const char *const *networks; /* CIDR or one address, NULL-terminated; NULL or empty: any but
                                    special ones */
    const char *ca;              /* file with the CAs for this rule's TLS; NULL: the system's */
    const char *target;  /* where these requests really go: scheme, host and port; NULL: where their
                            URL says */
    struct proxy *proxy; /* moved from if the rule is appended; NULL or not set: none */
    struct tls_identity *identity; /* the client certificate shown to these servers; moved from if
                                      the rule is appended; NULL or not set: none */
    const char *tls_min;           /* 1.2, 1.3; NULL: 1.2 */
    const char *const *pins;       /* of the servers' keys (tls_pin_check), NULL-terminated; one of
                                      them must fit, besides all else; NULL or empty: not looked at */
    uint32_t jobs;                 /* at once; 0: not said */
    const char *share;             /* none, name, url; NULL: url */
    uint32_t max_refused;          /* of one user in an hour; 0: not counted */
    const char *user_field;        /* whose value is the user; NULL: username */
    const struct policy_secret_text *secrets;
    size_t nsecrets; /* at most POLICY_SECRETS_MAX */
};

/* A secret of the agent that requests under a rule may carry: in this place, under this key. */
struct policy_secret {
    char *where; /* "agent.conf:14" */
    char *field; /* "policy[0].secrets[0]" */
    char *name;
    enum secret_place place;
    char *key;
    char *iss, *sub, *aud; /* NULL: it signs no assertions; else it does nothing but that */
    struct secret value;   /* set by whoever reads the agent's secrets */
};

struct policy_rule {
    char *where; /* "agent.conf:12"; "" if it is in no file */
    char *name;
    char *url;    /* the pattern as written */
    char *ca;     /* NULL: the system's CAs */
    char *target; /* "https://host:port": what the URL names is a virtual name; NULL: it is not */
    struct proxy proxy;
    struct tls_terms tls;
    unsigned methods; /* bit (1u << METHOD_x) */
    uint32_t jobs;    /* that may run at once; 0: not said (rule_load_max) */
    enum policy_share share;
    uint32_t max_refused; /* attempts of one user in an hour (refusals.h); 0: not counted */
    char *user_field;     /* whose value is the user (request_user.h) */
    struct policy_network *networks;
    size_t nnetworks;
    struct policy_secret *secrets;
    size_t nsecrets;
    struct policy_pattern *pattern; /* the pattern, parsed */
};

struct policy {
    struct policy_rule *rules;
    size_t nrules;
};

void policy_init(struct policy *p);
void policy_done(struct policy *p);

/* Check one rule and append it. Every fault of the rule is added to `faults` (none is appended
 * then): malformed pattern, scheme, method, network (host bits set, a prefix too long), a name used
 * twice, share, a target that is more than an origin, `networks` beside a proxy, which resolves
 * names itself, a malformed pin, terms of TLS for http, a secret that can't be bound as it says.
 * True if it was appended. */
bool policy_add(struct policy *p, const struct policy_rule_text *text, struct faults *faults);

/* The rule that decides on this request, or NULL: denied. Percent-encoding in paths compares as
 * RFC 3986 6.2.2 normalises it. `fail` (may be NULL) then says why in a sentence that names the
 * nearest rule and what of it did not match (method, path, port, host, scheme), never the query.
 * That sentence goes to the platform: it tells of a rule no more than its `share` allows. Borrowed
 * from `p`. Pure. */
const struct policy_rule *policy_find(const struct policy *p, const struct url *url,
                                      enum http_method method, struct cx_fail *fail);

/* The secret that `rule` binds to this use, its value set; or NULL, and `fail` (CX_E_SECRET) says
 * so in words for the platform, which name the rule only where its `share` does. Borrowed. Pure. */
const struct policy_secret *policy_find_secret(const struct policy_rule *rule,
                                               const struct keeper_use *use, struct cx_fail *fail);

/* The secret that `rule` binds to sign assertions, with that client id as its iss and its sub, and
 * with its aud (if the assertion says one); or NULL, and `fail` as above. */
const struct policy_secret *policy_find_signer(const struct policy_rule *rule,
                                               const struct keeper_assertion *ask,
                                               struct cx_fail *fail);

/* May a request under `rule` show a client certificate of its own? Not if the rule has one, which
 * would not be shown then. `fail` (CX_E_DENIED) says so as above. */
bool policy_allows_identity(const struct policy_rule *rule, struct cx_fail *fail);

/* May a secret be called that? A name of template.h's, not beginning with '.'. */
bool policy_is_secret_name(struct slice name);

/* Append the URL that a request under `rule` for `url` is sent to: the rule's target with the path
 * and query of `url` as they are, or `url` itself if the rule has no target. The target must not be
 * told to the platform. Errors: buf_put's. Pure. */
enum cx_err policy_put_url(const struct policy_rule *rule, struct slice url,
                           struct buf *out) CX_MUST_CHECK;

/* May a request under `rule` name this host? A proxy connects to where the URL says and no address
 * is seen here: so an address in the URL must not be one of the special ranges (see below). Without
 * a proxy the address is checked when it is connected to: true. Pure. */
bool policy_allows_host(const struct policy_rule *rule, const struct url *url,
                        struct cx_fail *fail);

/* May a request under `rule` go to this address? With a proxy: yes, it is the proxy's own. With
 * networks in the rule: only to them. Loopback, link-local, multicast, unspecified, broadcast,
 * reserved and cloud-metadata addresses only if a network of the rule that lies wholly inside that
 * special range holds it. An IPv4-mapped address
 * (::ffff:0:0/96) is the IPv4 address; one that embeds an IPv4 address (compatible, 64:ff9b::/96,
 * 2002::/16, Teredo ...) must be allowed itself, and be none that embeds a special one, unless the
 * rule allows that too. Any family other than IPv4 and IPv6: no. `fail` (may be NULL) says why not;
 * it names the rule only where its `share` does, and the address only if the rule has no target.
 * Pure. */
bool policy_allows_address(const struct policy_rule *rule, const struct sockaddr *address,
                           struct cx_fail *fail);

#endif
