#include "common/core/advice.h"
#include "common/io/clock.h"
#include "platform/io/exchange_internal.h"

/* The platform's own hops of an exchange that is traced: api, dispatch, tunnel. What the agent (or
 * our own executor) did is in the result. */

static enum advice_side side_of(bool is_own)
{
    return is_own ? ADVICE_PLATFORM : ADVICE_AGENT;
}

static void add_verdict(struct trace *t, const struct dispatch_failure *f, uint64_t us)
{
    trace_row(t, "verdict", us, "%s: %s", terms_verdict(f->code),
              f->execution == EXECUTION_NOT_SENT
                  ? "nothing of the request was sent"
                  : "the request may have been sent, no whole answer came");
}

static void add_api(struct trace *t, const char *profile, uint64_t us)
{
    trace_row(t, "api", us, "profile \"%s\": the call is good", profile);
}

static void add_dispatch(const struct exchange *x, const struct exchange_end *end, uint64_t us)
{
    char agent[CX_ID_TEXT_BYTES];

    if (x->connector[0] == '\0') {
        trace_row(x->way, "dispatch", us, "no connector: the platform asks by itself");
    } else {
        trace_row(x->way, "dispatch", us, "connector \"%s\", agent %s", x->connector,
                  id_text(&end->agent, agent));
    }
}

static void add_tunnel(const struct exchange *x, const struct msg_result *r, uint64_t us)
{
    uint64_t at_agent_us = r->has_timing ? r->timing.queued + r->timing.total : 0;

    trace_row(x->way, "tunnel", us > at_agent_us ? us - at_agent_us : 0,
              "to the agent and back, beside what it took there");
}

void exchange_trace_moved(const struct exchange *x, const struct cx_id *agent,
                          const struct msg_failure *why)
{
    char text[CX_ID_TEXT_BYTES];

    if (x->way->nhops == 0) {
        add_api(x->way, x->profile, x->made_us);
    }
    trace_row(x->way, "dispatch", 0,
              "agent %s could not do it (%s: %.*s) and sent nothing: another agent is asked",
              id_text(agent, text), terms_stage(why->stage), (int)why->message.len,
              (const char *)why->message.ptr);
}

void exchange_trace_shared(const struct exchange *x, const struct cx_id *with)
{
    char text[CX_ID_TEXT_BYTES];

    add_api(x->way, x->profile, x->made_us);
    trace_row(x->way, "dispatch", clock_mono_us() - x->began_us,
              "the same refresh was under way (exchange %s): its result is this one's too",
              id_text(with, text));
}

void exchange_trace(const struct exchange *x, const struct exchange_end *end)
{
    uint64_t now_us = clock_mono_us();
    bool was_sent = x->sent_us != 0;
    bool is_own = x->connector[0] == '\0';

    if (x->way->nhops == 0) { /* else it was moved or shared */
        add_api(x->way, x->profile, x->made_us);
    }
    if (was_sent) {
        add_dispatch(x, end, x->sent_us - x->began_us);
    }
    if (end->result != NULL) {
        if (!is_own && was_sent) {
            add_tunnel(x, end->result, now_us - x->sent_us);
        }
        return;
    }
    trace_row(x->way, was_sent && !is_own ? "tunnel" : "dispatch",
              now_us - (was_sent ? x->sent_us : x->began_us), "%s", end->failure->message);
    trace_failed(x->way, advice_for(side_of(is_own), end->failure->code, end->failure->stage));
    add_verdict(x->way, end->failure, now_us - x->began_us);
}

void exchange_trace_refused(struct trace *t, const char *profile, bool is_own,
                            const struct dispatch_failure *why)
{
    add_api(t, profile, 0);
    trace_row(t, "dispatch", 0, "%s", why->message);
    trace_failed(t, advice_for(side_of(is_own), why->code, why->stage));
    add_verdict(t, why, 0);
}
