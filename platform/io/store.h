#ifndef CONNECTOR_PLATFORM_IO_STORE_H
#define CONNECTOR_PLATFORM_IO_STORE_H

#include "common/core/buf.h"
#include "common/core/id.h"
#include "common/core/terms.h"

#include <stdint.h>

/* What the platform keeps for good. One writer: the running server (and `init` before there is
 * one). Today an SQLite file (store_sqlite*.c); nothing outside knows that. Times are Unix
 * milliseconds.
 *
 * Administration (keys, connectors, agents, enrolments, profiles) is written and synced at once,
 * and read whole at the start. The exchange path is written in groups: store_put_exchange and
 * store_put_result only note what is to be written, and their `done` is called from store_flush,
 * which writes all that was noted in one transaction. */

struct store;
struct seal_key; /* common/io/seal.h: what results and secrets are sealed under */

enum { STORE_RESULT_MS = 15 * 60 * 1000, STORE_AUDIT_DAYS = 30 };

/* Make a new store, whole or not at all. The file is 0600; beside it lie PATH.lock and, while it
 * is open, PATH-wal and PATH-shm. Errors: CX_E_EXISTS (there is a file), CX_E_STATE (another
 * process is at it), CX_E_STORE, CX_E_NOMEM. */
enum cx_err store_create(const char *path, struct cx_fail *fail) CX_MUST_CHECK;

/* Open it. `key` must outlive the store; the first key that a store is opened with is its own, any
 * other is refused and nothing is changed. Errors: CX_E_NOT_FOUND, CX_E_STATE (open in this or
 * another process), CX_E_STORE (not a store, or of a newer version), CX_E_MODE, CX_E_CRYPTO
 * (sealed under another key), CX_E_NOMEM. */
enum cx_err store_open(const char *path, const struct seal_key *key, struct store **out,
                       struct cx_fail *fail) CX_MUST_CHECK;

/* Flushes first, and again what the `done` functions note then, a few times; not from a `done`.
 * Safe on NULL. */
void store_close(struct store *s);

/* Why the last flush or tidying wrote nothing, or the disk refuses to take over what was written;
 * NULL if all is well. For the log; borrowed until the next call. */
const struct cx_fail *store_trouble(const struct store *s);

/* --- API keys: only the SHA-256 of a key is kept --- */
enum key_role { KEY_ADMIN, KEY_APP };
struct store_key {
    const char *name;
    enum key_role role;
    uint8_t sha256[32];
    uint64_t created_ms;
};
/* Errors: CX_E_EXISTS (the name or the key), CX_E_STORE. */
enum cx_err store_add_key(struct store *s, const struct store_key *key,
                          struct cx_fail *fail) CX_MUST_CHECK;
/* Errors: CX_E_NOT_FOUND, CX_E_STORE. */
enum cx_err store_remove_key(struct store *s, const char *name, struct cx_fail *fail) CX_MUST_CHECK;
/* Calls `each` for every key, in the order of names; its rows are borrowed for the call, and it
 * must not use the store. Likewise the other store_each_. Errors: CX_E_STORE. */
enum cx_err store_each_key(struct store *s, void (*each)(void *ctx, const struct store_key *key),
                           void *ctx, struct cx_fail *fail) CX_MUST_CHECK;

/* --- Connectors and their agents --- */
struct store_connector {
    struct cx_id id;
    const char *name;
    uint64_t created_ms;
};
struct store_agent {
    struct cx_id id;
    struct cx_id connector;
    uint64_t enrolled_ms;
    uint64_t revoked_ms;          /* 0: not revoked */
    uint64_t last_seen_ms;        /* 0: never */
    uint64_t certificate_ends_ms; /* of the newest certificate */
    struct cx_id ledger;          /* the last that it said; none if never */
    uint64_t ledger_seq;
    const char *version; /* "" if it never came */
    const char *host;
};
/* Errors: CX_E_EXISTS (the id or the name), CX_E_STORE. */
enum cx_err store_add_connector(struct store *s, const struct store_connector *c,
                                struct cx_fail *fail) CX_MUST_CHECK;
/* With its agents and enrolments. The audit trail stays. Errors: CX_E_NOT_FOUND, CX_E_STORE. */
enum cx_err store_remove_connector(struct store *s, const struct cx_id *id,
                                   struct cx_fail *fail) CX_MUST_CHECK;
enum cx_err store_each_connector(struct store *s,
                                 void (*each)(void *ctx, const struct store_connector *c),
                                 void *ctx, struct cx_fail *fail) CX_MUST_CHECK;
/* Insert or replace. Errors: CX_E_NOT_FOUND (its connector), CX_E_STORE. */
enum cx_err store_put_agent(struct store *s, const struct store_agent *a,
                            struct cx_fail *fail) CX_MUST_CHECK;
enum cx_err store_each_agent(struct store *s, void (*each)(void *ctx, const struct store_agent *a),
                             void *ctx, struct cx_fail *fail) CX_MUST_CHECK;

/* What an agent said when it came: last_seen_ms, ledger, ledger_seq, version and host are written
 * with the next group (not synced: thousands of agents may come back at once), the rest of `a` is
 * not looked at. An agent that is not known is not made. Strings are copied. */
void store_put_agent_seen(struct store *s, const struct store_agent *a);

/* --- Enrolments: one-time tokens, by SHA-256 --- */
struct store_enrollment {
    uint8_t token_sha256[32];
    struct cx_id connector;
    uint64_t expires_ms;
    bool is_used;
    uint8_t spki_sha256[32]; /* of the CSR's key that used it */
    struct cx_id agent;      /* that it made */
    const char *certificate; /* PEM chain that was given; "" if not used */
};
/* Add one, unused. Tokens that are expired for more than an hour are forgotten by store_tidy.
 * Errors: CX_E_EXISTS, CX_E_NOT_FOUND (its connector), CX_E_STORE. */
enum cx_err store_add_enrollment(struct store *s, const struct store_enrollment *e,
                                 struct cx_fail *fail) CX_MUST_CHECK;
/* Find by token; `out` is filled, `certificate` appended to the buffer (out->certificate is NULL).
 * Errors: CX_E_NOT_FOUND, CX_E_TOO_BIG (cap of the buffer), CX_E_STORE, CX_E_NOMEM. */
enum cx_err store_find_enrollment(struct store *s, const uint8_t token_sha256[32],
                                  struct store_enrollment *out, struct buf *certificate,
                                  struct cx_fail *fail) CX_MUST_CHECK;
/* Mark it used (spki_sha256, agent and certificate of `e`) and insert its agent, in one
 * transaction. Errors: CX_E_NOT_FOUND (the token), CX_E_STATE (used already), CX_E_EXISTS (the
 * agent), CX_E_STORE. */
enum cx_err store_use_enrollment(struct store *s, const struct store_enrollment *e,
                                 const struct store_agent *agent,
                                 struct cx_fail *fail) CX_MUST_CHECK;

/* --- Profiles: the JSON with its secrets, sealed as a whole --- */
/* Insert or replace. Errors: CX_E_TOO_BIG (16 MiB), CX_E_CRYPTO, CX_E_STORE, CX_E_NOMEM. */
enum cx_err store_put_profile(struct store *s, const char *name, struct slice json,
                              struct cx_fail *fail) CX_MUST_CHECK;
/* Errors: CX_E_NOT_FOUND, CX_E_STORE. */
enum cx_err store_remove_profile(struct store *s, const char *name,
                                 struct cx_fail *fail) CX_MUST_CHECK;
/* `json` is wiped after the call. Errors: CX_E_CRYPTO (one can't be opened; `fail` names it),
 * CX_E_STORE, CX_E_NOMEM. */
enum cx_err store_each_profile(struct store *s,
                               void (*each)(void *ctx, const char *name, struct slice json),
                               void *ctx, struct cx_fail *fail) CX_MUST_CHECK;

/* --- Exchanges: the audit trail, and whose a late result is. Never a variable or a token. --- */
struct store_exchange {
    struct cx_id id; /* a UUIDv7 of began_ms: rows are in the order of time by it */
    const char *profile;
    const char *connector; /* name */
    const char *key;       /* name of the API key that asked; "" for the control socket */
    const char *subject;   /* "" if none */
    enum job_purpose purpose;
    struct cx_id agent; /* that is given the job; none if it never was */
    uint64_t began_ms;
    /* Only what an Idempotency-Key was given for: the SHA-256 of whose it is, of the route, the
     * profile and the key; and that of the request's body, which is kept sealed, since a body
     * with a password could be guessed from it. Written with the row and never changed. */
    bool is_keyed;
    uint8_t repeat_sha256[32];
    uint8_t body_sha256[32];
    /* "AGENT:STAGE" of each agent that could not do it and sent nothing, in order, a space between;
     * NULL or "": it was never moved to another one */
    const char *moved;
    /* What dispatch needs to know again of its exclusive key after a restart (printable, no secret;
     * platform/core/hold_text.h), while an agent may have it; NULL or "": it has none. */
    const char *hold;
    /* the end; outcome OUTCOME_UNKNOWN while it runs */
    enum outcome outcome;
    enum verdict code;
    enum execution execution;
    enum stage stage;
    uint32_t status;
    uint64_t ended_ms;
};
typedef void store_done(void *ctx, enum cx_err err); /* err: CX_OK, CX_E_STORE */

/* Insert, or when the id is there (a job that moves to another agent; an exchange that ended
 * without a result) change its agent, moved, hold and its end; of the first three, what is
 * none or empty is left as it is. An end that came from a result stays: then nothing is changed,
 * and `err` is CX_OK. `done` may be NULL. Strings are copied. If there is no memory to note it,
 * `done` gets CX_E_STORE: from the next store_flush, or at once if not even that can be noted.
 * Likewise store_put_result.
 */
void store_put_exchange(struct store *s, const struct store_exchange *e, store_done *done,
                        void *ctx);

enum store_result_kind {
    STORE_RESULT_NEW,         /* kept, until it is delivered or 15 minutes are over */
    STORE_RESULT_AGAIN,       /* this exchange has ended with a result before: nothing changed */
    STORE_RESULT_UNKNOWN_JOB, /* never stored: an audit row without a token was written */
    STORE_RESULT_FOREIGN      /* the job was given to another agent, or to none: nothing changed */
};
typedef void store_result_done(void *ctx, enum store_result_kind kind, enum cx_err err);

/* A result that `ended->agent` reported (none: the platform's own executor): id, agent, connector
 * and the end count, nothing else is looked at. `sealed_part` is what the caller may still claim
 * (sealed here and now; may be empty, then nothing is kept to be claimed). The exchange's row is
 * ended; its 15 minutes count from `ended->ended_ms`, so that has to be the time of its arrival. An
 * exchange that the platform had ended by itself (budget, agent lost) counts as not yet ended by a
 * result: the late result replaces that end. */
void store_put_result(struct store *s, const struct store_exchange *ended, struct slice sealed_part,
                      store_result_done *done, void *ctx);

/* It was delivered: forget the sealed part (with the next group; if that fails, the part goes when
 * its 15 minutes are over). That of a keyed exchange can't be claimed any more, and stays for a
 * repeat. */
void store_drop_result(struct store *s, const struct cx_id *id);

/* What the caller of an exchange may still claim. The caps are the caller's; buf_done both. */
struct store_claim {
    struct buf part; /* the sealed part, opened */
    struct buf key;  /* the name of the API key that asked */
};

/* Append to both. Errors: CX_E_NOT_FOUND (none, not flushed yet, expired at `now_ms`, or dropped,
 * if only noted so), CX_E_TOO_BIG, CX_E_CRYPTO, CX_E_STORE, CX_E_NOMEM. */
enum cx_err store_get_result(struct store *s, const struct cx_id *id, uint64_t now_ms,
                             struct store_claim *out, struct cx_fail *fail) CX_MUST_CHECK;

/* Likewise for a repeat of a keyed exchange: dropped or not. */
enum cx_err store_get_kept(struct store *s, const struct cx_id *id, uint64_t now_ms,
                           struct store_claim *out, struct cx_fail *fail) CX_MUST_CHECK;

/* What an exchange's row says. */
enum { STORE_NAME_BYTES = 64 /* with the NUL */ };
struct store_found {
    struct cx_id id;
    struct cx_id agent;
    char connector[STORE_NAME_BYTES];
    char key[STORE_NAME_BYTES];
    uint64_t began_ms;
    uint64_t ended_ms;
    enum job_purpose purpose;
    enum outcome outcome; /* OUTCOME_UNKNOWN: it runs, or the end was not written */
    enum verdict code;
    enum execution execution;
    enum stage stage;
    bool has_result; /* it ended by a result, whose part store_get_result or store_get_kept has */
    bool is_keyed;
    uint8_t body_sha256[32]; /* if so */
};

/* Errors: CX_E_NOT_FOUND (none, or not flushed yet), CX_E_CRYPTO, CX_E_STORE, CX_E_NOMEM. */
enum cx_err store_find_exchange(struct store *s, const struct cx_id *id, struct store_found *out,
                                struct cx_fail *fail) CX_MUST_CHECK;

/* The last keyed exchange with this hash that ended less than 15 minutes before `now_ms`, or, if it
 * has no end, began then. Errors as above. */
enum cx_err store_find_repeat(struct store *s, const uint8_t repeat_sha256[32], uint64_t now_ms,
                              struct store_found *out, struct cx_fail *fail) CX_MUST_CHECK;

/* Which exchanges, newest first. */
struct store_query {
    const char *profile;  /* NULL: of any */
    enum outcome outcome; /* OUTCOME_UNKNOWN: any */
    uint64_t since_ms;    /* that began then or later */
    struct cx_id after;   /* that are older than this one; none: from the newest */
    size_t limit;
    void (*each)(void *ctx, const struct store_exchange *e); /* borrowed; must not use the store */
    void *ctx;
};
enum { STORE_QUERY_ROWS = 4096 }; /* that one call looks at: a few milliseconds */

/* `next` gets the id to go on after, or none if that was all. Rows of which few match may be looked
 * at in vain, so that fewer than `limit` were given does not mean the end. Not yet flushed rows are
 * not seen. Errors: CX_E_STORE, CX_E_NOMEM. */
enum cx_err store_list_exchanges(struct store *s, const struct store_query *query,
                                 struct cx_id *next, struct cx_fail *fail) CX_MUST_CHECK;

/* At the start: those that an agent may still have, as of when we were killed. Of the first kind,
 * all that have no end, of whatever was going on when the last one began (`span_ms` is the longest
 * time that one runs). Of the second, those with a hold that no result has ended, since `since_ms`;
 * they may be of the first kind too. Borrowed for the call; `each` must not use the store. Errors:
 * CX_E_STORE, CX_E_NOMEM. */
typedef void store_each_exchange(void *ctx, const struct store_exchange *e);
enum cx_err store_each_open(struct store *s, uint64_t span_ms, store_each_exchange *each, void *ctx,
                            struct cx_fail *fail) CX_MUST_CHECK;
enum cx_err store_each_hold(struct store *s, uint64_t since_ms, store_each_exchange *each,
                            void *ctx, struct cx_fail *fail) CX_MUST_CHECK;

/* Is anything noted? */
bool store_is_dirty(const struct store *s);
size_t store_noted(const struct store *s); /* how many wait for the next group */

/* Write all that is noted in one transaction and call each `done`, in order. On failure each gets
 * CX_E_STORE and nothing was written. A `done` may note more: that is for the next flush (look at
 * store_is_dirty afterwards); a flush from within a `done` does nothing. */
void store_flush(struct store *s);

/* Forget results past their 15 minutes, audit rows past STORE_AUDIT_DAYS and enrolments; some at a
 * time, so that a call takes a millisecond or two. To be called each minute or so, and while it
 * says true (there is more to forget) again soon. */
bool store_tidy(struct store *s, uint64_t now_ms);

/* The time of day was set by `step_ms` (negative: back), and is `now_ms` now: results, repeats and
 * enrolment strings get what was left of their 15 minutes by the new time. */
void store_clock_set(struct store *s, uint64_t now_ms, int64_t step_ms);

#endif
