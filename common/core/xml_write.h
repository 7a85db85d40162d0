#ifndef CONNECTOR_COMMON_CORE_XML_WRITE_H
#define CONNECTOR_COMMON_CORE_XML_WRITE_H

#include "common/core/buf.h"

/* Elements and text of XML 1.0 (fifth edition), in UTF-8. What is put is appended; after an error
 * (buf_put's) `out` may hold a part of it. Pure. */

/* NULL if `name` may name an element; else why not, as a sentence that goes on from it. It must be
 * a name without ':' (Namespaces in XML 1.0, 4: a prefix would have to be declared) that does not
 * begin with "xml" in any case, which is reserved (2.3). */
const char *xml_why_no_name(struct slice name);

/* NULL if XML can hold the text; else why not: it is not UTF-8, or has a character outside of 2.2
 * (the control characters other than tab, LF and CR; U+FFFE and U+FFFF), which can't be escaped
 * either. */
const char *xml_why_no_text(struct slice text);

/* Append the text so that a reader gets the same characters: '&', '<' and '>' (of "]]>", 2.4) as
 * entities; CR as a character reference, or it would be read as LF (2.11). The rest as it is. */
enum cx_err xml_put_text(struct slice text, struct buf *out) CX_MUST_CHECK;

#define XML_DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"

/* Append <name>text</name>. Neither is checked. */
enum cx_err xml_put_element(struct slice name, struct slice text, struct buf *out) CX_MUST_CHECK;

/* Append <name>, and </name>. */
enum cx_err xml_put_start(struct slice name, struct buf *out) CX_MUST_CHECK;
enum cx_err xml_put_end(struct slice name, struct buf *out) CX_MUST_CHECK;

#endif
