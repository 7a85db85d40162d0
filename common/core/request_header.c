#include "common/core/request.h"

#include <string.h>

enum { NAME_BYTES_MAX = 256 };

static const char owned[] = "belongs to the HTTP client and can't be set by a profile";
static const char overriding[] =
    "makes servers act on another method or URL than the one that the policy allowed";

static const struct {
    const char *name; /* in lower case; a '*' at its end stands for anything */
    const char *why;
} refused[] = {
    {"host", owned},
    {"content-length", owned},
    {"transfer-encoding", owned},
    {"connection", owned},
    {"keep-alive", owned},
    {"te", owned},
    {"trailer", owned},
    {"upgrade", owned},
    {"http2-settings", owned},
    {"proxy-*", owned},
    {"expect", owned},
    {"accept-encoding", owned}, /* what it announces, the client must be able to decode */
    {"x-http-method-override", overriding},
    {"x-http-method", overriding},
    {"x-method-override", overriding},
    {"x-original-method", overriding},
    {"x-original-url", overriding},
    {"x-rewrite-url", overriding},
};

static bool is_token(struct slice name)
{
    if (name.len == 0) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        bool is_alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

        if (!is_alnum && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL)) {
            return false;
        }
    }
    return true;
}

static uint8_t fold(uint8_t c)
{
    if (c == '_') {
        return '-';
    }
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool matches(struct slice name, const char *pattern)
{
    size_t i = 0;

    while (i < name.len && pattern[i] != '\0' && pattern[i] != '*' &&
           fold(name.ptr[i]) == (uint8_t)pattern[i]) {
        i++;
    }
    return pattern[i] == '*' || (i == name.len && pattern[i] == '\0');
}

static const char *why_refused(struct slice name)
{
    if (!is_token(name)) {
        return "is no header name (RFC 9110, 5.6.2: letters, digits and !#$%&'*+-.^_`|~)";
    }
    if (name.len > NAME_BYTES_MAX) {
        return "is longer than 256 bytes";
    }
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (matches(name, refused[i].name)) {
            return refused[i].why;
        }
    }
    return NULL;
}

bool request_allows_header(struct slice name, const char **why)
{
    const char *reason = why_refused(name);

    if (reason != NULL && why != NULL) {
        *why = reason;
    }
    return reason == NULL;
}
