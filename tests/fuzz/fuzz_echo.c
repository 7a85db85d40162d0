/* Input: a secret (the first line), and behind it a text. What is masked no longer holds the
 * secret, and a text without it stays as it is, but for its end. */
#include "common/core/echo.h"
#include "common/core/request_mask.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static bool holds(struct slice text, struct slice secret)
{
    return memmem(text.ptr, text.len, secret.ptr, secret.len) != NULL;
}

/* What takes a value's place may make another one with what stands around it. */
static bool shares_letter(struct slice secret)
{
    for (size_t i = 0; i < secret.len; i++) {
        if (secret.ptr[i] != '\0' && strchr(REQUEST_MASK, secret.ptr[i]) != NULL) {
            return true;
        }
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    struct slice secret = slice_first(input, slice_find(input, 0, '\n'));
    struct slice text = slice_from(input, secret.len + 1);
    struct echo e = {0};
    struct buf out;

    buf_init(&out, SIZE_MAX);
    require(echo_add(&e, secret) == CX_OK);
    require(echo_mask(&e, text, &out) == CX_OK);
    if (secret.len >= ECHO_BYTES_MIN) {
        require(!holds(text, secret) || echo_is_in(&e, text, 0));
        require(shares_letter(secret) || !holds(buf_view(&out), secret));
    } else {
        require(slice_eq(buf_view(&out), text));
    }
    if (!echo_is_in(&e, text, 0)) {
        require(out.len <= text.len + 6); /* a part at its end at most */
    }
    buf_done(&out);
    echo_done(&e);
    return 0;
}
