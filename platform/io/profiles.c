#include "platform/io/profiles.h"

#include "common/io/log.h"
#include "platform/io/platform.h"

#include <stdlib.h>
#include <string.h>

/* Sorted by name; each in memory of its own, so that a pointer outlives additions. */
struct profiles {
    struct store *store;
    struct profile **items;
    size_t count, room;
    bool is_out_of_memory; /* while loading */
};

/* Where `name` is, or would be. */
static size_t place_of(const struct profiles *ps, const char *name, bool *is_there)
{
    size_t low = 0;
    size_t high = ps->count;

    *is_there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(ps->items[middle]->name, name);

        if (order == 0) {
            *is_there = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool make_room(struct profiles *ps)
{
    size_t room = ps->room == 0 ? 16 : ps->room * 2;
    struct profile **grown;

    if (ps->count < ps->room) {
        return true;
    }
    grown = calloc(room, sizeof(struct profile *));
    if (grown == NULL) {
        return false;
    }
    if (ps->count > 0) {
        memcpy(grown, ps->items, ps->count * sizeof(struct profile *));
    }
    free(ps->items);
    ps->items = grown;
    ps->room = room;
    return true;
}

static void profile_free(struct profile *profile)
{
    profile_done(profile);
    free(profile);
}

/* Takes `profile`; false if out of memory (it is left alone then). */
static bool keep(struct profiles *ps, struct profile *profile)
{
    bool is_there;
    size_t at = place_of(ps, profile->name, &is_there);
    struct profile *kept = malloc(sizeof(*kept));

    if (kept == NULL || (!is_there && !make_room(ps))) {
        free(kept);
        return false;
    }
    *kept = *profile;
    *profile = (struct profile){0};
    if (is_there) {
        profile_free(ps->items[at]);
    } else {
        memmove(ps->items + at + 1, ps->items + at, (ps->count - at) * sizeof(struct profile *));
        ps->count++;
    }
    ps->items[at] = kept;
    return true;
}

static void on_profile(void *ctx, const char *name, struct slice json)
{
    struct profiles *ps = ctx;
    json_t *read = json_loadb((const char *)json.ptr, json.len, JSON_REJECT_DUPLICATES, NULL);
    struct profile_input input = {.json = read, .name = name};
    struct profile profile = {0};
    struct faults faults;

    faults_init(&faults);
    if (read == NULL || !profile_read(&input, &profile, &faults, NULL)) {
        const struct fault *first = faults.count > 0 ? &faults.items[0] : NULL;

        log_event(CX_LOG_ERROR, "profile.unreadable", kv_str("profile", name),
                  kv_str("field", first != NULL ? first->field : ""),
                  kv_str("why", first != NULL ? first->what : "it is no JSON"));
    } else if (!keep(ps, &profile)) {
        ps->is_out_of_memory = true;
    }
    profile_done(&profile);
    faults_done(&faults);
    json_decref(read);
}

enum cx_err profiles_new(struct platform *p, struct profiles **out, struct cx_fail *fail)
{
    struct profiles *ps = calloc(1, sizeof(*ps));
    enum cx_err err;

    if (ps == NULL) {
        return cx_fail_set(fail, CX_E_NOMEM, "profiles.new", "out of memory");
    }
    ps->store = p->store;
    err = store_each_profile(p->store, on_profile, ps, fail);
    if (err == CX_OK && ps->is_out_of_memory) {
        err = cx_fail_set(fail, CX_E_NOMEM, "profiles.new", "out of memory");
    }
    if (err != CX_OK) {
        profiles_free(ps);
        return err;
    }
    *out = ps;
    return CX_OK;
}

void profiles_free(struct profiles *ps)
{
    if (ps == NULL) {
        return;
    }
    for (size_t i = 0; i < ps->count; i++) {
        profile_free(ps->items[i]);
    }
    free(ps->items);
    free(ps);
}

const struct profile *profiles_find(const struct profiles *ps, const char *name)
{
    bool is_there;
    size_t at = place_of(ps, name, &is_there);

    return is_there ? ps->items[at] : NULL;
}

/* The JSON with its secrets goes nowhere but into the store, which seals it. */
static enum cx_err store_it(struct profiles *ps, const struct profile *profile,
                            struct cx_fail *fail)
{
    json_t *json = profile_to_json(profile, true);
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    enum cx_err err;

    if (text == NULL) {
        err = cx_fail_set(fail, CX_E_NOMEM, "profiles.put", "out of memory");
    } else {
        err = store_put_profile(ps->store, profile->name, slice_of_str(text), fail);
        explicit_bzero(text, strlen(text));
    }
    free(text);
    json_decref(json);
    return err;
}

enum cx_err profiles_put(struct profiles *ps, struct profile *profile, struct cx_fail *fail)
{
    enum cx_err err;

    if (!make_room(ps)) {
        return cx_fail_set(fail, CX_E_NOMEM, "profiles.put", "out of memory");
    }
    err = store_it(ps, profile, fail);
    if (err == CX_OK && !keep(ps, profile)) {
        err = cx_fail_set(fail, CX_E_NOMEM, "profiles.put",
                          "out of memory: the profile counts after a restart");
    }
    return err;
}

enum cx_err profiles_remove(struct profiles *ps, const char *name, struct cx_fail *fail)
{
    bool is_there;
    size_t at = place_of(ps, name, &is_there);
    enum cx_err err;

    if (!is_there) {
        return cx_fail_set(fail, CX_E_NOT_FOUND, "profiles.remove", "there is no profile named %s",
                           name);
    }
    err = store_remove_profile(ps->store, name, fail);
    if (err == CX_OK) {
        profile_free(ps->items[at]);
        memmove(ps->items + at, ps->items + at + 1,
                (ps->count - at - 1) * sizeof(struct profile *));
        ps->count--;
    }
    return err;
}

size_t profiles_count(const struct profiles *ps)
{
    return ps->count;
}

const struct profile *profiles_at(const struct profiles *ps, size_t i)
{
    return ps->items[i];
}
