#include "common/core/path.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static enum cx_err join_parts(const char *a, size_t a_len, const char *b, char **out)
{
    size_t b_len = strlen(b);
    bool slash = a_len > 0 && b_len > 0 && a[a_len - 1] != '/';
    char *made = malloc(a_len + b_len + 2);
    size_t len = a_len;

    if (made == NULL) {
        return CX_E_NOMEM;
    }
    memcpy(made, a, a_len);
    if (slash) {
        made[len++] = '/';
    }
    memcpy(made + len, b, b_len);
    made[len + b_len] = '\0';
    *out = made;
    return CX_OK;
}

enum cx_err path_join(const char *folder, const char *path, char **out)
{
    return join_parts(folder, path[0] == '/' ? 0 : strlen(folder), path, out);
}

enum cx_err path_folder(const char *path, char **out)
{
    size_t len = strlen(path);

    while (len > 1 && path[len - 1] == '/') { /* "/etc/" lies in "/" */
        len--;
    }
    while (len > 0 && path[len - 1] != '/') {
        len--;
    }
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    return len == 0 ? join_parts(".", 1, "", out) : join_parts(path, len, "", out);
}
