#include "common/io/http_private.h"

#include "common/io/http_proxy.h"

#include <stdlib.h>
#include <string.h>

enum {
    NAMES_SECONDS = 30,       /* libcurl's own is 60 */
    REUSE_IDLE_S = 60,        /* and its own is 118 */
    BUFFER_BYTES = 4096,      /* libcurl's own is 16 KiB, allocated and wiped for every request */
    UPLOAD_BYTES = 16 * 1024, /* its own is 64 KiB, for every request over TLS; this is the least */
    EXPECT_BYTES =
        1024, /* from 1 MiB on 7.88 waits for a 100 before the body, older ones from this */
};

#define SET(option, value) (curl_easy_setopt(easy, (option), (value)) == CURLE_OK)

/* What is the same for every request. */
bool http_request_set_up(struct http_transfer *call)
{
    CURL *easy = call->easy;

    call->reuse_idle_s = REUSE_IDLE_S;
    return SET(CURLOPT_PRIVATE, call) && SET(CURLOPT_ERRORBUFFER, call->text) &&
           SET(CURLOPT_BUFFERSIZE, (long)BUFFER_BYTES) &&
           SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BYTES) && SET(CURLOPT_NOSIGNAL, 1L) &&
           SET(CURLOPT_QUICK_EXIT, 1L) && SET(CURLOPT_PROXY, "") && SET(CURLOPT_NOPROXY, "") &&
           SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE) &&
           SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) &&
           SET(CURLOPT_PROTOCOLS_STR, "http,https") && SET(CURLOPT_FOLLOWLOCATION, 0L) &&
           SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
           SET(CURLOPT_HTTP09_ALLOWED, 0L) && SET(CURLOPT_ACCEPT_ENCODING, "identity") &&
           SET(CURLOPT_CURLU, call->url) && SET(CURLOPT_SSL_VERIFYPEER, 1L) &&
           SET(CURLOPT_SSL_VERIFYHOST, 2L) &&
           SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
           SET(CURLOPT_DNS_CACHE_TIMEOUT, (long)NAMES_SECONDS) &&
           SET(CURLOPT_MAXAGE_CONN, (long)REUSE_IDLE_S - 1) &&
           SET(CURLOPT_SSL_SESSIONID_CACHE, 0L) && SET(CURLOPT_CAINFO, call->h->system_ca_file) &&
           SET(CURLOPT_CAPATH, call->h->system_ca_directory) &&
           SET(CURLOPT_RESOLVER_START_FUNCTION, http_gate_resolving) &&
           SET(CURLOPT_RESOLVER_START_DATA, call) &&
           SET(CURLOPT_OPENSOCKETFUNCTION, http_gate_connecting) &&
           SET(CURLOPT_OPENSOCKETDATA, call) &&
           SET(CURLOPT_CLOSESOCKETFUNCTION, http_socket_close) &&
           SET(CURLOPT_CLOSESOCKETDATA, call->h) &&
           SET(CURLOPT_PREREQFUNCTION, http_gate_sending) && SET(CURLOPT_PREREQDATA, call) &&
           SET(CURLOPT_HEADERFUNCTION, http_receive_header) && SET(CURLOPT_HEADERDATA, call) &&
           SET(CURLOPT_WRITEFUNCTION, http_receive_body) && SET(CURLOPT_WRITEDATA, call);
}

bool http_request_is_sound(const struct http_plan *plan, struct cx_fail *fail)
{
    struct slice url = slice_of_str(plan->url);

    if (url.len > HTTP_URL_BYTES_MAX || slice_has_control(url) ||
        !(slice_has_prefix(url, SLICE_LIT("http://")) ||
          slice_has_prefix(url, SLICE_LIT("https://")))) {
        (void)cx_fail_set(fail, CX_E_SYNTAX, "http.start",
                          "the URL must begin with http:// or https:// and be at most %d bytes",
                          HTTP_URL_BYTES_MAX);
        return false;
    }
    if (plan->method == METHOD_UNKNOWN || plan->method >= METHOD_COUNT || plan->done == NULL) {
        (void)cx_fail_set(fail, CX_E_SYNTAX, "http.start", "no method, or nobody to tell the end");
        return false;
    }
    return true;
}

static enum cx_err refuse_memory(struct cx_fail *fail)
{
    return cx_fail_set(fail, CX_E_NOMEM, "http.start", "out of memory");
}

/* "Name: value" in one line. */
static bool line_is_sound(struct slice line, size_t colon)
{
    return colon > 0 && colon < line.len && slice_find(line, 0, '\r') == line.len &&
           slice_find(line, 0, '\n') == line.len;
}

static bool names_type(struct slice line, size_t colon)
{
    return slice_eq_nocase(slice_first(line, colon), SLICE_LIT("content-type"));
}

/* What libcurl says of a body by itself, when it is not told anything else. */
static bool is_libcurls_own(struct slice line, bool has_body)
{
    return has_body && slice_eq(line, SLICE_LIT("Content-Type: application/x-www-form-urlencoded"));
}

/* libcurl takes "Name:" as "leave this header out" and "Name;" as "this header, empty". */
static void mark_if_empty(char *line, size_t colon)
{
    size_t at = colon + 1;

    while (line[at] == ' ' || line[at] == '\t') {
        at++;
    }
    if (line[at] == '\0') {
        line[colon] = ';';
        line[colon + 1] = '\0';
    }
}

static struct curl_slist *nodes_room(struct http_transfer *call, size_t n)
{
    if (n > call->nodes_room) {
        free(call->nodes); /* pointers only */
        call->nodes = calloc(n, sizeof(struct curl_slist));
        call->nodes_room = call->nodes != NULL ? n : 0;
    }
    return call->nodes;
}

/* The lines that are to be sent, each with its NUL, as the first nodes of the list that libcurl
 * gets, and whether one of them is the type. Error: CX_E_SYNTAX. */
static enum cx_err lines_link(struct http_transfer *call, const struct http_plan *plan,
                              size_t *nlinked, bool *has_type, struct cx_fail *fail)
{
    char *text = (char *)call->lines.ptr;
    struct slice rest = buf_view(&call->lines);

    *nlinked = 0;
    *has_type = false;
    for (size_t i = 0; i < plan->nheaders; i++) {
        struct slice line = slice_first(rest, slice_find(rest, 0, '\0'));
        size_t colon = slice_find(line, 0, ':');

        if (!line_is_sound(line, colon) || line.len == rest.len) {
            return cx_fail_set(fail, CX_E_SYNTAX, "http.start",
                               "header %zu of the request is not \"Name: value\" in one line", i);
        }
        *has_type = *has_type || names_type(line, colon);
        if (!is_libcurls_own(line, plan->has_body)) {
            mark_if_empty(text, colon);
            call->nodes[*nlinked] = (struct curl_slist){text, &call->nodes[*nlinked + 1]};
            *nlinked += 1;
        }
        text += line.len + 1;
        rest = slice_from(rest, line.len + 1);
    }
    return CX_OK;
}

/* The headers as libcurl's list, built in memory of our own, so that it is wiped and costs no
 * allocation a header. libcurl formats each of them byte by byte, some 120 instructions each, and
 * what it adds by its options twice over: so what it says by itself is left to it, and what it
 * would add by CURLOPT_ACCEPT_ENCODING, which is for the decoding, stands among ours. */
static enum cx_err headers_copy(struct http_transfer *call, const struct http_plan *plan,
                                struct cx_fail *fail)
{
    static char identity[] = "Accept-Encoding: identity";
    static char no_expect[] = "Expect:";
    static char no_type[] = "Content-Type:"; /* libcurl would name the body a form */
    struct curl_slist *nodes = nodes_room(call, plan->nheaders + 3);
    size_t n;
    bool has_type;
    enum cx_err err = nodes != NULL ? buf_put(&call->lines, plan->headers) : CX_E_NOMEM;

    if (err != CX_OK) {
        return refuse_memory(fail);
    }
    err = lines_link(call, plan, &n, &has_type, fail);
    if (err != CX_OK) {
        return err;
    }
    if (plan->body.len >= EXPECT_BYTES) {
        nodes[n] = (struct curl_slist){no_expect, &nodes[n + 1]};
        n++;
    }
    if (!has_type) {
        nodes[n] = (struct curl_slist){no_type, &nodes[n + 1]};
        n++;
    }
    nodes[n] = (struct curl_slist){identity, NULL};
    return CX_OK;
}

/* The same URL as before is not parsed anew. Errors: CX_E_SYNTAX, CX_E_NOMEM. */
static enum cx_err url_set(struct http_transfer *call, const char *url, struct cx_fail *fail)
{
    CURLUcode rc;

    if (slice_eq_str(buf_view(&call->url_text), url)) {
        return CX_OK;
    }
    buf_clear(&call->url_text);
    rc = curl_url_set(call->url, CURLUPART_URL, url, CURLU_PATH_AS_IS | CURLU_DISALLOW_USER);
    if (rc != CURLUE_OK && rc != CURLUE_OUT_OF_MEMORY) {
        return cx_fail_set(fail, CX_E_SYNTAX, "http.start", "libcurl does not take the URL");
    }
    return rc == CURLUE_OK && buf_put_str(&call->url_text, url) == CX_OK ? CX_OK
                                                                         : refuse_memory(fail);
}

/* A body goes by POST's way whatever the method is called; so does its absence in POST, PUT and
 * PATCH, which say "Content-Length: 0" then (RFC 9110, section 8.6). */
static bool easy_set_method(struct http_transfer *call, enum http_method method, bool has_body)
{
    CURL *easy = call->easy;
    bool is_post = has_body || (method != METHOD_GET && method != METHOD_DELETE);
    bool is_renamed = method != (is_post ? METHOD_POST : METHOD_GET);
    struct slice body = buf_view(&call->body);

    return (is_post ? SET(CURLOPT_POST, 1L) : SET(CURLOPT_HTTPGET, 1L)) &&
           SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(is_post ? body.len : 0)) &&
           SET(CURLOPT_POSTFIELDS, is_post ? (const char *)body.ptr : NULL) &&
           (is_post || SET(CURLOPT_HTTPGET, 1L)) && /* POSTFIELDS makes it a POST */
           SET(CURLOPT_CUSTOMREQUEST, is_renamed ? terms_method(method) : NULL);
}

/* What was made before http_renew_trust is older than the time since then. Rounded up, or a
 * connection made right after it would be too old at the turn of a second. */
static bool easy_set_age(struct http_transfer *call, bool has_own_ca)
{
    CURL *easy = call->easy;
    uint64_t since_ms = call->h->trusted_since_ms;
    long age_s;

    if (since_ms == 0) {
        return true;
    }
    age_s = (long)((uv_now(call->h->uv) - since_ms) / 1000);
    /* A file of a rule is read once too often rather than used although it has changed; the
     * system's takes too long for that. */
    return SET(CURLOPT_CA_CACHE_TIMEOUT, has_own_ca ? age_s : age_s + 1) &&
           SET(CURLOPT_MAXLIFETIME_CONN, age_s + 1);
}

static bool easy_set_trust(struct http_transfer *call, const char *ca_file)
{
    CURL *easy = call->easy;

    if (!easy_set_age(call, ca_file != NULL)) {
        return false;
    }
    if (ca_file == NULL && !call->has_own_ca) {
        return true;
    }
    call->has_own_ca = ca_file != NULL;
    return SET(CURLOPT_CAINFO, ca_file != NULL ? ca_file : call->h->system_ca_file) &&
           SET(CURLOPT_CAPATH, ca_file != NULL ? NULL : call->h->system_ca_directory);
}

static bool easy_set_proxy(struct http_transfer *call, const struct proxy *proxy)
{
    if (proxy == NULL && !call->has_proxy) {
        return true;
    }
    call->has_proxy = proxy != NULL;
    return http_proxy_set(call->easy, proxy);
}

/* libcurl counts whole seconds and reuses as long as they do not exceed the limit: 3 s of idling
 * are "more than 2". */
static bool easy_set_reuse(struct http_transfer *call, uint32_t idle_ms)
{
    CURL *easy = call->easy;
    uint32_t idle_s = idle_ms == 0 ? REUSE_IDLE_S : idle_ms / 1000;

    if (call->reuse_idle_s == idle_s) {
        return true;
    }
    call->reuse_idle_s = idle_s;
    return SET(CURLOPT_FRESH_CONNECT, idle_s == 0 ? 1L : 0L) &&
           SET(CURLOPT_MAXAGE_CONN, idle_s == 0 ? 0L : (long)idle_s - 1);
}

/* A name that has moved is found within that time, and at once when it leads nowhere any more. */
static bool easy_set_names(struct http_transfer *call, bool is_asked_anew)
{
    CURL *easy = call->easy;

    if (call->is_name_asked_anew == is_asked_anew) {
        return true;
    }
    call->is_name_asked_anew = is_asked_anew;
    return SET(CURLOPT_DNS_CACHE_TIMEOUT, is_asked_anew ? 0L : (long)NAMES_SECONDS);
}

/* False: out of memory. */
static bool easy_set(struct http_transfer *call, const struct http_plan *plan)
{
    CURL *easy = call->easy;

    return (!plan->has_body || buf_put(&call->body, plan->body) == CX_OK) &&
           SET(CURLOPT_HTTPHEADER, call->nodes) &&
           SET(CURLOPT_CONNECTTIMEOUT_MS, (long)plan->budget_ms + HTTP_CONNECT_EXTRA_MS) &&
           easy_set_method(call, plan->method, plan->has_body) &&
           easy_set_trust(call, plan->ca_file) && http_tls_set(call, plan->tls) &&
           easy_set_proxy(call, plan->proxy) && easy_set_reuse(call, plan->reuse_idle_ms) &&
           easy_set_names(call, plan->is_name_asked_anew) && http_look_set(call, plan->is_traced);
}

enum cx_err http_request_set(struct http_transfer *call, const struct http_plan *plan,
                             struct cx_fail *fail)
{
    enum cx_err err = url_set(call, plan->url, fail);

    if (err == CX_OK) {
        err = headers_copy(call, plan, fail);
    }
    if (err != CX_OK || easy_set(call, plan)) {
        return err;
    }
    return refuse_memory(fail);
}
