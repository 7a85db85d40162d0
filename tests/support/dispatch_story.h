#ifndef CONNECTOR_TESTS_SUPPORT_DISPATCH_STORY_H
#define CONNECTOR_TESTS_SUPPORT_DISPATCH_STORY_H

#include "platform/core/dispatch.h"

/* Stories about dispatch, told in letters. A job is a capital letter, a tunnel a small one, an
 * agent a digit, a ledger a word's first letter. What dispatch does by its ports is written down in
 * order:
 *
 *     record A>1     the store is asked to write that job A is with agent 1
 *     send A>t       job A is put into tunnel t's outbox
 *     refuse A>t     likewise, and there is no room
 *     cancel A>t     tunnel t is told that nobody waits for A
 *     fail A agent_lost sent     its owner is told so
 */
struct story {
    struct dispatch *d;
    struct dispatch_connector *c;
    bool is_recording_at_once; /* record calls dispatch_recorded from within */
    bool is_recorded_well;     /* what it says then */
    char full[8];              /* names of the tunnels whose outbox is full */
    char log[2048];
};

void story_init(struct story *s, uint32_t queue_per_connector);
void story_done(struct story *s); /* tunnels must be down */

/* What has happened since the last look, in the words above with "; " between. */
void story_expect(struct story *s, const char *why, const char *want);

struct story_hello {
    char tunnel;
    unsigned agent; /* 1.. */
    char ledger;
    unsigned number;
    uint32_t capacity;
    const char *known; /* letters of jobs; NULL: none */
    uint32_t features;
};
/* Up, but not yet ready. */
struct dispatch_tunnel *story_up(struct story *s, const struct story_hello *hello);

/* An agent 1 with tunnel number 0 and ledger 'l'; ready. */
struct dispatch_tunnel *story_ready(struct story *s, char tunnel, uint32_t capacity);

struct cx_id story_job(char job);
enum dispatch_answer story_submit(struct story *s, char job);

struct story_order {
    char job;
    uint32_t needs;
    char key;  /* a letter: its exclusive key; 0: none */
    char same; /* what it asks for */
    uint64_t now_ms, deadline_ms;
};
enum dispatch_answer story_order(struct story *s, const struct story_order *order);

/* Agent's result on `t`: nothing of `job` was sent, it stopped at `stage`. What dispatch_move says.
 */
bool story_move(struct story *s, struct dispatch_tunnel *t, char job, enum stage stage,
                uint64_t now_ms);

/* Who else gets the result of `job` that came on `t`, as letters ("" for nobody); borrowed until
 * the next call. */
const char *story_share(struct dispatch_tunnel *t, char job);

/* What `job` (a letter) is in; -1: not known. */
int story_state(const struct story *s, char job);

/* Each with the job's id. */
void story_recorded(struct story *s, char job, bool is_ok);
void story_written(struct story *s, char job);
void story_unwritten(struct story *s, char job);
void story_expire(struct story *s, char job);
void story_abandon(struct story *s, char job);
bool story_reported(struct dispatch_tunnel *t, char job);
void story_settled(struct story *s, struct dispatch_tunnel *t, char job);

/* Submit, record, write: the agent has it. */
void story_sent(struct story *s, char job);

#endif
