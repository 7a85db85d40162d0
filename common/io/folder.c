#include "common/io/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void folder_names_done(struct folder_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i]);
    }
    free(names->items);
    *names = (struct folder_names){0};
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A place for one more name. */
static enum cx_err make_room(struct folder_names *names, size_t max)
{
    char **grown;

    if (names->count == max) {
        return CX_E_FULL;
    }
    if ((names->count & (names->count - 1)) != 0) { /* it has room up to the next power of two */
        return CX_OK;
    }
    grown = reallocarray(names->items, names->count == 0 ? 1 : names->count * 2, sizeof(*grown));
    if (grown == NULL) {
        return CX_E_NOMEM;
    }
    names->items = grown;
    return CX_OK;
}

static enum cx_err add(struct folder_names *names, size_t max, const char *name)
{
    enum cx_err err = make_room(names, max);

    if (err == CX_OK) {
        names->items[names->count] = strdup(name);
        err = names->items[names->count] == NULL ? CX_E_NOMEM : CX_OK;
    }
    names->count += err == CX_OK ? 1 : 0;
    return err;
}

/* Add every name of the open folder that is wanted. */
static enum cx_err collect(DIR *dir, size_t max, bool (*accepts)(const char *name),
                           struct folder_names *names)
{
    for (;;) {
        struct dirent *entry;
        enum cx_err err = CX_OK;

        errno = 0;
        entry = readdir(dir);
        if (entry == NULL) {
            return errno == 0 ? CX_OK : CX_E_IO;
        }
        if (accepts(entry->d_name)) {
            err = add(names, max, entry->d_name);
        }
        if (err != CX_OK) {
            return err;
        }
    }
}

enum cx_err folder_list(const char *folder, size_t max, bool (*accepts)(const char *name),
                        struct folder_names *out, struct cx_fail *fail)
{
    DIR *dir = opendir(folder);
    int number = errno;
    enum cx_err err;

    *out = (struct folder_names){0};
    if (dir == NULL) {
        return cx_fail_set(fail, number == ENOENT ? CX_E_NOT_FOUND : CX_E_IO, "folder.list",
                           "%s: %s", folder, strerror(number));
    }
    err = collect(dir, max, accepts, out);
    number = errno;
    (void)closedir(dir);
    if (err == CX_E_FULL) {
        return cx_fail_set(fail, err, "folder.list", "%s: more than %zu files", folder, max);
    }
    if (err != CX_OK) {
        return cx_fail_set(fail, err, "folder.list", "%s: %s", folder,
                           err == CX_E_IO ? strerror(number) : cx_err_text(err));
    }
    if (out->count > 1) {
        qsort(out->items, out->count, sizeof(*out->items), compare_names);
    }
    return CX_OK;
}
