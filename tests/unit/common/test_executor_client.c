/* What is signed for a job, and the terms of TLS that its requests get. */
#include "common/io/executor_client.h"

#include "tests/support/check.h"
#include "tests/support/pki.h"

#include "common/core/assertion.h"
#include "common/core/encode.h"
#include "common/io/clock.h"

#include <jansson.h>

static struct pki pki;
static struct buf key_pem, chain_pem;

static int set_up(void **state)
{
    (void)state;
    pki_init(&pki);
    buf_init(&key_pem, CERT_PEM_MAX_BYTES);
    buf_init(&chain_pem, CERT_PEM_MAX_BYTES);
    assert_int_equal(cert_key_to_pem(pki.key, &key_pem, NULL), CX_OK);
    return cert_to_pem(pki.client, &chain_pem, NULL) == CX_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    buf_done(&key_pem);
    buf_done(&chain_pem);
    pki_done(&pki);
    return 0;
}

/* The claims of an assertion. */
static json_t *claims_of(struct slice assertion)
{
    size_t first = slice_find(assertion, 0, '.') + 1;
    size_t second = slice_find(assertion, first, '.');
    struct buf text;
    json_t *claims;

    buf_init(&text, 4096);
    assert_int_equal(decode_base64url(slice_from(slice_first(assertion, second), first), &text),
                     CX_OK);
    claims = json_loadb((const char *)text.ptr, text.len, 0, NULL);
    assert_non_null(claims);
    buf_done(&text);
    return claims;
}

static void each_assertion_has_a_jti_of_its_own_and_the_time(void **state)
{
    static const struct policy_rule rule;
    const struct keeper_assertion ask = {.alg = ALG_ES256,
                                         .client_id = SLICE_LIT("portal"),
                                         .url = SLICE_LIT("https://idp.example/t"),
                                         .key_pem = buf_view(&key_pem)};
    json_t *claims[2];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(claims); i++) {
        json_int_t iat;
        struct buf out;

        buf_init(&out, 4096);
        assert_int_equal(executor_client_sign(&rule, &ask, &out, NULL), CX_OK);
        claims[i] = claims_of(buf_view(&out));
        iat = json_integer_value(json_object_get(claims[i], "iat"));
        assert_true(iat > 0 && (uint64_t)iat <= clock_wall_s() &&
                    (uint64_t)iat + 10 > clock_wall_s());
        assert_int_equal(json_integer_value(json_object_get(claims[i], "exp")), iat + 300);
        assert_string_equal(json_string_value(json_object_get(claims[i], "aud")),
                            "https://idp.example/t");
        buf_done(&out);
    }
    assert_string_not_equal(json_string_value(json_object_get(claims[0], "jti")),
                            json_string_value(json_object_get(claims[1], "jti")));
    json_decref(claims[0]);
    json_decref(claims[1]);
}

static void a_key_that_does_not_sign_is_the_profiles_fault(void **state)
{
    static const struct policy_rule rule;
    const struct {
        struct keeper_assertion ask;
        enum cx_err err;
    } rows[] = {
        {{.alg = ALG_RS256, .client_id = SLICE_LIT("i"), .key_pem = buf_view(&key_pem)},
         CX_E_SYNTAX},
        {{.alg = ALG_ES256, .client_id = SLICE_LIT("i"), .key_pem = SLICE_LIT("x")}, CX_E_SYNTAX},
        {{.alg = ALG_ES256, .client_id = SLICE_LIT("\xff"), .key_pem = buf_view(&key_pem)},
         CX_E_SYNTAX},
        {{.alg = ALG_ES256, .client_id = SLICE_LIT("i"), .secret = SLICE_LIT("k")}, CX_E_SECRET},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cx_fail fail = {0};
        struct buf out;

        buf_init(&out, 4096);
        assert_int_equal(executor_client_sign(&rule, &rows[i].ask, &out, &fail), rows[i].err);
        assert_true(fail.detail[0] != '\0');
        buf_done(&out);
    }
}

static void the_terms_are_the_rules_with_the_profiles_certificate(void **state)
{
    char pins[] = "sha256//x";
    struct policy_rule rule = {.name = (char[]){"hr"}, .tls = {.is_1_3_asked = true, .pins = pins}};
    struct request none = {0};
    struct request own = {.certificate = chain_pem, .key = key_pem};
    struct executor_client c;
    struct cx_fail fail = {0};

    (void)state;
    assert_int_equal(executor_client_terms(&rule, &own, CLIENT_TLS, &c, &fail), CX_OK);
    assert_true(tls_identity_is_set(&c.terms.identity) && c.terms.is_1_3_asked);
    assert_string_equal(c.terms.pins, pins);
    executor_client_done(&c);
    assert_int_equal(executor_client_terms(&rule, &none, CLIENT_TLS, &c, &fail), CX_E_MISSING);
    executor_client_done(&c);
    assert_int_equal(executor_client_terms(&rule, &none, CLIENT_NONE, &c, &fail), CX_OK);
    assert_false(tls_identity_is_set(&c.terms.identity));
    executor_client_done(&c);

    assert_int_equal(secret_set(&rule.tls.identity.chain, SLICE_LIT("rule's")), CX_OK);
    assert_int_equal(executor_client_terms(&rule, &own, CLIENT_TLS, &c, &fail), CX_E_DENIED);
    executor_client_done(&c);
    assert_int_equal(executor_client_terms(&rule, &none, CLIENT_TLS, &c, &fail), CX_OK);
    assert_true(slice_eq_str(secret_view(&c.terms.identity.chain), "rule's"));
    executor_client_done(&c);
    tls_identity_done(&rule.tls.identity);

    own.key = chain_pem;
    assert_int_equal(executor_client_terms(&rule, &own, CLIENT_TLS, &c, &fail), CX_E_SYNTAX);
    assert_null(strstr(fail.detail, "BEGIN"));
    executor_client_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_assertion_has_a_jti_of_its_own_and_the_time),
        cmocka_unit_test(a_key_that_does_not_sign_is_the_profiles_fault),
        cmocka_unit_test(the_terms_are_the_rules_with_the_profiles_certificate),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
