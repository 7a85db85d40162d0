#include "platform/core/issuer.h"

#include "tests/support/check.h"
#include "tests/support/profile_text.h"

#include <stdlib.h>

static struct faults faults;
static struct faults warnings;

static void begin(void)
{
    faults_init(&faults);
    faults_init(&warnings);
}

static void end(void)
{
    faults_done(&faults);
    faults_done(&warnings);
}

/* One "field: what" names `field` and has `says` in it. */
static bool says(const struct faults *f, const char *field, const char *text)
{
    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->items[i].field, field) == 0 && strstr(f->items[i].what, text) != NULL) {
            return true;
        }
    }
    return false;
}

/* The places of the metadata: OpenID Connect Discovery 1.0, 4.1; RFC 8414, 3.1 (its examples). */
static void issuer_read_knows_where_the_metadata_is(void **state)
{
    static const struct {
        const char *why, *url, *first, *second, *name;
    } rows[] = {
        {"no path", "https://example.com", "https://example.com/.well-known/openid-configuration",
         "https://example.com/.well-known/oauth-authorization-server", "https://example.com"},
        {"a slash at the end is part of the name alone", "https://example.com/",
         "https://example.com/.well-known/openid-configuration",
         "https://example.com/.well-known/oauth-authorization-server", "https://example.com/"},
        {"a path, a port", "https://example.com:8443/issuer1",
         "https://example.com:8443/issuer1/.well-known/openid-configuration",
         "https://example.com:8443/.well-known/oauth-authorization-server/issuer1",
         "https://example.com:8443/issuer1"},
        {"two segments and a slash", "https://e.example/a/b/",
         "https://e.example/a/b/.well-known/openid-configuration",
         "https://e.example/.well-known/oauth-authorization-server/a/b", "https://e.example/a/b/"},
        {"OpenID Connect's document", "https://e.example/a/.well-known/openid-configuration",
         "https://e.example/a/.well-known/openid-configuration", NULL, "https://e.example/a"},
        {"RFC 8414's document", "https://e.example/.well-known/oauth-authorization-server/a/b",
         "https://e.example/.well-known/oauth-authorization-server/a/b", NULL,
         "https://e.example/a/b"},
        {"an application's own name (RFC 8414, 3)",
         "https://e.example/.well-known/example-configuration",
         "https://e.example/.well-known/example-configuration", NULL, "https://e.example"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct issuer issuer = {0};

        begin();
        CHECK(rows[i].why, issuer_read(slice_of_str(rows[i].url), &issuer, &faults, &warnings));
        CHECK(rows[i].why, strcmp(issuer.urls[0], rows[i].first) == 0);
        CHECK(rows[i].why, issuer.nurls == (rows[i].second == NULL ? 1 : 2));
        CHECK(rows[i].why, rows[i].second == NULL || strcmp(issuer.urls[1], rows[i].second) == 0);
        CHECK(rows[i].why, strcmp(issuer.name, rows[i].name) == 0);
        CHECK(rows[i].why, issuer.is_https && warnings.count == 0);
        issuer_done(&issuer);
        issuer_done(&issuer);
        end();
    }
}

static void issuer_read_refuses_what_is_none(void **state)
{
    static const char *const rows[] = {"",
                                       "example.com",
                                       "ftp://example.com",
                                       "https://example.com/?a=b",
                                       "https://example.com/#a",
                                       "https://example.com/{tenant}",
                                       "https://{tenant}.example.com/",
                                       "https://u:p@example.com/",
                                       "https://example.com/a/../b"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct issuer issuer = {0};

        begin();
        CHECK(rows[i], !issuer_read(slice_of_str(rows[i]), &issuer, &faults, &warnings));
        CHECK(rows[i], faults.count == 1 && strcmp(faults.items[0].field, "url") == 0);
        CHECK(rows[i], issuer.name == NULL);
        end();
    }
}

#define AT      "'issuer': 'https://i.example', 'token_endpoint': 'https://i.example/token'"
#define METHODS "'token_endpoint_auth_methods_supported'"

struct fill {
    const char *why, *url, *metadata, *profile, *want, *filled;
    const char *field, *says; /* a fault if `want` is NULL, else a warning; NULL: none at all */
};

static void check_fill(const struct fill *row)
{
    json_t *metadata = profile_text_json(row->metadata);
    json_t *profile = profile_text_json(row->profile);
    json_t *want = profile_text_json(row->want != NULL ? row->want : row->profile);
    json_t *filled = json_array();
    struct issuer issuer = {0};
    char names[200] = "";
    bool is_filled;

    begin();
    CHECK(row->why, issuer_read(slice_of_str(row->url), &issuer, &faults, &warnings));
    is_filled = issuer_fill(&issuer, metadata,
                            &(struct issuer_target){profile, filled, &faults, &warnings});
    CHECK(row->why, is_filled == (row->want != NULL) && is_filled == (faults.count == 0));
    for (size_t i = 0; i < json_array_size(filled); i++) {
        const json_t *note = json_array_get(filled, i);

        (void)snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s ",
                       json_string_value(json_object_get(note, "field")));
        CHECK(row->why, json_is_string(json_object_get(note, "value")) &&
                            json_is_string(json_object_get(note, "from")));
    }
    if (!json_equal(profile, want) || strcmp(names, row->filled) != 0) {
        fail_msg("%s: filled \"%s\": %s", row->why, names, json_dumps(profile, 0));
    }
    if (row->field == NULL) {
        CHECK(row->why, warnings.count == 0);
    } else if (!says(is_filled ? &warnings : &faults, row->field, row->says)) {
        const struct faults *f = is_filled ? &warnings : &faults;

        fail_msg("%s: %s: %s", row->why, f->count > 0 ? f->items[0].field : "",
                 f->count > 0 ? f->items[0].what : "nothing said");
    }
    issuer_done(&issuer);
    json_decref(metadata);
    json_decref(profile);
    json_decref(want);
    json_decref(filled);
    end();
}

static void issuer_fill_fills_what_is_left_out_and_nothing_else(void **state)
{
    static const char I[] = "https://i.example";
    static const struct fill rows[] = {
        {"both URLs", I,
         "{" AT ", 'revocation_endpoint': 'https://i.example/r', " METHODS ": ['none']}", "{}",
         "{'token_url': 'https://i.example/token', 'revocation_url': 'https://i.example/r'}",
         "token_url revocation_url ", NULL, NULL},
        {"null is left out", I, "{" AT ", " METHODS ": ['none']}", "{'token_url': null}",
         "{'token_url': 'https://i.example/token'}", "token_url ", NULL, NULL},
        {"what is given stays, and is told of", I,
         "{" AT ", 'revocation_endpoint': 'https://i.example/r', " METHODS ": ['none']}",
         "{'token_url': 'https://mine.example/t', 'revocation_url': ''}",
         "{'token_url': 'https://mine.example/t', 'revocation_url': ''}", "", "token_url",
         "the issuer's is https://i.example/token"},
        {"basic where it fits", I,
         "{" AT ", " METHODS ": ['client_secret_post', 'client_secret_basic']}",
         "{'client': {'id': 'a', 'secret': 'b'}}",
         "{'token_url': 'https://i.example/token',"
         " 'client': {'id': 'a', 'secret': 'b', 'method': 'client_secret_basic'}}",
         "token_url client.method ", "client.method", "client_secret_basic_raw"},
        {"the default of RFC 8414", I, "{" AT "}",
         "{'client': {'id': 'a', 'secret': {'set': true}}}",
         "{'token_url': 'https://i.example/token',"
         " 'client': {'id': 'a', 'secret': {'set': true}, 'method': 'client_secret_basic'}}",
         "token_url client.method ", "client.method", "RFC 6749"},
        {"post where it is all there is", I, "{" AT ", " METHODS ": ['client_secret_post']}",
         "{'client': {'id': 'a', 'secret': 'b'}}",
         "{'token_url': 'https://i.example/token',"
         " 'client': {'id': 'a', 'secret': 'b', 'method': 'client_secret_post'}}",
         "token_url client.method ", NULL, NULL},
        {"a key", I, "{" AT ", " METHODS ": ['client_secret_basic', 'private_key_jwt']}",
         "{'client': {'id': 'a', 'key': 'k'}}",
         "{'token_url': 'https://i.example/token',"
         " 'client': {'id': 'a', 'key': 'k', 'method': 'private_key_jwt'}}",
         "token_url client.method ", NULL, NULL},
        {"a key that signs otherwise", I,
         "{" AT ", " METHODS ": ['private_key_jwt'],"
         " 'token_endpoint_auth_signing_alg_values_supported': ['ES256', 'PS256']}",
         "{'client': {'id': 'a', 'key': 'k'}}",
         "{'token_url': 'https://i.example/token',"
         " 'client': {'id': 'a', 'key': 'k', 'method': 'private_key_jwt'}}",
         "token_url client.method ", "client.alg", "means RS256; the issuer's are: ES256, PS256"},
        {"a key that signs as the issuer wants it", I,
         "{" AT ", " METHODS ": ['private_key_jwt'],"
         " 'token_endpoint_auth_signing_alg_values_supported': ['ES256']}",
         "{'client': {'id': 'a', 'key': 'k', 'alg': 'ES256', 'method': 'private_key_jwt'}}",
         "{'token_url': 'https://i.example/token',"
         " 'client': {'id': 'a', 'key': 'k', 'alg': 'ES256', 'method': 'private_key_jwt'}}",
         "token_url ", NULL, NULL},
        {"a certificate", I, "{" AT ", " METHODS ": ['private_key_jwt', 'tls_client_auth']}",
         "{'client': {'id': 'a', 'key': 'k', 'certificate': 'c'}}",
         "{'token_url': 'https://i.example/token',"
         " 'client': {'id': 'a', 'key': 'k', 'certificate': 'c', 'method': 'tls_client_auth'}}",
         "token_url client.method ", NULL, NULL},
        {"a public client", I, "{" AT ", " METHODS ": ['none']}", "{'client': {'id': 'a'}}",
         "{'token_url': 'https://i.example/token', 'client': {'id': 'a', 'method': 'none'}}",
         "token_url client.method ", NULL, NULL},
        {"no method fits", I, "{" AT ", " METHODS ": ['private_key_jwt', 'none']}",
         "{'client': {'id': 'a', 'secret': 'b'}}",
         "{'token_url': 'https://i.example/token', 'client': {'id': 'a', 'secret': 'b'}}",
         "token_url ", "client.method",
         "fits none of the issuer's methods (private_key_jwt, none)"},
        {"no client where one is wanted", I, "{" AT "}", "{}",
         "{'token_url': 'https://i.example/token'}", "token_url ", "client.method",
         "client_secret_basic, since it names none"},
        {"a given method that it has", I, "{" AT "}",
         "{'client': {'method': 'client_secret_basic_raw'}}",
         "{'token_url': 'https://i.example/token',"
         " 'client': {'method': 'client_secret_basic_raw'}}",
         "token_url ", NULL, NULL},
        {"a given method that it has not", I, "{" AT "}",
         "{'client': {'method': 'client_secret_post'}}",
         "{'token_url': 'https://i.example/token', 'client': {'method': 'client_secret_post'}}",
         "token_url ", "client.method", "the issuer's are: client_secret_basic"},
        {"a client that is none is the check's to refuse", I, "{" AT ", " METHODS ": ['none']}",
         "{'client': 'x'}", "{'token_url': 'https://i.example/token', 'client': 'x'}", "token_url ",
         NULL, NULL},
        {"no password grant", I,
         "{" AT ", " METHODS ": ['none'], 'grant_types_supported': ['implicit', 5]}", "{}",
         "{'token_url': 'https://i.example/token'}", "token_url ", "type", "password grant"},
        {"another host", I,
         "{'issuer': 'https://i.example', 'token_endpoint': 'https://o.example/t', " METHODS
         ": ['none']}",
         "{}", "{'token_url': 'https://o.example/t'}", "token_url ", "token_url",
         "is at o.example"},
        {"a revocation URL that can't be used is left out", I,
         "{" AT ", 'revocation_endpoint': 'http://i.example/r', " METHODS ": ['none']}", "{}",
         "{'token_url': 'https://i.example/token'}", "token_url ", "revocation_url", "is http"},
        {"the document's own URL does not tell of a slash",
         "https://i.example/.well-known/openid-configuration",
         "{'issuer': 'https://i.example/', 'token_endpoint': 'https://i.example/t', " METHODS
         ": ['none']}",
         "{}", "{'token_url': 'https://i.example/t'}", "token_url ", NULL, NULL},
        {"http may have http", "http://i.example",
         "{'issuer': 'http://i.example', 'token_endpoint': 'http://i.example/t', " METHODS
         ": ['none']}",
         "{}", "{'token_url': 'http://i.example/t'}", "token_url ", "url", "anybody on the way"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        check_fill(&rows[i]);
    }
}

static void issuer_fill_refuses_metadata_that_it_must_not_believe(void **state)
{
    static const char I[] = "https://i.example";
    static const struct fill rows[] = {
        {"another issuer", I,
         "{'issuer': 'https://evil.example', 'token_endpoint': 'https://i.example/t'}", "{}", NULL,
         "", "url", "\"https://evil.example\""},
        {"a slash more", I,
         "{'issuer': 'https://i.example/', 'token_endpoint': 'https://i.example/t'}", "{}", NULL,
         "", "url", "must be identical"},
        {"another case", I,
         "{'issuer': 'https://I.example', 'token_endpoint': 'https://i.example/t'}", "{}", NULL, "",
         "url", "must be identical"},
        {"another than the document's URL says",
         "https://i.example/.well-known/oauth-authorization-server/a",
         "{'issuer': 'https://i.example/b', 'token_endpoint': 'https://i.example/t'}", "{}", NULL,
         "", "url", "must be identical"},
        {"no issuer", I, "{'token_endpoint': 'https://i.example/t'}", "{}", NULL, "", "url",
         "identical"},
        {"no token endpoint", I, "{'issuer': 'https://i.example'}", "{}", NULL, "", "token_url",
         "no token_endpoint"},
        {"a token endpoint over http", I,
         "{'issuer': 'https://i.example', 'token_endpoint': 'http://i.example/t'}", "{}", NULL, "",
         "token_url", "is http"},
        {"one that is a template", I,
         "{'issuer': 'https://i.example', 'token_endpoint': 'https://i.example/{{username}}'}",
         "{}", NULL, "", "token_url", "can't be used"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        check_fill(&rows[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(issuer_read_knows_where_the_metadata_is),
        cmocka_unit_test(issuer_read_refuses_what_is_none),
        cmocka_unit_test(issuer_fill_fills_what_is_left_out_and_nothing_else),
        cmocka_unit_test(issuer_fill_refuses_metadata_that_it_must_not_believe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
