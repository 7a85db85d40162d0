#include "agent/io/secrets.h"

#include "agent/core/secret_text.h"
#include "common/core/echo.h"
#include "common/core/path.h"
#include "common/io/client_pem.h"
#include "common/io/file.h"
#include "common/io/folder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRETS_MAX = 1000 }; /* files of the folder */

struct binding {
    const struct agent_settings *settings;
    struct policy *policy;
    struct faults *faults;
    struct faults *notes;
    bool has_folder;
    const char *credentials; /* systemd's folder; NULL: none */
};

/* Does something to each secret that a rule binds. */
typedef void each_secret(struct binding *b, struct policy_secret *secret);

static void for_each(struct binding *b, each_secret *act)
{
    for (size_t i = 0; i < b->policy->nrules; i++) {
        for (size_t k = 0; k < b->policy->rules[i].nsecrets; k++) {
            act(b, &b->policy->rules[i].secrets[k]);
        }
    }
}

/* Give the value to every rule that binds the name. How many do. */
static size_t give(struct binding *b, const char *name, const struct secret *value)
{
    size_t given = 0;

    for (size_t i = 0; i < b->policy->nrules; i++) {
        for (size_t k = 0; k < b->policy->rules[i].nsecrets; k++) {
            struct policy_secret *s = &b->policy->rules[i].secrets[k];

            if (strcmp(s->name, name) != 0) {
                continue;
            }
            given++;
            if (secret_set(&s->value, secret_view(value)) != CX_OK) {
                faults_add(b->faults, s->where, s->field, "%s", cx_err_text(CX_E_NOMEM));
            }
        }
    }
    return given;
}

/* What an endpoint repeats of it is looked for; see echo.h. */
static void note_short(struct binding *b, const char *path, const struct secret *secret)
{
    size_t bytes = secret_view(secret).len;

    if (bytes < ECHO_BYTES_MIN) {
        faults_add(b->notes, path, "",
                   "fewer than %d bytes: if an endpoint repeats it, it is not noticed",
                   ECHO_BYTES_MIN);
    } else if (bytes < ECHO_SURE_BYTES) {
        faults_add(b->notes, path, "",
                   "fewer than %d bytes: a token in which an endpoint repeats it is not withheld",
                   ECHO_SURE_BYTES);
    }
}

/* False: what is wrong was said. */
static bool read_secret(struct binding *b, const char *path, const struct file_guard *guard,
                        struct secret *out)
{
    struct secret whole = {0};
    struct cx_fail fail = {0};
    const char *why = NULL;
    struct slice text;

    if (file_read_guarded(path, SECRET_FILE_BYTES_MAX, guard, &whole, &fail) != CX_OK) {
        faults_add_fail(b->faults, path, &fail);
        return false;
    }
    text = secret_view(&whole);
    why = secret_text_trim(&text);
    if (why == NULL && secret_set(out, text) != CX_OK) {
        why = cx_err_text(CX_E_NOMEM);
    }
    secret_done(&whole);
    if (why != NULL) {
        faults_add(b->faults, path, "", "%s", why);
        return false;
    }
    note_short(b, path, out);
    return true;
}

/* ---- the folder ---- */

/* Hidden ones are others' business: what an editor or a mounted volume keeps there. */
static bool is_not_hidden(const char *name)
{
    return name[0] != '.';
}

static void read_file(struct binding *b, const char *name, const struct file_guard *guard)
{
    struct secret value = {0};
    char *path = NULL;

    if (path_join(b->settings->secrets_directory, name, &path) != CX_OK) {
        conf_fault(b->faults, b->settings, "secrets.directory", "%s", cx_err_text(CX_E_NOMEM));
    } else if (!policy_is_secret_name(slice_of_str(name))) {
        faults_add(b->faults, path, "",
                   "its name can't stand in {{secret:NAME}}: 1 to 64 letters, digits, '_', '-' "
                   "or '.'");
    } else if (read_secret(b, path, guard, &value) && give(b, name, &value) == 0) {
        faults_add(b->notes, path, "", "no rule binds this secret: no request can carry it");
    }
    secret_done(&value);
    free(path);
}

/* The files' guard; false: the folder can't be used. */
static bool check_folder(struct binding *b, struct file_guard *guard)
{
    const char *folder = b->settings->secrets_directory;
    struct stat st;

    if (stat(folder, &st) != 0) {
        conf_fault(b->faults, b->settings, "secrets.directory", "%s: %s", folder, strerror(errno));
        return false;
    }
    if (!S_ISDIR(st.st_mode)) {
        conf_fault(b->faults, b->settings, "secrets.directory", "%s is not a folder", folder);
        return false;
    }
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        conf_fault(b->faults, b->settings, "secrets.directory",
                   "%s: mode %04o lets other users put secrets there; run: chmod 700 %s", folder,
                   (unsigned)st.st_mode & 07777u, folder);
        return false;
    }
    *guard = (struct file_guard){
        .forbidden = S_IRWXG | S_IRWXO, .is_owner_checked = true, .owners = {geteuid(), st.st_uid}};
    return true;
}

static void read_folder(struct binding *b)
{
    struct folder_names names = {0};
    struct file_guard guard;
    struct cx_fail fail = {0};

    if (!check_folder(b, &guard)) {
        return;
    }
    if (folder_list(b->settings->secrets_directory, SECRETS_MAX, is_not_hidden, &names, &fail) !=
        CX_OK) {
        conf_fault(b->faults, b->settings, "secrets.directory", "%s", cx_fail_text(&fail));
        return;
    }
    for (size_t i = 0; i < names.count; i++) {
        read_file(b, names.items[i], &guard);
    }
    folder_names_done(&names);
}

/* True if the folder has a file of that name, good or not. */
static bool is_in_folder(const struct binding *b, const char *name)
{
    char *path = NULL;
    bool is_there = b->has_folder &&
                    path_join(b->settings->secrets_directory, name, &path) == CX_OK &&
                    file_exists(path);

    free(path);
    return is_there;
}

/* ---- systemd's credentials ---- */

static void take_credential(struct binding *b, struct policy_secret *secret)
{
    /* systemd makes them 0400 or 0440, root's or the unit's user's */
    const struct file_guard guard = {.forbidden = S_IWGRP | S_IXGRP | S_IRWXO,
                                     .is_owner_checked = true,
                                     .owners = {geteuid(), 0}};
    struct secret value = {0};
    char *path = NULL;

    if (path_join(b->credentials, secret->name, &path) != CX_OK) {
        faults_add(b->faults, secret->where, secret->field, "%s", cx_err_text(CX_E_NOMEM));
    } else if (!file_exists(path)) {
        /* it may be a file of the folder */
    } else if (is_in_folder(b, secret->name)) {
        faults_add(b->faults, secret->where, secret->field,
                   "\"%s\" is in %s and a credential of the unit: remove one of them", secret->name,
                   b->settings->secrets_directory);
    } else if (!secret_is_set(&secret->value) && read_secret(b, path, &guard, &value)) {
        (void)give(b, secret->name, &value);
    }
    secret_done(&value);
    free(path);
}

/* ---- all of them ---- */

/* A file or credential that is there and can't be used was said to be. */
static void note_missing(struct binding *b, struct policy_secret *secret)
{
    char *path = NULL;
    bool is_there = is_in_folder(b, secret->name);

    if (!is_there && b->credentials != NULL &&
        path_join(b->credentials, secret->name, &path) == CX_OK) {
        is_there = file_exists(path);
    }
    free(path);
    if (!secret_is_set(&secret->value) && !is_there) {
        faults_add(b->faults, secret->where, secret->field,
                   "there is no secret \"%s\": no file of that name in %s, and %s", secret->name,
                   b->settings->secrets_directory,
                   b->credentials != NULL ? "no credential in $CREDENTIALS_DIRECTORY"
                                          : "$CREDENTIALS_DIRECTORY is not set");
    }
}

/* A key or certificate that can't be one is told now rather than at the first job. */
static void check_client_pem(struct binding *b, struct policy_secret *secret)
{
    struct cx_fail fail = {0};

    if (secret->place == SECRET_IN_CLIENT && secret_is_set(&secret->value) &&
        client_pem_check_one(secret->key, secret_view(&secret->value), &fail) != CX_OK) {
        faults_add(b->faults, secret->where, secret->field, "the secret \"%s\": %s", secret->name,
                   cx_fail_text(&fail));
    }
}

void secrets_bind(const struct agent_settings *settings, struct policy *policy,
                  struct faults *faults, struct faults *notes)
{
    struct binding b = {.settings = settings,
                        .policy = policy,
                        .faults = faults,
                        .notes = notes,
                        .credentials = getenv("CREDENTIALS_DIRECTORY")};

    if (settings->secrets_directory == NULL) {
        return; /* a fault already */
    }
    /* the default folder need not exist */
    b.has_folder =
        conf_is_set(settings, "secrets.directory") || file_exists(settings->secrets_directory);
    if (b.has_folder) {
        read_folder(&b);
    }
    if (b.credentials != NULL) {
        for_each(&b, take_credential);
    }
    for_each(&b, note_missing);
    for_each(&b, check_client_pem);
}
