#include "common/io/conf_file.h"

#include "common/core/path.h"
#include "common/io/file.h"
#include "common/io/folder.h"

#include <stdlib.h>
#include <string.h>

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
        faults_add_fail(faults, path, &fail);
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

static bool is_conf_name(const char *name)
{
    static const char suffix[] = ".conf";
    size_t len = strlen(name);

    return name[0] != '.' && len > sizeof(suffix) - 1 &&
           strcmp(name + len - (sizeof(suffix) - 1), suffix) == 0;
}

enum cx_err conf_folder_read(const struct conf_table *table, const char *folder,
                             struct conf_list *out, struct faults *faults, struct cx_fail *fail)
{
    struct folder_names names;
    enum cx_err worst = CX_OK;
    enum cx_err err;

    *out = (struct conf_list){0};
    err = folder_list(folder, CONF_FOLDER_MAX_FILES, is_conf_name, &names, fail);
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
    folder_names_done(&names);
    return err != CX_OK ? err : worst;
}
