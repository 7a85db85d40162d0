#include "platform/core/figures.h"

#include "platform/core/dispatch.h"
#include "tests/support/check.h"

#include <stdlib.h>

/* ---- connectors without jobs ---- */

struct world {
    struct registry registry;
    struct dispatch *dispatch;
    struct figures figures;
};

static int set_up(void **state)
{
    static const struct dispatch_ports ports;
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    registry_init(&w->registry);
    w->dispatch = dispatch_new(&ports, 0);
    assert_non_null(w->dispatch);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    for (struct registry_connector *c = w->registry.connectors; c != NULL; c = c->next) {
        dispatch_connector_free(c->dispatch);
        for (struct registry_agent *a = c->agents; a != NULL; a = a->next) {
            memset(a->tunnels, 0, sizeof(a->tunnels));
        }
    }
    registry_done(&w->registry);
    dispatch_free(w->dispatch);
    free(w);
    return 0;
}

static struct registry_connector *add_connector(struct world *w, unsigned n)
{
    struct cx_id id = {{[0] = 1, [14] = (uint8_t)(n >> 8), [15] = (uint8_t)n}};
    struct registry_connector *c;
    char name[8];

    (void)snprintf(name, sizeof(name), "c%03u", n);
    c = registry_add_connector(&w->registry, &id, name, 0);
    assert_non_null(c);
    c->dispatch = dispatch_connector_new(w->dispatch);
    assert_non_null(c->dispatch);
    return c;
}

static struct registry_agent *add_agent(struct world *w, struct registry_connector *c, uint8_t n)
{
    struct cx_id id = {{[0] = 2, [15] = n}};
    struct registry_agent *a = registry_add_agent(&w->registry, c, &id);

    assert_non_null(a);
    return a;
}

static void figures_count_agents_and_tunnels(void **state)
{
    static char tunnel;
    struct world *w = *state;
    struct registry_connector *busy = add_connector(w, 1);
    struct registry_agent *a = add_agent(w, busy, 1);
    struct registry_agent *b = add_agent(w, busy, 2);
    struct registry_agent *revoked = add_agent(w, add_connector(w, 2), 3);

    a->tunnels[0] = a->tunnels[3] = &tunnel;
    b->tunnels[1] = &tunnel;
    revoked->revoked_ms = 1;
    figures_collect(&w->registry, &w->figures);
    assert_int_equal(w->figures.connectors, 2);
    assert_int_equal(w->figures.connectors_online, 1);
    assert_int_equal(w->figures.agents, 2);
    assert_int_equal(w->figures.agents_online, 2);
    assert_int_equal(w->figures.tunnels, 3);
    assert_int_equal(w->figures.nrows, 2);
    assert_string_equal(w->figures.rows[0].connector, "c001");
    assert_int_equal(w->figures.rows[0].gauges[FIGURE_AGENTS_ONLINE], 2);
    assert_int_equal(w->figures.rows[1].gauges[FIGURE_AGENTS_ONLINE], 0);
    assert_false(w->figures.has_others);
}

static void figures_take_queue_and_room_from_dispatch(void **state)
{
    struct world *w = *state;
    struct registry_connector *c = add_connector(w, 1);
    struct dispatch_hello hello = {.agent = {{3}}, .ledger = {{4}}, .capacity = 8};
    struct dispatch_tunnel *t = dispatch_tunnel_up(c->dispatch, &hello, NULL);

    assert_non_null(t);
    dispatch_tunnel_ready(t);
    figures_collect(&w->registry, &w->figures);
    assert_int_equal(w->figures.rows[0].gauges[FIGURE_CAPACITY], 8);
    assert_int_equal(w->figures.rows[0].gauges[FIGURE_OUTSTANDING], 0);
    assert_int_equal(w->figures.rows[0].gauges[FIGURE_QUEUED], 0);
    dispatch_tunnel_down(t);
}

/* ---- the bound ---- */

static size_t count(const char *text, const char *what)
{
    size_t n = 0;

    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what)) {
        n++;
    }
    return n;
}

static void page_of(struct world *w, struct buf *out)
{
    struct metrics_page page;

    buf_init(out, 1024 * 1024);
    figures_collect(&w->registry, &w->figures);
    metrics_begin(&page, out, METRICS_OPEN);
    figures_put(&w->figures, &page);
    assert_int_equal(metrics_end(&page), CX_OK);
    assert_non_null(buf_cstr(out));
}

static void figures_bound_the_series(void **state)
{
    static char tunnel;
    struct world *w = *state;
    struct buf page;

    for (unsigned n = 0; n < 256; n++) {
        add_connector(w, n)->refused_full = 1;
    }
    page_of(w, &page);
    assert_int_equal(count((const char *)page.ptr, "(others)"), 0);
    assert_int_equal(count((const char *)page.ptr, "jobs_queued{connector="), 256);
    buf_done(&page);

    for (unsigned n = 256; n < 300; n++) {
        struct registry_connector *c = add_connector(w, n);

        c->refused_full = 1;
        add_agent(w, c, (uint8_t)n)->tunnels[0] = &tunnel;
    }
    page_of(w, &page);
    assert_int_equal(count((const char *)page.ptr, "jobs_queued{connector="), 257);
    assert_non_null(strstr((const char *)page.ptr,
                           "connector_platform_agents_online{connector=\"(others)\"} 44\n"));
    assert_non_null(strstr((const char *)page.ptr, "connector_platform_connectors 300\n"));
    assert_int_equal(count((const char *)page.ptr, "refused_total{connector="), 512);
    assert_int_equal(count((const char *)page.ptr, "code=\"connector_full\"} 1\n"), 256);
    assert_null(strstr((const char *)page.ptr, "refused_total{connector=\"(others)\""));
    buf_done(&page);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(figures_count_agents_and_tunnels),
        TEST(figures_take_queue_and_room_from_dispatch),
        TEST(figures_bound_the_series),
    };

    return cmocka_run_group_tests_name("figures", tests, NULL, NULL);
}
