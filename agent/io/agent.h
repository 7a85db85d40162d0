#ifndef CONNECTOR_AGENT_IO_AGENT_H
#define CONNECTOR_AGENT_IO_AGENT_H

#include "agent/core/failures.h"
#include "agent/core/jobs.h"
#include "agent/io/settings.h"
#include "agent/io/tunnel.h"
#include "common/core/exchange_counts.h"
#include "common/io/log_gather.h"
#include "common/io/loop.h"
#include "common/io/reload.h"

#include <openssl/types.h>

/* The running agent: owns every part, and is what the parts share. */

struct agent_counts {
    uint64_t done; /* jobs with a result since the start */
    uint64_t by_outcome[OUTCOME_COUNT];
    uint64_t by_stage[STAGE_COUNT]; /* of those that were not issued */
    uint64_t connected;             /* welcomes */
};

struct agent {
    struct agent_config config; /* its policy is the executor's */
    struct reload reload;
    struct loop *loop;
    struct log_gather log;
    struct web *web;
    struct http *http;
    struct ws_client *ws_client;
    struct http_server *control;
    struct metrics_server *metrics; /* NULL: off */
    struct executor *executor;      /* has the policy */
    unsigned policy_version;        /* counts the policies since the start */
    struct renewal *renewal;
    SSL_CTX *tls;
    struct jobs *jobs;
    struct recorder *recorder; /* has the ledger */
    struct wire_arena *arena;  /* the messages of the WebSocket message that is read now */
    struct agent_tunnel tunnels[MSG_TUNNELS_MAX];
    struct cx_id instance;
    uint64_t started_ms;
    uint64_t certificate_begins_s, certificate_ends_s; /* Unix time */
    char agent_name[65];                               /* from the certificate */
    char connector_name[65];
    struct agent_counts counts;
    struct exchange_counts ended; /* for /metrics */
    struct failures failures;
    struct loop_timer sibling_timer;
    struct loop_timer stop_timer;
    bool is_stopping;
};

/* Make it from a configuration (moved from), ready to run. Errors: CX_E_CONFIG (identity or CA not
 * usable, as `fail` says), CX_E_IO, CX_E_EXISTS (another agent runs with this control socket),
 * CX_E_NOMEM. */
enum cx_err agent_new(struct agent_config *config, struct agent **out,
                      struct cx_fail *fail) CX_MUST_CHECK;

/* Run until it was told to stop and has drained. */
void agent_run(struct agent *a);

/* False: a name lookup is still stuck in its thread, and exit() would wait for it. NULL is fine. */
bool agent_free(struct agent *a);

/* A job has its result, borrowed for the call: count it, tell the log, record and report it. */
void agent_job_done(struct agent *a, struct job *job, const struct msg_result *result);

/* A tunnel has ended for good; when the last one has while stopping, the loop ends. */
void agent_tunnel_over(struct agent *a);

/* Open one more tunnel, with the lowest number that is free. */
void agent_open_tunnel(struct agent *a);

/* --- inbox.c: what the platform says --- */

/* One WebSocket message. */
void agent_receive(struct agent *a, struct agent_tunnel *t, struct slice message);

#endif
