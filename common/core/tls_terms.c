#include "common/core/tls_terms.h"

#include <stdlib.h>

bool tls_identity_is_set(const struct tls_identity *id)
{
    return secret_is_set(&id->chain);
}

void tls_identity_done(struct tls_identity *id)
{
    secret_done(&id->chain);
    secret_done(&id->key);
}

void tls_terms_done(struct tls_terms *t)
{
    free(t->pins);
    tls_identity_done(&t->identity);
    *t = (struct tls_terms){0};
}

bool tls_terms_are_set(const struct tls_terms *terms)
{
    return terms != NULL &&
           (terms->is_1_3_asked || terms->pins != NULL || tls_identity_is_set(&terms->identity));
}

static bool is_base64(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

/* 32 bytes: 43 characters, of which the last carries 4 bits and two zeros, and one '='. */
static bool is_sha256(struct slice text)
{
    static const char lasts[] = "AEIMQUYcgkosw048";
    enum { CHARACTERS = 43 };

    if (text.len != CHARACTERS + 1 || text.ptr[CHARACTERS] != '=') {
        return false;
    }
    for (size_t i = 0; i < CHARACTERS; i++) {
        if (!is_base64(text.ptr[i])) {
            return false;
        }
    }
    return slice_find(slice_of(lasts, sizeof(lasts) - 1), 0, text.ptr[CHARACTERS - 1]) <
           sizeof(lasts) - 1;
}

enum cx_err tls_pin_check(const char *pin, struct cx_fail *fail)
{
    struct slice prefix = SLICE_LIT("sha256//");
    struct slice text = slice_of_str(pin);

    if (!slice_has_prefix(text, prefix) || !is_sha256(slice_from(text, prefix.len))) {
        return cx_fail_set(fail, CX_E_SYNTAX, "tls.pin",
                           "must be sha256// and 44 characters of base64: the SHA-256 of the "
                           "server's public key");
    }
    return CX_OK;
}
