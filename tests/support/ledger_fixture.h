#ifndef CONNECTOR_TESTS_SUPPORT_LEDGER_FIXTURE_H
#define CONNECTOR_TESTS_SUPPORT_LEDGER_FIXTURE_H

#include "agent/io/ledger.h"
#include "common/io/loop.h"
#include "tests/support/temp.h"

#include <sys/types.h>

/* A ledger on a real disk, and an agent's side of it. Failures end the test. */

enum { LEDGER_FIXTURE_RESULT_BYTES = 16 * 1024, LEDGER_FIXTURE_JOBS = 32 };

struct ledger_fixture {
    struct temp temp;
    char path[300], key[300], current[300];
    struct loop *loop;
    struct loop_timer tick;
    struct ledger *ledger; /* NULL: closed */
    unsigned settled;      /* how often it was called */
    bool is_always;
    const char *owner; /* "agent-a" if NULL */
    struct cx_fail fail;
    /* Job n: its id is id_n(n). */
    struct ledger_slot slots[LEDGER_FIXTURE_JOBS];
    struct buf results[LEDGER_FIXTURE_JOBS]; /* of those that were adopted */
};

void ledger_fixture_init(struct ledger_fixture *f);
void ledger_fixture_done(struct ledger_fixture *f);

enum cx_err ledger_fixture_try(struct ledger_fixture *f); /* ledger_open; `fail` says why not */
void ledger_fixture_open(struct ledger_fixture *f);
void ledger_fixture_close(struct ledger_fixture *f);

struct cx_id ledger_fixture_id(unsigned n);

/* Slot n is begun, as a refresh or not; finished with the text; all without a flush. */
void ledger_fixture_begin(struct ledger_fixture *f, unsigned n, bool is_refresh);
void ledger_fixture_finish(struct ledger_fixture *f, unsigned n, const char *result);

/* Take what was found, each into the slot of its number, and say it: "1 begun, 2=text, 3 refresh".
 * Borrowed until the next call. */
const char *ledger_fixture_found(struct ledger_fixture *f);

void ledger_fixture_turn(struct ledger_fixture *f); /* of the loop, which waits for an event */

/* Turn the loop until `settled` was called `n` times in all. */
void ledger_fixture_wait(struct ledger_fixture *f, unsigned n);

/* Open the ledger in a process of its own, run `story` there, and kill that process (SIGKILL)
 * without closing the ledger. */
void ledger_fixture_killed(struct ledger_fixture *f, void (*story)(struct ledger_fixture *f));

/* A file as it is, of at most 1 MiB without the zeros at its end; and write it. */
void ledger_fixture_load(const char *path, struct buf *out);
void ledger_fixture_store(const char *path, struct slice bytes);

/* How many files there are in the folder whose name begins so. */
unsigned ledger_fixture_count(const struct ledger_fixture *f, const char *prefix);

#endif
