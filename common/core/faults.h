#ifndef CONNECTOR_COMMON_CORE_FAULTS_H
#define CONNECTOR_COMMON_CORE_FAULTS_H

#include "common/core/err.h"

#include <stddef.h>

/* Every fault of one input, so that a person mends them all in one go. */
struct fault {
    char *where; /* "agent.conf:12", or "" when there is no file */
    char *field; /* "limits.jobs", "fields[2].key"; "" for the whole */
    char *what;  /* "must be 1..2048, found 0" */
};

enum { FAULTS_MAX = 100 }; /* further ones are counted, not kept */

struct faults {
    struct fault *items;
    size_t count;   /* kept in items */
    size_t omitted; /* found past FAULTS_MAX, or when memory ran out */
};

void faults_init(struct faults *f);
void faults_done(struct faults *f);

/* Add one. `where` NULL is "". Control characters in the text become '?'. Never fails: what cannot
 * be kept is counted in `omitted`. */
void faults_add(struct faults *f, const char *where, const char *field, const char *fmt, ...)
    CX_PRINTF(4, 5);

/* Add the fault of a file as a whole; `fail` may begin with the file's name, as `where` does. */
void faults_add_fail(struct faults *f, const char *where, const struct cx_fail *fail);

/* Faults found in all, the omitted ones included. */
size_t faults_total(const struct faults *f);

/* The nearest of `names` (n of them) to `name` by edit distance, or NULL if none is near enough to
 * be what was meant: for "did you mean". Pure. */
const char *faults_nearest(const char *name, const char *const *names, size_t n);

#endif
