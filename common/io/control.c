#include "common/io/control.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    struct buf *out = arg;

    return buf_put(out, slice_of(data, size * n)) == CX_OK ? size * n : 0;
}

/* Why nobody could be reached, in words that help. */
static enum cx_err unreachable(const struct control_request *request, struct cx_fail *fail)
{
    struct stat st;

    if (stat(request->socket_path, &st) != 0) {
        return cx_fail_set(fail, CX_E_CONNECT, "control",
                           errno == EACCES ? "no permission for %s: run this as the service's user"
                                           : "it is not running: there is no %s",
                           request->socket_path);
    }
    if (access(request->socket_path, W_OK) != 0) {
        return cx_fail_set(fail, CX_E_CONNECT, "control",
                           "no permission for %s: run this as the service's user or as root",
                           request->socket_path);
    }
    return cx_fail_set(fail, CX_E_CONNECT, "control", "it is not running: nobody answers on %s",
                       request->socket_path);
}

static enum cx_err failed(const struct control_request *request, CURLcode rc, struct cx_fail *fail)
{
    switch (rc) {
    case CURLE_COULDNT_CONNECT:
        return unreachable(request, fail);
    case CURLE_OPERATION_TIMEDOUT:
        return cx_fail_set(fail, CX_E_TIMEOUT, "control", "no answer on %s within %u ms",
                           request->socket_path, request->timeout_ms);
    case CURLE_WRITE_ERROR:
        return cx_fail_set(fail, CX_E_TOO_BIG, "control", "the answer is too long");
    case CURLE_OUT_OF_MEMORY:
        return cx_fail_set(fail, CX_E_NOMEM, "control", "out of memory");
    default:
        return cx_fail_set(fail, CX_E_IO, "control", "%s: %s", request->socket_path,
                           curl_easy_strerror(rc));
    }
}

/* What goes into the body: a POST or PUT without one says that it is empty, since a server need not
 * take it otherwise (411, RFC 9110 15.5.12). */
static struct slice body_of(const struct control_request *request)
{
    bool wants_body = strcmp(request->method, "POST") == 0 || strcmp(request->method, "PUT") == 0;

    return slice_is_absent(request->body) && wants_body ? SLICE_LIT("") : request->body;
}

static CURLcode set_up(CURL *curl, const struct control_request *request, const char *url,
                       struct curl_slist *headers, struct buf *out)
{
    const struct {
        CURLoption option;
        const char *text;
    } texts[] = {
        {CURLOPT_UNIX_SOCKET_PATH, request->socket_path},
        {CURLOPT_URL, url},
        {CURLOPT_CUSTOMREQUEST, request->method},
        {CURLOPT_PROXY, ""}, /* nothing from the environment */
        {CURLOPT_PROTOCOLS_STR, "http"},
    };
    struct slice body = body_of(request);
    CURLcode rc = CURLE_OK;

    for (size_t i = 0; rc == CURLE_OK && i < sizeof(texts) / sizeof(texts[0]); i++) {
        rc = curl_easy_setopt(curl, texts[i].option, texts[i].text);
    }
    if (rc == CURLE_OK) {
        rc = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    }
    if (rc == CURLE_OK) {
        rc = curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
    }
    if (rc == CURLE_OK) {
        rc = curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    }
    if (rc == CURLE_OK) {
        rc = curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    }
    if (rc == CURLE_OK && !slice_is_absent(body)) {
        rc = curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
        if (rc == CURLE_OK) {
            rc = curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.ptr);
        }
    }
    return rc;
}

static struct curl_slist *json_headers(void)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    struct curl_slist *more =
        headers == NULL ? NULL : curl_slist_append(headers, "Expect:"); /* no 100-continue */

    if (more == NULL) {
        curl_slist_free_all(headers);
    }
    return more;
}

enum cx_err control_ask(const struct control_request *request, unsigned *status, struct buf *out,
                        struct cx_fail *fail)
{
    struct curl_slist *headers = json_headers();
    CURL *curl = curl_easy_init();
    enum cx_err err = CX_OK;
    long code = 0;
    struct buf url;
    CURLcode rc;

    buf_init(&url, 8192);
    if (headers == NULL || curl == NULL || buf_put_str(&url, "http://localhost") != CX_OK ||
        buf_put_str(&url, request->path) != CX_OK || buf_cstr(&url) == NULL) {
        err = cx_fail_set(fail, CX_E_NOMEM, "control", "out of memory");
        goto out;
    }
    rc = set_up(curl, request, buf_cstr(&url), headers, out);
    if (rc == CURLE_OK) {
        rc = curl_easy_perform(curl);
    }
    if (rc == CURLE_OK) {
        rc = curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    }
    if (rc != CURLE_OK) {
        err = failed(request, rc, fail);
        goto out;
    }
    *status = (unsigned)code;
out:
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    buf_done(&url);
    return err;
}
