#include "common/io/handed.h"

#include "common/core/slice.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

enum { HANDED_FIRST = 3, HANDED_MAX = 64 }; /* sd_listen_fds(3): from this descriptor on */

/* What they were told is for this process, not for one that it was started by. */
static unsigned handed_count(void)
{
    const char *pid = getenv("LISTEN_PID");
    const char *count = getenv("LISTEN_FDS");
    uint64_t value;

    if (pid == NULL || count == NULL ||
        slice_to_u64(slice_of_str(pid), 1, INT32_MAX, &value) != CX_OK ||
        value != (uint64_t)getpid() ||
        slice_to_u64(slice_of_str(count), 0, HANDED_MAX, &value) != CX_OK) {
        return 0;
    }
    return (unsigned)value;
}

static bool is_same(const struct sockaddr *a, const struct sockaddr *b)
{
    const void *pa = a;
    const void *pb = b;

    if (a->sa_family != b->sa_family) {
        return false;
    }
    if (a->sa_family == AF_INET) {
        const struct sockaddr_in *x = pa;
        const struct sockaddr_in *y = pb;

        return x->sin_port == y->sin_port && x->sin_addr.s_addr == y->sin_addr.s_addr;
    }
    if (a->sa_family == AF_INET6) {
        const struct sockaddr_in6 *x = pa;
        const struct sockaddr_in6 *y = pb;

        return x->sin6_port == y->sin6_port &&
               memcmp(&x->sin6_addr, &y->sin6_addr, sizeof(x->sin6_addr)) == 0;
    }
    return a->sa_family == AF_UNIX &&
           strncmp(((const struct sockaddr_un *)pa)->sun_path,
                   ((const struct sockaddr_un *)pb)->sun_path,
                   sizeof(((const struct sockaddr_un *)pa)->sun_path)) == 0;
}

static bool listens_at(int fd, const struct sockaddr *address)
{
    struct sockaddr_storage own = {0}; /* a path that fills its room has no NUL: is_same knows */
    socklen_t len = sizeof(own);
    int listens = 0;
    socklen_t flag_len = sizeof(listens);

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &flag_len) == 0 && listens != 0 &&
           getsockname(fd, (struct sockaddr *)&own, &len) == 0 &&
           is_same((struct sockaddr *)&own, address);
}

static int own_descriptor(int handed)
{
    int fd = fcntl(handed, F_DUPFD_CLOEXEC, HANDED_FIRST);
    int flags = fd >= 0 ? fcntl(fd, F_GETFL) : -1;

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return -1;
    }
    (void)fcntl(handed, F_SETFD, FD_CLOEXEC); /* also the mark that it is in use */
    return fd;
}

int handed_socket(const struct sockaddr *address)
{
    unsigned count = handed_count();

    for (unsigned i = 0; i < count; i++) {
        int fd = HANDED_FIRST + (int)i;

        if (listens_at(fd, address)) {
            return own_descriptor(fd);
        }
    }
    return -1;
}

static void address_text(int fd, char *out, size_t bytes)
{
    struct sockaddr_storage own = {0};
    socklen_t len = sizeof(own);
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];
    const void *a = &own;

    if (getsockname(fd, (struct sockaddr *)&own, &len) != 0) {
        (void)snprintf(out, bytes, "not a socket");
    } else if (own.ss_family == AF_UNIX) {
        (void)snprintf(out, bytes, "unix:%.*s",
                       (int)sizeof(((const struct sockaddr_un *)a)->sun_path),
                       ((const struct sockaddr_un *)a)->sun_path);
    } else if (getnameinfo(a, len, host, sizeof(host), port, sizeof(port),
                           NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        (void)snprintf(out, bytes, own.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
    } else {
        (void)snprintf(out, bytes, "of a kind that is not known");
    }
}

bool handed_left_over(unsigned n, char *out, size_t bytes)
{
    unsigned count = handed_count();

    for (unsigned i = 0; i < count; i++) {
        int fd = HANDED_FIRST + (int)i;
        int flags = fcntl(fd, F_GETFD);

        if (flags >= 0 && (flags & FD_CLOEXEC) == 0 && n-- == 0) {
            address_text(fd, out, bytes);
            return true;
        }
    }
    return false;
}
