#include "common/core/faults.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAULT_TEXT_BYTES = 512, NAME_MAX_BYTES = 64 };

void faults_init(struct faults *f)
{
    *f = (struct faults){0};
}

void faults_done(struct faults *f)
{
    for (size_t i = 0; i < f->count; i++) {
        free(f->items[i].where);
        free(f->items[i].field);
        free(f->items[i].what);
    }
    free(f->items);
    faults_init(f);
}

static char *dup_clean(const char *text)
{
    char *copy = strdup(text == NULL ? "" : text);

    if (copy != NULL) {
        cx_text_clean(copy);
    }
    return copy;
}

void faults_add(struct faults *f, const char *where, const char *field, const char *fmt, ...)
{
    char text[FAULT_TEXT_BYTES];
    struct fault made;
    va_list args;

    if (f->items == NULL) {
        f->items = calloc(FAULTS_MAX, sizeof(*f->items));
    }
    if (f->items == NULL || f->count == FAULTS_MAX) {
        f->omitted++;
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    made = (struct fault){dup_clean(where), dup_clean(field), dup_clean(text)};
    if (made.where == NULL || made.field == NULL || made.what == NULL) {
        free(made.where);
        free(made.field);
        free(made.what);
        f->omitted++;
        return;
    }
    f->items[f->count++] = made;
}

void faults_add_fail(struct faults *f, const char *where, const struct cx_fail *fail)
{
    const char *text = cx_fail_text(fail);
    size_t len = strlen(where);

    if (strncmp(text, where, len) == 0 && text[len] == ':') {
        text += len + 1;
        text += strspn(text, " ");
    }
    faults_add(f, where, "", "%s", text);
}

size_t faults_total(const struct faults *f)
{
    return f->count + f->omitted;
}

/* Levenshtein distance of two short names. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_MAX_BYTES + 1];
    size_t len_a = strnlen(a, NAME_MAX_BYTES);
    size_t len_b = strnlen(b, NAME_MAX_BYTES);

    for (size_t j = 0; j <= len_b; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= len_a; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= len_b; j++) {
            size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            size_t best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

            diagonal = row[j];
            row[j] = change < best ? change : best;
        }
    }
    return row[len_b];
}

const char *faults_nearest(const char *name, const char *const *names, size_t n)
{
    const char *nearest = NULL;
    size_t best = strnlen(name, NAME_MAX_BYTES) / 3 + 1; /* a third of it may be wrong */

    for (size_t i = 0; i < n; i++) {
        size_t d = distance(name, names[i]);

        if (d <= best && (nearest == NULL || d < best)) {
            best = d;
            nearest = names[i];
        }
    }
    return nearest;
}
