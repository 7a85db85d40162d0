#ifndef CONNECTOR_COMMON_CORE_TRACE_RUN_H
#define CONNECTOR_COMMON_CORE_TRACE_RUN_H

#include "common/core/advice.h"
#include "common/core/echo.h"
#include "common/core/policy.h"
#include "common/core/request.h"
#include "common/core/trace.h"

/* The rows of a job that ran: template, policy, resolve, proxy or connect, tls, request, answer,
 * verdict; the one at which it failed by its stage's name. Pure.
 *
 * Of a rule no more is told than its `share` allows, of a virtual name neither address nor target
 * nor certificate, of a proxy no address; unless whoever reads it has the machine at hand. */

enum { TRACE_ADDRESSES_MAX = 16, TRACE_ADDRESS_BYTES = 64 };

struct trace_address {
    char text[TRACE_ADDRESS_BYTES];
    bool is_allowed;
};

/* What a TLS handshake showed. */
struct trace_tls {
    bool is_seen;
    char protocol[16]; /* "TLSv1.3" */
    char names[512];   /* of the endpoint's certificate, with ", " between */
    char issuer[128];
    int64_t days_left; /* of its life; negative once it has ended */
    bool is_early;     /* its life has not begun */
};

/* What was seen while it ran. All borrowed; what did not happen is zero. */
struct trace_facts {
    enum advice_side side;
    bool is_at_hand; /* shown on the machine itself: files, targets, proxies and addresses too */
    const struct policy_rule *rule; /* that allowed it */
    const struct request *shown;    /* the request, masked */
    struct slice goes_to;           /* the shown URL, or what the rule's target made of it */
    uint64_t template_us;
    const struct trace_address *addresses; /* that the rule was asked about */
    size_t naddresses;
    bool is_retried;      /* this was the second attempt */
    bool is_type_assumed; /* the token that came had no type */
    struct trace_tls tls;
    /* the answer, if one came */
    struct slice content_type;
    struct slice headers; /* lines */
    struct slice body;
    /* What must not be repeated: text of the endpoint that holds one of them is not shown. */
    const struct echo *secrets;
};

/* Append them. `result` is how it ended. */
void trace_run(struct trace *t, const struct trace_facts *facts, const struct msg_result *result);

/* Part of it, in trace_answer.c: the row of an answer, with its headers and the form of its body;
 * and does a text of the endpoint repeat a secret? */
void trace_answer(struct trace *t, const struct trace_facts *facts,
                  const struct msg_result *result);
bool trace_repeats_secret(const struct trace_facts *facts, struct slice text);

#endif
