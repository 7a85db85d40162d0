#include "common/io/cli_json.h"

#include "common/core/buf.h"
#include "common/core/err.h"
#include "common/io/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Why it is no JSON; never what stands there, which may be a secret. */
static const char *why(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_duplicate_key:
        return "an object has a name twice";
    case json_error_premature_end_of_input:
        return "it ends too early";
    case json_error_end_of_input_expected:
        return "something stands behind its end";
    case json_error_invalid_utf8:
        return "it is not UTF-8";
    default:
        return "this is where reading it stopped";
    }
}

json_t *cli_json_read(const struct cli_args *args, const char *file, size_t bytes_max)
{
    struct cx_fail fail = {0};
    json_error_t error;
    json_t *json = NULL;
    struct buf text;
    enum cx_err err;

    buf_init(&text, bytes_max);
    err = strcmp(file, "-") == 0 ? file_read_stdin(bytes_max, &text, &fail)
                                 : file_read(file, bytes_max, &text, &fail);
    if (err != CX_OK) {
        cli_print_fail(args, file, &fail);
    } else {
        json =
            json_loadb((const char *)buf_view(&text).ptr, text.len, JSON_REJECT_DUPLICATES, &error);
        if (json == NULL) {
            fprintf(stderr, "%s:%d: column %d: no sound JSON: %s\n", file, error.line, error.column,
                    why(&error));
        }
    }
    buf_done(&text);
    return json;
}

static void clean_text(json_t *text)
{
    char *copy = strdup(json_string_value(text));

    if (copy != NULL) {
        cx_text_clean(copy);
    }
    (void)json_string_set(text, copy != NULL ? copy : "?");
    free(copy);
}

void cli_json_clean(json_t *json)
{
    const char *name;
    json_t *value;
    size_t i;

    if (json_is_string(json)) {
        clean_text(json);
    }
    json_object_foreach(json, name, value)
    {
        cli_json_clean(value);
    }
    json_array_foreach(json, i, value)
    {
        cli_json_clean(value);
    }
}
