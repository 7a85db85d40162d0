#include "tests/support/dispatch_story.h"

#include "tests/support/check.h"

#include <stdarg.h>

static char letter_of(const struct cx_id *id)
{
    return (char)id->bytes[0];
}

static struct cx_id id_of(char letter)
{
    return (struct cx_id){{(uint8_t)letter, [8] = 0x80, [15] = (uint8_t)letter}};
}

struct cx_id story_job(char job)
{
    return id_of(job);
}

/* ---- the ports ---- */

static void note(struct story *s, const char *fmt, ...) CX_PRINTF(2, 3);

static void note(struct story *s, const char *fmt, ...)
{
    size_t at = strlen(s->log);
    va_list args;

    va_start(args, fmt);
    if (at > 0) {
        at += (size_t)snprintf(s->log + at, sizeof(s->log) - at, "; ");
    }
    (void)vsnprintf(s->log + at, sizeof(s->log) - at, fmt, args);
    va_end(args);
}

static void port_record(void *ctx, struct dispatch_job *job)
{
    struct story *s = ctx;
    struct cx_id id = job->id;

    note(s, "record %c>%c", letter_of(&job->id), letter_of(&job->agent));
    if (s->is_recording_at_once) {
        dispatch_recorded(s->d, &id, s->is_recorded_well);
    }
}

static bool port_send(void *ctx, void *tunnel_owner, struct dispatch_job *job)
{
    struct story *s = ctx;
    const char *tunnel = tunnel_owner;
    bool has_room = strchr(s->full, *tunnel) == NULL;

    note(s, "%s %c>%c", has_room ? "send" : "refuse", letter_of(&job->id), *tunnel);
    return has_room;
}

static void port_cancel(void *ctx, void *tunnel_owner, const struct cx_id *id)
{
    note(ctx, "cancel %c>%c", letter_of(id), *(const char *)tunnel_owner);
}

static void port_fail(void *ctx, void *owner, const struct dispatch_job *job,
                      const struct dispatch_failure *failure)
{
    assert_int_equal(*(const char *)owner, letter_of(&job->id));
    note(ctx, "fail %c %s %s", letter_of(&job->id), terms_verdict(failure->code),
         terms_execution(failure->execution));
}

void story_expect(struct story *s, const char *why, const char *want)
{
    if (strcmp(s->log, want) != 0) {
        fail_msg("%s:\n  happened: %s\n  wanted:   %s", why, s->log, want);
    }
    s->log[0] = '\0';
}

/* ---- making it ---- */

void story_init(struct story *s, uint32_t queue_per_connector)
{
    struct dispatch_ports ports = {.ctx = s,
                                   .record = port_record,
                                   .send = port_send,
                                   .cancel = port_cancel,
                                   .fail = port_fail};

    memset(s, 0, sizeof(*s));
    s->d = dispatch_new(&ports, queue_per_connector);
    assert_non_null(s->d);
    s->c = dispatch_connector_new(s->d);
    assert_non_null(s->c);
}

void story_done(struct story *s)
{
    dispatch_connector_free(s->c);
    dispatch_free(s->d);
}

/* Owners of tunnels and jobs: pointers to their letters, which outlive every story. */
static void *owner_of(char letter)
{
    static char letters[128];

    letters[(unsigned char)letter] = letter;
    return &letters[(unsigned char)letter];
}

struct dispatch_tunnel *story_up(struct story *s, const struct story_hello *hello)
{
    struct cx_id known[32];
    struct dispatch_hello h = {.agent = id_of((char)('0' + hello->agent)),
                               .ledger = id_of(hello->ledger),
                               .number = hello->number,
                               .capacity = hello->capacity,
                               .features = hello->features,
                               .known = known};
    struct dispatch_tunnel *t;

    for (const char *k = hello->known; k != NULL && *k != '\0'; k++) {
        known[h.nknown++] = id_of(*k);
    }
    t = dispatch_tunnel_up(s->c, &h, owner_of(hello->tunnel));
    assert_non_null(t);
    return t;
}

struct dispatch_tunnel *story_ready(struct story *s, char tunnel, uint32_t capacity)
{
    struct story_hello hello = {.tunnel = tunnel, .agent = 1, .ledger = 'l', .capacity = capacity};
    struct dispatch_tunnel *t = story_up(s, &hello);

    dispatch_tunnel_ready(t);
    return t;
}

/* ---- events ---- */

enum dispatch_answer story_order(struct story *s, const struct story_order *order)
{
    uint8_t key[DISPATCH_KEY_BYTES] = {(uint8_t)order->key};
    uint8_t same[DISPATCH_KEY_BYTES] = {(uint8_t)order->same};
    struct buf message;
    struct dispatch_order o = {.id = id_of(order->job),
                               .owner = owner_of(order->job),
                               .message = &message,
                               .now_ms = order->now_ms,
                               .deadline_ms = order->deadline_ms,
                               .needs = order->needs,
                               .exclusive = order->key != 0 ? key : NULL,
                               .same = order->key != 0 ? same : NULL};
    enum dispatch_answer answer;
    bool is_taken;

    buf_init(&message, 16);
    assert_int_equal(buf_put_byte(&message, (uint8_t)order->job), CX_OK);
    answer = dispatch_submit(s->c, &o);
    is_taken = answer == DISPATCH_TAKEN || answer == DISPATCH_AWAITED;
    assert_int_equal(message.len, is_taken ? 0 : 1); /* moved from when taken */
    buf_done(&message);
    return answer;
}

enum dispatch_answer story_submit(struct story *s, char job)
{
    return story_order(s, &(struct story_order){.job = job, .deadline_ms = 1000});
}

bool story_move(struct story *s, struct dispatch_tunnel *t, char job, enum stage stage,
                uint64_t now_ms)
{
    struct cx_id id = id_of(job);
    struct dispatch_job *found = dispatch_find(s->d, &id);
    struct buf answer;
    bool is_moved;

    assert_non_null(found);
    buf_init(&answer, 16);
    assert_int_equal(buf_put_byte(&answer, (uint8_t)stage), CX_OK);
    is_moved = dispatch_move(t, found, stage, &answer, now_ms);
    buf_done(&answer);
    return is_moved;
}

const char *story_share(struct dispatch_tunnel *t, char job)
{
    static char letters[32];
    struct cx_id id = id_of(job);
    struct dispatch_shared shared;
    size_t n = 0;

    while (dispatch_share(t, &id, &shared)) {
        letters[n++] = *(const char *)shared.owner;
        assert_int_equal(letter_of(&shared.id), letters[n - 1]);
    }
    letters[n] = '\0';
    return letters;
}

int story_state(const struct story *s, char job)
{
    struct cx_id id = id_of(job);
    const struct dispatch_job *found = dispatch_find(s->d, &id);

    return found == NULL ? -1 : (int)found->state;
}

void story_recorded(struct story *s, char job, bool is_ok)
{
    struct cx_id id = id_of(job);

    dispatch_recorded(s->d, &id, is_ok);
}

void story_written(struct story *s, char job)
{
    struct cx_id id = id_of(job);

    dispatch_written(s->d, &id);
}

void story_unwritten(struct story *s, char job)
{
    struct cx_id id = id_of(job);

    dispatch_unwritten(s->d, &id);
}

void story_expire(struct story *s, char job)
{
    struct cx_id id = id_of(job);

    dispatch_expire(s->d, &id);
}

void story_abandon(struct story *s, char job)
{
    struct cx_id id = id_of(job);

    dispatch_abandon(s->d, &id);
}

bool story_reported(struct dispatch_tunnel *t, char job)
{
    struct cx_id id = id_of(job);

    return dispatch_reported(t, &id) != NULL;
}

void story_settled(struct story *s, struct dispatch_tunnel *t, char job)
{
    struct cx_id id = id_of(job);

    dispatch_settled(s->d, t, &id);
}

void story_sent(struct story *s, char job)
{
    assert_int_equal(story_submit(s, job), DISPATCH_TAKEN);
    story_recorded(s, job, true);
    story_written(s, job);
    assert_int_equal(story_state(s, job), DISPATCH_SENT);
}
