#include "common/io/http_private.h"

#include "common/core/tls_terms.h"

#define SET(option, value) (curl_easy_setopt(easy, (option), (value)) == CURLE_OK)

/* libcurl makes its own copy, which it wipes as all that it frees (http_memory.c). */
static struct curl_blob blob_of(const struct secret *pem)
{
    struct slice text = secret_view(pem);

    return (struct curl_blob){(void *)(uintptr_t)text.ptr, text.len, CURL_BLOB_COPY};
}

static bool easy_set_identity(CURL *easy, const struct tls_identity *id)
{
    struct curl_blob chain;
    struct curl_blob key;

    if (id == NULL || !tls_identity_is_set(id)) {
        return SET(CURLOPT_SSLCERT_BLOB, NULL) && SET(CURLOPT_SSLKEY_BLOB, NULL);
    }
    chain = blob_of(&id->chain);
    key = blob_of(&id->key);
    return SET(CURLOPT_SSLCERT_BLOB, &chain) && SET(CURLOPT_SSLKEY_BLOB, &key);
}

bool http_tls_set(struct http_transfer *call, const struct tls_terms *terms)
{
    CURL *easy = call->easy;
    bool is_any_set = tls_terms_are_set(terms);
    long version = is_any_set && terms->is_1_3_asked ? (long)CURL_SSLVERSION_TLSv1_3
                                                     : (long)CURL_SSLVERSION_TLSv1_2;

    if (!is_any_set && !call->has_tls_terms) {
        return true;
    }
    call->has_tls_terms = is_any_set;
    return easy_set_identity(easy, is_any_set ? &terms->identity : NULL) &&
           SET(CURLOPT_SSLVERSION, version) &&
           SET(CURLOPT_PINNEDPUBLICKEY, is_any_set ? terms->pins : NULL);
}
