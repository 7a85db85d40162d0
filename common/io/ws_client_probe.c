#include "common/io/ws_client_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

struct ws_probe {
    uv_poll_t poll;
    int fd;
    struct ws_attempt *attempt;
};

/* Asking takes the error away, so libwebsockets, which asks too, would believe in a connection; but
 * the attempt is over then. */
static void probe_look(struct ws_probe *probe)
{
    int err = 0;
    socklen_t len = sizeof(err);

    if (probe->attempt->stage == WS_STAGE_CONNECT &&
        getsockopt(probe->fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0 && err != 0) {
        ws_attempt_fail(probe->attempt, CX_E_CONNECT, "%s", strerror(err));
    }
}

static void probe_ready(uv_poll_t *poll, int status, int events)
{
    struct ws_probe *probe = poll->data;

    (void)status;
    (void)events;
    (void)uv_poll_stop(poll);
    probe_look(probe);
}

struct ws_probe *ws_probe_new(struct ws_attempt *attempt, int fd)
{
    struct ws_probe *probe = calloc(1, sizeof(*probe));

    if (probe == NULL) {
        return NULL;
    }
    probe->attempt = attempt;
    probe->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (probe->fd < 0) {
        free(probe);
        return NULL;
    }
    (void)uv_poll_init(loop_uv(attempt->client->web->loop), &probe->poll, probe->fd);
    probe->poll.data = probe;
    /* The kernel tells those first who have begun to watch last. */
    (void)uv_poll_start(&probe->poll, UV_WRITABLE, probe_ready);
    probe_look(probe); /* or it has failed already */
    return probe;
}

static void probe_closed(uv_handle_t *poll)
{
    free(poll->data);
}

void ws_probe_free(struct ws_probe *probe)
{
    if (probe == NULL) {
        return;
    }
    (void)uv_poll_stop(&probe->poll);
    (void)close(probe->fd);
    uv_close((uv_handle_t *)&probe->poll, probe_closed);
}
