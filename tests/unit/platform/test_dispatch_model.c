#include "tests/support/check.h"
#include "tests/support/dispatch_model.h"

/* Dispatch under random steps: what must hold is said, and checked, in dispatch_model.h. */

enum { STEPS = 4500, SEEDS = 20, CAPACITY = 6 };

/* ---- tunnels ---- */

static size_t held_by(const struct model *m, const struct model_agent *a, struct cx_id *known)
{
    size_t n = 0;

    for (size_t i = 0; i < m->njobs; i++) {
        const struct model_job *j = &m->jobs[i];

        if ((j->place == HELD || j->place == RUNNING) && &m->agents[j->agent] == a) {
            known[n++] = j->id;
        }
    }
    return n;
}

/* Its tunnel ends. What the agent had not read by then never arrives, but nobody here knows that
 * before the next hello; of what was not even written the link may say so (`is_told`). */
static void tunnel_ends(struct model *m, struct model_agent *a, bool is_told)
{
    struct dispatch_tunnel *t = a->tunnel;

    if (t == NULL) {
        return;
    }
    dispatch_tunnel_drain(t);
    a->is_draining = true;
    for (size_t i = 0; i < m->njobs; i++) {
        struct model_job *j = &m->jobs[i];

        if (&m->agents[j->agent] != a || (j->place != OUTBOX && j->place != ON_WAY)) {
            continue;
        }
        if (j->place == OUTBOX && is_told) {
            j->place = NOWHERE;
            dispatch_unwritten(m->d, &j->id);
        } else {
            j->place = model_pick(m, 2) == 0 ? HELD : NOWHERE;
        }
    }
    a->tunnel = NULL;
    dispatch_tunnel_cut(t);
    m->lost++;
}

static void tunnel_begins(struct model *m, struct model_agent *a)
{
    struct cx_id known[MODEL_JOBS];
    struct dispatch_hello hello = {
        .agent = a->id, .ledger = a->ledger, .capacity = CAPACITY, .known = known};

    tunnel_ends(m, a, model_pick(m, 2) == 0);
    hello.nknown = held_by(m, a, known);
    a->is_draining = false;
    a->tunnel = dispatch_tunnel_up(m->c, &hello, a);
    assert_non_null(a->tunnel);
    dispatch_tunnel_ready(a->tunnel);
    m->again++;
}

/* A process is killed, its ledger with it: what it ran is over, and nobody will ever tell. */
static void agent_dies(struct model *m, struct model_agent *a)
{
    tunnel_ends(m, a, model_pick(m, 2) == 0);
    for (size_t i = 0; i < m->njobs; i++) {
        struct model_job *j = &m->jobs[i];

        if (&m->agents[j->agent] == a && (j->place == HELD || j->place == RUNNING)) {
            j->place = NOWHERE;
        }
    }
    a->ledger = model_id(model_next(m));
}

static void drain(struct model_agent *a)
{
    if (a->tunnel != NULL) {
        a->is_draining = true;
        dispatch_tunnel_drain(a->tunnel);
    }
}

/* ---- the whole ---- */

static void check_counts(const struct model *m)
{
    for (size_t i = 0; i < MODEL_AGENTS; i++) {
        const struct model_agent *a = &m->agents[i];
        size_t with_it = 0;

        for (size_t n = 0; n < m->njobs; n++) {
            with_it += m->jobs[n].place != NOWHERE && m->jobs[n].agent == i;
        }
        model_check(m, a->tunnel == NULL || dispatch_tunnel_outstanding(a->tunnel) >= with_it,
                    "less is counted than the agent has");
        model_check(m, a->tunnel == NULL || dispatch_tunnel_outstanding(a->tunnel) <= MODEL_JOBS,
                    "more is counted than there can be");
    }
}

static void step(struct model *m)
{
    struct model_agent *a = &m->agents[model_pick(m, MODEL_AGENTS)];
    size_t what = model_pick(m, 100);

    if (what < 18) {
        model_submit(m);
    } else if (what < 38) {
        model_store_answers(m);
    } else if (what < 50) {
        model_write_one(m);
    } else if (what < 60) {
        model_read_one(m);
    } else if (what < 66) {
        model_begin_one(m);
    } else if (what < 71) {
        model_refuse_one(m);
    } else if (what < 79) {
        model_report_one(m);
    } else if (what < 87) {
        model_settle_one(m);
    } else if (what < 90) {
        model_lose_caller(m);
    } else if (what < 91) {
        tunnel_begins(m, a);
    } else if (what < 93) {
        tunnel_ends(m, a, model_pick(m, 2) == 0);
    } else if (what < 94) {
        agent_dies(m, a);
    } else if (what < 95) {
        drain(a);
    } else if (what < 97 && a->tunnel != NULL && !a->is_draining) {
        dispatch_tunnel_ready(a->tunnel);
    } else {
        m->now_ms += model_pick(m, 60);
        (void)dispatch_tick(m->d, m->now_ms);
    }
}

/* Everybody comes back, everything is answered: nothing may be left over. */
static void come_to_rest(struct model *m)
{
    struct dispatch_counts counts;

    for (size_t i = 0; i < MODEL_AGENTS; i++) {
        tunnel_begins(m, &m->agents[i]);
    }
    for (int round = 0; round < 3 * MODEL_JOBS; round++) {
        for (size_t i = 0; i < m->njobs; i++) {
            dispatch_recorded(m->d, &m->jobs[i].id, true);
        }
        model_write_one(m);
        model_read_one(m);
        model_begin_one(m);
        model_report_one(m);
        model_settle_one(m);
        for (size_t i = 0; i < MODEL_AGENTS; i++) {
            dispatch_tunnel_ready(m->agents[i].tunnel);
        }
        m->now_ms +=
            round < MODEL_JOBS ? 0 : MODEL_BUDGET_MS; /* what was lost with a ledger lapses */
        (void)dispatch_tick(m->d, m->now_ms);
    }
    for (size_t i = 0; i < m->njobs; i++) {
        struct model_job *j = &m->jobs[i];

        if (j->has_caller) {
            dispatch_expire(m->d, &j->id);
        }
        model_check(m, !j->is_taken || j->has_ended, "never ended");
        model_check(m, dispatch_find(m->d, &j->id) == NULL, "left behind");
    }
    counts = dispatch_connector_counts(m->c);
    model_check(m, counts.outstanding == 0 && counts.queued == 0, "room that is never given back");
}

static void run(uint64_t seed)
{
    static struct model m;

    model_start(&m, seed);
    for (size_t i = 0; i < MODEL_AGENTS; i++) {
        m.agents[i] = (struct model_agent){.id = model_id(1000 + i), .ledger = model_id(2000 + i)};
        tunnel_begins(&m, &m.agents[i]);
    }
    for (m.step = 0; m.step < STEPS; m.step++) {
        step(&m);
        check_counts(&m);
    }
    come_to_rest(&m);
    model_check(&m, m.moved > 0 && m.again > MODEL_AGENTS && m.shared > 0 && m.lost > 0,
                "too quiet to say anything");
    for (size_t i = 0; i < MODEL_AGENTS; i++) {
        dispatch_tunnel_down(m.agents[i].tunnel);
    }
    model_end(&m);
}

static void whatever_happens_nothing_runs_twice_and_all_ends_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        print_message("seed %u\n", (unsigned)seed);
        run(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_nothing_runs_twice_and_all_ends_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
