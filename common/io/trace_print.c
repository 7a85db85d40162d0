#include "common/io/trace_print.h"

#include "common/core/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOP_COLUMNS = 9 };

#define TEXT_COLUMN "                        "

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));

    return text == NULL ? "" : text;
}

/* A peer wrote it: without what a terminal would obey, at least so wide. */
static void put_clean(const char *text, int width)
{
    char *copy = strdup(text);

    if (copy != NULL) {
        cx_text_clean(copy);
        printf("%-*s", width, copy);
    }
    free(copy);
}

static void put_row(const json_t *row)
{
    json_int_t us = json_integer_value(json_object_get(row, "us"));
    char time[32] = "";
    const json_t *line;
    size_t i;

    if (us > 0) {
        (void)snprintf(time, sizeof(time), "%.2f ms", (double)us / 1000.0);
    }
    printf("  ");
    put_clean(text_of(row, "hop"), HOP_COLUMNS);
    printf(" %10s  %s", time, json_is_true(json_object_get(row, "failed")) ? "FAILED: " : "");
    put_clean(text_of(row, "text"), 0);
    printf("\n");
    json_array_foreach(json_object_get(row, "detail"), i, line)
    {
        printf(TEXT_COLUMN "| ");
        put_clean(json_string_value(line) == NULL ? "" : json_string_value(line), 0);
        printf("\n");
    }
    if (text_of(row, "advice")[0] != '\0') {
        printf("  %-*s %10s  ", HOP_COLUMNS, "to change", "");
        put_clean(text_of(row, "advice"), 0);
        printf("\n");
    }
}

void trace_print(const json_t *trace)
{
    const json_t *row;
    size_t i;

    json_array_foreach(trace, i, row)
    {
        put_row(row);
    }
}
