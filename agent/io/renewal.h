#ifndef CONNECTOR_AGENT_IO_RENEWAL_H
#define CONNECTOR_AGENT_IO_RENEWAL_H

#include "common/core/message.h"

/* Renews the agent's certificate by itself, with a new key, when two thirds of its life are over.
 * The files are replaced, and the next connection uses them; the tunnel stays. */

struct agent;
struct renewal;

/* NULL if out of memory. It looks from time to time, and when it is told to: a tunnel is ready, the
 * clock was set. */
struct renewal *renewal_new(struct agent *a);
void renewal_free(struct renewal *r);
void renewal_look(struct renewal *r);

/* The platform's answer; one that nobody asked for is ignored. */
void renewal_answer(struct renewal *r, const struct msg_renewed *answer);

#endif
