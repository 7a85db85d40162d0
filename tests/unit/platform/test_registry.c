#include "platform/core/registry.h"

#include "tests/support/alloc_fail.h"
#include "tests/support/check.h"

#include <stdlib.h>

static struct cx_id id_of(uint8_t n)
{
    return (struct cx_id){{n, [15] = n}};
}

static struct registry *registry_for_test(void)
{
    struct registry *r = malloc(sizeof(*r));

    assert_non_null(r);
    registry_init(r);
    return r;
}

static void drop(struct registry *r)
{
    registry_done(r);
    free(r);
}

static struct registry_connector *add(struct registry *r, uint8_t n, const char *name)
{
    struct cx_id id = id_of(n);
    struct registry_connector *c = registry_add_connector(r, &id, name, n);

    assert_non_null(c);
    return c;
}

static void assert_names(const struct registry *r, const char *want)
{
    char got[256] = "";

    for (const struct registry_connector *c = r->connectors; c != NULL; c = c->next) {
        (void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s ", c->name);
    }
    assert_string_equal(got, want);
}

static void registry_names_begin_with_a_letter_or_digit(void **state)
{
    static const struct {
        const char *name;
        bool is_one;
    } rows[] = {
        {"a", true},
        {"9", true},
        {"hr-portal.eu_1", true},
        {"a23456789012345678901234567890123456789012345678901234567890123", true},
        {"a234567890123456789012345678901234567890123456789012345678901234", false},
        {"", false},
        {"-a", false},
        {".a", false},
        {"_a", false},
        {"Hr", false},
        {"h r", false},
        {"h/r", false},
        {"h\xc3\xbc", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK(rows[i].name, registry_is_name(slice_of_str(rows[i].name)) == rows[i].is_one);
    }
    assert_false(registry_is_name(slice_of("a\0b", 3)));
    assert_false(registry_is_name((struct slice){0}));
}

static void registry_keeps_connectors_in_order_of_names(void **state)
{
    struct registry *r = registry_for_test();
    struct registry_connector *m;
    struct cx_id id = id_of(9);

    (void)state;
    m = add(r, 1, "m");
    (void)add(r, 2, "b");
    (void)add(r, 3, "z");
    (void)add(r, 4, "n");
    assert_names(r, "b m n z ");
    assert_null(registry_add_connector(r, &id, "m", 0)); /* taken */
    registry_remove_connector(r, registry_find_connector(r, slice_of_str("z")));
    (void)add(r, 5, "o"); /* the last is known again */
    (void)add(r, 6, "zz");
    assert_names(r, "b m n o zz ");
    registry_remove_connector(r, m);
    registry_remove_connector(r, registry_find_connector(r, slice_of_str("b")));
    assert_names(r, "n o zz ");
    assert_null(registry_find_connector(r, slice_of_str("m")));
    drop(r);
}

static void registry_takes_no_name_that_does_not_fit(void **state)
{
    struct registry *r = registry_for_test();
    struct cx_id id = id_of(1);

    (void)state;
    assert_null(registry_add_connector(
        r, &id, "a234567890123456789012345678901234567890123456789012345678901234", 0));
    drop(r);
}

static void registry_finds_by_name_and_by_id(void **state)
{
    struct registry *r = registry_for_test();
    struct registry_connector *hr = add(r, 1, "hr");
    struct registry_connector *crm = add(r, 2, "crm");
    struct cx_id one = id_of(1), two = id_of(2), three = id_of(3);

    (void)state;
    assert_ptr_equal(registry_find_connector(r, slice_of_str("hr")), hr);
    assert_ptr_equal(registry_find_connector(r, slice_of("hrx", 2)), hr);
    assert_null(registry_find_connector(r, slice_of_str("hrx")));
    assert_null(registry_find_connector(r, (struct slice){0}));
    assert_ptr_equal(registry_connector_by_id(r, &two), crm);
    assert_null(registry_connector_by_id(r, &three));
    registry_remove_connector(r, hr);
    assert_null(registry_connector_by_id(r, &one));
    assert_ptr_equal(registry_connector_by_id(r, &two), crm);
    drop(r);
}

static void registry_forgets_agents_with_their_connector(void **state)
{
    struct registry *r = registry_for_test();
    struct registry_connector *hr = add(r, 1, "hr");
    struct registry_connector *crm = add(r, 2, "crm");
    struct cx_id one = id_of(11), two = id_of(12), three = id_of(13);
    struct registry_agent *a = registry_add_agent(r, hr, &one);
    struct registry_agent *b = registry_add_agent(r, hr, &two);
    struct registry_agent *c = registry_add_agent(r, crm, &three);

    (void)state;
    assert_ptr_equal(registry_find_agent(r, &one), a);
    assert_ptr_equal(registry_find_agent(r, &two), b);
    assert_ptr_equal(a->connector, hr);
    a->policy_json = strdup("{}"); /* owned: the sanitizers see it if it leaks */
    registry_remove_connector(r, hr);
    assert_null(registry_find_agent(r, &one));
    assert_null(registry_find_agent(r, &two));
    assert_ptr_equal(registry_find_agent(r, &three), c);
    drop(r);
}

static void registry_agent_is_connected_by_any_of_its_tunnels(void **state)
{
    struct registry_agent a = {0};
    int tunnel;

    (void)state;
    assert_false(registry_agent_is_connected(&a));
    a.tunnels[MSG_TUNNELS_MAX - 1] = &tunnel;
    assert_true(registry_agent_is_connected(&a));
}

/* One hello after the other of one agent. */
static void registry_gives_a_ledger_that_was_set_back_a_new_life(void **state)
{
    enum { P = 101, Q, R }; /* processes */
    static const struct {
        const char *why;
        uint8_t ledger;
        uint64_t seq;
        uint8_t instance;
        bool is_set_back;
    } rows[] = {
        {"the first", 1, 5, P, false},
        {"the same process, and nothing new", 1, 5, P, false},
        {"the same process, further", 1, 6, P, false},
        {"the same process, back", 1, 4, P, true},
        {"the new life goes on", 1, 4, P, false},
        {"another process opened it: further", 1, 5, Q, false},
        {"one that opened a copy of before", 1, 5, R, true},
        {"one that opened an older copy", 1, 3, P, true},
        {"another ledger", 2, 0, P, false},
        {"another ledger, another process", 3, 0, Q, false},
    };
    struct registry_agent a = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct registry_ledger ledger = {
            .id = id_of(rows[i].ledger), .seq = rows[i].seq, .instance = id_of(rows[i].instance)};
        struct cx_id fresh = id_of((uint8_t)(200 + i));
        struct cx_id before = a.ledger_life;
        bool was_same = id_eq(&a.ledger, &ledger.id);
        struct cx_id want = rows[i].is_set_back ? fresh : was_same ? before : ledger.id;

        if (registry_note_ledger(&a, &ledger, &fresh) != rows[i].is_set_back ||
            !id_eq(&a.ledger_life, &want)) {
            fail_msg("%s", rows[i].why);
        }
        assert_true(id_eq(&a.ledger, &ledger.id));
        assert_int_equal(a.ledger_seq, rows[i].seq);
        a.instance = ledger.instance;
    }
}

static void registry_notices_a_ledger_set_back_over_a_restart_of_ours(void **state)
{
    struct registry_ledger ledger = {.id = id_of(1), .seq = 6, .instance = id_of(101)};
    struct cx_id fresh = id_of(8);
    struct registry_agent a = {.ledger = ledger.id, .ledger_seq = 7}; /* as the store has it */

    (void)state;
    assert_true(registry_note_ledger(&a, &ledger, &fresh));
    assert_true(id_eq(&a.ledger_life, &fresh));
}

static void registry_shows_a_peers_text_in_printable_ascii(void **state)
{
    char out[REGISTRY_TEXT_MAX_BYTES];
    char longer[100];

    (void)state;
    registry_set_text(out, slice_of_str("a\x1b[2Jb\xc3\xbc\x7f~ "));
    assert_string_equal(out, "a?[2Jb???~ ");
    registry_set_text(out, (struct slice){0});
    assert_string_equal(out, "");
    memset(longer, 'x', sizeof(longer));
    registry_set_text(out, slice_of(longer, sizeof(longer)));
    assert_int_equal(strlen(out), REGISTRY_TEXT_MAX_BYTES - 1);
}

static void registry_is_unchanged_when_memory_is_out(void **state)
{
    struct registry *r = registry_for_test();
    struct registry_connector *hr = add(r, 1, "hr");
    struct cx_id id = id_of(2);

    (void)state;
    alloc_fail_at(1);
    assert_null(registry_add_connector(r, &id, "crm", 0));
    assert_true(alloc_fail_end());
    assert_names(r, "hr ");
    alloc_fail_at(1);
    assert_null(registry_add_agent(r, hr, &id));
    assert_true(alloc_fail_end());
    assert_null(registry_find_agent(r, &id));
    assert_null(hr->agents);
    drop(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registry_names_begin_with_a_letter_or_digit),
        cmocka_unit_test(registry_keeps_connectors_in_order_of_names),
        cmocka_unit_test(registry_takes_no_name_that_does_not_fit),
        cmocka_unit_test(registry_finds_by_name_and_by_id),
        cmocka_unit_test(registry_forgets_agents_with_their_connector),
        cmocka_unit_test(registry_agent_is_connected_by_any_of_its_tunnels),
        cmocka_unit_test(registry_gives_a_ledger_that_was_set_back_a_new_life),
        cmocka_unit_test(registry_notices_a_ledger_set_back_over_a_restart_of_ours),
        cmocka_unit_test(registry_shows_a_peers_text_in_printable_ascii),
        cmocka_unit_test(registry_is_unchanged_when_memory_is_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
