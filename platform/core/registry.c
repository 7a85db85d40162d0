#include "platform/core/registry.h"

#include <stdlib.h>
#include <string.h>

void registry_init(struct registry *r)
{
    memset(r, 0, sizeof(*r));
}

void registry_done(struct registry *r)
{
    while (r->connectors != NULL) {
        registry_remove_connector(r, r->connectors);
    }
}

bool registry_is_name(struct slice name)
{
    if (name.len == 0 || name.len >= REGISTRY_NAME_MAX_BYTES) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

        if (!is_alnum && (i == 0 || (c != '.' && c != '_' && c != '-'))) {
            return false;
        }
    }
    return true;
}

/* ---- tables ---- */

/* FNV-1a; names are the admin's, so nobody gains by making them collide. */
static size_t name_bucket(struct slice name)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < name.len; i++) {
        hash = (hash ^ name.ptr[i]) * 0x100000001b3u;
    }
    return (size_t)((hash ^ hash >> 32) % REGISTRY_BUCKETS);
}

static size_t id_bucket(const struct cx_id *id)
{
    return (size_t)(id_hash(id) % REGISTRY_BUCKETS);
}

/* ---- connectors ---- */

/* Into the list, which is in order of names. They come in that order from the store. */
static void insert_by_name(struct registry *r, struct registry_connector *c)
{
    struct registry_connector **link = &r->connectors;

    if (r->last != NULL && strcmp(r->last->name, c->name) < 0) {
        link = &r->last->next;
    }
    while (*link != NULL && strcmp((*link)->name, c->name) < 0) {
        link = &(*link)->next;
    }
    c->next = *link;
    *link = c;
    if (c->next == NULL) {
        r->last = c;
    }
}

struct registry_connector *registry_add_connector(struct registry *r, const struct cx_id *id,
                                                  const char *name, uint64_t created_ms)
{
    struct slice key = slice_of_str(name);
    struct registry_connector **by_name = &r->by_name[name_bucket(key)];
    struct registry_connector **by_id = &r->by_id[id_bucket(id)];
    struct registry_connector *c;

    if (key.len >= sizeof(c->name) || registry_find_connector(r, key) != NULL) {
        return NULL;
    }
    c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return NULL;
    }
    c->id = *id;
    memcpy(c->name, key.ptr, key.len);
    c->created_ms = created_ms;
    c->name_next = *by_name;
    *by_name = c;
    c->id_next = *by_id;
    *by_id = c;
    insert_by_name(r, c);
    return c;
}

static void free_agent(struct registry *r, struct registry_agent *a)
{
    struct registry_agent **link = &r->agents[id_bucket(&a->id)];

    while (*link != a) {
        link = &(*link)->bucket_next;
    }
    *link = a->bucket_next;
    free(a->policy_json);
    free(a);
}

static void unlink_connector(struct registry *r, const struct registry_connector *c)
{
    struct registry_connector **link = &r->connectors;
    struct registry_connector *before = NULL;

    while (*link != c) {
        before = *link;
        link = &(*link)->next;
    }
    *link = c->next;
    if (r->last == c) {
        r->last = before;
    }
    for (link = &r->by_name[name_bucket(slice_of_str(c->name))]; *link != c;) {
        link = &(*link)->name_next;
    }
    *link = c->name_next;
    for (link = &r->by_id[id_bucket(&c->id)]; *link != c;) {
        link = &(*link)->id_next;
    }
    *link = c->id_next;
}

void registry_remove_connector(struct registry *r, struct registry_connector *c)
{
    while (c->agents != NULL) {
        struct registry_agent *a = c->agents;

        c->agents = a->next;
        free_agent(r, a);
    }
    unlink_connector(r, c);
    free(c);
}

struct registry_connector *registry_find_connector(const struct registry *r, struct slice name)
{
    struct registry_connector *c = r->by_name[name_bucket(name)];

    while (c != NULL && !slice_eq_str(name, c->name)) {
        c = c->name_next;
    }
    return c;
}

struct registry_connector *registry_connector_by_id(const struct registry *r,
                                                    const struct cx_id *id)
{
    struct registry_connector *c = r->by_id[id_bucket(id)];

    while (c != NULL && !id_eq(&c->id, id)) {
        c = c->id_next;
    }
    return c;
}

/* ---- agents ---- */

struct registry_agent *registry_add_agent(struct registry *r, struct registry_connector *c,
                                          const struct cx_id *id)
{
    struct registry_agent **bucket = &r->agents[id_bucket(id)];
    struct registry_agent *a = calloc(1, sizeof(*a));

    if (a != NULL) {
        a->id = *id;
        a->connector = c;
        a->next = c->agents;
        c->agents = a;
        a->bucket_next = *bucket;
        *bucket = a;
    }
    return a;
}

struct registry_agent *registry_find_agent(const struct registry *r, const struct cx_id *id)
{
    struct registry_agent *a = r->agents[id_bucket(id)];

    while (a != NULL && !id_eq(&a->id, id)) {
        a = a->bucket_next;
    }
    return a;
}

bool registry_agent_is_connected(const struct registry_agent *a)
{
    for (size_t i = 0; i < MSG_TUNNELS_MAX; i++) {
        if (a->tunnels[i] != NULL) {
            return true;
        }
    }
    return false;
}

bool registry_note_ledger(struct registry_agent *a, const struct registry_ledger *ledger,
                          const struct cx_id *fresh)
{
    bool is_same = id_eq(&a->ledger, &ledger->id);
    bool is_next = !id_is_none(&a->instance) && !id_eq(&a->instance, &ledger->instance);
    bool is_set_back =
        is_same && (ledger->seq < a->ledger_seq || (is_next && ledger->seq == a->ledger_seq));

    if (is_set_back) {
        a->ledger_life = *fresh;
    } else if (!is_same || id_is_none(&a->ledger_life)) {
        a->ledger_life = ledger->id;
    }
    a->ledger = ledger->id;
    a->ledger_seq = ledger->seq;
    return is_set_back;
}

void registry_set_text(char out[REGISTRY_TEXT_MAX_BYTES], struct slice text)
{
    size_t n = text.len < REGISTRY_TEXT_MAX_BYTES - 1 ? text.len : REGISTRY_TEXT_MAX_BYTES - 1;

    for (size_t i = 0; i < n; i++) {
        out[i] = text.ptr[i] >= 0x20 && text.ptr[i] < 0x7f ? (char)text.ptr[i] : '?';
    }
    out[n] = '\0';
}
