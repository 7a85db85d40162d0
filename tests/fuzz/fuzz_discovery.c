/* Reads arbitrary bytes as an issuer's metadata: the first octet chooses the status and whether the
 * body is whole, the rest is the body. */
#include "common/core/discovery.h"

#include <jansson.h>
#include <stdlib.h>

static void require(bool claim)
{
    if (!claim) {
        abort();
    }
}

static void check_document(struct slice document)
{
    json_t *json =
        json_loadb((const char *)document.ptr, document.len, JSON_REJECT_DUPLICATES, NULL);

    require(document.len <= MSG_DOCUMENT_BYTES_MAX && slice_is_utf8(document));
    require(json_is_object(json) && json_object_size(json) <= 6);
    require(json_string_length(json_object_get(json, "issuer")) > 0);
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t statuses[] = {200, 200, 200, 200, 204, 302, 404, 503};
    struct answer_input in = {.purpose = PURPOSE_DISCOVER};
    struct answer a;

    if (size == 0) {
        return 0;
    }
    in.status = statuses[data[0] % (sizeof(statuses) / sizeof(statuses[0]))];
    in.is_body_whole = data[0] < 0xf0;
    in.body = slice_of(data + 1, size - 1);
    if (discovery_read(&in, &a) != CX_OK) {
        abort();
    }
    if (a.outcome == OUTCOME_ISSUED) {
        require(in.status < 300 && in.is_body_whole && slice_is_absent(a.token.access_token));
        check_document(a.document);
    } else {
        require(a.outcome == OUTCOME_FAILED && slice_is_absent(a.document));
        require(a.error.message.len > 0 && slice_is_utf8(a.error.message));
        require(!slice_has_control(a.error.message));
    }
    answer_done(&a);
    return 0;
}
