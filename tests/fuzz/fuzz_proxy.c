/* Input: the head of a proxy's answer, as it may come in any pieces: what is read from a part is
 * never more than the whole says, and what is passed on is clean. Also as a proxy's URL, and as
 * no_proxy. */
#include "common/core/proxy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool claim)
{
    if (!claim) {
        abort();
    }
}

static void check_answer(struct slice bytes)
{
    struct proxy_answer whole, part;
    enum cx_err err = proxy_answer_read(bytes, &whole, NULL);

    if (err == CX_OK && whole.status != 0) {
        require(whole.status >= 200 && whole.status <= 599);
        require(whole.head_bytes <= bytes.len);
        require(slice_is_utf8(slice_of_str(whole.reason)));
        require(!slice_has_control(slice_of_str(whole.reason)));
        require(proxy_answer_read(slice_first(bytes, whole.head_bytes), &part, NULL) == CX_OK &&
                part.status == whole.status);
        require(proxy_answer_read(slice_first(bytes, whole.head_bytes - 1), &part, NULL) == CX_OK &&
                part.status == 0);
    }
}

static void check_url(const char *text)
{
    struct proxy proxy = {0};
    struct proxy again = {0};
    char url[PROXY_URL_BYTES];

    if (proxy_read_environment(text, &proxy, NULL) == CX_OK) {
        require(proxy_read(proxy_url(&proxy, url), &again, NULL) == CX_OK);
        require(strcmp(proxy.host, again.host) == 0 && proxy.port == again.port);
    }
    proxy_done(&proxy);
    proxy_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = calloc(size + 1, 1);

    require(text != NULL);
    if (size != 0) {
        memcpy(text, data, size);
    }
    check_answer(slice_of(data, size));
    check_url(text);
    (void)proxy_is_bypassed(text, "a.example");
    (void)proxy_is_bypassed(text, "10.0.0.1");
    (void)proxy_is_bypassed(text, "fd00::1");
    free(text);
    return 0;
}
