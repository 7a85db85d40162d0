#include "common/io/trace_print.h"

#include <stdio.h>

#define TEXT_COLUMN "                        "

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));

    return text == NULL ? "" : text;
}

/* Without what a terminal would obey. */
static void put_clean(const char *text)
{
    for (; *text != '\0'; text++) {
        (void)putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
    }
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
    printf("  %-9s %10s  %s", text_of(row, "hop"), time,
           json_is_true(json_object_get(row, "failed")) ? "FAILED: " : "");
    put_clean(text_of(row, "text"));
    printf("\n");
    json_array_foreach(json_object_get(row, "detail"), i, line)
    {
        printf(TEXT_COLUMN "| ");
        put_clean(json_string_value(line) == NULL ? "" : json_string_value(line));
        printf("\n");
    }
    if (text_of(row, "advice")[0] != '\0') {
        printf("  %-9s %10s  ", "to change", "");
        put_clean(text_of(row, "advice"));
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
