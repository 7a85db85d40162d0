#include "common/core/wire.h"
#include "common/core/wire_write.h"

static void put_rules(struct wire_writer *w, struct wire_out *m, const struct msg_policy *p)
{
    wire_write_array(w, m, "rules", p->nrules);
    for (size_t i = 0; i < p->nrules; i++) {
        const struct msg_rule *from = &p->rules[i];
        struct wire_out rule = wire_write_map(w, "policy.rules");

        wire_write_str(w, &rule, "name", from->name, WIRE_OPTIONAL);
        wire_write_str(w, &rule, "url", from->url, WIRE_OPTIONAL);
        if (from->nmethods > 0) {
            wire_write_strs(w, &rule, "methods", from->methods, from->nmethods);
        }
        wire_write_map_end(w, &rule);
    }
}

static void put_hello(struct wire_writer *w, const struct msg_hello *h)
{
    struct wire_out m = wire_write_map(w, "hello");
    struct wire_out policy;

    wire_write_str(w, &m, "agent_version", h->agent_version, WIRE_REQUIRED);
    wire_write_id(w, &m, "instance", &h->instance);
    wire_write_uint(w, &m, "tunnel", h->tunnel, wire_tunnel);
    wire_write_id(w, &m, "ledger", &h->ledger);
    wire_write_uint(w, &m, "ledger_seq", h->ledger_seq, wire_u64);
    wire_write_str(w, &m, "host", h->host, WIRE_REQUIRED);
    wire_write_uint(w, &m, "capacity", h->capacity, wire_capacity);
    wire_write_ids(w, &m, "known", h->known, h->nknown);
    policy = wire_write_map_in(w, &m, "policy", "hello.policy");
    put_rules(w, &policy, &h->policy);
    wire_write_map_end(w, &policy);
    wire_write_strs(w, &m, "features", h->features, h->nfeatures);
    wire_write_map_end(w, &m);
}

static void put_welcome(struct wire_writer *w, const struct msg_welcome *v)
{
    struct wire_out m = wire_write_map(w, "welcome");
    struct wire_out limits;

    wire_write_str(w, &m, "platform_version", v->platform_version, WIRE_REQUIRED);
    wire_write_id(w, &m, "session", &v->session);
    wire_write_uint(w, &m, "heartbeat_ms", v->heartbeat_ms, wire_heartbeat_ms);
    wire_write_uint(w, &m, "now_ms", v->now_ms, wire_u64);
    limits = wire_write_map_in(w, &m, "limits", "welcome.limits");
    wire_write_uint(w, &limits, "message_bytes", v->message_bytes, wire_message_bytes);
    wire_write_uint(w, &limits, "websocket_bytes", v->websocket_bytes,
                    (struct wire_range){v->message_bytes, MSG_WEBSOCKET_BYTES_MAX});
    wire_write_map_end(w, &limits);
    wire_write_map_end(w, &m);
}

static void put_fields(struct wire_writer *w, struct wire_out *m, const struct msg_request *q)
{
    wire_write_array(w, m, "fields", q->nfields);
    for (size_t i = 0; i < q->nfields; i++) {
        const struct msg_field *f = &q->fields[i];

        if (f->place == PLACE_UNKNOWN) {
            wire_write_refuse(w, CX_E_UNKNOWN, m, "fields", "a place is not set");
        }
        msgpack_pack_array(&w->packer, 3);
        wire_write_text(w, m, "fields", slice_of_str(terms_place(f->place)));
        wire_write_text(w, m, "fields", f->key);
        wire_write_text(w, m, "fields", f->value);
    }
}

static bool is_no_client(const struct msg_client *c)
{
    return (c->method == CLIENT_NONE || c->method == CLIENT_UNKNOWN) && slice_is_absent(c->id) &&
           slice_is_absent(c->secret) && slice_is_absent(c->key) &&
           slice_is_absent(c->certificate) && c->alg == ALG_UNKNOWN && slice_is_absent(c->kid) &&
           slice_is_absent(c->aud);
}

static void put_client(struct wire_writer *w, struct wire_out *request, const struct msg_client *c)
{
    struct wire_out m;

    if (is_no_client(c)) {
        return;
    }
    m = wire_write_map_in(w, request, "client", "job.request.client");
    wire_write_word(w, &m, "method", terms_client(c->method));
    wire_write_str(w, &m, "id", c->id, WIRE_OPTIONAL);
    wire_write_str(w, &m, "secret", c->secret, WIRE_OPTIONAL);
    wire_write_str(w, &m, "key", c->key, WIRE_OPTIONAL);
    wire_write_str(w, &m, "certificate", c->certificate, WIRE_OPTIONAL);
    if (c->alg != ALG_UNKNOWN) {
        wire_write_word(w, &m, "alg", terms_alg(c->alg));
    }
    wire_write_str(w, &m, "kid", c->kid, WIRE_OPTIONAL);
    wire_write_str(w, &m, "aud", c->aud, WIRE_OPTIONAL);
    wire_write_map_end(w, &m);
}

static void put_request(struct wire_writer *w, struct wire_out *job, const struct msg_request *q)
{
    struct wire_out m = wire_write_map_in(w, job, "request", "job.request");

    wire_write_word(w, &m, "method", terms_method(q->method));
    wire_write_str(w, &m, "url", q->url, WIRE_REQUIRED);
    wire_write_word(w, &m, "encoding", terms_encoding(q->encoding));
    wire_write_str(w, &m, "root", q->root, WIRE_OPTIONAL);
    put_fields(w, &m, q);
    put_client(w, &m, &q->client);
    wire_write_map_end(w, &m);
}

static bool is_named_before(const struct msg_variable *variables, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (slice_eq(variables[j].name, variables[i].name)) {
            return true;
        }
    }
    return false;
}

/* The one map whose keys are not ours. */
static void put_variables(struct wire_writer *w, struct wire_out *job, const struct msg_job *from)
{
    size_t n = from->nvariables;

    wire_write_key(w, job, "variables");
    if (n > MSG_MAP_MAX) {
        wire_write_refuse(w, CX_E_TOO_BIG, job, "variables", "too many");
        return;
    }
    msgpack_pack_map(&w->packer, n);
    for (size_t i = 0; i < n; i++) {
        if (is_named_before(from->variables, i)) {
            wire_write_refuse(w, CX_E_DUPLICATE, job, "variables", "a name twice");
        }
        wire_write_text(w, job, "variables", from->variables[i].name);
        wire_write_text(w, job, "variables", from->variables[i].value);
    }
    if (from->nsecret_variables > 0) {
        wire_write_strs(w, job, "secret_variables", from->secret_variables,
                        from->nsecret_variables);
    }
}

static bool has_places(const struct msg_places *p)
{
    return !slice_is_absent(p->access_token) || !slice_is_absent(p->refresh_token) ||
           !slice_is_absent(p->expires_in) || !slice_is_absent(p->token_type) ||
           !slice_is_absent(p->success_at);
}

/* No `expect` stands for "auto", which is the default. */
static void put_answer(struct wire_writer *w, struct wire_out *expect, const struct msg_expect *e)
{
    const struct msg_places *p = &e->places;
    struct wire_out m;

    if (e->answer == ENCODING_UNKNOWN && !has_places(p)) {
        return;
    }
    m = wire_write_map_in(w, expect, "answer", "job.expect.answer");
    if (e->answer != ENCODING_UNKNOWN) {
        wire_write_word(w, &m, "expect", terms_encoding(e->answer));
    }
    wire_write_str(w, &m, "access_token", p->access_token, WIRE_OPTIONAL);
    wire_write_str(w, &m, "refresh_token", p->refresh_token, WIRE_OPTIONAL);
    wire_write_str(w, &m, "expires_in", p->expires_in, WIRE_OPTIONAL);
    wire_write_str(w, &m, "token_type", p->token_type, WIRE_OPTIONAL);
    if (!slice_is_absent(p->success_at)) {
        struct wire_out success = wire_write_map_in(w, &m, "success", "job.expect.answer.success");

        wire_write_str(w, &success, "at", p->success_at, WIRE_REQUIRED);
        wire_write_str(w, &success, "is", p->success_is, WIRE_REQUIRED);
        wire_write_map_end(w, &success);
    }
    wire_write_map_end(w, &m);
}

static void put_expect(struct wire_writer *w, struct wire_out *job, const struct msg_expect *e)
{
    struct wire_out m;

    if (e->nauth_error_status == 0 && e->answer == ENCODING_UNKNOWN && !has_places(&e->places)) {
        return;
    }
    m = wire_write_map_in(w, job, "expect", "job.expect");
    if (e->nauth_error_status > 0) {
        wire_write_array(w, &m, "auth_error_status", e->nauth_error_status);
        for (size_t i = 0; i < e->nauth_error_status; i++) {
            msgpack_pack_uint32(&w->packer, e->auth_error_status[i]);
        }
    }
    put_answer(w, &m, e);
    wire_write_map_end(w, &m);
}

static void put_job(struct wire_writer *w, const struct msg_job *job)
{
    struct wire_out m = wire_write_map(w, "job");

    wire_write_id(w, &m, "id", &job->id);
    wire_write_uint(w, &m, "budget_ms", job->budget_ms, wire_u32);
    wire_write_word(w, &m, "purpose", terms_purpose(job->purpose));
    put_request(w, &m, &job->request);
    put_variables(w, &m, job);
    put_expect(w, &m, &job->expect);
    wire_write_bool(w, &m, "trace", job->trace);
    wire_write_str(w, &m, "trace_id", job->trace_id, WIRE_OPTIONAL);
    wire_write_map_end(w, &m);
}

static void put_token(struct wire_writer *w, struct wire_out *result, const struct msg_token *t)
{
    struct wire_out m = wire_write_map_in(w, result, "token", "result.token");

    wire_write_str(w, &m, "access_token", t->access_token, WIRE_OPTIONAL);
    wire_write_str(w, &m, "token_type", t->token_type, WIRE_OPTIONAL);
    if (t->has_expires_in) {
        wire_write_uint(w, &m, "expires_in", t->expires_in, wire_u64);
    }
    wire_write_str(w, &m, "refresh_token", t->refresh_token, WIRE_OPTIONAL);
    wire_write_str(w, &m, "scope", t->scope, WIRE_OPTIONAL);
    wire_write_str(w, &m, "id_token", t->id_token, WIRE_OPTIONAL);
    if (t->extra.len > MSG_EXTRA_BYTES_MAX) {
        wire_write_refuse(w, CX_E_TOO_BIG, &m, "extra", "longer than its limit");
    }
    wire_write_str(w, &m, "extra", t->extra, WIRE_OPTIONAL);
    wire_write_bool(w, &m, "extra_omitted", t->extra_omitted);
    if (t->has_refresh_expires_in) {
        wire_write_uint(w, &m, "refresh_expires_in", t->refresh_expires_in, wire_u64);
    }
    wire_write_map_end(w, &m);
}

static void put_failure(struct wire_writer *w, struct wire_out *result, const struct msg_failure *f)
{
    struct wire_out m = wire_write_map_in(w, result, "error", "result.error");

    if (f->stage != STAGE_NONE) {
        wire_write_word(w, &m, "stage", terms_stage(f->stage));
    }
    wire_write_str(w, &m, "message", f->message, WIRE_OPTIONAL);
    wire_write_str(w, &m, "oauth_error", f->oauth_error, WIRE_OPTIONAL);
    wire_write_str(w, &m, "oauth_description", f->oauth_description, WIRE_OPTIONAL);
    if (f->has_retry_after) {
        wire_write_uint(w, &m, "retry_after_ms", f->retry_after_ms, wire_u64);
    }
    wire_write_map_end(w, &m);
}

static void put_timing(struct wire_writer *w, struct wire_out *result, const struct msg_timing *t)
{
    struct wire_out m = wire_write_map_in(w, result, "timing_us", "result.timing_us");

    wire_write_uint(w, &m, "queued", t->queued, wire_u64);
    wire_write_uint(w, &m, "policy", t->policy, wire_u64);
    wire_write_uint(w, &m, "resolve", t->resolve, wire_u64);
    wire_write_uint(w, &m, "connect", t->connect, wire_u64);
    wire_write_uint(w, &m, "tls", t->tls, wire_u64);
    wire_write_uint(w, &m, "wait", t->wait, wire_u64);
    wire_write_uint(w, &m, "receive", t->receive, wire_u64);
    wire_write_uint(w, &m, "total", t->total, wire_u64);
    wire_write_map_end(w, &m);
}

static void put_trace(struct wire_writer *w, struct wire_out *result, const struct msg_result *r)
{
    wire_write_array(w, result, "trace", r->ntrace);
    for (size_t i = 0; i < r->ntrace; i++) {
        const struct msg_hop *hop = &r->trace[i];
        struct wire_out m = wire_write_map(w, "result.trace");

        wire_write_str(w, &m, "hop", hop->hop, WIRE_REQUIRED);
        if (hop->us > 0) {
            wire_write_uint(w, &m, "us", hop->us, wire_u64);
        }
        wire_write_str(w, &m, "text", hop->text, WIRE_OPTIONAL);
        if (hop->ndetail > 0) {
            wire_write_strs(w, &m, "detail", hop->detail, hop->ndetail);
        }
        wire_write_bool(w, &m, "failed", hop->is_failed);
        wire_write_str(w, &m, "advice", hop->advice, WIRE_OPTIONAL);
        wire_write_map_end(w, &m);
    }
}

static void put_result(struct wire_writer *w, const struct msg_result *r)
{
    struct wire_out m = wire_write_map(w, "result");

    wire_write_id(w, &m, "id", &r->id);
    wire_write_word(w, &m, "outcome", terms_outcome(r->outcome));
    wire_write_word(w, &m, "code", terms_verdict(r->code));
    wire_write_word(w, &m, "execution", terms_execution(r->execution));
    if (r->status != 0) {
        wire_write_uint(w, &m, "status", r->status, wire_u32);
    }
    if (r->has_token) {
        put_token(w, &m, &r->token);
    }
    if (r->document.len > MSG_DOCUMENT_BYTES_MAX) {
        wire_write_refuse(w, CX_E_TOO_BIG, &m, "document", "longer than its limit");
    }
    wire_write_str(w, &m, "document", r->document, WIRE_OPTIONAL);
    if (r->has_error) {
        put_failure(w, &m, &r->error);
    }
    if (r->has_age) {
        wire_write_uint(w, &m, "age_ms", r->age_ms, wire_u64);
    }
    if (r->has_timing) {
        put_timing(w, &m, &r->timing);
    }
    if (r->ntrace > 0) {
        put_trace(w, &m, r);
    }
    wire_write_map_end(w, &m);
}

static void put_ack(struct wire_writer *w, const struct msg_ack *a)
{
    struct wire_out m = wire_write_map(w, "ack");

    wire_write_ids(w, &m, "ids", a->ids, a->nids);
    wire_write_map_end(w, &m);
}

static void put_cancel(struct wire_writer *w, const struct msg_cancel *c)
{
    struct wire_out m = wire_write_map(w, "cancel");

    wire_write_id(w, &m, "id", &c->id);
    wire_write_map_end(w, &m);
}

static void put_drain(struct wire_writer *w, const struct msg_drain *d)
{
    struct wire_out m = wire_write_map(w, "drain");

    wire_write_str(w, &m, "reason", d->reason, WIRE_REQUIRED);
    wire_write_uint(w, &m, "grace_ms", d->grace_ms, wire_u32);
    wire_write_map_end(w, &m);
}

static void put_renew(struct wire_writer *w, const struct msg_renew *r)
{
    struct wire_out m = wire_write_map(w, "renew");

    wire_write_bin(w, &m, "csr", r->csr);
    wire_write_map_end(w, &m);
}

static void put_renewed(struct wire_writer *w, const struct msg_renewed *r)
{
    struct wire_out m = wire_write_map(w, "renewed");

    if (slice_is_absent(r->error_code)) {
        wire_write_bin(w, &m, "certificate", r->certificate);
    } else {
        struct wire_out error = wire_write_map_in(w, &m, "error", "renewed.error");

        wire_write_str(w, &error, "code", r->error_code, WIRE_REQUIRED);
        wire_write_str(w, &error, "message", r->error_message, WIRE_REQUIRED);
        wire_write_map_end(w, &error);
    }
    wire_write_map_end(w, &m);
}

static void put_error(struct wire_writer *w, const struct msg_error *e)
{
    struct wire_out m = wire_write_map(w, "error");

    wire_write_str(w, &m, "code", e->code, WIRE_REQUIRED);
    wire_write_str(w, &m, "message", e->message, WIRE_REQUIRED);
    if (e->has_id) {
        wire_write_id(w, &m, "id", &e->id);
    }
    wire_write_map_end(w, &m);
}

static void put_policy(struct wire_writer *w, const struct msg_policy *p)
{
    struct wire_out m = wire_write_map(w, "policy");

    put_rules(w, &m, p);
    wire_write_map_end(w, &m);
}

static void put_body(struct wire_writer *w, const struct msg *m)
{
    switch (m->type) {
    case MSG_HELLO:
        put_hello(w, &m->body.hello);
        break;
    case MSG_WELCOME:
        put_welcome(w, &m->body.welcome);
        break;
    case MSG_JOB:
        put_job(w, &m->body.job);
        break;
    case MSG_RESULT:
        put_result(w, &m->body.result);
        break;
    case MSG_ACK:
        put_ack(w, &m->body.ack);
        break;
    case MSG_CANCEL:
        put_cancel(w, &m->body.cancel);
        break;
    case MSG_DRAIN:
        put_drain(w, &m->body.drain);
        break;
    case MSG_RENEW:
        put_renew(w, &m->body.renew);
        break;
    case MSG_RENEWED:
        put_renewed(w, &m->body.renewed);
        break;
    case MSG_ERROR:
        put_error(w, &m->body.error);
        break;
    case MSG_POLICY:
        put_policy(w, &m->body.policy);
        break;
    case MSG_NONE:
    case MSG_TYPE_COUNT:
        w->err = cx_fail_set(w->fail, CX_E_TYPE, "wire.put", "a message without a type");
        break;
    }
}

enum cx_err wire_put(const struct msg *m, size_t message_bytes_max, struct buf *out,
                     struct cx_fail *fail)
{
    struct wire_writer w;

    wire_write_init(&w, out, message_bytes_max, fail);
    msgpack_pack_array(&w.packer, 2);
    msgpack_pack_uint8(&w.packer, (uint8_t)m->type);
    put_body(&w, m);
    return wire_write_end(&w);
}
