#ifndef CONNECTOR_PLATFORM_CORE_REGISTRY_H
#define CONNECTOR_PLATFORM_CORE_REGISTRY_H

#include "common/core/id.h"
#include "common/core/message.h"

/* The connectors and agents, in memory: what the store holds of them, and what is known of those
 * that are connected. Pure: the caller writes to the store first, then here. */

struct dispatch_connector;

enum {
    REGISTRY_NAME_MAX_BYTES = 64, /* with the NUL; likewise the next */
    REGISTRY_TEXT_MAX_BYTES = 64,
    REGISTRY_BUCKETS = 4096, /* of each table; thousands of agents come back at once */
};

struct registry_connector;

struct registry_agent {
    struct cx_id id;
    struct registry_connector *connector;
    uint64_t enrolled_ms, revoked_ms, last_seen_ms, certificate_ends_ms; /* Unix ms; 0: never */
    struct cx_id ledger;
    uint64_t ledger_seq;
    struct cx_id ledger_life; /* what dispatch knows its ledger by: see registry_note_ledger */
    char version[REGISTRY_TEXT_MAX_BYTES]; /* printable; "" if it never came */
    char host[REGISTRY_TEXT_MAX_BYTES];
    struct cx_id instance;          /* of the tunnels below */
    void *tunnels[MSG_TUNNELS_MAX]; /* the I/O side's; NULL: none of that number */
    char *policy_json;              /* what it told of its policy; NULL: nothing yet; owned */
    uint64_t replaced_ms;           /* when another instance last took over; 0: never */
    uint64_t renewed_ms;         /* monotonic, when its certificate was last renewed; 0: not yet */
    struct registry_agent *next; /* in the connector */
    struct registry_agent *bucket_next; /* private */
};

struct registry_connector {
    struct cx_id id;
    char name[REGISTRY_NAME_MAX_BYTES];
    uint64_t created_ms;
    struct dispatch_connector *dispatch; /* borrowed; the I/O side makes and frees it */
    struct registry_agent *agents;
    uint64_t refused_offline, refused_full; /* exchanges that it could not take, for /metrics */
    struct registry_connector *next;
    struct registry_connector *name_next; /* private, like the next */
    struct registry_connector *id_next;
};

struct registry {
    struct registry_connector *connectors; /* by name */
    /* private */
    struct registry_connector *last;
    struct registry_connector *by_name[REGISTRY_BUCKETS];
    struct registry_connector *by_id[REGISTRY_BUCKETS];
    struct registry_agent *agents[REGISTRY_BUCKETS];
};

void registry_init(struct registry *r);
void registry_done(struct registry *r);

/* A connector's or profile's name: [a-z0-9] first, then [a-z0-9._-], 63 bytes at most. */
bool registry_is_name(struct slice name);

/* NULL if out of memory or the name is taken. */
struct registry_connector *registry_add_connector(struct registry *r, const struct cx_id *id,
                                                  const char *name, uint64_t created_ms);
/* With its agents, which must have no tunnels. */
void registry_remove_connector(struct registry *r, struct registry_connector *c);
struct registry_connector *registry_find_connector(const struct registry *r, struct slice name);
struct registry_connector *registry_connector_by_id(const struct registry *r,
                                                    const struct cx_id *id);

/* NULL if out of memory. */
struct registry_agent *registry_add_agent(struct registry *r, struct registry_connector *c,
                                          const struct cx_id *id);
struct registry_agent *registry_find_agent(const struct registry *r, const struct cx_id *id);

/* Does it have a tunnel? */
bool registry_agent_is_connected(const struct registry_agent *a);

/* What a hello says of its ledger, to be kept. */
struct registry_ledger {
    struct cx_id id;
    uint64_t seq;
    struct cx_id instance; /* who says it */
};

/* A ledger whose last record is older than one that was seen before is an old copy, and has lost
 * what came after: it proves nothing about the jobs of before, so it gets a new life, named by
 * `fresh` (an id never used before). A process notes a record when it opens a ledger, so another
 * instance than the last must be further than that was. True if it was set back. Call it before
 * a->instance changes. */
bool registry_note_ledger(struct registry_agent *a, const struct registry_ledger *ledger,
                          const struct cx_id *fresh);

/* A peer's text as the admin may see it: printable ASCII, the rest as '?', cut to fit. */
void registry_set_text(char out[REGISTRY_TEXT_MAX_BYTES], struct slice text);

#endif
