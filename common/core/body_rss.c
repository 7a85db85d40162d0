#include "common/core/body_rows.h"

#include "common/core/xml_write.h"

/* title, link and description are what a channel must have. The link is the name under which OAuth
 * is registered (RFC 6755), since a request has no site that it comes from. */
#define HEAD                                                                                       \
    XML_DECLARATION                                                                                \
    "<rss version=\"2.0\"><channel><title>request</title><link>urn:ietf:params:oauth</link>"       \
    "<description>OAuth 2.0 token request</description><item>"
#define TAIL "</item></channel></rss>"

enum cx_err body_encode_rss(const struct body *in, struct buf *out, struct buf *media_type)
{
    enum cx_err err = buf_put_str(out, HEAD);

    (void)media_type;
    for (size_t i = 0; i < in->npairs && err == CX_OK; i++) {
        err = xml_put_element(in->pairs[i].key, in->pairs[i].value, out);
    }
    return err == CX_OK ? buf_put_str(out, TAIL) : err;
}
