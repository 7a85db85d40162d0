#include "tests/support/profile_text.h"

#include "tests/support/check.h"

#include <stdlib.h>

static const char base[] = "{'name': 'p', 'type': 'oauth2_password', 'connector': 'c1',"
                           " 'token_url': 'https://idp.example/token'}";

json_t *profile_text_json(const char *text)
{
    char *copy;
    json_error_t error;
    json_t *json;

    if (text == NULL) {
        return NULL;
    }
    copy = strdup(text);
    assert_non_null(copy);
    for (char *p = copy; *p != '\0'; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    json = json_loads(copy, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (json == NULL) {
        fail_msg("%s: %s", text, error.text);
    }
    free(copy);
    return json;
}

bool profile_text_read(const char *patch, const struct profile *before, struct profile *out,
                       struct faults *faults, struct faults *warnings)
{
    json_t *json = profile_text_json(base);
    json_t *over = profile_text_json(patch);
    struct profile_input in = {.json = json, .before = before};
    bool is_read;

    assert_int_equal(json_object_update(json, over), 0);
    is_read = profile_read(&in, out, faults, warnings);
    json_decref(json);
    json_decref(over);
    return is_read;
}

void profile_text_make(const char *patch, struct profile *out)
{
    struct faults faults;

    faults_init(&faults);
    if (!profile_text_read(patch, NULL, out, &faults, NULL)) {
        fail_msg("%s\n%s", patch, profile_text_faults(&faults));
    }
    faults_done(&faults);
}

char *profile_text_faults(const struct faults *f)
{
    struct buf text;
    char *copy;

    buf_init(&text, SIZE_MAX);
    for (size_t i = 0; i < f->count; i++) {
        assert_int_equal(buf_put_str(&text, f->items[i].field), CX_OK);
        assert_int_equal(buf_put_str(&text, ": "), CX_OK);
        assert_int_equal(buf_put_str(&text, f->items[i].what), CX_OK);
        assert_int_equal(buf_put_str(&text, "\n"), CX_OK);
    }
    copy = strdup(buf_cstr(&text));
    buf_done(&text);
    return copy;
}
