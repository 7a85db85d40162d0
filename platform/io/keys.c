#include "platform/io/keys.h"

#include "common/io/clock.h"
#include "common/io/crypto.h"
#include "platform/core/api_key.h"
#include "platform/core/registry.h"
#include "platform/io/platform.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct keys {
    struct store *store;
    struct key *items;
    size_t count, room;
    bool is_out_of_memory; /* while loading */
    struct crypto_hasher hasher;
};

static bool append(struct keys *k, const struct key *key)
{
    if (k->count == k->room) {
        size_t room = k->room == 0 ? 8 : k->room * 2;
        struct key *grown = calloc(room, sizeof(*grown));

        if (grown == NULL) {
            return false;
        }
        if (k->count > 0) {
            memcpy(grown, k->items, k->count * sizeof(*grown));
        }
        free(k->items);
        k->items = grown;
        k->room = room;
    }
    k->items[k->count++] = *key;
    return true;
}

static void on_key(void *ctx, const struct store_key *stored)
{
    struct keys *k = ctx;
    struct key key = {.role = stored->role, .created_ms = stored->created_ms};

    (void)snprintf(key.name, sizeof(key.name), "%s", stored->name);
    memcpy(key.sha256, stored->sha256, sizeof(key.sha256));
    k->is_out_of_memory = k->is_out_of_memory || !append(k, &key);
}

enum cx_err keys_new(struct platform *p, struct keys **out, struct cx_fail *fail)
{
    struct keys *k = calloc(1, sizeof(*k));
    enum cx_err err;

    if (k == NULL) {
        return cx_fail_set(fail, CX_E_NOMEM, "keys.new", "out of memory");
    }
    k->store = p->store;
    err = crypto_hasher_init(&k->hasher);
    k->is_out_of_memory = err != CX_OK;
    if (err == CX_OK) {
        err = store_each_key(p->store, on_key, k, fail);
    }
    if (k->is_out_of_memory) {
        err = cx_fail_set(fail, CX_E_NOMEM, "keys.new", "out of memory");
    }
    if (err != CX_OK) {
        keys_free(k);
        return err;
    }
    *out = k;
    return CX_OK;
}

void keys_free(struct keys *k)
{
    if (k != NULL) {
        crypto_hasher_done(&k->hasher);
        free(k->items);
        free(k);
    }
}

const struct key *keys_find(const struct keys *k, struct slice text)
{
    uint8_t hash[CRYPTO_SHA256_BYTES];
    const struct key *found = NULL;

    if (!api_key_is_one(text)) {
        return NULL;
    }
    crypto_hasher_sha256(&k->hasher, text, hash);
    for (size_t i = 0; i < k->count; i++) {
        if (CRYPTO_memcmp(k->items[i].sha256, hash, sizeof(hash)) == 0) {
            found = &k->items[i];
        }
    }
    return found;
}

static size_t index_of(const struct keys *k, const char *name)
{
    size_t i = 0;

    while (i < k->count && strcmp(k->items[i].name, name) != 0) {
        i++;
    }
    return i;
}

/* The text of a new key, and its hash. */
static enum cx_err make_text(struct buf *out, uint8_t sha256[CRYPTO_SHA256_BYTES])
{
    uint8_t random[API_KEY_RANDOM_BYTES];
    size_t before = out->len;
    enum cx_err err;

    random_fill(random, sizeof(random));
    err = api_key_put(random, out);
    explicit_bzero(random, sizeof(random));
    if (err == CX_OK) {
        crypto_sha256(slice_from(buf_view(out), before), sha256);
    }
    return err;
}

enum cx_err keys_add(struct keys *k, const char *name, enum key_role role, struct buf *out,
                     struct cx_fail *fail)
{
    struct key key = {.role = role, .created_ms = clock_wall_ms()};
    struct store_key stored = {.name = name, .role = role, .created_ms = key.created_ms};
    enum cx_err err;

    if (!registry_is_name(slice_of_str(name))) {
        return cx_fail_set(fail, CX_E_SYNTAX, "keys.add",
                           "a key's name is lower-case letters, digits and . _ -, 63 at most, and "
                           "begins with a letter or digit");
    }
    if (index_of(k, name) < k->count) {
        return cx_fail_set(fail, CX_E_EXISTS, "keys.add", "there is a key named %s already", name);
    }
    if (make_text(out, stored.sha256) != CX_OK) {
        return cx_fail_set(fail, CX_E_NOMEM, "keys.add", "out of memory");
    }
    err = store_add_key(k->store, &stored, fail);
    if (err != CX_OK) {
        return err;
    }
    (void)snprintf(key.name, sizeof(key.name), "%s", name);
    memcpy(key.sha256, stored.sha256, sizeof(key.sha256));
    return append(k, &key) ? CX_OK
                           : cx_fail_set(fail, CX_E_NOMEM, "keys.add",
                                         "out of memory: the key counts after a restart");
}

enum cx_err keys_remove(struct keys *k, const char *name, struct cx_fail *fail)
{
    size_t i = index_of(k, name);
    enum cx_err err;

    if (i == k->count) {
        return cx_fail_set(fail, CX_E_NOT_FOUND, "keys.remove", "there is no key named %s", name);
    }
    err = store_remove_key(k->store, name, fail);
    if (err == CX_OK) {
        k->items[i] = k->items[--k->count];
    }
    return err;
}

size_t keys_count(const struct keys *k)
{
    return k->count;
}

const struct key *keys_at(const struct keys *k, size_t i)
{
    return &k->items[i];
}

const char *key_role_name(enum key_role role)
{
    return role == KEY_ADMIN ? "admin" : "app";
}
