#include "common/core/url.h"

#include "common/core/url_parts.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void wipe_free(char *text)
{
    if (text != NULL) {
        explicit_bzero(text, strlen(text));
        free(text);
    }
}

void url_done(struct url *u)
{
    wipe_free(u->host);
    wipe_free(u->path);
    wipe_free(u->query);
    *u = (struct url){0};
}

static char *dup_text(struct slice text)
{
    char *copy = malloc(text.len + 1);

    if (copy != NULL) {
        if (text.len > 0) {
            memcpy(copy, text.ptr, text.len);
        }
        copy[text.len] = '\0';
    }
    return copy;
}

static void fold_case(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text >= 'A' && *text <= 'Z') {
            *text = (char)(*text + ('a' - 'A'));
        }
    }
}

/* An IPv6 literal has many spellings; the shortest stands for all. */
static char *dup_host(const struct url_parts *parts)
{
    char *host = dup_text(parts->host);
    char shortest[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (host == NULL) {
        return NULL;
    }
    fold_case(host);
    if (!parts->is_ipv6 || inet_pton(AF_INET6, host, &address) != 1 ||
        inet_ntop(AF_INET6, &address, shortest, sizeof(shortest)) == NULL) {
        return host;
    }
    free(host);
    return strdup(shortest);
}

static enum cx_err make(const struct url_parts *parts, struct url *out)
{
    *out = (struct url){
        .is_https = parts->is_https,
        .is_ipv6 = parts->is_ipv6,
        .is_ipv4 = parts->is_ipv4,
        .port = parts->port,
        .host = dup_host(parts),
        .path = slice_is_absent(parts->path) ? strdup("/") : dup_text(parts->path),
        .query = parts->query.len == 0 ? NULL : dup_text(parts->query),
    };
    return out->host == NULL || out->path == NULL || (parts->query.len > 0 && out->query == NULL)
               ? CX_E_NOMEM
               : CX_OK;
}

static bool is_same_host(const struct url *url, const char *host)
{
    struct in6_addr ours;
    struct in6_addr theirs;
    char inner[INET6_ADDRSTRLEN];
    size_t len = strlen(host);

    if (!url->is_ipv6) {
        return strcasecmp(url->host, host) == 0;
    }
    if (len < 2 || len - 2 >= sizeof(inner) || host[0] != '[') {
        return false;
    }
    memcpy(inner, host + 1, len - 2);
    inner[len - 2] = '\0';
    return inet_pton(AF_INET6, inner, &theirs) == 1 && inet_pton(AF_INET6, url->host, &ours) == 1 &&
           memcmp(&ours, &theirs, sizeof(ours)) == 0;
}

/* One part as libcurl reads it. A part that is not there is "". */
static CURLUcode part_of(CURLU *handle, CURLUPart what, char **part)
{
    CURLUcode rc =
        curl_url_get(handle, what, part, what == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0);

    if (rc == CURLUE_NO_QUERY) {
        *part = NULL;
        rc = CURLUE_OK;
    }
    return rc;
}

static bool is_same_part(const struct url *url, CURLUPart what, const char *part)
{
    uint64_t port;

    switch (what) {
    case CURLUPART_SCHEME:
        return strcmp(part, url->is_https ? "https" : "http") == 0;
    case CURLUPART_HOST:
        return is_same_host(url, part);
    case CURLUPART_PORT:
        return slice_to_u64(slice_of_str(part), 1, UINT16_MAX, &port) == CX_OK && port == url->port;
    case CURLUPART_PATH:
        return strcmp(part, url->path) == 0;
    default:
        return strcmp(part, url->query == NULL ? "" : url->query) == 0;
    }
}

static CURLUcode compare(CURLU *handle, const struct url *url, bool *is_same)
{
    static const CURLUPart parts[] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT,
                                      CURLUPART_PATH, CURLUPART_QUERY};
    CURLUcode rc = CURLUE_OK;

    *is_same = true;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && rc == CURLUE_OK; i++) {
        char *part = NULL;

        rc = part_of(handle, parts[i], &part);
        if (rc == CURLUE_OK && !is_same_part(url, parts[i], part == NULL ? "" : part)) {
            *is_same = false;
        }
        curl_free(part);
    }
    return rc;
}

/* The policy judges `url`; libcurl will read the text again to send the request. They must agree.
 */
static enum cx_err confirm(struct slice text, const struct url *url, struct cx_fail *fail)
{
    char *copy = dup_text(text);
    CURLU *handle = curl_url();
    CURLUcode rc = CURLUE_OUT_OF_MEMORY;
    bool is_same = false;

    if (copy != NULL && handle != NULL) {
        rc = curl_url_set(handle, CURLUPART_URL, copy, CURLU_PATH_AS_IS);
    }
    if (rc == CURLUE_OK) {
        rc = compare(handle, url, &is_same);
    }
    curl_url_cleanup(handle);
    wipe_free(copy);
    if (rc == CURLUE_OUT_OF_MEMORY) {
        return cx_fail_set(fail, CX_E_NOMEM, "url.read", "%s", cx_err_text(CX_E_NOMEM));
    }
    if (rc != CURLUE_OK) {
        return cx_fail_set(fail, CX_E_SYNTAX, "url.read", "the URL can't be read: %s",
                           curl_url_strerror(rc));
    }
    return is_same ? CX_OK : url_fault(fail, "the URL could be read in two ways");
}

enum cx_err url_read(struct slice text, struct url *out, struct cx_fail *fail)
{
    struct url_parts parts;
    struct url made = {0};
    enum cx_err err;

    if (text.len > URL_BYTES_MAX) {
        return cx_fail_set(fail, CX_E_TOO_BIG, "url.read", "the URL is longer than %d bytes",
                           URL_BYTES_MAX);
    }
    err = url_cut(text, URL_FOR_REQUEST, &parts, fail);
    if (err != CX_OK) {
        return err;
    }
    err = make(&parts, &made);
    if (err != CX_OK) {
        (void)cx_fail_set(fail, err, "url.read", "%s", cx_err_text(err));
        goto out;
    }
    err = confirm(text, &made, fail);
    if (err == CX_OK) {
        *out = made;
        made = (struct url){0};
    }
out:
    url_done(&made);
    return err;
}

/* What a terminal or a log line can bear. */
static void copy_printable(const char *host, char out[URL_HOST_TEXT_BYTES])
{
    size_t len = 0;

    for (; host[len] != '\0' && len < URL_HOST_TEXT_BYTES - 1; len++) {
        out[len] = host[len] > 0x20 && host[len] < 0x7f ? host[len] : '?';
    }
    out[len] = '\0';
}

bool url_peek_host(struct slice reference, char out[URL_HOST_TEXT_BYTES])
{
    bool is_schemeless = slice_has_prefix(reference, SLICE_LIT("//"));
    char *copy = reference.len <= URL_BYTES_MAX ? dup_text(reference) : NULL;
    CURLU *handle = curl_url();
    char *host = NULL;
    bool is_read = false;

    if (copy != NULL && handle != NULL &&
        (!is_schemeless || curl_url_set(handle, CURLUPART_URL, "https://base.invalid/",
                                        CURLU_PATH_AS_IS) == CURLUE_OK) &&
        curl_url_set(handle, CURLUPART_URL, copy, CURLU_PATH_AS_IS | CURLU_NON_SUPPORT_SCHEME) ==
            CURLUE_OK &&
        curl_url_get(handle, CURLUPART_HOST, &host, 0) == CURLUE_OK && host[0] != '\0') {
        copy_printable(host, out);
        is_read = true;
    }
    curl_free(host);
    curl_url_cleanup(handle);
    wipe_free(copy);
    return is_read;
}
