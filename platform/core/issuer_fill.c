#include "platform/core/issuer.h"

#include "common/core/url.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN_BYTES = 200 };

struct filler {
    const struct issuer *issuer;
    const json_t *metadata;
    const struct issuer_target *to;
};

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static bool is_given(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return value != NULL && !json_is_null(value);
}

static struct slice without_slash(struct slice s)
{
    return s.len > 0 && s.ptr[s.len - 1] == '/' ? slice_first(s, s.len - 1) : s;
}

/* RFC 8414, 3.3: identical, character by character. */
static bool is_right_issuer(const struct issuer *i, struct slice named)
{
    struct slice wanted = slice_of_str(i->name);

    return i->is_slash_open ? slice_eq(without_slash(named), without_slash(wanted))
                            : slice_eq(named, wanted);
}

static void no_memory(const struct filler *f, const char *field)
{
    faults_add(f->to->faults, NULL, field, "%s", cx_err_text(CX_E_NOMEM));
}

/* Set it, and note that. `object` is the profile or a part of it. */
static void fill(const struct filler *f, json_t *object, const char *field, const char *from,
                 const char *value)
{
    const char *dot = strrchr(field, '.');
    json_t *note = json_pack("{s:s, s:s, s:s}", "field", field, "value", value, "from", from);

    if (json_object_set_new(object, dot == NULL ? field : dot + 1, json_string(value)) != 0 ||
        json_array_append_new(f->to->filled, note) != 0) {
        no_memory(f, field);
    }
}

/* ---- the URLs ---- */

static void warn_of_host(const struct filler *f, const char *field, const struct url *url)
{
    struct url issuer = {0};

    if (url_read(slice_of_str(f->issuer->name), &issuer, NULL) == CX_OK &&
        strcmp(issuer.host, url->host) != 0) {
        faults_add(f->to->warnings, NULL, field,
                   "is at %.*s, not at the issuer's own host: passwords and tokens go there",
                   SHOWN_BYTES, url->host);
    }
    url_done(&issuer);
}

/* Is the endpoint one that a profile may send credentials to? Else the reason is a fault, or a
 * warning where nothing depends on it. */
static bool is_good_endpoint(const struct filler *f, const char *field, const char *member,
                             struct faults *why)
{
    const char *text = text_of(f->metadata, member);
    struct cx_fail fail = {0};
    struct url url = {0};
    bool is_good = false;

    if (url_read(slice_of_str(text), &url, &fail) != CX_OK) {
        faults_add(why, NULL, field, "the issuer's %s can't be used: %s", member,
                   cx_fail_text(&fail));
    } else if (f->issuer->is_https && !url.is_https) {
        faults_add(why, NULL, field,
                   "the issuer's %s is http, which shows passwords to everybody on the way, "
                   "though the issuer is https",
                   member);
    } else {
        is_good = true;
        warn_of_host(f, field, &url);
    }
    url_done(&url);
    return is_good;
}

static void warn_of_other(const struct filler *f, const char *field, const char *member)
{
    const char *own = text_of(f->to->profile, field);
    const char *theirs = text_of(f->metadata, member);

    if (own != NULL && own[0] != '\0' && theirs != NULL && strcmp(own, theirs) != 0) {
        faults_add(f->to->warnings, NULL, field, "is kept as it is; the issuer's is %.*s",
                   SHOWN_BYTES, theirs);
    }
}

static void fill_token_url(const struct filler *f)
{
    static const char member[] = "token_endpoint";

    if (is_given(f->to->profile, "token_url")) {
        warn_of_other(f, "token_url", member);
    } else if (text_of(f->metadata, member) == NULL) {
        faults_add(f->to->faults, NULL, "token_url", "the issuer's metadata has no %s", member);
    } else if (is_good_endpoint(f, "token_url", member, f->to->faults)) {
        fill(f, f->to->profile, "token_url", member, text_of(f->metadata, member));
    }
}

static void fill_revocation_url(const struct filler *f)
{
    static const char member[] = "revocation_endpoint";

    if (is_given(f->to->profile, "revocation_url")) {
        warn_of_other(f, "revocation_url", member);
    } else if (text_of(f->metadata, member) != NULL &&
               is_good_endpoint(f, "revocation_url", member, f->to->warnings)) {
        fill(f, f->to->profile, "revocation_url", member, text_of(f->metadata, member));
    }
}

/* ---- the client ---- */

#define METHODS "token_endpoint_auth_methods_supported"

/* An element that is no string is like none: who sent the metadata need not have checked it. */
static const char *word_at(const json_t *list, size_t i)
{
    const char *word = json_string_value(json_array_get(list, i));

    return word != NULL ? word : "";
}

static bool is_listed(const json_t *list, const char *word)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (strcmp(word_at(list, i), word) == 0) {
            return true;
        }
    }
    return false;
}

/* RFC 8414, 2: a server that doesn't say has client_secret_basic. */
static bool is_method(const struct filler *f, const char *method)
{
    const json_t *list = json_object_get(f->metadata, METHODS);

    return list == NULL ? strcmp(method, "client_secret_basic") == 0 : is_listed(list, method);
}

/* The server's method for which `client` has what it needs; NULL if there is none. */
static const char *fitting_method(const struct filler *f, const json_t *client)
{
    static const struct {
        const char *member, *method;
    } rows[] = {
        {"certificate", "tls_client_auth"},
        {"key", "private_key_jwt"},
        {"secret", "client_secret_basic"},
        {"secret", "client_secret_post"},
    };
    bool has_any = false;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool is_there = is_given(client, rows[i].member);

        has_any = has_any || is_there;
        if (is_there && is_method(f, rows[i].method)) {
            return rows[i].method;
        }
    }
    return !has_any && is_method(f, "none") ? "none" : NULL;
}

/* The words of a list, for a sentence. */
static const char *words_text(const json_t *list, char out[SHOWN_BYTES])
{
    out[0] = '\0';
    for (size_t i = 0; i < json_array_size(list); i++) {
        size_t used = strlen(out);

        (void)snprintf(out + used, SHOWN_BYTES - used, "%s%s", used > 0 ? ", " : "",
                       word_at(list, i));
    }
    return out;
}

/* The server's methods, likewise. */
static const char *methods_text(const struct filler *f, char out[SHOWN_BYTES])
{
    const json_t *list = json_object_get(f->metadata, METHODS);

    return list == NULL ? "client_secret_basic, since it names none" : words_text(list, out);
}

static void warn_of_given_method(const struct filler *f, const char *method)
{
    bool is_raw = strcmp(method, "client_secret_basic_raw") == 0;
    char words[SHOWN_BYTES];

    if (!is_method(f, is_raw ? "client_secret_basic" : method)) {
        faults_add(f->to->warnings, NULL, "client.method", "is kept as it is; the issuer's are: %s",
                   methods_text(f, words));
    }
}

static void choose_method(const struct filler *f, json_t *client)
{
    const char *method = fitting_method(f, client);
    char words[SHOWN_BYTES];

    if (method == NULL) {
        faults_add(f->to->warnings, NULL, "client.method",
                   "is left out: what client has fits none of the issuer's methods (%s)",
                   methods_text(f, words));
        return;
    }
    if (!json_is_object(client)) {
        return; /* without a client nothing is sent for it: that is "none" */
    }
    fill(f, client, "client.method", METHODS, method);
    if (strcmp(method, "client_secret_basic") == 0) {
        faults_add(f->to->warnings, NULL, "client.method",
                   "form-encodes id and secret first (RFC 6749, 2.3.1); most servers want them as "
                   "they are: if this one refuses the client, take client_secret_basic_raw");
    }
}

static void fill_method(const struct filler *f)
{
    json_t *client = json_object_get(f->to->profile, "client");
    const char *given = text_of(client, "method");

    if (given != NULL) {
        warn_of_given_method(f, given);
    } else if (!is_given(client, "method")) { /* else it is no string, which the check will say */
        choose_method(f, client);
    }
}

/* What signs an assertion must be one of the server's (RFC 8414, 2); without a word, it is RS256.
 */
static void warn_of_alg(const struct filler *f)
{
    const json_t *client = json_object_get(f->to->profile, "client");
    const json_t *list =
        json_object_get(f->metadata, "token_endpoint_auth_signing_alg_values_supported");
    const char *method = text_of(client, "method");
    const char *alg = text_of(client, "alg");
    char words[SHOWN_BYTES];

    if (method == NULL || strcmp(method, "private_key_jwt") != 0 || list == NULL) {
        return;
    }
    if (!is_listed(list, alg != NULL ? alg : "RS256")) {
        faults_add(f->to->warnings, NULL, "client.alg", "is %s; the issuer's are: %s",
                   alg != NULL ? "kept as it is" : "left out, which means RS256",
                   words_text(list, words));
    }
}

static void warn_of_grant(const struct filler *f)
{
    const json_t *list = json_object_get(f->metadata, "grant_types_supported");

    if (list != NULL && !is_listed(list, "password")) {
        faults_add(f->to->warnings, NULL, "type",
                   "the issuer's metadata does not name the password grant among its "
                   "grant_types_supported: it may refuse it");
    }
}

bool issuer_fill(const struct issuer *i, const json_t *metadata, const struct issuer_target *target)
{
    const struct filler f = {i, metadata, target};
    const char *named = text_of(metadata, "issuer");
    size_t found = faults_total(target->faults);

    if (named == NULL || !is_right_issuer(i, slice_of_str(named))) {
        faults_add(target->faults, NULL, "url",
                   "the metadata is that of the issuer \"%.*s\", and \"%.*s\" was asked: they must "
                   "be identical (RFC 8414, 3.3)",
                   SHOWN_BYTES, named != NULL ? named : "", SHOWN_BYTES, i->name);
        return false;
    }
    fill_token_url(&f);
    if (faults_total(target->faults) != found) {
        return false;
    }
    fill_revocation_url(&f);
    fill_method(&f);
    warn_of_alg(&f);
    warn_of_grant(&f);
    return faults_total(target->faults) == found;
}
