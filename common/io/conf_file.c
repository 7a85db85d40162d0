#include "common/io/conf_file.h"

#include "common/core/path.h"
#include "common/io/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A fault of the file as a whole. */
static void note(struct faults *faults, const char *path, const struct cx_fail *fail)
{
    const char *text = cx_fail_text(fail);
    size_t len = strlen(path);

    /* The place says the path already. */
    if (strncmp(text, path, len) == 0 && text[len] == ':') {
        text += len + 1;
        text += strspn(text, " ");
    }
    faults_add(faults, path, "", "%s", text);
}

/* The struct as it is without a file; its place still names the file. */
static void read_nothing(const struct conf_table *table, const char *path, void *conf)
{
    struct conf_source source = {.file = path, .folder = ""};
    struct faults ignored; /* that required settings are missing is not what is wrong here */
    enum cx_err err;

    faults_init(&ignored);
    err = conf_read(table, &source, conf, &ignored);
    (void)err; /* the caller has a worse one already */
    faults_done(&ignored);
}

enum cx_err conf_file_read(const struct conf_table *table, const char *path, void *conf,
                           struct faults *faults)
{
    struct conf_source source = {.file = path};
    struct cx_fail fail = {0};
    char *folder = NULL;
    struct buf text;
    enum cx_err err;

    buf_init(&text, CONF_FILE_MAX_BYTES);
    err = file_read(path, CONF_FILE_MAX_BYTES, &text, &fail);
    if (err == CX_OK) {
        err = path_folder(path, &folder);
        fail.code = err;
    }
    if (err != CX_OK) {
        note(faults, path, &fail);
        read_nothing(table, path, conf);
    } else {
        source.folder =
            strcmp(folder, ".") == 0 ? "" : folder; /* names stay as they were written */
        source.text = buf_view(&text);
        err = conf_read(table, &source, conf, faults);
    }
    free(folder);
    buf_done(&text);
    return err;
}

/* The names of the files to read. */
struct names {
    char **items;
    size_t count;
};

static void names_done(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i]);
    }
    free(names->items);
    *names = (struct names){0};
}

static bool is_conf_name(const char *name)
{
    static const char suffix[] = ".conf";
    size_t len = strlen(name);

    return name[0] != '.' && len > sizeof(suffix) - 1 &&
           strcmp(name + len - (sizeof(suffix) - 1), suffix) == 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Add every name of the open folder that is a configuration's. */
static enum cx_err collect(DIR *dir, const char *folder, struct names *names, struct cx_fail *fail)
{
    for (;;) {
        struct dirent *entry;

        errno = 0;
        entry = readdir(dir);
        if (entry == NULL) {
            return errno == 0 ? CX_OK
                              : cx_fail_set(fail, CX_E_IO, "conf.folder", "%s: %s", folder,
                                            strerror(errno));
        }
        if (!is_conf_name(entry->d_name)) {
            continue;
        }
        if (names->count == CONF_FOLDER_MAX_FILES) {
            return cx_fail_set(fail, CX_E_FULL, "conf.folder", "%s: more than %d files", folder,
                               CONF_FOLDER_MAX_FILES);
        }
        names->items[names->count] = strdup(entry->d_name);
        if (names->items[names->count] == NULL) {
            return cx_fail_set(fail, CX_E_NOMEM, "conf.folder", "%s: out of memory", folder);
        }
        names->count++;
    }
}

static enum cx_err list_folder(const char *folder, struct names *names, struct cx_fail *fail)
{
    DIR *dir = opendir(folder);
    enum cx_err err;

    if (dir == NULL) {
        return cx_fail_set(fail, errno == ENOENT ? CX_E_NOT_FOUND : CX_E_IO, "conf.folder",
                           "%s: %s", folder, strerror(errno));
    }
    names->items = calloc(CONF_FOLDER_MAX_FILES, sizeof(*names->items));
    err = names->items != NULL
              ? collect(dir, folder, names, fail)
              : cx_fail_set(fail, CX_E_NOMEM, "conf.folder", "%s: out of memory", folder);
    (void)closedir(dir);
    if (err == CX_OK) {
        qsort(names->items, names->count, sizeof(*names->items), compare_names);
    }
    return err;
}

enum cx_err conf_folder_read(const struct conf_table *table, const char *folder,
                             struct conf_list *out, struct faults *faults, struct cx_fail *fail)
{
    struct names names = {0};
    enum cx_err worst = CX_OK;
    enum cx_err err;

    *out = (struct conf_list){0};
    err = list_folder(folder, &names, fail);
    if (err == CX_OK) {
        out->items = calloc(names.count + 1, table->bytes);
        if (out->items == NULL) {
            err = cx_fail_set(fail, CX_E_NOMEM, "conf.folder", "%s: out of memory", folder);
        }
    }
    for (size_t i = 0; err == CX_OK && i < names.count; i++) {
        char *path = NULL;

        err = path_join(folder, names.items[i], &path);
        if (err != CX_OK) {
            (void)cx_fail_set(fail, err, "conf.folder", "%s: out of memory", folder);
            break;
        }
        if (conf_file_read(table, path, (char *)out->items + i * table->bytes, faults) != CX_OK) {
            worst = CX_E_CONFIG;
        }
        out->count++;
        free(path);
    }
    names_done(&names);
    return err != CX_OK ? err : worst;
}
