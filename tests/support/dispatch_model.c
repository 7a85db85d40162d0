#include "tests/support/dispatch_model.h"

#include "tests/support/check.h"

/* SplitMix64: the same steps for the same seed everywhere. */
uint64_t model_next(struct model *m)
{
    uint64_t z = m->random += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

size_t model_pick(struct model *m, size_t n)
{
    return (size_t)(model_next(m) % n);
}

struct cx_id model_id(uint64_t n)
{
    struct cx_id id = {{1}};

    for (size_t i = 0; i < sizeof(n); i++) {
        id.bytes[8 + i] = (uint8_t)(n >> (8 * i));
    }
    return id;
}

static struct model_job *find(struct model *m, const struct cx_id *id)
{
    for (size_t i = 0; i < m->njobs; i++) {
        if (id_eq(&m->jobs[i].id, id)) {
            return &m->jobs[i];
        }
    }
    fail_msg("step %u: a job that was never taken", m->step);
    return NULL;
}

void model_check(const struct model *m, bool claim, const char *what)
{
    if (!claim) {
        fail_msg("step %u: %s", m->step, what);
    }
}

/* ---- the ports ---- */

static void port_record(void *ctx, struct dispatch_job *job)
{
    struct model *m = ctx;

    model_check(m, find(m, &job->id)->place == NOWHERE, "recorded while an agent may have it");
    model_check(m, job->owner != NULL, "recorded for nobody");
}

static bool port_send(void *ctx, void *owner, struct dispatch_job *job)
{
    struct model *m = ctx;
    struct model_job *j = find(m, &job->id);
    struct model_agent *a = owner;

    model_check(m, j->place == NOWHERE, "sent while an agent may have it");
    model_check(m, !j->was_sent, "sent again although the endpoint may have been asked");
    model_check(m, !a->is_draining, "sent to one that is leaving");
    model_check(m, id_eq(&a->id, &job->agent), "sent to another than it was recorded for");
    for (size_t i = 0; i < m->njobs; i++) {
        struct model_job *o = &m->jobs[i];

        model_check(m,
                    o == j || j->key < 0 || o->key != j->key || o->place == NOWHERE || o->is_done,
                    "sent beside one with its key");
    }
    if (model_pick(m, 20) == 0) {
        return false;
    }
    j->place = OUTBOX;
    j->agent = (unsigned)(a - m->agents);
    return true;
}

static void port_cancel(void *ctx, void *owner, const struct cx_id *id)
{
    struct model *m = ctx;
    struct model_agent *a = owner;

    model_check(m, a->tunnel != NULL, "cancelled on a tunnel that is gone");
    (void)find(m, id);
}

static void end(struct model *m, struct model_job *j)
{
    model_check(m, j->is_taken && !j->has_ended, "ended twice");
    j->has_ended = true;
    j->has_caller = false;
}

static void port_fail(void *ctx, void *owner, const struct dispatch_job *job,
                      const struct dispatch_failure *failure)
{
    struct model *m = ctx;
    struct model_job *j = owner;

    model_check(m, id_eq(&j->id, &job->id), "another's failure");
    model_check(m,
                failure->execution != EXECUTION_NOT_SENT || (!j->was_sent && j->place == NOWHERE),
                "not_sent, of one that an agent may have");
    end(m, j);
}

/* ---- steps ---- */

void model_submit(struct model *m)
{
    struct model_job *j = &m->jobs[m->njobs];
    uint8_t key[DISPATCH_KEY_BYTES] = {0}, same[DISPATCH_KEY_BYTES] = {0};
    struct buf message;
    struct dispatch_order order = {.owner = j,
                                   .message = &message,
                                   .now_ms = m->now_ms,
                                   .deadline_ms = m->now_ms + MODEL_BUDGET_MS,
                                   .same = same};
    enum dispatch_answer answer;

    if (m->njobs == MODEL_JOBS) {
        return;
    }
    *j = (struct model_job){.id = model_id(m->njobs + 1), .key = -1};
    order.id = j->id;
    if (model_pick(m, 2) == 0) {
        j->key = (int)model_pick(m, MODEL_KEYS);
        key[0] = (uint8_t)j->key;
        same[0] = (uint8_t)model_pick(m, 2);
        order.exclusive = key;
    }
    buf_init(&message, 16);
    assert_int_equal(buf_put_byte(&message, 1), CX_OK);
    m->njobs++; /* the ports look for it */
    answer = dispatch_submit(m->c, &order);
    buf_done(&message);
    j->is_taken = answer == DISPATCH_TAKEN || answer == DISPATCH_AWAITED;
    j->has_caller = j->is_taken;
    model_check(m, j->is_taken || j->place == NOWHERE, "refused and sent");
}

/* A random job for which this holds; NULL: none was met. */
static struct model_job *some_job(struct model *m, bool (*suits)(const struct model_job *j))
{
    size_t first = m->njobs > 0 ? model_pick(m, m->njobs) : 0;

    for (size_t i = 0; i < m->njobs; i++) {
        struct model_job *j = &m->jobs[(first + i) % m->njobs];

        if (suits(j)) {
            return j;
        }
    }
    return NULL;
}

static bool is_waited_for(const struct model_job *j)
{
    return j->has_caller;
}

static bool is_in_outbox(const struct model_job *j)
{
    return j->place == OUTBOX;
}

static bool is_on_way(const struct model_job *j)
{
    return j->place == ON_WAY;
}

static bool is_held(const struct model_job *j)
{
    return j->place == HELD;
}

static bool is_running(const struct model_job *j)
{
    return j->place == RUNNING && !j->is_reported;
}

static bool is_being_stored(const struct model_job *j)
{
    return j->is_reported;
}

void model_store_answers(struct model *m)
{
    size_t first = m->njobs > 0 ? model_pick(m, m->njobs) : 0;

    for (size_t i = 0; i < m->njobs; i++) {
        const struct cx_id *id = &m->jobs[(first + i) % m->njobs].id;
        const struct dispatch_job *job = dispatch_find(m->d, id);

        if (job != NULL && job->state == DISPATCH_RECORDING) {
            dispatch_recorded(m->d, id, model_pick(m, 10) != 0);
            return;
        }
    }
}

void model_write_one(struct model *m)
{
    struct model_job *j = some_job(m, is_in_outbox);

    if (j != NULL && m->agents[j->agent].tunnel != NULL) {
        j->place = ON_WAY;
        dispatch_written(m->d, &j->id);
    }
}

void model_read_one(struct model *m)
{
    struct model_job *j = some_job(m, is_on_way);

    if (j != NULL && m->agents[j->agent].tunnel != NULL) {
        j->place = HELD;
    }
}

void model_begin_one(struct model *m)
{
    struct model_job *j = some_job(m, is_held);

    if (j != NULL) {
        j->place = RUNNING;
        j->was_sent = true;
    }
}

/* An agent says that it has sent nothing. */
void model_refuse_one(struct model *m)
{
    struct model_job *j = some_job(m, is_held);
    struct model_agent *a = j == NULL ? NULL : &m->agents[j->agent];
    struct dispatch_job *job = j == NULL ? NULL : dispatch_find(m->d, &j->id);
    struct buf answer;

    if (job == NULL || a->tunnel == NULL) {
        return;
    }
    j->place = NOWHERE; /* whatever dispatch does with it */
    buf_init(&answer, 16);
    assert_int_equal(buf_put_byte(&answer, 1), CX_OK);
    if (dispatch_move(a->tunnel, job, STAGE_CONNECT, &answer, m->now_ms)) {
        m->moved++;
    } else if (dispatch_reported(a->tunnel, &j->id) != NULL) {
        if (j->has_caller) {
            job->owner = NULL;
            end(m, j);
        }
        dispatch_settled(m->d, a->tunnel, &j->id);
    }
    buf_done(&answer);
}

static void share(struct model *m, struct dispatch_tunnel *t, const struct model_job *j)
{
    struct dispatch_shared shared;

    while (dispatch_share(t, &j->id, &shared)) {
        struct model_job *o = shared.owner;

        model_check(m, o->key == j->key && o->place == NOWHERE, "shared by one that has run");
        end(m, o);
        m->shared++;
    }
}

void model_report_one(struct model *m)
{
    struct model_job *j = some_job(m, is_running);
    struct model_agent *a = j == NULL ? NULL : &m->agents[j->agent];
    struct dispatch_job *job;

    if (j == NULL || a->tunnel == NULL) {
        return;
    }
    job = dispatch_reported(a->tunnel, &j->id);
    j->is_reported = true;
    j->is_done = true;
    if (job != NULL && j->has_caller) {
        model_check(m, job->owner == j, "delivered to another");
        job->owner = NULL;
        end(m, j);
    }
    if (model_pick(m, 2) == 0) {
        share(m, a->tunnel, j);
    }
}

/* Stored, and acknowledged if its agent's tunnel is still there; else the agent reports it again.
 */
void model_settle_one(struct model *m)
{
    struct model_job *j = some_job(m, is_being_stored);
    struct dispatch_tunnel *t = j == NULL ? NULL : m->agents[j->agent].tunnel;

    if (j != NULL) {
        j->place = t != NULL ? NOWHERE : j->place;
        j->is_reported = false;
        dispatch_settled(m->d, t, &j->id);
    }
}

void model_lose_caller(struct model *m)
{
    struct model_job *j = some_job(m, is_waited_for);

    if (j == NULL) {
        return;
    }
    if (model_pick(m, 2) == 0) {
        end(m, j);
        dispatch_abandon(m->d, &j->id);
    } else {
        dispatch_expire(m->d, &j->id);
        model_check(m, j->has_ended || j->is_reported, "expired and not told");
    }
}

/* ---- its life ---- */

void model_start(struct model *m, uint64_t seed)
{
    struct dispatch_ports ports = {.ctx = m,
                                   .record = port_record,
                                   .send = port_send,
                                   .cancel = port_cancel,
                                   .fail = port_fail};

    *m = (struct model){.random = seed};
    m->d = dispatch_new(&ports, 0);
    assert_non_null(m->d);
    m->c = dispatch_connector_new(m->d);
    assert_non_null(m->c);
}

void model_end(struct model *m)
{
    dispatch_connector_free(m->c);
    dispatch_free(m->d);
}
