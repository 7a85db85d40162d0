#include "common/core/place.h"

#include <string.h>

enum { INDEX_MAX = 1000000 };

bool place_is_valid(struct slice place)
{
    if (place.len > PLACE_BYTES_MAX || !slice_is_utf8(place) || slice_has_control(place) ||
        (place.len > 0 && place.ptr[0] != '/')) {
        return false;
    }
    for (size_t i = 0; i < place.len; i++) {
        if (place.ptr[i] == '~' &&
            (i + 1 == place.len || (place.ptr[i + 1] != '0' && place.ptr[i + 1] != '1'))) {
            return false;
        }
    }
    return true;
}

size_t place_steps(struct slice place)
{
    size_t n = 0;

    for (size_t i = 0; i < place.len; i++) {
        n += place.ptr[i] == '/' ? 1 : 0;
    }
    return n;
}

/* One step, its escapes undone (RFC 6901, 4). */
struct step {
    char name[PLACE_BYTES_MAX];
    size_t len;
    bool is_index; /* as RFC 6901 writes one: no leading zeros */
    uint64_t index;
};

/* Take the first step off `rest`, which begins with its slash. */
static void cut_step(struct slice *rest, struct step *out)
{
    struct slice step = slice_from(*rest, 1);

    step = slice_first(step, slice_find(step, 0, '/'));
    *rest = slice_from(*rest, 1 + step.len);
    *out = (struct step){.len = 0};
    for (size_t i = 0; i < step.len; i++) {
        uint8_t c = step.ptr[i];

        if (c == '~' && i + 1 < step.len) {
            c = step.ptr[++i] == '1' ? '/' : '~';
        }
        out->name[out->len++] = (char)c;
    }
    out->is_index = slice_to_u64(step, 0, INDEX_MAX, &out->index) == CX_OK &&
                    (step.ptr[0] != '0' || step.len == 1);
}

/* `*at`'s member or element; of XML also the first of several elements, or the only one by 0. */
static json_t *descend(json_t **at, const struct step *step, bool is_xml)
{
    if (is_xml && step->is_index && !json_is_array(*at)) {
        return step->index == 0 ? *at : NULL; /* no element's name is a number */
    }
    if (is_xml && !step->is_index && json_is_array(*at)) {
        *at = json_array_get(*at, 0);
    }
    if (json_is_array(*at)) {
        return step->is_index ? json_array_get(*at, (size_t)step->index) : NULL;
    }
    return json_object_getn(*at, step->name, step->len);
}

json_t *place_find(json_t *document, struct slice place, bool is_xml, json_t **parent)
{
    json_t *found = document;

    *parent = NULL;
    if (!place_is_valid(place)) {
        return NULL;
    }
    while (place.len > 0 && found != NULL) {
        struct step step;
        json_t *at = found;

        cut_step(&place, &step);
        found = descend(&at, &step, is_xml);
        if (found != at) {
            *parent = at;
        }
    }
    return found;
}
