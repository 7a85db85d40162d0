#include "agent/io/ledger_check.h"

#include "agent/io/ledger_file.h"
#include "common/core/path.h"
#include "common/io/file.h"
#include "common/io/folder.h"
#include "common/io/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { LITTLE_BYTES = 64 * 1024 * 1024, ASIDE_MAX = 50 };

/* Does the file say that it was sealed by another key than this one? */
static bool is_others(const char *current, struct slice key)
{
    uint8_t bytes[LEDGER_HEADER_BYTES];
    uint8_t check[LEDGER_KEY_CHECK_BYTES];
    struct ledger_header header;
    int fd = open(current, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool is_read = fd >= 0 && read(fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes);

    if (fd >= 0) {
        (void)close(fd);
    }
    return is_read && ledger_header_read(slice_of(bytes, sizeof(bytes)), &header) == CX_OK &&
           ledger_seal_check(key, check) == CX_OK &&
           memcmp(check, header.key_check, sizeof(check)) != 0;
}

static void check_key(const struct agent_settings *s, const char *current, struct faults *faults)
{
    struct seal_key key = {0};
    struct cx_fail fail = {0};

    if (!file_exists(s->ledger_key)) {
        if (file_exists(current)) {
            conf_fault(faults, s, "ledger.key",
                       "%s is missing, and the ledger in %s can't be read without it: put that key "
                       "back, or move the folder away (the results in it are then given up)",
                       s->ledger_key, s->ledger_path);
        }
        return;
    }
    if (seal_key_read(s->ledger_key, &key, &fail) != CX_OK) {
        conf_fault(faults, s, "ledger.key", "%s", cx_fail_text(&fail));
    } else if (is_others(current, secret_view(&key.bytes))) {
        conf_fault(faults, s, "ledger.key",
                   "%s is not the key that sealed %s: put that key back, or move the folder away "
                   "(the results in it are then given up)",
                   s->ledger_key, current);
    }
    seal_key_done(&key);
}

static bool is_broken(const char *name)
{
    return strncmp(name, LEDGER_BROKEN_NAMES "-", strlen(LEDGER_BROKEN_NAMES "-")) == 0;
}

static bool is_aside(const char *name)
{
    return is_broken(name) ||
           strncmp(name, LEDGER_OTHERS_NAMES "-", strlen(LEDGER_OTHERS_NAMES "-")) == 0;
}

static void note_aside(const struct agent_settings *s, struct faults *notes)
{
    struct folder_names names;
    struct cx_fail fail = {0};

    if (folder_list(s->ledger_path, ASIDE_MAX, is_aside, &names, &fail) != CX_OK) {
        faults_add_fail(notes, s->ledger_path, &fail);
    }
    for (size_t i = 0; i < names.count; i++) {
        faults_add(notes, s->ledger_path, "", "%s was set aside: %s", names.items[i],
                   is_broken(names.items[i])
                       ? "a part of it could not be read, the rest was carried over; keep it for "
                         "whoever looks into the fault, or remove it"
                       : "it holds jobs of the identity that this agent had before; remove it when "
                         "they are of no use any more");
    }
    folder_names_done(&names);
}

/* `folder` is the ledger's, or the one in which it will be made. */
static void note_space(const struct agent_settings *s, const char *folder, struct faults *notes)
{
    struct statvfs disk;

    if (statvfs(folder, &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize < LITTLE_BYTES) {
        faults_add(
            notes, s->ledger_path, "",
            "%llu MB are free on its disk: without space for their results, jobs are refused",
            (unsigned long long)((uint64_t)disk.f_bavail * disk.f_frsize / 1000000));
    }
}

static void note_space_above(const struct agent_settings *s, struct faults *notes)
{
    char *above = NULL;

    if (path_folder(s->ledger_path, &above) == CX_OK) {
        note_space(s, above, notes);
    }
    free(above);
}

void ledger_check(const struct agent_settings *s, struct faults *faults, struct faults *notes)
{
    char current[4096];
    struct stat st;

    (void)snprintf(current, sizeof(current), "%s/%s", s->ledger_path, LEDGER_CURRENT);
    check_key(s, current, faults);
    if (lstat(s->ledger_path, &st) != 0) {
        if (errno != ENOENT) {
            conf_fault(faults, s, "ledger.path", "%s: %s", s->ledger_path, strerror(errno));
            return;
        }
        note_space_above(s, notes); /* it is made when the agent runs */
        return;
    }
    if (!S_ISDIR(st.st_mode)) {
        conf_fault(faults, s, "ledger.path", "%s is not a folder", s->ledger_path);
    } else if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        conf_fault(faults, s, "ledger.path", "%s: others have access to it: chmod 700 %s",
                   s->ledger_path, s->ledger_path);
    } else {
        note_aside(s, notes);
        note_space(s, s->ledger_path, notes);
    }
}
