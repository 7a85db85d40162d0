#include "common/core/answer_reader.h"
#include "common/core/pool.h"

#include <expat.h>
#include <string.h>

/* XML and RSS. An element without child elements is its text, without the white space around it;
 * one with some is an object of them, and what text stands between them is left out. Elements of
 * one name become an array. Attributes, comments, processing instructions and the prefixes of
 * namespaces are passed over. A document type is refused, and with it every entity but XML's own
 * five: nothing is ever expanded or fetched. */

enum { NESTING_MAX = 64, ELEMENTS_MAX = 4096 };

struct element {
    json_t *children; /* NULL until the first */
    struct buf text;
};

struct reading {
    XML_Parser parser;
    struct element open[NESTING_MAX + 1]; /* [0] holds the document's element */
    size_t depth;
    size_t elements;
    size_t bytes_max;
    enum cx_err err;
    struct cx_fail *fail;
};

static void stop(struct reading *r, enum cx_err code, const char *clause)
{
    if (r->err == CX_OK) {
        r->err = cx_fail_set(r->fail, code, "answer.xml", "%s", clause);
        (void)XML_StopParser(r->parser, XML_FALSE);
    }
}

static struct slice local_name(const char *name)
{
    const char *colon = strrchr(name, ':');

    return slice_of_str(colon == NULL ? name : colon + 1);
}

static void on_document_type(void *ctx, const char *name, const char *system_id,
                             const char *public_id, int has_internal_subset)
{
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal_subset;
    stop(ctx, CX_E_SYNTAX, "it is XML with a document type (DTD), which is never read");
}

static void on_start(void *ctx, const char *name, const char **attributes)
{
    struct reading *r = ctx;

    (void)attributes;
    if (r->err != CX_OK) {
        return; /* an event that was on its way when the parser was stopped */
    }
    if (r->depth == 0 && slice_eq_nocase(local_name(name), SLICE_LIT("html"))) {
        stop(r, CX_E_SYNTAX, ANSWER_IS_HTML);
    } else if (r->depth == NESTING_MAX) {
        stop(r, CX_E_TOO_BIG, "it is XML nested deeper than 64 levels");
    } else if (++r->elements > ELEMENTS_MAX) {
        stop(r, CX_E_TOO_BIG, "it is XML of more than 4096 elements");
    } else {
        r->open[++r->depth] = (struct element){.children = NULL};
        buf_init(&r->open[r->depth].text, r->bytes_max);
    }
}

static void on_text(void *ctx, const char *text, int len)
{
    struct reading *r = ctx;

    if (r->err == CX_OK && buf_put(&r->open[r->depth].text, slice_of(text, (size_t)len)) != CX_OK) {
        stop(r, CX_E_NOMEM, cx_err_text(CX_E_NOMEM));
    }
}

/* Steals `value`, also when it fails. */
static bool add_child(struct element *to, struct slice name, json_t *value)
{
    const char *key = (const char *)name.ptr;
    json_t *before;
    json_t *list;

    if (to->children == NULL) {
        to->children = json_object();
    }
    before = json_object_getn(to->children, key, name.len);
    if (before == NULL) {
        return json_object_setn_new_nocheck(to->children, key, name.len, value) == 0;
    }
    if (json_is_array(before)) {
        return json_array_append_new(before, value) == 0;
    }
    list = json_array();
    if (json_array_append(list, before) != 0) {
        json_decref(value);
        json_decref(list);
        return false;
    }
    if (json_array_append_new(list, value) != 0) {
        json_decref(list);
        return false;
    }
    return json_object_setn_new_nocheck(to->children, key, name.len, list) == 0;
}

static void on_end(void *ctx, const char *name)
{
    struct reading *r = ctx;
    struct element *element = &r->open[r->depth];
    struct slice text = answer_trim(buf_view(&element->text));
    json_t *value = element->children;

    if (r->err != CX_OK) {
        return;
    }
    if (value == NULL) {
        value = json_stringn_nocheck((const char *)text.ptr, text.len);
    }
    element->children = NULL;
    buf_done(&element->text);
    r->depth--;
    if (value == NULL || !add_child(&r->open[r->depth], local_name(name), value)) {
        stop(r, CX_E_NOMEM, cx_err_text(CX_E_NOMEM));
    }
}

/* A parser that has run, successfully or not: `r` says which. */
static void run(struct reading *r, struct slice body)
{
    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, on_start, on_end);
    XML_SetCharacterDataHandler(r->parser, on_text);
    XML_SetStartDoctypeDeclHandler(r->parser, on_document_type);
    if (XML_Parse(r->parser, (const char *)body.ptr, (int)body.len, XML_TRUE) == XML_STATUS_OK ||
        r->err != CX_OK) {
        return;
    }
    if (XML_GetErrorCode(r->parser) == XML_ERROR_NO_MEMORY) {
        r->err = cx_fail_set(r->fail, CX_E_NOMEM, "answer.xml", "%s", cx_err_text(CX_E_NOMEM));
        return;
    }
    r->err = cx_fail_set(r->fail, CX_E_SYNTAX, "answer.xml", "it is no XML (line %lu, column %lu)",
                         (unsigned long)XML_GetCurrentLineNumber(r->parser),
                         (unsigned long)XML_GetCurrentColumnNumber(r->parser) + 1);
}

/* The fields of an RSS document are the children of its first item. */
static json_t *first_item(json_t *document)
{
    json_t *channel = json_object_get(json_object_get(document, "rss"), "channel");
    json_t *item = json_object_get(channel, "item");

    return json_is_array(item) ? json_array_get(item, 0) : item;
}

enum cx_err answer_read_xml(struct slice body, struct answer_body *out, struct cx_fail *fail)
{
    static const XML_Memory_Handling_Suite memory = {pool_take, pool_resize, pool_give};
    struct reading r = {.bytes_max = body.len, .fail = fail};

    if (body.len > INT32_MAX || body.ptr[0] != '<') {
        return cx_fail_set(fail, CX_E_SYNTAX, "answer.xml", "it is no XML");
    }
    /* the bytes were found to be UTF-8; a declaration that says otherwise is wrong */
    r.parser = XML_ParserCreate_MM("UTF-8", &memory, NULL);
    if (r.parser == NULL) {
        return cx_fail_set(fail, CX_E_NOMEM, "answer.xml", "%s", cx_err_text(CX_E_NOMEM));
    }
    run(&r, body);
    XML_ParserFree(r.parser);
    if (r.err == CX_OK) {
        out->document = r.open[0].children;
        out->is_xml = true;
        out->root = first_item(out->document);
        if (out->root == NULL) {
            out->root = json_object_iter_value(json_object_iter(out->document));
        }
        return CX_OK;
    }
    for (size_t i = 0; i <= r.depth; i++) {
        json_decref(r.open[i].children);
        buf_done(&r.open[i].text);
    }
    return r.err;
}
