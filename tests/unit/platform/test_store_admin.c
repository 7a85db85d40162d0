#include "tests/unit/platform/store_fixture.h"

/* What an `each` saw, as text: one line a row. */
struct seen {
    char text[1024];
};

static void note(struct seen *seen, const char *line)
{
    size_t at = strlen(seen->text);

    (void)snprintf(seen->text + at, sizeof(seen->text) - at, "%s\n", line);
}

static struct store_key a_key(const char *name, enum key_role role, uint8_t hash)
{
    struct store_key key = {.name = name, .role = role, .created_ms = 1700000000000};

    memset(key.sha256, hash, sizeof(key.sha256));
    return key;
}

static void note_key(void *ctx, const struct store_key *key)
{
    char line[256];

    (void)snprintf(line, sizeof(line), "%s %s %02x%02x %llu", key->name,
                   key->role == KEY_ADMIN ? "admin" : "app", key->sha256[0], key->sha256[31],
                   (unsigned long long)key->created_ms);
    note(ctx, line);
}

static void expect_keys(struct fixture *f, const char *want)
{
    struct seen seen = {{0}};

    assert_int_equal(store_each_key(f->store, note_key, &seen, &f->fail), CX_OK);
    assert_string_equal(seen.text, want);
}

static void keys_are_kept_in_the_order_of_names(void **state)
{
    struct fixture *f = *state;
    const struct store_key portal = a_key("portal", KEY_APP, 0x22);
    const struct store_key ada = a_key("ada", KEY_ADMIN, 0x11);

    expect_keys(f, "");
    assert_int_equal(store_add_key(f->store, &portal, &f->fail), CX_OK);
    assert_int_equal(store_add_key(f->store, &ada, &f->fail), CX_OK);
    fixture_reopen(f);
    expect_keys(f, "ada admin 1111 1700000000000\nportal app 2222 1700000000000\n");
}

static void a_key_is_refused_whose_name_or_hash_is_taken(void **state)
{
    struct fixture *f = *state;
    const struct store_key first = a_key("portal", KEY_APP, 1);
    const struct store_key same_name = a_key("portal", KEY_ADMIN, 2);
    const struct store_key same_hash = a_key("other", KEY_ADMIN, 1);

    assert_int_equal(store_add_key(f->store, &first, &f->fail), CX_OK);
    assert_int_equal(store_add_key(f->store, &same_name, &f->fail), CX_E_EXISTS);
    assert_int_equal(store_add_key(f->store, &same_hash, &f->fail), CX_E_EXISTS);
    expect_keys(f, "portal app 0101 1700000000000\n");
}

static void a_key_is_removed_once(void **state)
{
    struct fixture *f = *state;
    const struct store_key key = a_key("portal", KEY_APP, 1);

    assert_int_equal(store_add_key(f->store, &key, &f->fail), CX_OK);
    assert_int_equal(store_remove_key(f->store, "portal", &f->fail), CX_OK);
    assert_int_equal(store_remove_key(f->store, "portal", &f->fail), CX_E_NOT_FOUND);
    assert_string_equal(f->fail.detail, "portal is not in the store");
    expect_keys(f, "");
}

static void only_the_very_word_makes_an_admin(void **state)
{
    struct fixture *f = *state;
    const struct store_key key = a_key("portal", KEY_ADMIN, 1);

    assert_int_equal(store_add_key(f->store, &key, &f->fail), CX_OK);
    fixture_sql(f, "UPDATE keys SET role = 'Admin'");
    expect_keys(f, "portal app 0101 1700000000000\n");
}

/* --- connectors and agents --- */

static void note_connector(void *ctx, const struct store_connector *c)
{
    char line[256], id[CX_ID_TEXT_BYTES];

    (void)snprintf(line, sizeof(line), "%s %s %llu", id_text(&c->id, id), c->name,
                   (unsigned long long)c->created_ms);
    note(ctx, line);
}

static void expect_connectors(struct fixture *f, const char *want)
{
    struct seen seen = {{0}};

    assert_int_equal(store_each_connector(f->store, note_connector, &seen, &f->fail), CX_OK);
    assert_string_equal(seen.text, want);
}

static void note_agent(void *ctx, const struct store_agent *a)
{
    char line[512], id[CX_ID_TEXT_BYTES], connector[CX_ID_TEXT_BYTES], ledger[CX_ID_TEXT_BYTES];

    (void)snprintf(line, sizeof(line), "%.8s of %.8s: %llu %llu %llu %llu, ledger %.8s %llu, %s %s",
                   id_text(&a->id, id), id_text(&a->connector, connector),
                   (unsigned long long)a->enrolled_ms, (unsigned long long)a->revoked_ms,
                   (unsigned long long)a->last_seen_ms, (unsigned long long)a->certificate_ends_ms,
                   id_text(&a->ledger, ledger), (unsigned long long)a->ledger_seq, a->version,
                   a->host);
    note(ctx, line);
}

static void expect_agents(struct fixture *f, const char *want)
{
    struct seen seen = {{0}};

    assert_int_equal(store_each_agent(f->store, note_agent, &seen, &f->fail), CX_OK);
    assert_string_equal(seen.text, want);
}

/* 0x0000aabbccdd: so that an id's first digits tell it. */
static const struct cx_id c1 = {{0xc1}}, c2 = {{0xc2}}, a1 = {{0xa1}}, a2 = {{0xa2}}, l1 = {{0x11}};

static void add_connector(struct fixture *f, const struct cx_id *id, const char *name)
{
    const struct store_connector c = {.id = *id, .name = name, .created_ms = 5};

    assert_int_equal(store_add_connector(f->store, &c, &f->fail), CX_OK);
}

static void connectors_are_kept_in_the_order_of_names(void **state)
{
    struct fixture *f = *state;
    const struct store_connector same_name = {.id = a1, .name = "west", .created_ms = 1};
    const struct store_connector same_id = {.id = c1, .name = "east", .created_ms = 1};

    add_connector(f, &c1, "west");
    assert_int_equal(store_add_connector(f->store, &same_name, &f->fail), CX_E_EXISTS);
    assert_int_equal(store_add_connector(f->store, &same_id, &f->fail), CX_E_EXISTS);
    add_connector(f, &c2, "east");
    fixture_reopen(f);
    expect_connectors(f, "c2000000-0000-0000-0000-000000000000 east 5\n"
                         "c1000000-0000-0000-0000-000000000000 west 5\n");
}

static void an_agent_is_put_and_replaced(void **state)
{
    struct fixture *f = *state;
    struct store_agent a = {.id = a1,
                            .connector = c1,
                            .enrolled_ms = 10,
                            .certificate_ends_ms = 20,
                            .version = "",
                            .host = ""};

    assert_int_equal(store_put_agent(f->store, &a, &f->fail), CX_E_NOT_FOUND);
    expect_agents(f, "");
    add_connector(f, &c1, "west");
    add_connector(f, &c2, "east");
    assert_int_equal(store_put_agent(f->store, &a, &f->fail), CX_OK);
    expect_agents(f, "a1000000 of c1000000: 10 0 0 20, ledger 00000000 0,  \n");
    a = (struct store_agent){.id = a1,
                             .connector = c2,
                             .enrolled_ms = 11,
                             .revoked_ms = 12,
                             .last_seen_ms = 13,
                             .certificate_ends_ms = 14,
                             .ledger = l1,
                             .ledger_seq = UINT64_MAX,
                             .version = "0.1",
                             .host = "web-1"};
    assert_int_equal(store_put_agent(f->store, &a, &f->fail), CX_OK);
    fixture_reopen(f);
    expect_agents(f, "a1000000 of c2000000: 11 12 13 14, ledger 11000000 18446744073709551615, "
                     "0.1 web-1\n");
}

static void an_agent_that_is_seen_keeps_the_rest(void **state)
{
    struct fixture *f = *state;
    struct store_agent a = {.id = a1,
                            .connector = c1,
                            .enrolled_ms = 10,
                            .revoked_ms = 15,
                            .certificate_ends_ms = 20,
                            .version = "",
                            .host = ""};
    char version[] = "0.2", host[] = "web-2";
    const struct store_agent seen = {.id = a1,
                                     .last_seen_ms = 30,
                                     .ledger = l1,
                                     .ledger_seq = 4,
                                     .version = version,
                                     .host = host};
    const struct store_agent stranger = {.id = a2, .connector = c1, .version = "", .host = NULL};

    add_connector(f, &c1, "west");
    assert_int_equal(store_put_agent(f->store, &a, &f->fail), CX_OK);
    store_put_agent_seen(f->store, &seen);
    store_put_agent_seen(f->store, &stranger);
    memset(version, 'x', 3); /* they were copied */
    memset(host, 'x', 5);
    assert_true(store_is_dirty(f->store));
    store_flush(f->store);
    assert_false(store_is_dirty(f->store));
    assert_null(store_trouble(f->store));
    expect_agents(f, "a1000000 of c1000000: 10 15 30 20, ledger 11000000 4, 0.2 web-2\n");
}

static void a_connector_goes_with_its_agents_and_enrollments(void **state)
{
    struct fixture *f = *state;
    struct store_agent a = {.id = a1, .connector = c1, .version = "", .host = ""};
    struct store_enrollment e = {.connector = c1, .token_sha256 = {1}};
    const struct store_exchange x = {.id = fixture_id(1, 1),
                                     .profile = "hr",
                                     .connector = "west",
                                     .key = "",
                                     .subject = "",
                                     .agent = a1};

    add_connector(f, &c1, "west");
    add_connector(f, &c2, "east");
    assert_int_equal(store_put_agent(f->store, &a, &f->fail), CX_OK);
    a.id = a2;
    a.connector = c2;
    assert_int_equal(store_put_agent(f->store, &a, &f->fail), CX_OK);
    assert_int_equal(store_add_enrollment(f->store, &e, &f->fail), CX_OK);
    store_put_exchange(f->store, &x, NULL, NULL);
    store_flush(f->store);
    assert_int_equal(store_remove_connector(f->store, &c1, &f->fail), CX_OK);
    assert_int_equal(store_remove_connector(f->store, &c1, &f->fail), CX_E_NOT_FOUND);
    expect_connectors(f, "c2000000-0000-0000-0000-000000000000 east 5\n");
    expect_agents(f, "a2000000 of c2000000: 0 0 0 0, ledger 00000000 0,  \n");
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM enrollments"), "0");
    assert_string_equal(fixture_get(f, "SELECT connector FROM exchanges"), "west");
}

/* --- enrolments --- */

static struct store_enrollment an_enrollment(uint8_t token)
{
    struct store_enrollment e = {.connector = c1, .expires_ms = 900};

    memset(e.token_sha256, token, sizeof(e.token_sha256));
    return e;
}

static void an_enrollment_is_found_by_its_token(void **state)
{
    struct fixture *f = *state;
    const struct store_enrollment e = an_enrollment(1);
    const struct store_enrollment other = an_enrollment(2);
    struct store_enrollment found;
    struct buf certificate;

    buf_init(&certificate, 100);
    assert_int_equal(store_add_enrollment(f->store, &e, &f->fail), CX_E_NOT_FOUND);
    add_connector(f, &c1, "west");
    assert_int_equal(store_add_enrollment(f->store, &e, &f->fail), CX_OK);
    assert_int_equal(store_add_enrollment(f->store, &e, &f->fail), CX_E_EXISTS);
    fixture_reopen(f);
    assert_int_equal(
        store_find_enrollment(f->store, e.token_sha256, &found, &certificate, &f->fail), CX_OK);
    assert_memory_equal(found.token_sha256, e.token_sha256, 32);
    assert_true(id_eq(&found.connector, &c1));
    assert_int_equal(found.expires_ms, 900);
    assert_false(found.is_used);
    assert_true(id_is_none(&found.agent));
    assert_null(found.certificate);
    assert_int_equal(certificate.len, 0);
    assert_int_equal(
        store_find_enrollment(f->store, other.token_sha256, &found, &certificate, &f->fail),
        CX_E_NOT_FOUND);
    buf_done(&certificate);
}

static void an_enrollment_is_used_once(void **state)
{
    struct fixture *f = *state;
    struct store_enrollment e = an_enrollment(1);
    struct store_enrollment found;
    struct store_agent a = {
        .id = a1, .connector = c1, .enrolled_ms = 10, .version = "", .host = ""};
    struct buf certificate;

    buf_init(&certificate, 8);
    e.agent = a1;
    e.certificate = "PEM";
    memset(e.spki_sha256, 0x5a, sizeof(e.spki_sha256));
    add_connector(f, &c1, "west");
    assert_int_equal(store_use_enrollment(f->store, &e, &a, &f->fail), CX_E_NOT_FOUND);
    assert_int_equal(store_add_enrollment(f->store, &e, &f->fail), CX_OK);
    assert_int_equal(store_use_enrollment(f->store, &e, &a, &f->fail), CX_OK);
    fixture_reopen(f);
    assert_int_equal(
        store_find_enrollment(f->store, e.token_sha256, &found, &certificate, &f->fail), CX_OK);
    assert_true(found.is_used);
    assert_memory_equal(found.spki_sha256, e.spki_sha256, 32);
    assert_true(id_eq(&found.agent, &a1));
    assert_true(slice_eq_str(buf_view(&certificate), "PEM"));
    expect_agents(f, "a1000000 of c1000000: 10 0 0 0, ledger 00000000 0,  \n");

    a.id = a2;
    e.certificate = "another";
    assert_int_equal(store_use_enrollment(f->store, &e, &a, &f->fail), CX_E_STATE);
    assert_string_equal(fixture_get(f, "SELECT certificate FROM enrollments"), "PEM");
    expect_agents(f, "a1000000 of c1000000: 10 0 0 0, ledger 00000000 0,  \n");
    buf_done(&certificate);
}

static void an_enrollment_whose_agent_exists_stays_unused(void **state)
{
    struct fixture *f = *state;
    struct store_enrollment e = an_enrollment(1);
    struct store_agent a = {.id = a1, .connector = c1, .version = "", .host = ""};

    e.certificate = "PEM";
    add_connector(f, &c1, "west");
    assert_int_equal(store_put_agent(f->store, &a, &f->fail), CX_OK);
    assert_int_equal(store_add_enrollment(f->store, &e, &f->fail), CX_OK);
    assert_int_equal(store_use_enrollment(f->store, &e, &a, &f->fail), CX_E_EXISTS);
    assert_string_equal(fixture_get(f, "SELECT is_used || certificate FROM enrollments"), "0");
}

static void a_certificate_that_does_not_fit_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct store_enrollment e = an_enrollment(1);
    struct store_enrollment found = {.expires_ms = 1};
    struct store_agent a = {.id = a1, .connector = c1, .version = "", .host = ""};
    struct buf certificate;

    buf_init(&certificate, 2);
    e.certificate = "PEM";
    add_connector(f, &c1, "west");
    assert_int_equal(store_add_enrollment(f->store, &e, &f->fail), CX_OK);
    assert_int_equal(store_use_enrollment(f->store, &e, &a, &f->fail), CX_OK);
    assert_int_equal(
        store_find_enrollment(f->store, e.token_sha256, &found, &certificate, &f->fail),
        CX_E_TOO_BIG);
    assert_int_equal(certificate.len, 0);
    assert_int_equal(found.expires_ms, 1);
    buf_done(&certificate);
}

/* --- profiles --- */

static void note_profile(void *ctx, const char *name, struct slice json)
{
    char line[512];

    (void)snprintf(line, sizeof(line), "%s=%.*s", name, SLICE_ARG(json));
    note(ctx, line);
}

static void expect_profiles(struct fixture *f, const char *want)
{
    struct seen seen = {{0}};

    assert_int_equal(store_each_profile(f->store, note_profile, &seen, &f->fail), CX_OK);
    assert_string_equal(seen.text, want);
}

static void profiles_are_put_replaced_and_removed(void **state)
{
    struct fixture *f = *state;

    expect_profiles(f, "");
    assert_int_equal(store_put_profile(f->store, "hr", SLICE_LIT("{\"a\":1}"), &f->fail), CX_OK);
    assert_int_equal(store_put_profile(f->store, "crm", SLICE_LIT("{}"), &f->fail), CX_OK);
    assert_int_equal(store_put_profile(f->store, "hr", SLICE_LIT("{\"a\":2}"), &f->fail), CX_OK);
    fixture_reopen(f);
    expect_profiles(f, "crm={}\nhr={\"a\":2}\n");
    assert_int_equal(store_remove_profile(f->store, "hr", &f->fail), CX_OK);
    assert_int_equal(store_remove_profile(f->store, "hr", &f->fail), CX_E_NOT_FOUND);
    assert_string_equal(f->fail.detail, "hr is not in the store");
    expect_profiles(f, "crm={}\n");
}

static void a_profile_can_not_take_the_place_of_another(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {{0}};

    assert_int_equal(store_put_profile(f->store, "a", SLICE_LIT("{}"), &f->fail), CX_OK);
    assert_int_equal(store_put_profile(f->store, "b", SLICE_LIT("{\"b\":1}"), &f->fail), CX_OK);
    fixture_sql(f, "UPDATE profiles SET sealed = (SELECT sealed FROM profiles WHERE name = 'a')"
                   " WHERE name = 'b'");
    assert_int_equal(store_each_profile(f->store, note_profile, &seen, &f->fail), CX_E_CRYPTO);
    assert_string_equal(seen.text, "a={}\n");
    assert_non_null(strstr(f->fail.detail, "profile b"));
}

static uint8_t long_json[300000];

static void expect_long(void *ctx, const char *name, struct slice json)
{
    assert_string_equal(name, "long");
    assert_true(slice_eq(json, slice_of(long_json, sizeof(long_json))));
    *(bool *)ctx = true;
}

static void a_profile_of_any_length_comes_back(void **state)
{
    struct fixture *f = *state;
    bool was_seen = false;

    memset(long_json, 'j', sizeof(long_json));
    assert_int_equal(
        store_put_profile(f->store, "long", slice_of(long_json, sizeof(long_json)), &f->fail),
        CX_OK);
    assert_int_equal(store_each_profile(f->store, expect_long, &was_seen, &f->fail), CX_OK);
    assert_true(was_seen);
    assert_int_equal(store_remove_profile(f->store, "long", &f->fail), CX_OK);
    assert_int_equal(store_put_profile(f->store, "empty", SLICE_LIT(""), &f->fail), CX_OK);
    expect_profiles(f, "empty=\n");
}

static void a_profile_whose_name_is_too_long_is_refused(void **state)
{
    struct fixture *f = *state;
    char name[2000];

    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(store_put_profile(f->store, name, SLICE_LIT("{}"), &f->fail), CX_E_TOO_BIG);
    expect_profiles(f, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(keys_are_kept_in_the_order_of_names),
        STORE_TEST(a_key_is_refused_whose_name_or_hash_is_taken),
        STORE_TEST(a_key_is_removed_once),
        STORE_TEST(only_the_very_word_makes_an_admin),
        STORE_TEST(connectors_are_kept_in_the_order_of_names),
        STORE_TEST(an_agent_is_put_and_replaced),
        STORE_TEST(an_agent_that_is_seen_keeps_the_rest),
        STORE_TEST(a_connector_goes_with_its_agents_and_enrollments),
        STORE_TEST(an_enrollment_is_found_by_its_token),
        STORE_TEST(an_enrollment_is_used_once),
        STORE_TEST(an_enrollment_whose_agent_exists_stays_unused),
        STORE_TEST(a_certificate_that_does_not_fit_changes_nothing),
        STORE_TEST(profiles_are_put_replaced_and_removed),
        STORE_TEST(a_profile_can_not_take_the_place_of_another),
        STORE_TEST(a_profile_of_any_length_comes_back),
        STORE_TEST(a_profile_whose_name_is_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
