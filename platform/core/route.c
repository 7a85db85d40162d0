#include "platform/core/route.h"

#include <string.h>

static bool is_plain(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

/* Take the segment at the front of `path`; false if it is no plain word. */
static bool take_word(struct slice *path, struct route_words *words)
{
    size_t len = 0;
    char *word;

    while (len < path->len && is_plain(path->ptr[len])) {
        len++;
    }
    if (len == 0 || len >= ROUTE_WORD_BYTES || words->count == ROUTE_WORDS_MAX) {
        return false;
    }
    word = words->items[words->count++];
    memcpy(word, path->ptr, len);
    word[len] = '\0';
    *path = slice_from(*path, len);
    return true;
}

bool route_fits(const char *pattern, struct slice path, struct route_words *out)
{
    struct route_words words = {.count = 0};

    for (const char *p = pattern; *p != '\0'; p++) {
        if (*p == '*') {
            if (!take_word(&path, &words)) {
                return false;
            }
        } else if (path.len == 0 || path.ptr[0] != (uint8_t)*p) {
            return false;
        } else {
            path = slice_from(path, 1);
        }
    }
    if (path.len > 0) {
        return false;
    }
    *out = words;
    return true;
}
