/* What an admin is told of rules and a request: the same that decides it. */
#include "common/core/policy_explain.h"

#include "tests/support/check.h"

static const char *const post_put[] = {"POST", "PUT", NULL};
static const char *const all[] = {"POST", "PUT", "PATCH", "DELETE", "GET", NULL};

static const struct policy_rule_text rule_texts[] = {
    {.where = "a.conf:1", .name = "narrow", .url = "https://a.hr.example/oauth/token"},
    {.where = "a.conf:2", .name = "wide", .url = "https://*.hr.example/**", .methods = post_put},
    {.where = "b.conf:7", .name = "hidden", .url = "https://hid.example/t", .share = "none"},
    {.where = "b.conf:8", .name = "port", .url = "http://port.example:8080/*/t", .methods = all},
};

static void make_policy(struct policy *p)
{
    struct faults faults;

    faults_init(&faults);
    policy_init(p);
    for (size_t i = 0; i < COUNT_OF(rule_texts); i++) {
        struct policy_rule_text text = rule_texts[i];

        text.field = "policy[0]";
        CHECK(text.name, policy_add(p, &text, &faults));
    }
    faults_done(&faults);
}

static void read_url(const char *text, struct url *out)
{
    CHECK_ERR(text, url_read(slice_of_str(text), out, NULL), CX_OK);
}

static const char *name_of(const struct policy_rule *rule)
{
    return rule == NULL ? "" : rule->name;
}

static void policy_explain_tells_who_decides_who_is_never_asked_and_who_is_near(void **state)
{
    static const struct {
        enum http_method method;
        const char *url, *decides, *shadowed, *nearest;
    } rows[] = {
        {METHOD_POST, "https://a.hr.example/oauth/token", "narrow", "wide", ""},
        {METHOD_POST, "https://b.hr.example/x", "wide", "", ""}, /* host and path: too far */
        {METHOD_POST, "https://b.hr.example/oauth/token", "wide", "", "narrow"}, /* but the host */
        {METHOD_PUT, "https://a.hr.example/oauth/token", "wide", "", "narrow"},
        {METHOD_GET, "https://a.hr.example/oauth/token", "", "", "narrow"},
        {METHOD_GET, "https://a.hr.example/else", "", "", "wide"},
        {METHOD_POST, "https://hid.example/other", "", "", "hidden"}, /* it is the admin's own */
        {METHOD_DELETE, "https://port.example:8080/x/t", "", "", "port"},
        {METHOD_DELETE, "http://port.example:8080/x/t", "port", "", ""},
        {METHOD_GET, "https://nowhere.example/y?secret=1", "", "", ""},
    };
    struct policy p;

    (void)state;
    make_policy(&p);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct policy_explanation e;
        struct url url;

        read_url(rows[i].url, &url);
        policy_explain(&p, &url, rows[i].method, &e);
        CHECK_TEXT(rows[i].url, slice_of_str(name_of(e.decides)), rows[i].decides);
        CHECK(rows[i].url, e.decides == policy_find(&p, &url, rows[i].method, NULL));
        CHECK_TEXT(rows[i].url, slice_of_str(name_of(e.shadowed)), rows[i].shadowed);
        CHECK_TEXT(rows[i].url, slice_of_str(name_of(e.nearest)), rows[i].nearest);
        url_done(&url);
    }
    policy_done(&p);
}

static void policy_compare_shows_each_part(void **state)
{
    static const struct {
        const char *why;
        size_t rule;
        enum http_method method;
        const char *url;
        const char *parts[POLICY_PARTS]; /* "+wanted|found" if it is met, '-' if not */
    } rows[] = {
        {"all met",
         1,
         METHOD_PUT,
         "https://b.hr.example/x/y?q=1",
         {"+https|https", "+*.hr.example|b.hr.example", "+443|443", "+/**|/x/y", "+POST, PUT|PUT"}},
        {"nothing met",
         3,
         METHOD_UNKNOWN,
         "https://b.hr.example/x",
         {"-http|https", "-port.example|b.hr.example", "-8080|443", "-/*/t|/x",
          "-POST, PUT, PATCH, DELETE, GET|"}},
        {"the port goes with the scheme",
         0,
         METHOD_POST,
         "http://a.hr.example/oauth/token",
         {"-https|http", "+a.hr.example|a.hr.example", "+443|80", "+/oauth/token|/oauth/token",
          "+POST|POST"}},
    };
    struct policy p;

    (void)state;
    make_policy(&p);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        static const char *const names[] = {"scheme", "host", "port", "path", "method"};
        struct policy_comparison c;
        struct url url;
        bool is_met = true;

        read_url(rows[i].url, &url);
        policy_compare(&p.rules[rows[i].rule], &url, rows[i].method, &c);
        for (size_t k = 0; k < POLICY_PARTS; k++) {
            char got[128];

            (void)snprintf(got, sizeof(got), "%c%s|%s", c.parts[k].is_met ? '+' : '-',
                           c.parts[k].wanted, c.parts[k].found);
            CHECK_TEXT(rows[i].why, slice_of_str(got), rows[i].parts[k]);
            CHECK_TEXT(rows[i].why, slice_of_str(c.parts[k].name), names[k]);
            is_met = is_met && c.parts[k].is_met;
        }
        CHECK(rows[i].why, c.is_met == is_met);
        url_done(&url);
    }
    policy_done(&p);
}

static void policy_rules_know_where_they_were_written(void **state)
{
    struct policy p;

    (void)state;
    make_policy(&p);
    assert_string_equal(p.rules[0].where, "a.conf:1");
    assert_string_equal(p.rules[3].where, "b.conf:8");
    policy_done(&p);
}

static void policy_network_text_writes_what_was_read(void **state)
{
    static const char *const texts[] = {"10.0.0.0/8", "192.0.2.7/32", "fd00::/8", "::1/128",
                                        "0.0.0.0/0"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        const char *const networks[] = {texts[i], NULL};
        struct policy_rule_text text = {.where = "x",
                                        .field = "y",
                                        .name = "n",
                                        .url = "https://h.example/t",
                                        .networks = networks};
        char out[POLICY_NETWORK_TEXT];
        struct faults faults;
        struct policy p;

        faults_init(&faults);
        policy_init(&p);
        CHECK(texts[i], policy_add(&p, &text, &faults));
        CHECK_TEXT(texts[i], slice_of_str(policy_network_text(&p.rules[0].networks[0], out)),
                   texts[i]);
        policy_done(&p);
        faults_done(&faults);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy_explain_tells_who_decides_who_is_never_asked_and_who_is_near),
        cmocka_unit_test(policy_compare_shows_each_part),
        cmocka_unit_test(policy_rules_know_where_they_were_written),
        cmocka_unit_test(policy_network_text_writes_what_was_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
