#include "common/core/path.h"
#include "common/io/file.h"
#include "platform/io/commands.h"
#include "platform/io/init_files.h"
#include "platform/io/server_cert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONF_BYTES_MAX = 64 * 1024, HOST_BYTES = 256, URL_BYTES = 512, ROWS_MAX = 64 };

/* ---- the configuration, where there is none ---- */

/* The row's example, which is written out and not commented out, becomes this text in quotes. */
static enum cx_err set_example(struct conf_row *row, const char *text, struct buf *room)
{
    enum cx_err err = buf_put_byte(room, '"');

    if (err == CX_OK) {
        err = buf_put_str(room, text);
    }
    if (err == CX_OK) {
        err = buf_put_byte(room, '"');
    }
    row->example = buf_cstr(room);
    return err == CX_OK && row->example == NULL ? CX_E_NOMEM : err;
}

/* Every setting with its default, commented out, and this public URL. */
static enum cx_err print_conf(const char *public_url, struct buf *out)
{
    const struct conf_table *table = &platform_settings_table;
    struct conf_row rows[ROWS_MAX];
    struct conf_table filled = {.rows = rows, .nrows = table->nrows, .bytes = table->bytes};
    struct buf quoted;
    enum cx_err err = table->nrows <= ROWS_MAX ? CX_OK : CX_E_FULL;

    buf_init(&quoted, URL_BYTES + 2);
    for (size_t i = 0; err == CX_OK && i < table->nrows; i++) {
        memcpy(&rows[i], &table->rows[i], sizeof(rows[i]));
        if (strcmp(rows[i].key, "public_url") == 0) {
            err = set_example(&rows[i], public_url, &quoted);
        }
    }
    if (err == CX_OK) {
        err = conf_print_example(&filled, out);
    }
    buf_done(&quoted);
    return err;
}

static enum cx_err write_conf(const char *path, const char *public_url, struct cx_fail *fail)
{
    struct buf text;
    enum cx_err err;

    buf_init(&text, CONF_BYTES_MAX);
    err = print_conf(public_url, &text);
    err = err == CX_OK ? file_write(path, buf_view(&text), 0644, FILE_NEW, fail)
                       : cx_fail_set(fail, err, "init", "%s", cx_err_text(err));
    buf_done(&text);
    return err;
}

/* --public-url, or this host's own name and the default port. */
static void choose_url(const struct cli_args *args, char out[URL_BYTES])
{
    const char *given = cli_value(args, "public-url");
    char host[HOST_BYTES] = "localhost";

    if (given != NULL) {
        (void)snprintf(out, URL_BYTES, "%s", given);
        return;
    }
    (void)gethostname(host, sizeof(host) - 1);
    (void)snprintf(out, URL_BYTES, "https://%s:8443", host);
}

static enum cli_status make_conf(const struct cli_args *args)
{
    char url[URL_BYTES];
    struct cx_fail fail = {0};
    char *folder = NULL;
    enum cx_err err;

    choose_url(args, url);
    if (platform_public_url_read(slice_of_str(url), NULL, &fail) != CX_OK) {
        cli_print_fail(args, cli_has(args, "public-url") ? "--public-url" : "give --public-url",
                       &fail);
        return CLI_USAGE;
    }
    err = path_folder(args->conf_path, &folder);
    if (err == CX_OK) {
        err = file_make_folder(folder, &fail);
    }
    if (err == CX_OK) {
        err = write_conf(args->conf_path, url, &fail);
    }
    free(folder);
    if (err != CX_OK) {
        cli_print_fail(args, "nothing was made", &fail);
        return CLI_FAILED;
    }
    return CLI_DONE;
}

/* ---- the rest ---- */

static bool take_names(const struct cli_args *args, const char *items[SERVER_CERT_NAMES_MAX],
                       struct cert_server_names *out)
{
    const char *name;

    *out = (struct cert_server_names){.items = items};
    while ((name = cli_value_at(args, "san", out->count)) != NULL) {
        if (out->count == SERVER_CERT_NAMES_MAX - 1) { /* one is public_url's */
            fprintf(stderr, "connector-platform: --san: at most %d names\n",
                    SERVER_CERT_NAMES_MAX - 1);
            return false;
        }
        items[out->count++] = name;
    }
    return true;
}

/* Words for a person go to standard error, the key alone to standard output. */
static void print_done(const struct cli_args *args, const struct platform_settings *s,
                       bool is_conf_new, const struct buf *first_key)
{
    fprintf(stderr, "Initialised.\n");
    fprintf(stderr, "  settings     %s%s\n", args->conf_path, is_conf_new ? " (new)" : "");
    fprintf(stderr, "  public URL   %s%s\n", s->public_url,
            is_conf_new && !cli_has(args, "public-url")
                ? " (guessed: change it in the settings if agents reach this host otherwise)"
                : "");
    fprintf(stderr, "  CA           %s (its key %s can make any agent: keep it safe)\n",
            s->ca_certificate, s->ca_key);
    fprintf(stderr, "  certificate  %s\n", s->tls_certificate);
    fprintf(stderr, "  store        %s (sealed under %s: keep a copy elsewhere)\n", s->store_path,
            s->store_master_key);
    fprintf(stderr, "Next: `connector-platform check`, then `connector-platform serve`.\n"
                    "The first admin key follows. It is shown once; keep it secret:\n");
    printf("%.*s\n", SLICE_ARG(buf_view(first_key)));
}

static enum cli_status make_files(const struct cli_args *args, const struct platform_settings *s,
                                  bool is_conf_new)
{
    const char *items[SERVER_CERT_NAMES_MAX];
    struct cert_server_names more;
    struct cx_fail fail = {0};
    struct buf first_key;
    enum cli_status status = CLI_FAILED;

    if (!take_names(args, items, &more)) {
        return CLI_USAGE;
    }
    buf_init(&first_key, 128);
    if (init_files_make(s, more, &first_key, &fail) == CX_OK) {
        print_done(args, s, is_conf_new, &first_key);
        status = CLI_DONE;
    } else {
        cli_print_fail(args, "nothing was made", &fail);
    }
    buf_done(&first_key);
    return status;
}

static enum cli_status read_and_make(const struct cli_args *args, bool is_conf_new)
{
    struct platform_settings settings;
    struct faults faults;
    enum cli_status status = CLI_CONFIG;

    faults_init(&faults);
    if (!platform_settings_read(args->conf_path, &settings, &faults)) {
        cli_print_faults(&faults);
    } else if (!init_files_are_new(&settings, &faults)) {
        cli_print_faults(&faults);
        fprintf(stderr, "connector-platform: this platform was initialised before, and init "
                        "overwrites nothing: nothing was changed\n");
        status = CLI_FAILED;
    } else {
        status = make_files(args, &settings, is_conf_new);
    }
    conf_done(&platform_settings_table, &settings);
    faults_done(&faults);
    return status;
}

enum cli_status command_init(const struct cli_args *args)
{
    bool is_conf_new = !file_exists(args->conf_path);
    enum cli_status status = CLI_DONE;

    if (is_conf_new) {
        status = make_conf(args);
    } else if (cli_has(args, "public-url")) {
        fprintf(stderr, "connector-platform: --public-url: %s is there: set public_url in it\n",
                args->conf_path);
        status = CLI_USAGE;
    }
    if (status != CLI_DONE) {
        return status;
    }
    status = read_and_make(args, is_conf_new);
    if (status != CLI_DONE && is_conf_new) {
        (void)unlink(args->conf_path);
    }
    return status;
}
