#include "common/core/members.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 400, SHOWN_BYTES = 60 };

void members_init(struct members *m, const json_t *json, const char *path, struct faults *faults)
{
    *m = (struct members){.faults = faults};
    (void)snprintf(m->path, sizeof(m->path), "%s", path);
    if (json_is_object(json)) {
        m->json = json;
    } else {
        members_fault(m, NULL, "must be an object");
    }
}

const char *members_path(const struct members *m, const char *name, char out[MEMBERS_PATH_BYTES])
{
    const char *dot = m->path[0] != '\0' && name != NULL ? "." : "";

    (void)snprintf(out, MEMBERS_PATH_BYTES, "%s%s%.*s", m->path, dot, SHOWN_BYTES,
                   name != NULL ? name : "");
    return out;
}

void members_fault(const struct members *m, const char *name, const char *fmt, ...)
{
    char path[MEMBERS_PATH_BYTES];
    char text[TEXT_BYTES];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    faults_add(m->faults, NULL, members_path(m, name, path), "%s", text);
}

static bool is_among(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

void members_check_names(const struct members *m, const char *const *names, size_t n)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)m->json, name, value)
    {
        const char *nearest;

        if (is_among(name, names, n)) {
            continue;
        }
        nearest = faults_nearest(name, names, n);
        if (nearest != NULL) {
            members_fault(m, name, "is not known; did you mean \"%s\"?", nearest);
        } else {
            members_fault(m, name, "is not known");
        }
    }
}

const json_t *members_get(const struct members *m, const char *name)
{
    const json_t *value = m->json == NULL ? NULL : json_object_get(m->json, name);

    return json_is_null(value) ? NULL : value;
}

const json_t *members_list(const struct members *m, const char *name, size_t max)
{
    const json_t *value = members_get(m, name);

    if (value == NULL) {
        return NULL;
    }
    if (!json_is_array(value)) {
        members_fault(m, name, "must be a list");
        return NULL;
    }
    if (json_array_size(value) > max) {
        members_fault(m, name, "must have at most %zu elements, found %zu", max,
                      json_array_size(value));
        return NULL;
    }
    return value;
}

static bool is_good_text(const struct members *m, const char *name, const json_t *value,
                         size_t bytes_max)
{
    if (!json_is_string(value)) {
        members_fault(m, name, "must be a string");
        return false;
    }
    if (json_string_length(value) > bytes_max) {
        members_fault(m, name, "must be at most %zu bytes long, found %zu", bytes_max,
                      json_string_length(value));
        return false;
    }
    if (strlen(json_string_value(value)) != json_string_length(value)) {
        members_fault(m, name, "must not hold a NUL character");
        return false;
    }
    return true;
}

char *members_text(const struct members *m, const char *name, size_t bytes_max,
                   const char *fallback)
{
    const json_t *value = members_get(m, name);
    const char *text = fallback;
    char *copy;

    if (value != NULL && is_good_text(m, name, value, bytes_max)) {
        text = json_string_value(value);
    }
    if (text == NULL) {
        return NULL;
    }
    copy = strdup(text);
    if (copy == NULL) {
        members_fault(m, name, "%s", cx_err_text(CX_E_NOMEM));
    }
    return copy;
}

bool members_flag(const struct members *m, const char *name, bool fallback)
{
    const json_t *value = members_get(m, name);

    if (value == NULL) {
        return fallback;
    }
    if (!json_is_boolean(value)) {
        members_fault(m, name, "must be true or false");
        return fallback;
    }
    return json_is_true(value);
}

uint32_t members_u32(const struct members *m, const char *name, uint32_t min, uint32_t max,
                     uint32_t fallback)
{
    const json_t *value = members_get(m, name);
    json_int_t number = json_integer_value(value);

    if (value == NULL) {
        return fallback;
    }
    if (!json_is_integer(value)) {
        members_fault(m, name, "must be a whole number, %u to %u", min, max);
        return fallback;
    }
    if (number < (json_int_t)min || number > (json_int_t)max) {
        members_fault(m, name, "must be %u to %u, found %" JSON_INTEGER_FORMAT, min, max, number);
        return fallback;
    }
    return (uint32_t)number;
}

static void put_word(char *list, size_t room, const char *word)
{
    size_t used = strlen(list);

    (void)snprintf(list + used, room - used, "%s%s", used > 0 ? ", " : "", word);
}

static void refuse_word(const struct members *m, const char *name, const json_t *value,
                        const char *const *words, unsigned n)
{
    const char *found = json_is_string(value) ? json_string_value(value) : NULL;
    const char *nearest = found == NULL ? NULL : faults_nearest(found, words, n);
    char list[TEXT_BYTES / 2] = "";

    for (unsigned i = 0; i < n; i++) {
        if (words[i][0] != '\0') {
            put_word(list, sizeof(list), words[i]);
        }
    }
    if (found == NULL) {
        members_fault(m, name, "must be one of: %s", list);
    } else if (nearest == NULL || nearest[0] == '\0') {
        members_fault(m, name, "must be one of: %s; found \"%.*s\"", list, SHOWN_BYTES, found);
    } else {
        members_fault(m, name, "must be one of: %s; found \"%.*s\", did you mean \"%s\"?", list,
                      SHOWN_BYTES, found, nearest);
    }
}

unsigned members_word(const struct members *m, const char *name, const char *const *words,
                      unsigned n, unsigned fallback)
{
    const json_t *value = members_get(m, name);

    if (value == NULL) {
        return fallback;
    }
    for (unsigned i = 0; i < n && json_is_string(value); i++) {
        if (words[i][0] != '\0' && strcmp(json_string_value(value), words[i]) == 0) {
            return i;
        }
    }
    refuse_word(m, name, value, words, n);
    return fallback;
}
