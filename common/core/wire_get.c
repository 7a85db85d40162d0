#include "common/core/wire_read.h"

#include <msgpack/unpack.h>
#include <stdlib.h>
#include <string.h>

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, CX_ID_BYTES);
}

/* The platform settles a job by whether `known` names it: an id that stands there twice is a bug of
 * the agent's, and no guess is made at what it means. */
static void refuse_repeated_ids(struct wire_reader *r, struct wire_map *m,
                                const struct msg_hello *h)
{
    struct cx_id *sorted = wire_read_room(r, h->nknown, sizeof(*sorted));

    if (sorted == NULL) {
        return;
    }
    memcpy(sorted, h->known, h->nknown * sizeof(*sorted));
    qsort(sorted, h->nknown, sizeof(*sorted), compare_ids);
    for (size_t i = 1; i < h->nknown; i++) {
        if (id_eq(&sorted[i - 1], &sorted[i])) {
            wire_read_refuse(r, CX_E_DUPLICATE, m, "known", "names an id twice");
        }
    }
}

static void get_policy(struct wire_reader *r, struct wire_map *m, struct msg_policy *p)
{
    msgpack_object_array from = wire_read_array(r, m, "rules", WIRE_REQUIRED);
    struct msg_rule *rules = wire_read_room(r, from.size, sizeof(*rules));

    if (rules == NULL) {
        return;
    }
    for (uint32_t i = 0; i < from.size && r->err == CX_OK; i++) {
        struct wire_map rule = {"policy.rules", &from.ptr[i].via.map, 0};

        if (from.ptr[i].type != MSGPACK_OBJECT_MAP) {
            wire_read_refuse(r, CX_E_TYPE, m, "rules", "each must be a map");
            return;
        }
        rules[i].name = wire_read_str(r, &rule, "name", WIRE_OPTIONAL);
        rules[i].url = wire_read_str(r, &rule, "url", WIRE_OPTIONAL);
        rules[i].methods = wire_read_strs(r, &rule, "methods", WIRE_OPTIONAL, &rules[i].nmethods);
    }
    p->rules = rules;
    p->nrules = from.size;
}

static void get_hello(struct wire_reader *r, struct wire_map *m, struct msg_hello *h)
{
    struct wire_map policy = wire_read_map(r, m, "policy", WIRE_REQUIRED, "hello.policy");

    h->agent_version = wire_read_str(r, m, "agent_version", WIRE_REQUIRED);
    h->instance = wire_read_id(r, m, "instance", WIRE_REQUIRED);
    h->tunnel = (uint32_t)wire_read_uint(r, m, "tunnel", WIRE_REQUIRED, wire_tunnel);
    h->ledger = wire_read_id(r, m, "ledger", WIRE_REQUIRED);
    h->ledger_seq = wire_read_uint(r, m, "ledger_seq", WIRE_REQUIRED, wire_u64);
    h->host = wire_read_str(r, m, "host", WIRE_REQUIRED);
    h->capacity = (uint32_t)wire_read_uint(r, m, "capacity", WIRE_REQUIRED, wire_capacity);
    h->known = wire_read_ids(r, m, "known", &h->nknown);
    h->features = wire_read_strs(r, m, "features", WIRE_REQUIRED, &h->nfeatures);
    get_policy(r, &policy, &h->policy);
    refuse_repeated_ids(r, m, h);
}

static void get_welcome(struct wire_reader *r, struct wire_map *m, struct msg_welcome *w)
{
    struct wire_map limits = wire_read_map(r, m, "limits", WIRE_REQUIRED, "welcome.limits");

    w->platform_version = wire_read_str(r, m, "platform_version", WIRE_REQUIRED);
    w->session = wire_read_id(r, m, "session", WIRE_REQUIRED);
    w->heartbeat_ms =
        (uint32_t)wire_read_uint(r, m, "heartbeat_ms", WIRE_REQUIRED, wire_heartbeat_ms);
    w->now_ms = wire_read_uint(r, m, "now_ms", WIRE_REQUIRED, wire_u64);
    w->message_bytes =
        (uint32_t)wire_read_uint(r, &limits, "message_bytes", WIRE_REQUIRED, wire_message_bytes);
    w->websocket_bytes =
        (uint32_t)wire_read_uint(r, &limits, "websocket_bytes", WIRE_REQUIRED,
                                 (struct wire_range){w->message_bytes, MSG_WEBSOCKET_BYTES_MAX});
}

/* A word that this version does not have makes the job impossible, not the message wrong. */
static void note_unknown(const char **unknown, bool is_unknown, const char *name)
{
    if (is_unknown && *unknown == NULL) {
        *unknown = name;
    }
}

static void get_fields(struct wire_reader *r, struct wire_map *m, struct msg_job *job)
{
    msgpack_object_array from = wire_read_array(r, m, "fields", WIRE_REQUIRED);
    struct msg_field *fields = wire_read_room(r, from.size, sizeof(*fields));

    if (fields == NULL) {
        return;
    }
    for (uint32_t i = 0; i < from.size; i++) {
        const msgpack_object *row = &from.ptr[i];
        const msgpack_object *o = row->via.array.ptr;

        if (row->type != MSGPACK_OBJECT_ARRAY || row->via.array.size != 3 ||
            o[0].type != MSGPACK_OBJECT_STR || o[1].type != MSGPACK_OBJECT_STR ||
            o[2].type != MSGPACK_OBJECT_STR) {
            wire_read_refuse(r, CX_E_TYPE, m, "fields", "each must be an array of three texts");
            return;
        }
        fields[i] = (struct msg_field){terms_place_of(wire_read_text(&o[0])), wire_read_text(&o[1]),
                                       wire_read_text(&o[2])};
        note_unknown(&job->unknown, fields[i].place == PLACE_UNKNOWN, "request.fields.place");
    }
    job->request.fields = fields;
    job->request.nfields = from.size;
}

static void get_client(struct wire_reader *r, struct wire_map *m, struct msg_job *job)
{
    struct msg_client *c = &job->request.client;
    struct slice method = wire_read_str(r, m, "method", WIRE_OPTIONAL);
    struct slice alg = wire_read_str(r, m, "alg", WIRE_OPTIONAL);

    c->method = slice_is_absent(method) ? CLIENT_NONE : terms_client_of(method);
    note_unknown(&job->unknown, c->method == CLIENT_UNKNOWN, "request.client.method");
    c->id = wire_read_str(r, m, "id", WIRE_OPTIONAL);
    c->secret = wire_read_str(r, m, "secret", WIRE_OPTIONAL);
    c->key = wire_read_str(r, m, "key", WIRE_OPTIONAL);
    c->certificate = wire_read_str(r, m, "certificate", WIRE_OPTIONAL);
    c->alg = terms_alg_of(alg);
    note_unknown(&job->unknown, !slice_is_absent(alg) && c->alg == ALG_UNKNOWN,
                 "request.client.alg");
    c->kid = wire_read_str(r, m, "kid", WIRE_OPTIONAL);
    c->aud = wire_read_str(r, m, "aud", WIRE_OPTIONAL);
}

static void get_request(struct wire_reader *r, struct wire_map *m, struct msg_job *job)
{
    struct msg_request *q = &job->request;
    struct wire_map client = wire_read_map(r, m, "client", WIRE_OPTIONAL, "job.request.client");

    q->method = terms_method_of(wire_read_str(r, m, "method", WIRE_REQUIRED));
    note_unknown(&job->unknown, q->method == METHOD_UNKNOWN, "request.method");
    q->url = wire_read_str(r, m, "url", WIRE_REQUIRED);
    q->encoding = terms_encoding_of(wire_read_str(r, m, "encoding", WIRE_REQUIRED));
    note_unknown(&job->unknown, q->encoding == ENCODING_UNKNOWN, "request.encoding");
    q->root = wire_read_str(r, m, "root", WIRE_OPTIONAL);
    get_fields(r, m, job);
    get_client(r, &client, job);
}

static void get_variables(struct wire_reader *r, struct wire_map *m, struct msg_job *job)
{
    struct wire_map from = wire_read_map(r, m, "variables", WIRE_REQUIRED, "job.variables");
    struct msg_variable *variables;
    size_t n = 0;

    if (from.entries == NULL) {
        return;
    }
    variables = wire_read_room(r, from.entries->size, sizeof(*variables));
    for (uint32_t i = 0; variables != NULL && i < from.entries->size; i++) {
        const msgpack_object_kv *entry = &from.entries->ptr[i];

        if (entry->val.type == MSGPACK_OBJECT_NIL) {
            continue;
        }
        if (entry->val.type != MSGPACK_OBJECT_STR) {
            wire_read_refuse(r, CX_E_TYPE, m, "variables", "each must be text");
            return;
        }
        variables[n++] =
            (struct msg_variable){wire_read_text(&entry->key), wire_read_text(&entry->val)};
    }
    job->variables = variables;
    job->nvariables = n;
}

static void get_statuses(struct wire_reader *r, struct wire_map *m, struct msg_expect *e)
{
    msgpack_object_array from = wire_read_array(r, m, "auth_error_status", WIRE_OPTIONAL);
    uint32_t *statuses = wire_read_room(r, from.size, sizeof(*statuses));

    if (statuses == NULL) {
        return;
    }
    for (uint32_t i = 0; i < from.size; i++) {
        const msgpack_object *o = &from.ptr[i];

        if (o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER ||
            (o->type == MSGPACK_OBJECT_POSITIVE_INTEGER && o->via.u64 > UINT32_MAX)) {
            wire_read_refuse(r, CX_E_RANGE, m, "auth_error_status", "out of its range");
            return;
        }
        if (o->type != MSGPACK_OBJECT_POSITIVE_INTEGER) {
            wire_read_refuse(r, CX_E_TYPE, m, "auth_error_status", "each must be a whole number");
            return;
        }
        statuses[i] = (uint32_t)o->via.u64;
    }
    e->auth_error_status = statuses;
    e->nauth_error_status = from.size;
}

static void get_places(struct wire_reader *r, struct wire_map *answer, struct msg_places *p)
{
    struct wire_map success =
        wire_read_map(r, answer, "success", WIRE_OPTIONAL, "job.expect.answer.success");

    p->access_token = wire_read_str(r, answer, "access_token", WIRE_OPTIONAL);
    p->refresh_token = wire_read_str(r, answer, "refresh_token", WIRE_OPTIONAL);
    p->expires_in = wire_read_str(r, answer, "expires_in", WIRE_OPTIONAL);
    p->token_type = wire_read_str(r, answer, "token_type", WIRE_OPTIONAL);
    if (success.entries != NULL) {
        p->success_at = wire_read_str(r, &success, "at", WIRE_REQUIRED);
        p->success_is = wire_read_str(r, &success, "is", WIRE_REQUIRED);
    }
}

static void get_expect(struct wire_reader *r, struct wire_map *m, struct msg_job *job)
{
    struct wire_map answer = wire_read_map(r, m, "answer", WIRE_OPTIONAL, "job.expect.answer");
    struct slice expect = wire_read_str(r, &answer, "expect", WIRE_OPTIONAL);

    get_places(r, &answer, &job->expect.places);
    get_statuses(r, m, &job->expect);
    if (slice_is_absent(expect) || slice_eq_str(expect, "auto")) {
        return;
    }
    job->expect.answer = terms_encoding_of(expect);
    note_unknown(&job->unknown, job->expect.answer == ENCODING_UNKNOWN, "expect.answer.expect");
}

/* The text, if it is 32 lower-case hex digits (W3C Trace Context, 3.2.2.3); else absent: a trace id
 * of another form is no reason to refuse a job. */
static struct slice trace_id_of(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        bool is_digit = text.ptr[i] >= '0' && text.ptr[i] <= '9';

        if (!is_digit && (text.ptr[i] < 'a' || text.ptr[i] > 'f')) {
            return slice_of_str(NULL);
        }
    }
    return text.len == MSG_TRACE_ID_CHARS ? text : slice_of_str(NULL);
}

static void get_job(struct wire_reader *r, struct wire_map *m, struct msg_job *job)
{
    struct wire_map request = wire_read_map(r, m, "request", WIRE_REQUIRED, "job.request");
    struct wire_map expect = wire_read_map(r, m, "expect", WIRE_OPTIONAL, "job.expect");

    job->id = wire_read_id(r, m, "id", WIRE_REQUIRED);
    job->budget_ms = (uint32_t)wire_read_uint(r, m, "budget_ms", WIRE_REQUIRED, wire_u32);
    job->purpose = terms_purpose_of(wire_read_str(r, m, "purpose", WIRE_REQUIRED));
    note_unknown(&job->unknown, job->purpose == PURPOSE_UNKNOWN, "purpose");
    get_request(r, &request, job);
    get_variables(r, m, job);
    job->secret_variables =
        wire_read_strs(r, m, "secret_variables", WIRE_OPTIONAL, &job->nsecret_variables);
    get_expect(r, &expect, job);
    job->trace = wire_read_bool(r, m, "trace");
    job->trace_id = trace_id_of(wire_read_str(r, m, "trace_id", WIRE_OPTIONAL));
}

static void get_token(struct wire_reader *r, struct wire_map *m, struct msg_token *t)
{
    t->access_token = wire_read_str(r, m, "access_token", WIRE_OPTIONAL);
    t->token_type = wire_read_str(r, m, "token_type", WIRE_OPTIONAL);
    t->has_expires_in = wire_read_has(m, "expires_in");
    t->expires_in = wire_read_uint(r, m, "expires_in", WIRE_OPTIONAL, wire_u64);
    t->refresh_token = wire_read_str(r, m, "refresh_token", WIRE_OPTIONAL);
    t->scope = wire_read_str(r, m, "scope", WIRE_OPTIONAL);
    t->id_token = wire_read_str(r, m, "id_token", WIRE_OPTIONAL);
    t->extra = wire_read_str(r, m, "extra", WIRE_OPTIONAL);
    t->extra_omitted = wire_read_bool(r, m, "extra_omitted");
    t->has_refresh_expires_in = wire_read_has(m, "refresh_expires_in");
    t->refresh_expires_in = wire_read_uint(r, m, "refresh_expires_in", WIRE_OPTIONAL, wire_u64);
    if (t->extra.len > MSG_EXTRA_BYTES_MAX) {
        wire_read_refuse(r, CX_E_TOO_BIG, m, "extra", "longer than its limit");
    }
}

static void get_failure(struct wire_reader *r, struct wire_map *m, struct msg_result *result)
{
    struct msg_failure *f = &result->error;
    struct slice stage = wire_read_str(r, m, "stage", WIRE_OPTIONAL);

    f->stage = terms_stage_of(stage);
    note_unknown(&result->unknown, !slice_is_absent(stage) && f->stage == STAGE_NONE,
                 "error.stage");
    f->message = wire_read_str(r, m, "message", WIRE_OPTIONAL);
    f->oauth_error = wire_read_str(r, m, "oauth_error", WIRE_OPTIONAL);
    f->oauth_description = wire_read_str(r, m, "oauth_description", WIRE_OPTIONAL);
    f->has_retry_after = wire_read_has(m, "retry_after_ms");
    f->retry_after_ms = wire_read_uint(r, m, "retry_after_ms", WIRE_OPTIONAL, wire_u64);
}

static void get_timing(struct wire_reader *r, struct wire_map *m, struct msg_timing *t)
{
    t->queued = wire_read_uint(r, m, "queued", WIRE_OPTIONAL, wire_u64);
    t->policy = wire_read_uint(r, m, "policy", WIRE_OPTIONAL, wire_u64);
    t->resolve = wire_read_uint(r, m, "resolve", WIRE_OPTIONAL, wire_u64);
    t->connect = wire_read_uint(r, m, "connect", WIRE_OPTIONAL, wire_u64);
    t->tls = wire_read_uint(r, m, "tls", WIRE_OPTIONAL, wire_u64);
    t->wait = wire_read_uint(r, m, "wait", WIRE_OPTIONAL, wire_u64);
    t->receive = wire_read_uint(r, m, "receive", WIRE_OPTIONAL, wire_u64);
    t->total = wire_read_uint(r, m, "total", WIRE_OPTIONAL, wire_u64);
}

static void get_hop(struct wire_reader *r, const msgpack_object *o, struct msg_hop *hop)
{
    struct wire_map m = {"result.trace", &o->via.map, 0};

    hop->hop = wire_read_str(r, &m, "hop", WIRE_REQUIRED);
    hop->us = wire_read_uint(r, &m, "us", WIRE_OPTIONAL, wire_u64);
    hop->text = wire_read_str(r, &m, "text", WIRE_OPTIONAL);
    hop->detail = wire_read_strs(r, &m, "detail", WIRE_OPTIONAL, &hop->ndetail);
    hop->is_failed = wire_read_bool(r, &m, "failed");
    hop->advice = wire_read_str(r, &m, "advice", WIRE_OPTIONAL);
}

static void get_trace(struct wire_reader *r, struct wire_map *m, struct msg_result *result)
{
    msgpack_object_array from = wire_read_array(r, m, "trace", WIRE_OPTIONAL);
    struct msg_hop *hops = wire_read_room(r, from.size, sizeof(*hops));

    if (hops == NULL) {
        return;
    }
    for (uint32_t i = 0; i < from.size; i++) {
        if (from.ptr[i].type != MSGPACK_OBJECT_MAP) {
            wire_read_refuse(r, CX_E_TYPE, m, "trace", "each must be a map");
            return;
        }
        get_hop(r, &from.ptr[i], &hops[i]);
    }
    result->trace = hops;
    result->ntrace = from.size;
}

static void get_result(struct wire_reader *r, struct wire_map *m, struct msg_result *result)
{
    struct wire_map token = wire_read_map(r, m, "token", WIRE_OPTIONAL, "result.token");
    struct wire_map error = wire_read_map(r, m, "error", WIRE_OPTIONAL, "result.error");
    struct wire_map timing = wire_read_map(r, m, "timing_us", WIRE_OPTIONAL, "result.timing_us");

    result->id = wire_read_id(r, m, "id", WIRE_REQUIRED);
    result->outcome = terms_outcome_of(wire_read_str(r, m, "outcome", WIRE_REQUIRED));
    note_unknown(&result->unknown, result->outcome == OUTCOME_UNKNOWN, "outcome");
    result->code = terms_verdict_of(wire_read_str(r, m, "code", WIRE_REQUIRED));
    note_unknown(&result->unknown, result->code == VERDICT_UNKNOWN, "code");
    result->execution = terms_execution_of(wire_read_str(r, m, "execution", WIRE_REQUIRED));
    note_unknown(&result->unknown, result->execution == EXECUTION_UNKNOWN, "execution");
    result->status = (uint32_t)wire_read_uint(r, m, "status", WIRE_OPTIONAL, wire_u32);
    result->has_token = token.entries != NULL;
    get_token(r, &token, &result->token);
    result->document = wire_read_str(r, m, "document", WIRE_OPTIONAL);
    if (result->document.len > MSG_DOCUMENT_BYTES_MAX) {
        wire_read_refuse(r, CX_E_TOO_BIG, m, "document", "longer than its limit");
    }
    result->has_error = error.entries != NULL;
    get_failure(r, &error, result);
    result->has_age = wire_read_has(m, "age_ms");
    result->age_ms = wire_read_uint(r, m, "age_ms", WIRE_OPTIONAL, wire_u64);
    result->has_timing = timing.entries != NULL;
    get_timing(r, &timing, &result->timing);
    get_trace(r, m, result);
}

static void get_drain(struct wire_reader *r, struct wire_map *m, struct msg_drain *d)
{
    d->reason = wire_read_str(r, m, "reason", WIRE_REQUIRED);
    d->grace_ms = (uint32_t)wire_read_uint(r, m, "grace_ms", WIRE_REQUIRED, wire_u32);
}

static void get_renewed(struct wire_reader *r, struct wire_map *m, struct msg_renewed *w)
{
    struct wire_map error = wire_read_map(r, m, "error", WIRE_OPTIONAL, "renewed.error");

    if (error.entries == NULL) {
        w->certificate = wire_read_bin(r, m, "certificate", WIRE_REQUIRED);
        return;
    }
    w->error_code = wire_read_str(r, &error, "code", WIRE_REQUIRED);
    w->error_message = wire_read_str(r, &error, "message", WIRE_REQUIRED);
}

static void get_error(struct wire_reader *r, struct wire_map *m, struct msg_error *e)
{
    e->code = wire_read_str(r, m, "code", WIRE_REQUIRED);
    e->message = wire_read_str(r, m, "message", WIRE_REQUIRED);
    e->has_id = wire_read_has(m, "id");
    e->id = wire_read_id(r, m, "id", WIRE_OPTIONAL);
}

static void get_body(struct wire_reader *r, const msgpack_object_map *body, struct msg *m)
{
    static const char *const names[MSG_TYPE_COUNT] = {"",       "hello",   "welcome", "job",
                                                      "result", "ack",     "cancel",  "drain",
                                                      "renew",  "renewed", "error",   "policy"};
    struct wire_map map = {names[m->type], body, 0};

    switch (m->type) {
    case MSG_HELLO:
        get_hello(r, &map, &m->body.hello);
        break;
    case MSG_WELCOME:
        get_welcome(r, &map, &m->body.welcome);
        break;
    case MSG_JOB:
        get_job(r, &map, &m->body.job);
        break;
    case MSG_RESULT:
        get_result(r, &map, &m->body.result);
        break;
    case MSG_ACK:
        m->body.ack.ids = wire_read_ids(r, &map, "ids", &m->body.ack.nids);
        break;
    case MSG_CANCEL:
        m->body.cancel.id = wire_read_id(r, &map, "id", WIRE_REQUIRED);
        break;
    case MSG_DRAIN:
        get_drain(r, &map, &m->body.drain);
        break;
    case MSG_RENEW:
        m->body.renew.csr = wire_read_bin(r, &map, "csr", WIRE_REQUIRED);
        break;
    case MSG_RENEWED:
        get_renewed(r, &map, &m->body.renewed);
        break;
    case MSG_ERROR:
        get_error(r, &map, &m->body.error);
        break;
    case MSG_POLICY:
        get_policy(r, &map, &m->body.policy);
        break;
    case MSG_NONE:
    case MSG_TYPE_COUNT:
        break;
    }
}

enum cx_err wire_read_message(msgpack_zone *zone, struct slice message, struct msg *out,
                              struct cx_fail *fail)
{
    struct wire_reader r = {.fail = fail, .zone = zone};
    struct msg m;
    msgpack_object whole;

    /* wire_cut has read it: only memory can be short */
    if (msgpack_unpack((const char *)message.ptr, message.len, NULL, zone, &whole) !=
        MSGPACK_UNPACK_SUCCESS) {
        return cx_fail_set(fail, CX_E_NOMEM, "wire.get", "%s", "");
    }
    memset(&m, 0, sizeof(m)); /* "= {0}" need not reach the whole of a union */
    m.type_number = whole.via.array.ptr[0].via.u64;
    m.type = m.type_number < MSG_TYPE_COUNT ? (enum msg_type)m.type_number : MSG_NONE;
    get_body(&r, &whole.via.array.ptr[1].via.map, &m);
    if (r.err == CX_OK) {
        *out = m;
    }
    return r.err;
}
