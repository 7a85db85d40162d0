#ifndef CONNECTOR_AGENT_IO_OUTBOX_H
#define CONNECTOR_AGENT_IO_OUTBOX_H

#include "agent/io/tunnel.h"
#include "common/core/err.h"
#include "common/core/slice.h"

/* What the agent says to the platform. A message that can't be queued is logged here. */

struct agent;
struct job;

void agent_send_hello(struct agent *a, struct agent_tunnel *t);
/* The policy as far as it is shared, when it has changed on a tunnel that is up. */
void agent_send_policy(struct agent *a, struct agent_tunnel *t);
void agent_send_drain(struct agent *a, struct agent_tunnel *t, const char *reason);

/* Answer a message that breaks the protocol, and close. */
void agent_send_protocol_error(struct agent *a, struct agent_tunnel *t, const struct cx_fail *fail);
void agent_send_error(struct agent_tunnel *t, const char *code, const char *message);

/* A job is refused without being held. */
void agent_refuse_job(struct agent_tunnel *t, const struct cx_id *id, const char *why);

/* The result of one job, on its tunnel if that is up, else on any other. */
void agent_report(struct agent *a, struct job *job);

/* All that is finished and not on a tunnel that is up: on this one. */
void agent_report_all(struct agent *a, struct agent_tunnel *t);

/* There is room again on this tunnel: what could not be queued before. */
void agent_report_backlog(struct agent *a, struct agent_tunnel *t);

/* The platform could not store the result: once more, in its short form. */
void agent_report_short(struct agent *a, struct agent_tunnel *t, struct job *job);

/* If the tunnel is leaving and nothing is held for it any more, tell its session. */
void agent_check_settled(struct agent *a, struct agent_tunnel *t);

/* Ask for a new certificate; `csr` is PKCS#10, DER. */
void agent_send_renew(struct agent_tunnel *t, struct slice csr);

#endif
