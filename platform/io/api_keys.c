#include "platform/io/api_internal.h"

#include "common/core/members.h"
#include "common/io/log.h"
#include "platform/io/keys.h"

#include <stdlib.h>

static const char *const role_words[] = {"admin", "app"}; /* enum key_role */
static const char *const key_members[] = {"name", "role"};

void api_keys_add(struct api_request *r)
{
    struct cx_fail fail = {0};
    struct members m;
    struct faults faults;
    struct buf text;
    unsigned role;
    char *name;

    faults_init(&faults);
    buf_init(&text, 128);
    members_init(&m, r->body, "", &faults);
    members_check_names(&m, key_members, 2);
    name = members_text(&m, "name", 63, "");
    if (members_get(&m, "role") == NULL) {
        members_fault(&m, "role", "is missing: admin, or app (exchanges only)");
    }
    role = members_word(&m, "role", role_words, 2, KEY_APP);
    if (faults_total(&faults) > 0) {
        api_refuse_faults(r, &faults);
    } else if (keys_add(r->p->keys, name, (enum key_role)role, &text, &fail) != CX_OK) {
        api_refuse_fail(r, &fail);
    } else {
        log_event(CX_LOG_INFO, "key.added", kv_str("name", name), kv_str("role", role_words[role]),
                  kv_str("by", r->key));
        api_reply_json(r->call, 201,
                       json_pack("{s:s, s:s, s:s%}", "name", name, "role", role_words[role], "key",
                                 (const char *)buf_view(&text).ptr, text.len));
    }
    free(name);
    buf_done(&text);
    faults_done(&faults);
}

void api_keys_list(struct api_request *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < keys_count(r->p->keys); i++) {
        const struct key *key = keys_at(r->p->keys, i);

        (void)json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "name", key->name, "role",
                                                    key_role_name(key->role), "created_at",
                                                    api_time(key->created_ms)));
    }
    api_reply_json(r->call, 200, json_pack("{s:o}", "keys", list));
}

void api_keys_remove(struct api_request *r)
{
    struct cx_fail fail = {0};

    if (keys_remove(r->p->keys, r->words.items[0], &fail) != CX_OK) {
        api_refuse_fail(r, &fail);
        return;
    }
    log_event(CX_LOG_INFO, "key.revoked", kv_str("name", r->words.items[0]), kv_str("by", r->key));
    api_reply_empty(r->call, 204);
}
