#include "common/core/path.h"
#include "common/io/clock.h"
#include "common/io/seal.h"
#include "platform/core/api_key.h"
#include "platform/io/commands.h"
#include "platform/io/server_cert.h"
#include "platform/io/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What init makes, in this order; whatever is there already ends it before anything is made. */

enum { CONF_BYTES_MAX = 64 * 1024, HOST_BYTES = 256, URL_BYTES = 512 };

static const char first_key_name[] = "admin";

/* ---- the configuration, where there is none ---- */

/* The example, with the public URL in its place. */
static enum cx_err write_conf(const char *path, const char *public_url, struct cx_fail *fail)
{
    struct buf text;
    enum cx_err err;

    buf_init(&text, CONF_BYTES_MAX);
    err = buf_put_str(&text, "public_url = \"");
    if (err == CX_OK) {
        err = buf_put_str(&text, public_url);
    }
    if (err == CX_OK) {
        err = buf_put_str(
            &text, "\";  # what agents connect to\n\n"
                   "# Every setting with its default: platform.conf.example. After a change:\n"
                   "# `connector-platform check`, then restart the server.\n"
                   "listen = { tunnel = \"0.0.0.0:8443\"; api = [ \"http://127.0.0.1:8080\" ]; "
                   "};\n");
    }
    if (err == CX_OK) {
        err = file_write(path, buf_view(&text), 0644, FILE_NEW, fail);
    }
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

static enum cli_status make_conf(const struct cli_args *args, bool *is_made)
{
    char url[URL_BYTES];
    struct cx_fail fail = {0};
    char *folder = NULL;
    enum cx_err err;

    choose_url(args, url);
    if (platform_public_url_read(slice_of_str(url), NULL, &fail) != CX_OK ||
        strpbrk(url, "\"\\") != NULL) {
        cli_print_fail(args, "--public-url", &fail);
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
        cli_print_fail(args, "init", &fail);
        return CLI_FAILED;
    }
    *is_made = true;
    return CLI_DONE;
}

/* ---- keys, certificates, store ---- */

/* Name every file that must not be there yet. True if there is none. */
static bool nothing_is_there(const struct platform_settings *s)
{
    const struct {
        const char *setting, *path;
    } files[] = {
        {"ca.certificate", s->ca_certificate},
        {"ca.key", s->ca_key},
        {"store.master_key", s->store_master_key},
        {"store.path", s->store_path},
    };
    bool is_clean = true;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (file_exists(files[i].path)) {
            fprintf(stderr, "connector-platform: init: %s: %s is there already\n", files[i].setting,
                    files[i].path);
            is_clean = false;
        }
    }
    if (!is_clean) {
        fprintf(stderr, "connector-platform: init: this platform was initialised before; nothing "
                        "was changed\n");
    }
    return is_clean;
}

static enum cx_err make_ca(const struct platform_settings *s, struct cert_ca *ca,
                           struct cx_fail *fail)
{
    struct buf pem;
    enum cx_err err = cert_ca_make("connector platform CA", clock_wall_s(), ca, fail);

    buf_init(&pem, CERT_PEM_MAX_BYTES);
    if (err == CX_OK) {
        err = cert_key_write(s->ca_key, ca->key, FILE_NEW, fail);
    }
    if (err == CX_OK) {
        err = cert_to_pem(ca->cert, &pem, fail);
    }
    if (err == CX_OK) {
        err = file_write(s->ca_certificate, buf_view(&pem), 0644, FILE_NEW, fail);
    }
    buf_done(&pem);
    return err;
}

/* The server's certificate, unless the admin has brought one. */
static enum cx_err make_server_cert(const struct cli_args *args, const struct platform_settings *s,
                                    const struct cert_ca *ca, struct cx_fail *fail)
{
    const char *items[SERVER_CERT_NAMES_MAX];
    struct cert_server_names more = {.items = items, .count = 0};
    const char *name;

    if (file_exists(s->tls_certificate) && file_exists(s->tls_key)) {
        return CX_OK;
    }
    while (more.count < SERVER_CERT_NAMES_MAX &&
           (name = cli_value_at(args, "san", more.count)) != NULL) {
        items[more.count++] = name;
    }
    return server_cert_make(s, ca, more, fail);
}

static enum cx_err make_store(const struct platform_settings *s, struct buf *first_key,
                              struct cx_fail *fail)
{
    uint8_t random[API_KEY_RANDOM_BYTES];
    struct store_key stored = {
        .name = first_key_name, .role = KEY_ADMIN, .created_ms = clock_wall_ms()};
    struct seal_key seal = {0};
    struct store *store = NULL;
    enum cx_err err = seal_key_make(s->store_master_key, fail);

    if (err == CX_OK) {
        err = seal_key_read(s->store_master_key, &seal, fail);
    }
    if (err == CX_OK) {
        err = store_create(s->store_path, fail);
    }
    if (err == CX_OK) {
        err = store_open(s->store_path, &seal, &store, fail);
    }
    random_fill(random, sizeof(random));
    if (err == CX_OK) {
        err = api_key_put(random, first_key);
    }
    if (err == CX_OK) {
        crypto_sha256(buf_view(first_key), stored.sha256);
        err = store_add_key(store, &stored, fail);
    }
    explicit_bzero(random, sizeof(random));
    store_close(store);
    seal_key_done(&seal);
    return err;
}

static void print_done(const struct platform_settings *s, bool is_conf_new, const char *conf_path,
                       const struct buf *first_key)
{
    fprintf(stderr, "Initialised.\n");
    fprintf(stderr, "  settings     %s%s\n", conf_path, is_conf_new ? " (new)" : "");
    fprintf(stderr, "  public URL   %s\n", s->public_url);
    fprintf(stderr, "  CA           %s (key %s: keep it safe)\n", s->ca_certificate, s->ca_key);
    fprintf(stderr, "  certificate  %s\n", s->tls_certificate);
    fprintf(stderr, "  store        %s (sealed under %s: keep a copy elsewhere)\n", s->store_path,
            s->store_master_key);
    fprintf(stderr, "Next: `connector-platform check`, then `connector-platform serve`.\n"
                    "The first admin key follows. It is shown once; keep it secret:\n");
    printf("%.*s\n", SLICE_ARG(buf_view(first_key)));
}

static enum cli_status make_all(const struct cli_args *args, const struct platform_settings *s,
                                bool is_conf_new)
{
    struct cx_fail fail = {0};
    struct cert_ca ca = {0};
    struct buf first_key;
    enum cx_err err;

    if (!nothing_is_there(s)) {
        return CLI_FAILED;
    }
    buf_init(&first_key, 128);
    err = make_ca(s, &ca, &fail);
    if (err == CX_OK) {
        err = make_server_cert(args, s, &ca, &fail);
    }
    if (err == CX_OK) {
        err = make_store(s, &first_key, &fail);
    }
    if (err == CX_OK) {
        print_done(s, is_conf_new, args->conf_path, &first_key);
    } else {
        cli_print_fail(args, "init", &fail);
    }
    cert_ca_done(&ca);
    buf_done(&first_key);
    return err == CX_OK ? CLI_DONE : CLI_FAILED;
}

enum cli_status command_init(const struct cli_args *args)
{
    struct platform_settings settings = {0};
    struct faults faults;
    bool is_conf_new = false;
    enum cli_status status = CLI_DONE;

    faults_init(&faults);
    if (!file_exists(args->conf_path)) {
        status = make_conf(args, &is_conf_new);
    } else if (cli_has(args, "public-url")) {
        fprintf(stderr, "connector-platform: init: %s is there: set public_url in it\n",
                args->conf_path);
        status = CLI_USAGE;
    }
    if (status == CLI_DONE && !platform_settings_read(args->conf_path, &settings, &faults)) {
        cli_print_faults(&faults);
        status = CLI_CONFIG;
    }
    if (status == CLI_DONE) {
        status = make_all(args, &settings, is_conf_new);
    }
    conf_done(&platform_settings_table, &settings);
    faults_done(&faults);
    return status;
}
