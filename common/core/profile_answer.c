#include "common/core/answer.h"
#include "common/core/place.h"
#include "common/core/profile_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The member `answer`: what an answer is taken for, where its members stand, and what else must
 * hold. */

enum { IS_BYTES_MAX = 256, NUMBER_BYTES = 24, PLACES = 4 };

#define AS_WORD(name, text) text,
/* "auto" in front: the number is the encoding's and one. */
static const char *const answers[ENCODING_COUNT + 1] = {"auto", TERMS_ENCODING(AS_WORD)};
#undef AS_WORD

static const char *const place_names[PLACES] = {"access_token", "refresh_token", "expires_in",
                                                "token_type"};

static void list_places(struct profile_places *p, char **out[PLACES])
{
    out[0] = &p->access_token;
    out[1] = &p->refresh_token;
    out[2] = &p->expires_in;
    out[3] = &p->token_type;
}

static void read_expect(struct profile_reader *r, const struct members *m)
{
    unsigned expect = members_word(m, "expect", answers, ENCODING_COUNT + 1, 0);

    r->p.answer = expect == 0 ? ENCODING_UNKNOWN : (enum body_encoding)(expect - 1);
    if (expect != 0 && !answer_is_readable(r->p.answer)) {
        members_fault(m, "expect", "%s answers are not read; take auto", answers[expect]);
    }
}

static bool has_levels(enum body_encoding encoding)
{
    return encoding != ENCODING_CSV && encoding != ENCODING_TEXT;
}

/* A copy of the place; NULL if there is none, or a faulty one. */
static char *read_place(const struct profile_reader *r, const struct members *m, const char *name)
{
    char *place = members_text(m, name, PLACE_BYTES_MAX, NULL);
    struct slice view = slice_of_str(place);
    size_t steps = place_steps(view);

    if (place == NULL) {
        return NULL;
    }
    if (!place_is_valid(view)) {
        members_fault(m, name,
                      "must be a place in the answer, a JSON Pointer (RFC 6901) or an element's "
                      "path, as \"/data/token\"");
    } else if (steps == 0 && strcmp(name, place_names[0]) != 0) {
        members_fault(m, name, "must name a place, as \"/data/%s\"", name);
    } else if (steps == 0 && r->p.answer != ENCODING_TEXT) {
        members_fault(
            m, name, "\"\" takes the whole answer for the token, which needs \"expect\": \"text\"");
    } else if (steps > 1 && !has_levels(r->p.answer)) {
        members_fault(m, name, "must be one name, as \"/token\": an answer in %s has no levels",
                      terms_encoding(r->p.answer));
    } else {
        return place;
    }
    free(place);
    return NULL;
}

static bool write_value(const json_t *value, char number[NUMBER_BYTES], const char **text)
{
    *text = number;
    if (json_is_string(value)) {
        *text = json_string_value(value);
        return strlen(*text) == json_string_length(value) && strlen(*text) <= IS_BYTES_MAX;
    }
    if (json_is_boolean(value)) {
        *text = json_is_true(value) ? "true" : "false";
        return true;
    }
    (void)snprintf(number, NUMBER_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return json_is_integer(value);
}

static void read_is(struct profile_reader *r, const struct members *m)
{
    const json_t *value = members_get(m, "is");
    char number[NUMBER_BYTES];
    const char *text;

    if (value == NULL) {
        members_fault(m, "is", "is required: text, true, false or a whole number");
    } else if (!write_value(value, number, &text)) {
        members_fault(m, "is", "must be text of at most %d bytes, true, false or a whole number",
                      IS_BYTES_MAX);
    } else {
        r->p.places.success_is = strdup(text);
        r->p.places.success_value = json_deep_copy(value);
        if (r->p.places.success_is == NULL || r->p.places.success_value == NULL) {
            members_fault(m, "is", "%s", cx_err_text(CX_E_NOMEM));
        }
    }
}

static void read_success(struct profile_reader *r, const struct members *answer)
{
    static const char *const names[] = {"at", "is"};
    const json_t *json = members_get(answer, "success");
    struct members m;

    if (json == NULL) {
        return;
    }
    members_init(&m, json, "answer.success", r->faults);
    members_check_names(&m, names, 2);
    if (members_get(&m, "at") == NULL) {
        members_fault(&m, "at", "is required: a place in the answer, as \"/ok\"");
    }
    r->p.places.success_at = read_place(r, &m, "at");
    read_is(r, &m);
}

void profile_read_answer(struct profile_reader *r)
{
    static const char *const names[] = {"expect",     "access_token", "refresh_token",
                                        "expires_in", "token_type",   "success"};
    const json_t *json = members_get(&r->top, "answer");
    char **places[PLACES];
    struct members m;

    if (json == NULL) {
        return;
    }
    members_init(&m, json, "answer", r->faults);
    members_check_names(&m, names, sizeof(names) / sizeof(names[0]));
    read_expect(r, &m);
    list_places(&r->p.places, places);
    for (size_t i = 0; i < PLACES; i++) {
        *places[i] = read_place(r, &m, place_names[i]);
    }
    if (r->p.places.access_token != NULL && r->p.places.access_token[0] == '\0') {
        profile_warn(r, "answer.access_token",
                     "\"\" takes whatever one word a 2xx holds for the token, and nothing tells it "
                     "from a word like \"Unauthorized\"");
    }
    read_success(r, &m);
}

static bool put(json_t *json, const char *name, json_t *value)
{
    return json_object_set_new(json, name, value) == 0;
}

json_t *profile_answer_to_json(const struct profile *p)
{
    struct profile_places view = p->places;
    json_t *json = json_object();
    char **places[PLACES];
    bool is_made =
        put(json, "expect",
            json_string(p->answer == ENCODING_UNKNOWN ? answers[0] : terms_encoding(p->answer)));

    list_places(&view, places);
    for (size_t i = 0; i < PLACES; i++) {
        is_made =
            is_made && (*places[i] == NULL || put(json, place_names[i], json_string(*places[i])));
    }
    if (is_made && view.success_at != NULL) {
        is_made = put(json, "success",
                      json_pack("{s:s, s:O}", "at", view.success_at, "is", view.success_value));
    }
    if (!is_made) {
        json_decref(json);
        return NULL;
    }
    return json;
}

struct msg_places profile_places_view(const struct profile_places *places)
{
    return (struct msg_places){
        .access_token = slice_of_str(places->access_token),
        .refresh_token = slice_of_str(places->refresh_token),
        .expires_in = slice_of_str(places->expires_in),
        .token_type = slice_of_str(places->token_type),
        .success_at = slice_of_str(places->success_at),
        .success_is = slice_of_str(places->success_is),
    };
}

void profile_places_done(struct profile_places *places)
{
    char **owned[PLACES];

    list_places(places, owned);
    for (size_t i = 0; i < PLACES; i++) {
        free(*owned[i]);
    }
    free(places->success_at);
    free(places->success_is);
    json_decref(places->success_value);
    *places = (struct profile_places){.access_token = NULL};
}
