/* The commented example configurations in conf/, written from the tables that the programs read
 * their settings by.
 *
 *     conf_example agent|platform FOLDER            write FOLDER/NAME.conf.example
 *     conf_example agent|platform FOLDER --check    does it say what the table says? 1 if not
 */
#include "agent/io/settings.h"
#include "common/core/buf.h"
#include "common/io/file.h"
#include "platform/io/settings.h"

#include <stdio.h>
#include <string.h>

enum { EXAMPLE_BYTES_MAX = 64 * 1024, PATH_BYTES = 4096 };

static const struct example {
    const char *name;
    const struct conf_table *table;
    const char *head;
} examples[] = {
    {"agent", &agent_settings_table,
     "# connector-agent: every setting, with its default.\n"
     "#\n"
     "# The agent reads " AGENT_CONF_PATH " unless -c says otherwise;\n"
     "# `connector-agent enroll` writes a first one. A setting that is commented out here has\n"
     "# the value that is shown. After a change: `connector-agent check`, then send the agent\n"
     "# SIGHUP. What a reload doesn't take over waits for a restart, and the log names it.\n"
     "\n"},
    {"platform", &platform_settings_table,
     "# connector-platform: every setting, with its default.\n"
     "#\n"
     "# The platform reads " PLATFORM_CONF_PATH " unless -c says otherwise;\n"
     "# `connector-platform init` writes a first one. A setting that is commented out here has\n"
     "# the value that is shown. After a change: `connector-platform check`, then send it\n"
     "# SIGHUP. What a reload doesn't take over waits for a restart, and the log names it.\n"
     "\n"},
};

static const struct example *find(const char *name)
{
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        if (strcmp(examples[i].name, name) == 0) {
            return &examples[i];
        }
    }
    return NULL;
}

static enum cx_err print(const struct example *example, struct buf *out)
{
    enum cx_err err = buf_put_str(out, example->head);

    return err == CX_OK ? conf_print_example(example->table, out) : err;
}

/* The number of the first line in which they differ; 0: they don't. */
static size_t first_difference(struct slice a, struct slice b)
{
    size_t line = 1;

    for (size_t i = 0; i < a.len && i < b.len && a.ptr[i] == b.ptr[i]; i++) {
        line += a.ptr[i] == '\n';
    }
    return slice_eq(a, b) ? 0 : line;
}

static int check(const char *path, struct slice wanted)
{
    struct cx_fail fail = {0};
    size_t line;
    struct buf found;
    int status = 1;

    buf_init(&found, EXAMPLE_BYTES_MAX);
    if (file_read(path, EXAMPLE_BYTES_MAX, &found, &fail) != CX_OK) {
        fprintf(stderr, "%s\n", cx_fail_text(&fail));
    } else if ((line = first_difference(buf_view(&found), wanted)) != 0) {
        fprintf(stderr,
                "%s:%zu: differs from the table of settings; write it anew: cmake --build "
                "build/dev --target conf-examples\n",
                path, line);
    } else {
        status = 0;
    }
    buf_done(&found);
    return status;
}

static int store(const char *path, struct slice text)
{
    struct cx_fail fail = {0};

    if (file_write(path, text, 0644, FILE_REPLACE, &fail) == CX_OK) {
        return 0;
    }
    fprintf(stderr, "%s\n", cx_fail_text(&fail));
    return 1;
}

int main(int argc, char **argv)
{
    const struct example *example = argc >= 3 ? find(argv[1]) : NULL;
    bool is_check = argc == 4 && strcmp(argv[3], "--check") == 0;
    char path[PATH_BYTES];
    struct buf text;
    int status = 1;

    if (example == NULL || (argc != 3 && !is_check)) {
        fprintf(stderr, "usage: conf_example agent|platform FOLDER [--check]\n");
        return 2;
    }
    (void)snprintf(path, sizeof(path), "%s/%s.conf.example", argv[2], example->name);
    buf_init(&text, EXAMPLE_BYTES_MAX);
    if (print(example, &text) != CX_OK) {
        fprintf(stderr, "%s: the example can't be made\n", example->name);
    } else {
        status = is_check ? check(path, buf_view(&text)) : store(path, buf_view(&text));
    }
    buf_done(&text);
    return status;
}
