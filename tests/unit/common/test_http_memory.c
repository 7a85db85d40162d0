/* What libcurl frees is wiped, and when a call is over no copy of its secrets is left in memory. */
#include "tests/support/check.h"
#include "tests/support/http_ask.h"
#include "tests/support/http_peer.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) /* gcc */
#define IS_SANITIZED true
#elif defined(__has_feature) /* clang */
#define IS_SANITIZED __has_feature(address_sanitizer)
#else
#define IS_SANITIZED false
#endif

/* ---- the allocator ---- */

static const char *needle;
static unsigned needles_wiped;

/* In the place of the C library's (which a build that checks calls by another name), to see what it
 * is asked to wipe. */
void explicit_bzero(void *at, size_t len);
void __explicit_bzero_chk(void *at, size_t len, size_t room);

static bool holds_needle(const volatile uint8_t *bytes, size_t len)
{
    size_t found = 0;

    for (size_t i = 0; i < len && needle[found] != '\0'; i++) { /* it begins like no part of it */
        found = bytes[i] == (uint8_t)needle[found] ? found + 1 : bytes[i] == (uint8_t)needle[0];
    }
    return needle[found] == '\0';
}

void explicit_bzero(void *at, size_t len)
{
    volatile uint8_t *bytes = at;

    if (needle != NULL && holds_needle(bytes, len)) {
        needles_wiped++;
    }
    while (len > 0) {
        bytes[--len] = 0;
    }
}

void __explicit_bzero_chk(void *at, size_t len, size_t room)
{
    (void)room;
    explicit_bzero(at, len);
}

static void http_has_libcurl_wipe_what_it_frees(void **state)
{
    CURL *easy;
    char *copy;

    (void)state;
    assert_int_equal(http_global_init(NULL), CX_OK);
    easy = curl_easy_init();
    needle = "s3cr3t";
    needles_wiped = 0;
    copy = curl_easy_escape(easy, "a s3cr3t", 0);
    assert_string_equal(copy, "a%20s3cr3t");
    curl_free(copy);
    assert_true(needles_wiped > 0);
    needle = NULL;
    curl_easy_cleanup(easy);
}

/* ---- a whole call ---- */

/* Secrets are made when they are needed, so that the program's own text does not hold them. */
enum secret_name { PASSWORD, BASIC, QUERY, TOKEN };
enum { SECRET_BYTES = 16, TEXT_BYTES = 256, REGION_MAX = 64 * 1024 * 1024 };

static void secret_make(enum secret_name which, char out[SECRET_BYTES + 1])
{
    for (int i = 0; i < SECRET_BYTES; i++) {
        out[i] = (char)('A' + (i * 7 + (int)which * 5) % 26);
    }
    out[SECRET_BYTES] = '\0';
}

static void text_make(char out[TEXT_BYTES], const char *before, enum secret_name which,
                      const char *after)
{
    char secret[SECRET_BYTES + 1];

    secret_make(which, secret);
    (void)snprintf(out, TEXT_BYTES, "%s%s%s", before, secret, after);
    explicit_bzero(secret, sizeof(secret));
}

static size_t count_in(const uint8_t *bytes, size_t len, const char *secret)
{
    size_t n = 0;
    const uint8_t *at;

    while (len > 0 && (at = memmem(bytes, len, secret, SECRET_BYTES)) != NULL) {
        n++;
        len -= (size_t)(at + 1 - bytes);
        bytes = at + 1;
    }
    return n;
}

/* How often the secret stands in the heap and in other writable memory of this process, the two
 * places aside that this function itself uses. */
static size_t copies_in_memory(enum secret_name which)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    int memory = open("/proc/self/mem", O_RDONLY);
    char secret[SECRET_BYTES + 1];
    char line[512];
    size_t n = 0;

    assert_true(maps != NULL && memory >= 0);
    secret_make(which, secret);
    while (fgets(line, sizeof(line), maps) != NULL) {
        char *end;
        unsigned long from = strtoul(line, &end, 16);
        unsigned long to = strtoul(end + 1, &end, 16);
        uint8_t *copy;
        ssize_t len;

        if (strncmp(end, " rw", 3) != 0 || strstr(line, "[stack]") != NULL ||
            to - from > REGION_MAX) {
            continue;
        }
        copy = mmap(NULL, to - from, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_ptr_not_equal(copy, MAP_FAILED);
        len = pread(memory, copy, to - from, (off_t)from);
        n += len > 0 ? count_in(copy, (size_t)len, secret) : 0;
        (void)munmap(copy, to - from);
    }
    explicit_bzero(secret, sizeof(secret));
    (void)close(memory);
    (void)fclose(maps);
    return n;
}

/* In another process, which has its own copies. */
static void serve_token(struct peer_connection *c)
{
    struct peer_request r = {0};
    char body[TEXT_BYTES];
    char head[TEXT_BYTES];

    text_make(body, "{\"access_token\":\"", TOKEN, "\"}");
    (void)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                   strlen(body));
    while (peer_read(c, &r) && peer_say(c, head) && peer_say(c, body)) {
    }
    peer_request_done(&r);
}

static size_t copies_during;

static void count_while_it_ends(struct asked *a)
{
    copies_during = copies_in_memory(TOKEN);
    explicit_bzero(a->body, sizeof(a->body));
}

static void http_leaves_no_secret_in_memory(void **state)
{
    char body[TEXT_BYTES];
    char basic[TEXT_BYTES];
    struct asker by;
    struct peer_process server;

    (void)state;
    if (IS_SANITIZED) {
        skip(); /* AddressSanitizer keeps memory of its own */
    }
    peer_fork(&server, serve_token, NULL);
    asker_start(&by);
    for (int i = 0; i < 3; i++) { /* on a new connection, on a kept one, with a query */
        struct asked a;
        struct http_plan plan = asked_plan(&a, "http", "127.0.0.1", server.port);

        text_make(body, "grant_type=password&password=", PASSWORD, "");
        text_make(basic, "Authorization: Basic ", BASIC, "");
        plan.body = slice_of_str(body);
        plan.headers = slice_of(basic, strlen(basic) + 1);
        plan.nheaders = 1;
        if (i == 2) {
            text_make(a.url + strlen(a.url), "?pin=", QUERY, "");
        }
        a.then = count_while_it_ends;
        asked_start(&by, &a, &plan);
        assert_true(copies_in_memory(PASSWORD) > 0); /* what is there is seen */
        explicit_bzero(body, sizeof(body));
        explicit_bzero(basic, sizeof(basic));
        asker_run(&by);
        assert_int_equal(a.status, 200);
        assert_true(copies_during > 0);
        assert_int_equal(copies_in_memory(PASSWORD), 0);
        assert_int_equal(copies_in_memory(BASIC), 0);
        assert_int_equal(copies_in_memory(QUERY), 0);
        assert_int_equal(copies_in_memory(TOKEN), 0);
    }
    asker_stop(&by);
    peer_join(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_leaves_no_secret_in_memory), /* before a thread has a stack here */
        cmocka_unit_test(http_has_libcurl_wipe_what_it_frees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
