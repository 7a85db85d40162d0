/* Rules together: which one decides, what a denial says, and which rules are none. */
#include "common/core/policy.h"

#include "tests/support/alloc_fail.h"
#include "tests/support/check.h"

static const char *const post_put[] = {"POST", "PUT", NULL};
static const char *const get[] = {"GET", NULL};
static const char *const ten[] = {"10.0.0.0/8", NULL};

static const struct policy_rule_text rule_texts[] = {
    {.name = "hr-narrow", .url = "https://a.hr.example/oauth/token", .networks = ten},
    {.name = "hr", .url = "https://*.hr.example/oauth/**", .methods = post_put},
    {.name = "read", .url = "https://*.hr.example/**", .methods = get, .ca = "corp.pem"},
    {.name = "named", .url = "https://named.example/secret-path", .share = "name"},
    {.name = "hidden", .url = "https://hidden.example/t", .share = "none"},
    {.name = "plain", .url = "http://plain.example/t"},
    {.name = "port", .url = "https://port.example:8443/t"},
};

static void make_policy(struct policy *p)
{
    struct faults faults;

    faults_init(&faults);
    policy_init(p);
    for (size_t i = 0; i < COUNT_OF(rule_texts); i++) {
        struct policy_rule_text text = rule_texts[i];

        text.where = "agent.conf:1";
        text.field = "policy[0]";
        CHECK(text.name, policy_add(p, &text, &faults));
    }
    faults_done(&faults);
}

static const struct policy_rule *find(const struct policy *p, enum http_method method,
                                      const char *text, struct cx_fail *fail)
{
    const struct policy_rule *rule;
    struct url url;

    CHECK_ERR(text, url_read(slice_of_str(text), &url, NULL), CX_OK);
    rule = policy_find(p, &url, method, fail);
    url_done(&url);
    return rule;
}

static void the_first_rule_that_matches_decides(void **state)
{
    static const struct {
        const char *url;
        enum http_method method;
        const char *rule; /* NULL: denied */
    } rows[] = {
        {"https://a.hr.example/oauth/token", METHOD_POST, "hr-narrow"},
        {"https://a.hr.example/oauth/%74oken", METHOD_POST, "hr-narrow"},
        {"https://a.hr.example/oauth/token", METHOD_PUT, "hr"},
        {"https://b.hr.example/oauth/token", METHOD_POST, "hr"},
        {"https://a.hr.example/oauth/token", METHOD_GET, "read"},
        {"https://a.hr.example/else", METHOD_GET, "read"},
        {"https://a.hr.example/else", METHOD_POST, NULL},
        {"https://a.hr.example/oauth/token", METHOD_DELETE, NULL},
        {"https://a.hr.example/oauth/token", METHOD_PATCH, NULL},
        {"https://a.hr.example/oauth/token", METHOD_UNKNOWN, NULL},
        {"http://a.hr.example/oauth/token", METHOD_POST, NULL},
        {"https://a.hr.example:8443/oauth/token", METHOD_POST, NULL},
        {"https://hidden.example/t", METHOD_POST, "hidden"},
        {"http://plain.example/t", METHOD_POST, "plain"},
        {"https://plain.example/t", METHOD_POST, NULL},
        {"https://elsewhere.example/t", METHOD_POST, NULL},
    };
    struct policy p;

    (void)state;
    make_policy(&p);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct policy_rule *rule = find(&p, rows[i].method, rows[i].url, NULL);

        if ((rule == NULL) != (rows[i].rule == NULL) ||
            (rule != NULL && strcmp(rule->name, rows[i].rule) != 0)) {
            fail_msg("%s %s: decided by %s", terms_method(rows[i].method), rows[i].url,
                     rule == NULL ? "nothing" : rule->name);
        }
    }
    policy_done(&p);
}

static void a_denial_names_the_nearest_rule_and_what_it_misses(void **state)
{
    static const struct {
        const char *url;
        enum http_method method;
        const char *says;
    } rows[] = {
        {"https://a.hr.example/oauth/token", METHOD_DELETE,
         "no rule of the policy allows it; rule \"hr-narrow\" would if the method were POST"},
        {"https://b.hr.example/oauth/x", METHOD_DELETE,
         "no rule of the policy allows it; rule \"hr\" would if the method were POST or PUT"},
        {"https://b.hr.example/x?secret=1", METHOD_PUT,
         "no rule of the policy allows it; rule \"read\" would if the method were GET"},
        {"http://a.hr.example/oauth/token", METHOD_POST,
         "no rule of the policy allows it; rule \"hr-narrow\" would if the scheme were https"},
        {"http://a.hr.example:8080/oauth/token", METHOD_POST,
         "no rule of the policy allows it; rule \"hr-narrow\" would if the scheme were https and "
         "the port were 443"},
        {"https://port.example/t", METHOD_POST,
         "no rule of the policy allows it; rule \"port\" would if the port were 8443"},
        {"https://port.example:8443/t/", METHOD_GET,
         "no rule of the policy allows it; rule \"port\" would if the method were POST and the "
         "path were /t"},
        {"https://plain.example/t", METHOD_POST,
         "no rule of the policy allows it; rule \"plain\" would if the scheme were http"},
        {"https://a.b.hr.example/oauth/x", METHOD_POST,
         "no rule of the policy allows it; rule \"hr\" would if the host were *.hr.example"},
        {"https://elsewhere.example/x", METHOD_POST,
         "no rule of the policy allows it; none that it tells of is for the host "
         "elsewhere.example"},
        /* what a rule doesn't share, its denial doesn't tell */
        {"https://named.example/x", METHOD_GET,
         "no rule of the policy allows it; rule \"named\" would if the method were another and "
         "the path were another"},
        {"https://hidden.example/x", METHOD_POST,
         "no rule of the policy allows it; none that it tells of is for the host hidden.example"},
    };
    struct policy p;

    (void)state;
    make_policy(&p);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cx_fail fail = {0};

        CHECK(rows[i].url, find(&p, rows[i].method, rows[i].url, &fail) == NULL);
        assert_int_equal(fail.code, CX_E_DENIED);
        assert_string_equal(fail.detail, rows[i].says);
    }
    policy_done(&p);
}

static void an_empty_policy_denies_everything(void **state)
{
    struct policy p;
    struct cx_fail fail = {0};

    (void)state;
    policy_init(&p);
    assert_null(find(&p, METHOD_POST, "https://h.example/t", &fail));
    assert_int_equal(fail.code, CX_E_DENIED);
    assert_non_null(strstr(fail.detail, "has no rules"));
    policy_done(&p);
}

static void a_policy_that_hides_nothing_says_so(void **state)
{
    const struct policy_rule_text text = {
        .where = "", .field = "policy[0]", .name = "r", .url = "https://h.example/t"};
    struct policy p;
    struct faults faults;
    struct cx_fail fail = {0};

    (void)state;
    faults_init(&faults);
    policy_init(&p);
    assert_true(policy_add(&p, &text, &faults));
    assert_null(find(&p, METHOD_POST, "https://g.example/u", &fail));
    assert_string_equal(fail.detail, "no rule of the policy allows it; none is for the host "
                                     "g.example");
    policy_done(&p);
    faults_done(&faults);
}

static void a_rule_keeps_what_it_was_given(void **state)
{
    struct policy p;

    (void)state;
    make_policy(&p);
    assert_int_equal(p.nrules, COUNT_OF(rule_texts));
    assert_string_equal(p.rules[2].url, "https://*.hr.example/**");
    assert_string_equal(p.rules[2].ca, "corp.pem");
    assert_null(p.rules[0].ca);
    assert_int_equal(p.rules[0].methods, 1u << METHOD_POST);
    assert_int_equal(p.rules[1].methods, 1u << METHOD_POST | 1u << METHOD_PUT);
    assert_int_equal(p.rules[0].share, POLICY_SHARE_URL);
    assert_int_equal(p.rules[3].share, POLICY_SHARE_NAME);
    assert_int_equal(p.rules[4].share, POLICY_SHARE_NONE);
    assert_int_equal(p.rules[0].nnetworks, 1);
    assert_int_equal(p.rules[0].networks[0].family, AF_INET);
    assert_int_equal(p.rules[0].networks[0].prefix_bits, 8);
    policy_done(&p);
    policy_done(&p); /* a second call is safe */
}

static void every_fault_of_a_rule_is_named_at_once(void **state)
{
    static const char *const methods[] = {"POST", "post", "HEAD", NULL};
    static const char *const networks[] = {"10.0.0.1/8", "x", NULL};
    static const char *const fields[] = {"policy[3].name",        "policy[3].url",
                                         "policy[3].methods[1]",  "policy[3].methods[2]",
                                         "policy[3].networks[0]", "policy[3].networks[1]",
                                         "policy[3].ca",          "policy[3].share"};
    const struct policy_rule_text text = {.where = "policy.d/hr.conf:9",
                                          .field = "policy[3]",
                                          .name = "hr",
                                          .url = "hr.example",
                                          .methods = methods,
                                          .networks = networks,
                                          .ca = "",
                                          .share = "all"};
    struct policy p;
    struct faults faults;

    (void)state;
    make_policy(&p); /* has a rule "hr" */
    faults_init(&faults);
    assert_false(policy_add(&p, &text, &faults));
    assert_int_equal(p.nrules, COUNT_OF(rule_texts));
    assert_int_equal(faults.count, COUNT_OF(fields));
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        assert_string_equal(faults.items[i].where, "policy.d/hr.conf:9");
        assert_string_equal(faults.items[i].field, fields[i]);
    }
    faults_done(&faults);
    policy_done(&p);
}

static void a_name_is_required_and_printable(void **state)
{
    static const char *const names[] = {
        NULL, "", "a\nb", "\xff",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 65 */};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct policy_rule_text text = {
            .where = "", .field = "policy[0]", .name = names[i], .url = "https://h.example/t"};
        struct policy p;
        struct faults faults;

        faults_init(&faults);
        policy_init(&p);
        assert_false(policy_add(&p, &text, &faults));
        assert_int_equal(faults.count, 1);
        assert_string_equal(faults.items[0].field, "policy[0].name");
        faults_done(&faults);
        policy_done(&p);
    }
}

static void policy_survives_running_out_of_memory(void **state)
{
    const struct policy_rule_text text = {.where = "",
                                          .field = "policy[0]",
                                          .name = "r",
                                          .url = "https://h.example/t",
                                          .networks = ten,
                                          .ca = "ca.pem",
                                          .target = "https://i"};

    (void)state;
    for (size_t nth = 1;; nth++) {
        struct policy p;
        struct faults faults;
        bool is_added;

        policy_init(&p);
        faults_init(&faults);
        alloc_fail_at(nth);
        is_added = policy_add(&p, &text, &faults);
        if (!alloc_fail_end()) {
            assert_true(is_added);
            assert_true(nth > 8);
            faults_done(&faults);
            policy_done(&p);
            return;
        }
        assert_false(is_added);
        assert_int_equal(p.nrules, 0);
        assert_true(faults_total(&faults) > 0);
        faults_done(&faults);
        policy_done(&p);
    }
}

static void a_denial_without_memory_is_still_a_denial(void **state)
{
    struct policy p;
    struct url url;
    struct cx_fail fail = {0};

    (void)state;
    make_policy(&p);
    assert_int_equal(url_read(SLICE_LIT("https://port.example/t"), &url, NULL), CX_OK);
    alloc_fail_at(1);
    assert_null(policy_find(&p, &url, METHOD_POST, &fail));
    (void)alloc_fail_end();
    assert_int_equal(fail.code, CX_E_DENIED);
    assert_non_null(strstr(fail.detail, "no rule of the policy allows it"));
    url_done(&url);
    policy_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_rule_that_matches_decides),
        cmocka_unit_test(a_denial_names_the_nearest_rule_and_what_it_misses),
        cmocka_unit_test(an_empty_policy_denies_everything),
        cmocka_unit_test(a_policy_that_hides_nothing_says_so),
        cmocka_unit_test(a_rule_keeps_what_it_was_given),
        cmocka_unit_test(every_fault_of_a_rule_is_named_at_once),
        cmocka_unit_test(a_name_is_required_and_printable),
        cmocka_unit_test(policy_survives_running_out_of_memory),
        cmocka_unit_test(a_denial_without_memory_is_still_a_denial),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
