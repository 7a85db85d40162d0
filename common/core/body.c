#include "common/core/body.h"

static const struct body_encoder encoders[] = {
    /* encoding, media type, encoder */
    {ENCODING_JSON, "application/json", body_encode_json},
    {ENCODING_FORM, "application/x-www-form-urlencoded", body_encode_form},
};

const struct body_encoder *body_encoder_of(enum body_encoding encoding)
{
    for (size_t i = 0; i < sizeof(encoders) / sizeof(encoders[0]); i++) {
        if (encoders[i].encoding == encoding) {
            return &encoders[i];
        }
    }
    return NULL;
}

bool body_is_carried_by(enum http_method method)
{
    return method != METHOD_GET && method != METHOD_DELETE;
}
