#include "common/core/body_rows.h"

#include "common/core/encode.h"

#include <string.h>

static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

enum { LETTERS = sizeof(letters) - 1 };

/* How often the boundary occurs, and with which letter behind it. */
struct tally {
    size_t all;
    size_t before[LETTERS];
};

static void count(struct slice text, struct slice boundary, struct tally *tally)
{
    struct slice rest = text;

    while (rest.len >= boundary.len) {
        const uint8_t *hit = memmem(rest.ptr, rest.len, boundary.ptr, boundary.len);
        const char *letter = NULL;

        if (hit == NULL) {
            return;
        }
        tally->all++;
        rest = slice_from(rest, (size_t)(hit - rest.ptr) + 1);
        if (rest.len >= boundary.len && rest.ptr[boundary.len - 1] != '\0') {
            letter = strchr(letters, rest.ptr[boundary.len - 1]);
        }
        if (letter != NULL) {
            tally->before[letter - letters]++;
        }
    }
}

static char rarest(const struct tally *tally)
{
    size_t best = 0;

    for (size_t i = 1; i < LETTERS; i++) {
        best = tally->before[i] < tally->before[best] ? i : best;
    }
    return letters[best];
}

/* A letter leaves at most one in 36 of the occurrences, so that a handful is enough for all that a
 * body has room for: the boundary stays below the 70 characters that it may have. */
enum cx_err body_put_boundary(const struct cx_id *id, const struct body_pair *pairs, size_t npairs,
                              struct buf *out)
{
    size_t from = out->len;
    enum cx_err err = buf_put_str(out, "connector-");

    if (err == CX_OK) {
        err = encode_hex(slice_of(id->bytes, sizeof(id->bytes)), out);
    }
    while (err == CX_OK) {
        struct slice boundary = slice_from(buf_view(out), from);
        struct tally tally = {0};

        for (size_t i = 0; i < npairs; i++) {
            count(pairs[i].key, boundary, &tally);
            count(pairs[i].value, boundary, &tally);
        }
        if (tally.all == 0) {
            break;
        }
        err = buf_put_byte(out, (uint8_t)rarest(&tally));
    }
    return err;
}

enum cx_err body_put_delimiter(struct slice boundary, const char *behind, struct buf *out)
{
    enum cx_err err = buf_put_str(out, "--");

    if (err == CX_OK) {
        err = buf_put(out, boundary);
    }
    return err == CX_OK ? buf_put_str(out, behind) : err;
}
