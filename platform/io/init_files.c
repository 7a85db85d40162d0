#include "platform/io/init_files.h"

#include "common/io/clock.h"
#include "common/io/seal.h"
#include "platform/core/api_key.h"
#include "platform/io/server_cert.h"
#include "platform/io/store.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FILES_COUNT = 6, PATH_BYTES = 4200 };

static const char first_key_name[] = "admin";

struct init_file {
    const char *setting, *path;
    bool was_there;
};

static void list_files(const struct platform_settings *s, struct init_file files[FILES_COUNT])
{
    const struct init_file all[FILES_COUNT] = {
        {.setting = "ca.certificate", .path = s->ca_certificate},
        {.setting = "ca.key", .path = s->ca_key},
        {.setting = "store.master_key", .path = s->store_master_key},
        {.setting = "store.path", .path = s->store_path},
        {.setting = "tls.certificate", .path = s->tls_certificate},
        {.setting = "tls.key", .path = s->tls_key},
    };

    memcpy(files, all, sizeof(all));
    for (size_t i = 0; i < FILES_COUNT; i++) {
        files[i].was_there = file_exists(files[i].path);
    }
}

bool init_files_are_new(const struct platform_settings *s, struct faults *faults)
{
    size_t before = faults_total(faults);
    struct init_file files[FILES_COUNT];
    const struct init_file *tls = &files[FILES_COUNT - 2];

    list_files(s, files);
    for (size_t i = 0; i < FILES_COUNT - 2; i++) {
        if (files[i].was_there) {
            conf_fault(faults, s, files[i].setting, "%s is there already", files[i].path);
        }
    }
    for (size_t i = 0; i < 2; i++) {
        if (tls[i].was_there && !tls[1 - i].was_there) {
            conf_fault(faults, s, tls[i].setting,
                       "%s is there and %s is not: bring both, or neither", tls[i].path,
                       tls[1 - i].path);
        }
    }
    return faults_total(faults) == before;
}

/* ---- taking away what was made ---- */

static void remove_store_files(const char *path)
{
    static const char *const tails[] = {".lock", "-wal", "-shm"};
    char name[PATH_BYTES];

    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", path, tails[i]);
        (void)unlink(name);
    }
}

static void undo(const struct platform_settings *s, const struct init_file files[FILES_COUNT])
{
    for (size_t i = 0; i < FILES_COUNT; i++) {
        if (!files[i].was_there) {
            (void)unlink(files[i].path);
        }
    }
    remove_store_files(s->store_path);
}

/* ---- making ---- */

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

static enum cx_err add_first_key(struct store *store, struct buf *text, struct cx_fail *fail)
{
    struct store_key key = {
        .name = first_key_name, .role = KEY_ADMIN, .created_ms = clock_wall_ms()};
    uint8_t random[API_KEY_RANDOM_BYTES];
    enum cx_err err;

    random_fill(random, sizeof(random));
    err = api_key_put(random, text);
    explicit_bzero(random, sizeof(random));
    if (err != CX_OK) {
        return cx_fail_set(fail, err, "init", "%s", cx_err_text(err));
    }
    crypto_sha256(buf_view(text), key.sha256);
    return store_add_key(store, &key, fail);
}

static enum cx_err make_store(const struct platform_settings *s, struct buf *first_key,
                              struct cx_fail *fail)
{
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
    if (err == CX_OK) {
        err = add_first_key(store, first_key, fail);
    }
    store_close(store);
    seal_key_done(&seal);
    return err;
}

enum cx_err init_files_make(const struct platform_settings *s, struct cert_server_names more,
                            struct buf *first_key, struct cx_fail *fail)
{
    struct init_file files[FILES_COUNT];
    struct cert_ca ca = {0};
    enum cx_err err;

    list_files(s, files);
    err = make_ca(s, &ca, fail);
    if (err == CX_OK && !files[FILES_COUNT - 1].was_there) { /* else the admin has brought one */
        err = server_cert_make(s, &ca, more, fail);
    }
    if (err == CX_OK) {
        err = make_store(s, first_key, fail);
    }
    if (err != CX_OK) {
        undo(s, files);
    }
    cert_ca_done(&ca);
    return err;
}
