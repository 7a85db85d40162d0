#ifndef CONNECTOR_PLATFORM_IO_KEYS_H
#define CONNECTOR_PLATFORM_IO_KEYS_H

#include "common/core/buf.h"
#include "platform/io/store.h"

/* The API keys: who may ask what. Held in memory by their SHA-256, as the store has them.
 * keys_new and keys_free are platform.h's. */

struct keys;

struct key {
    char name[64];
    enum key_role role;
    uint8_t sha256[32];
    uint64_t created_ms;
};

/* The key that this text is, or NULL. Borrowed until keys are added or removed. */
const struct key *keys_find(const struct keys *k, struct slice text);

/* Make a key; its text is appended to `out`, this once. Errors: CX_E_SYNTAX (name), CX_E_EXISTS,
 * CX_E_STORE, CX_E_NOMEM. */
enum cx_err keys_add(struct keys *k, const char *name, enum key_role role, struct buf *out,
                     struct cx_fail *fail) CX_MUST_CHECK;

/* Errors: CX_E_NOT_FOUND, CX_E_STORE. */
enum cx_err keys_remove(struct keys *k, const char *name, struct cx_fail *fail) CX_MUST_CHECK;

size_t keys_count(const struct keys *k);
const struct key *keys_at(const struct keys *k, size_t i);

const char *key_role_name(enum key_role role); /* "admin", "app" */

#endif
