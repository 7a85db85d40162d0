/* Which URLs a rule's pattern takes in, and which patterns are no patterns. */
#include "common/core/policy.h"

#include "tests/support/check.h"

/* A policy of one rule for `pattern`. */
static void policy_of(struct policy *p, const char *pattern)
{
    const struct policy_rule_text text = {
        .where = "agent.conf:1", .field = "policy[0]", .name = "r", .url = pattern};
    struct faults faults;

    faults_init(&faults);
    policy_init(p);
    if (!policy_add(p, &text, &faults)) {
        fail_msg("%s: %s", pattern, faults.count > 0 ? faults.items[0].what : "?");
    }
    assert_int_equal(faults_total(&faults), 0);
    faults_done(&faults);
}

static bool is_taken(const char *pattern, const char *text)
{
    struct policy p;
    struct url url;
    bool is_found;

    policy_of(&p, pattern);
    if (url_read(slice_of_str(text), &url, NULL) != CX_OK) {
        fail_msg("%s: not a URL", text);
    }
    is_found = policy_find(&p, &url, METHOD_POST, NULL) == &p.rules[0];
    url_done(&url);
    policy_done(&p);
    return is_found;
}

static const struct {
    const char *why, *pattern, *url;
    bool is_taken;
} rows[] = {
    {"the same URL", "https://h.example/oauth/token", "https://h.example/oauth/token", true},
    {"a query doesn't matter", "https://h.example/t", "https://h.example/t?a=/../b", true},
    {"another path", "https://h.example/t", "https://h.example/u", false},
    {"a longer path", "https://h.example/t", "https://h.example/t/u", false},
    {"a shorter path", "https://h.example/t/u", "https://h.example/t", false},
    {"a path that only begins alike", "https://h.example/t", "https://h.example/tt", false},
    {"a slash more", "https://h.example/t", "https://h.example/t/", false},
    {"a slash less", "https://h.example/t/", "https://h.example/t", false},
    {"the root", "https://h.example/", "https://h.example/", true},
    {"the root, left out", "https://h.example/", "https://h.example", true},
    {"the root is no more than that", "https://h.example/", "https://h.example/t", false},
    {"the case of a path counts", "https://h.example/Token", "https://h.example/token", false},
    {"an empty segment counts", "https://h.example/a/b", "https://h.example/a//b", false},

    {"the case of a host doesn't", "https://H.Example/t", "https://h.EXAMPLE/t", true},
    {"another host", "https://h.example/t", "https://g.example/t", false},
    {"a host that ends alike", "https://h.example/t", "https://xh.example/t", false},
    {"a host that begins alike", "https://h.example/t", "https://h.example.org/t", false},
    {"a subdomain", "https://h.example/t", "https://a.h.example/t", false},

    {"'*' is one label", "https://*.hr.example/t", "https://a.hr.example/t", true},
    {"'*' is not two", "https://*.hr.example/t", "https://a.b.hr.example/t", false},
    {"'*' is not none", "https://*.hr.example/t", "https://hr.example/t", false},
    {"a host that ends early", "https://*.hr.example/t", "https://a.hr/t", false},
    {"'*' in the middle", "https://idp.*.example/t", "https://idp.eu.example/t", true},
    {"'*' in the middle, another end", "https://idp.*.example/t", "https://idp.eu.test/t", false},
    {"two '*'", "https://*.*.example/t", "https://a.b.example/t", true},
    {"'*' alone is a host of one label", "https://*/t", "https://intranet/t", true},
    {"'*' alone is no more", "https://*/t", "https://a.example/t", false},
    {"'*' is no IPv4 address", "https://*.*.*.*/t", "https://10.0.0.1/t", false},
    {"'*' is no IPv6 address", "https://*/t", "https://[::1]/t", false},
    {"a suffix is not enough", "https://*.example/t", "https://a.badexample/t", false},

    {"https is not http", "http://h.example/t", "https://h.example/t", false},
    {"http is not https", "https://h.example/t", "http://h.example/t", false},
    {"http where the rule says so", "http://h.example/t", "http://h.example/t", true},
    {"no port is the scheme's", "https://h.example/t", "https://h.example:443/t", true},
    {"the scheme's port, written", "https://h.example:443/t", "https://h.example/t", true},
    {"another port", "https://h.example/t", "https://h.example:8443/t", false},
    {"a port of its own", "https://h.example:8443/t", "https://h.example:8443/t", true},
    {"a port of its own, left out", "https://h.example:8443/t", "https://h.example/t", false},
    {"http's port on https", "https://h.example/t", "https://h.example:80/t", false},

    {"'*' is one segment", "https://h.example/*/token", "https://h.example/acme/token", true},
    {"'*' is not two segments", "https://h.example/*/token", "https://h.example/a/b/token", false},
    {"'*' is not none", "https://h.example/*/token", "https://h.example/token", false},
    {"'*' is not empty", "https://h.example/*/token", "https://h.example//token", false},
    {"'*' at the end", "https://h.example/oauth/*", "https://h.example/oauth/token", true},
    {"'*' at the end is not empty", "https://h.example/oauth/*", "https://h.example/oauth/", false},
    {"'*' at the end is one", "https://h.example/oauth/*", "https://h.example/oauth/a/b", false},
    {"'**' is the rest", "https://h.example/oauth/**", "https://h.example/oauth/a/b/c", true},
    {"'**' is one", "https://h.example/oauth/**", "https://h.example/oauth/token", true},
    {"'**' is none", "https://h.example/oauth/**", "https://h.example/oauth", true},
    {"'**' is an empty one", "https://h.example/oauth/**", "https://h.example/oauth/", true},
    {"'**' is not another name", "https://h.example/oauth/**", "https://h.example/oauth2/t", false},
    {"'**' at the top is all", "https://h.example/**", "https://h.example/", true},
    {"'**' at the top is all", "https://h.example/**", "https://h.example/a/b?c", true},
    {"'*' then '**'", "https://h.example/*/oauth/**", "https://h.example/acme/oauth/t", true},
    {"'*' then '**', not here", "https://h.example/*/oauth/**", "https://h.example/oauth/t", false},
    {"a star in a URL is a character", "https://h.example/a", "https://h.example/*", false},

    {"%7E is '~'", "https://h.example/~u/t", "https://h.example/%7Eu/t", true},
    {"%7e is '~'", "https://h.example/%7eu/t", "https://h.example/~u/t", true},
    {"%74 is 't', as the server sees it", "https://h.example/token", "https://h.example/%74oken",
     true},
    {"%54 is 'T' and no 't'", "https://h.example/token", "https://h.example/%54oken", false},
    {"hex digits fold", "https://h.example/%c3%a9", "https://h.example/%C3%A9", true},
    {"other octets", "https://h.example/%c3%a9", "https://h.example/%C3%A8", false},
    {"%3B is not ';'", "https://h.example/a;b", "https://h.example/a%3Bb", false},
    {"%2A is no wildcard", "https://h.example/%2A", "https://h.example/a", false},
    {"%2A is itself", "https://h.example/%2A", "https://h.example/%2a", true},

    {"an IPv4 address", "https://10.0.0.1/t", "https://10.0.0.1/t", true},
    {"another IPv4 address", "https://10.0.0.1/t", "https://10.0.0.2/t", false},
    {"an IPv6 address, written otherwise", "https://[2001:db8:0::1]/t", "https://[2001:DB8::1]/t",
     true},
    {"another IPv6 address", "https://[2001:db8::1]/t", "https://[2001:db8::2]/t", false},
    {"a mapped address is not the IPv4 one", "https://10.0.0.1/t", "https://[::ffff:10.0.0.1]/t",
     false},
};

static void policy_patterns_take_in_what_they_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (is_taken(rows[i].pattern, rows[i].url) != rows[i].is_taken) {
            fail_msg("%s: %s %s %s", rows[i].why, rows[i].pattern,
                     rows[i].is_taken ? "must take" : "must not take", rows[i].url);
        }
    }
}

static void policy_patterns_that_are_none_say_why(void **state)
{
    static const struct {
        const char *pattern, *says;
    } wrong[] = {
        {NULL, "missing"},
        {"", "missing"},
        {"h.example/t", "https://"},
        {"*://h.example/t", "https://"},
        {"https://h.example", "path is missing"},
        {"https://h.example?a", "query"},
        {"https://h.example/t?a=1", "query"},
        {"https://h.example/t?", "query"},
        {"https://h.example/t#a", "fragment"},
        {"https://u@h.example/t", "user name"},
        {"https://h.example:*/t", "port must be"},
        {"https://h.example:0/t", "port must be"},
        {"https://idp*.example/t", "one whole label"},
        {"https://**.example/t", "one whole label"},
        {"https://10.0.0.*/t", "can't stand in an address"},
        {"https://*.0.0.1/t", "odd notation"},
        {"https://0x7f.1/t", "odd notation"},
        {"https://h.example./t", "empty label"},
        {"https://h.example/oauth*", "one whole segment"},
        {"https://h.example/*.json", "one whole segment"},
        {"https://h.example/***", "one whole segment"},
        {"https://h.example/a**", "one whole segment"},
        {"https://h.example/**/t", "only be the last"},
        {"https://h.example/**/", "only be the last"},
        {"https://h.example/a/../t", "dot segment"},
        {"https://h.example/a%2Ft", "encoded slash"},
        {"https://h.example/%", "two hex digits"},
        {"https://b\xc3\xbc"
         "cher.example/t",
         "xn--"},
        {"https://h.example/{realm}/t", "percent-encoded there"},
        {"https://h.example/a b", "space"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        const struct policy_rule_text text = {
            .where = "agent.conf:7", .field = "policy[2]", .name = "r", .url = wrong[i].pattern};
        const char *shown = wrong[i].pattern == NULL ? "(none)" : wrong[i].pattern;
        struct faults faults;
        struct policy p;

        faults_init(&faults);
        policy_init(&p);
        CHECK(shown, !policy_add(&p, &text, &faults));
        CHECK(shown, p.nrules == 0 && faults.count == 1);
        CHECK(shown, strcmp(faults.items[0].where, "agent.conf:7") == 0);
        CHECK(shown, strcmp(faults.items[0].field, "policy[2].url") == 0);
        if (strstr(faults.items[0].what, wrong[i].says) == NULL) {
            fail_msg("%s: \"%s\" doesn't say \"%s\"", shown, faults.items[0].what, wrong[i].says);
        }
        faults_done(&faults);
        policy_done(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy_patterns_take_in_what_they_say),
        cmocka_unit_test(policy_patterns_that_are_none_say_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
