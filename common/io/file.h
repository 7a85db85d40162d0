#ifndef CONNECTOR_COMMON_IO_FILE_H
#define CONNECTOR_COMMON_IO_FILE_H

#include "common/core/buf.h"
#include "common/core/secret.h"

#include <stdbool.h>
#include <sys/types.h>

/* Small files, whole and bounded. Every `fail` names the file and says what to do. */

/* Append the file's content to `out`, at most `max_bytes` of it. Unchanged on error.
 * Errors: CX_E_NOT_FOUND, CX_E_IO (a folder, a device, no permission, …), CX_E_TOO_BIG, CX_E_NOMEM.
 */
enum cx_err file_read(const char *path, size_t max_bytes, struct buf *out,
                      struct cx_fail *fail) CX_MUST_CHECK;

/* As file_read, of a file that only its owner may read: the mode is looked at on the open file.
 * Error besides: CX_E_MODE (group or others have any access; `fail` names chmod 600). */
enum cx_err file_read_secret(const char *path, size_t max_bytes, struct secret *out,
                             struct cx_fail *fail) CX_MUST_CHECK;

/* Whose a secret's file may be, and what others may do with it: looked at on the open file. */
struct file_guard {
    mode_t forbidden; /* permission bits that it must not have */
    bool is_owner_checked;
    uid_t owners[2]; /* then it must belong to one of them */
};

/* As file_read_secret, under that guard. Error besides: CX_E_MODE if it belongs to somebody else.
 */
enum cx_err file_read_guarded(const char *path, size_t max_bytes, const struct file_guard *guard,
                              struct secret *out, struct cx_fail *fail) CX_MUST_CHECK;

/* As file_read_secret, without one line end at its end: a password in a file that an editor wrote.
 * Errors besides: CX_E_SYNTAX (empty, or more than one line). */
enum cx_err file_read_secret_line(const char *path, size_t max_bytes, struct secret *out,
                                  struct cx_fail *fail) CX_MUST_CHECK;

enum file_how {
    FILE_REPLACE, /* what was there is replaced in one step */
    FILE_NEW,     /* CX_E_EXISTS if there is something of that name */
};

/* Write a file so that its name shows either the old content or the new, also after a crash: a
 * temporary file beside it, written, synced, renamed. `mode` is what it gets (0600, 0644), whatever
 * the umask. Errors: CX_E_EXISTS, CX_E_IO, CX_E_FULL (no space left), CX_E_NOMEM. */
enum cx_err file_write(const char *path, struct slice content, mode_t mode, enum file_how how,
                       struct cx_fail *fail) CX_MUST_CHECK;

/* Make sure that the folder exists: made with mode 0700 if it is missing (its parent must be
 * there), left as it is if it is there. Errors: CX_E_IO. */
enum cx_err file_make_folder(const char *path, struct cx_fail *fail) CX_MUST_CHECK;

/* True if something of that name exists (a dangling link too). */
bool file_exists(const char *path);

/* All of standard input, at most `max_bytes`. Errors: CX_E_IO, CX_E_TOO_BIG, CX_E_NOMEM. */
enum cx_err file_read_stdin(size_t max_bytes, struct buf *out, struct cx_fail *fail) CX_MUST_CHECK;

#endif
