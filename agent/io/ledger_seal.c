#include "agent/io/ledger_seal.h"

#include "agent/core/ledger_bytes.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <string.h>

enum { KEY_BYTES = 32, NONCE_BYTES = 12, NONCE_NUMBER_AT = 4 };

static bool derive(struct slice key, struct slice salt, const char *info, struct slice out)
{
    char digest[] = "SHA256";
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    OSSL_PARAM params[5];
    OSSL_PARAM *p = params;
    bool is_done;

    *p++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
    *p++ =
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key.ptr, key.len);
    *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info,
                                             strlen(info));
    if (salt.len > 0) {
        *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt.ptr,
                                                 salt.len);
    }
    *p = OSSL_PARAM_construct_end();
    is_done =
        ctx != NULL && EVP_KDF_derive(ctx, (uint8_t *)(uintptr_t)out.ptr, out.len, params) == 1;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    ERR_clear_error();
    return is_done;
}

enum cx_err ledger_seal_check(struct slice key, uint8_t out[LEDGER_KEY_CHECK_BYTES])
{
    return derive(key, (struct slice){0}, "connector ledger: which key",
                  slice_of(out, LEDGER_KEY_CHECK_BYTES))
               ? CX_OK
               : CX_E_CRYPTO;
}

static EVP_CIPHER_CTX *with_key(const uint8_t key[KEY_BYTES], bool is_sealing)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    /* GCM's nonce is 12 bytes unless another length is asked for. */
    if (ctx != NULL &&
        EVP_CipherInit_ex2(ctx, EVP_aes_256_gcm(), key, NULL, is_sealing ? 1 : 0, NULL) != 1) {
        EVP_CIPHER_CTX_free(ctx);
        ctx = NULL;
    }
    return ctx;
}

enum cx_err ledger_seal_init(struct ledger_seal *s, struct slice key,
                             const uint8_t salt[LEDGER_SALT_BYTES])
{
    uint8_t own[KEY_BYTES];

    *s = (struct ledger_seal){0};
    if (derive(key, slice_of(salt, LEDGER_SALT_BYTES), "connector ledger: file 1",
               slice_of(own, sizeof(own)))) {
        s->sealing = with_key(own, true);
        s->opening = with_key(own, false);
    }
    explicit_bzero(own, sizeof(own));
    ERR_clear_error();
    if (s->sealing == NULL || s->opening == NULL) {
        ledger_seal_done(s);
        return CX_E_CRYPTO;
    }
    return CX_OK;
}

void ledger_seal_done(struct ledger_seal *s)
{
    EVP_CIPHER_CTX_free(s->sealing); /* which wipes the key */
    EVP_CIPHER_CTX_free(s->opening);
    *s = (struct ledger_seal){0};
}

/* Run the cipher over the records, in place; the tag is made or looked at. */
static bool run_gcm(EVP_CIPHER_CTX *ctx, bool is_sealing, const uint8_t *head, struct slice records)
{
    uint8_t *at = (uint8_t *)(uintptr_t)records.ptr;
    uint8_t nonce[NONCE_BYTES] = {0};
    uint8_t none[1];
    int len = 0;

    memcpy(nonce + NONCE_NUMBER_AT, head + LEDGER_HEAD_BYTES - 8, 8);
    if (EVP_CipherInit_ex2(ctx, NULL, NULL, nonce, is_sealing ? 1 : 0, NULL) != 1 ||
        EVP_CipherUpdate(ctx, NULL, &len, head, LEDGER_HEAD_BYTES) != 1 ||
        EVP_CipherUpdate(ctx, at, &len, at, (int)records.len) != 1) {
        return false;
    }
    if (!is_sealing &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, LEDGER_TAG_BYTES, at + records.len) != 1) {
        return false;
    }
    if (EVP_CipherFinal_ex(ctx, none, &len) != 1) {
        return false;
    }
    return !is_sealing ||
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, LEDGER_TAG_BYTES, at + records.len) == 1;
}

enum cx_err ledger_seal_frame(struct ledger_seal *s, struct buf *frame)
{
    size_t records = frame->len - LEDGER_HEAD_BYTES;
    struct ledger_head head = {.records_bytes = (uint32_t)records, .number = s->number + 1};
    size_t more = LEDGER_TAG_BYTES + ledger_frame_end_bytes(records);
    uint8_t *at;
    enum cx_err err = buf_reserve(frame, more, &at);

    if (err == CX_OK) {
        ledger_head_write(&head, frame->ptr);
        memset(at, LEDGER_END_BYTE, more);
        if (records > LEDGER_FRAME_RECORDS_MAX ||
            !run_gcm(s->sealing, true, frame->ptr,
                     slice_of(frame->ptr + LEDGER_HEAD_BYTES, records))) {
            err = CX_E_CRYPTO;
        }
        ERR_clear_error();
    }
    if (err != CX_OK) {
        buf_clear(frame);
        return err;
    }
    buf_grew(frame, more);
    s->number = head.number;
    return CX_OK;
}

bool ledger_seal_open(struct ledger_seal *s, const uint8_t head[LEDGER_HEAD_BYTES], uint8_t *at,
                      size_t records_bytes)
{
    bool is_whole = run_gcm(s->opening, false, head, slice_of(at, records_bytes));

    if (!is_whole) {
        explicit_bzero(at, records_bytes); /* opened before the tag was known to be wrong */
    }
    ERR_clear_error();
    return is_whole;
}
