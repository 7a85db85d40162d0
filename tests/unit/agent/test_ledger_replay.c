#include "agent/core/ledger_replay.h"

#include "agent/core/ledger_record.h"
#include "tests/support/alloc_fail.h"
#include "tests/support/check.h"

#include <stdlib.h>

static struct cx_id id_of(unsigned n)
{
    return (struct cx_id){.bytes = {7, [15] = (uint8_t)n}};
}

/* A story, a letter and a digit each: b1 begun, r1 begun as a refresh, f1 finished ("result 1"), g1
 * finished with nothing, x1 forgotten; o opened by agent-1 of ledger 1 in boot 1, c closed. A space
 * ends a frame; the first frame's last record has number 1, the next frame's 2, and so on. */
static struct ledger_record record_of(const char *at, char text[16])
{
    unsigned n = (unsigned)(at[1] - '0');
    struct ledger_record record = {.id = id_of(n)};

    switch (at[0]) {
    case 'o':
        record.kind = LEDGER_OPENED;
        record.boot = id_of(n + 100);
        record.owner = SLICE_LIT("agent-1");
        break;
    case 'r':
        record.is_refresh = true;
        record.kind = LEDGER_BEGUN;
        break;
    case 'b':
        record.kind = LEDGER_BEGUN;
        break;
    case 'f':
        record.kind = LEDGER_FINISHED;
        (void)snprintf(text, 16, "result %u", n);
        record.result = slice_of_str(text);
        break;
    case 'g':
        record.kind = LEDGER_FINISHED;
        record.result = SLICE_LIT("");
        break;
    case 'x':
        record.kind = LEDGER_FORGOT;
        break;
    default:
        record.kind = LEDGER_CLOSED;
        break;
    }
    return record;
}

static enum cx_err replay(struct ledger_replay *r, const char *story)
{
    enum cx_err err = CX_OK;
    uint8_t seq = 0;

    while (*story != '\0' && err == CX_OK) {
        uint8_t number[8] = {[7] = ++seq};
        struct buf frame;

        buf_init(&frame, 65536);
        err = buf_put(&frame, slice_of(number, sizeof(number)));
        for (; err == CX_OK && *story != '\0' && *story != ' '; story += 2) {
            char text[16];
            struct ledger_record record = record_of(story, text);

            err = ledger_record_put(&record, &frame);
        }
        if (err == CX_OK) {
            err = ledger_replay_frame(r, buf_view(&frame));
        }
        buf_done(&frame);
        story += *story == ' ' ? 1 : 0;
    }
    return err;
}

/* What is in it, in order: "b1 f2" as above. */
static const char *what_lives(const struct ledger_replay *r)
{
    static char text[256];
    size_t len = 0;

    text[0] = '\0';
    for (const struct ledger_slot *s = r->live.oldest; s != NULL; s = s->newer) {
        char letter = s->is_refresh ? 'r' : 'b';

        if (!slice_is_absent(s->result)) {
            letter = s->result.len > 0 ? 'f' : 'g';
        }
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%c%u", len > 0 ? " " : "",
                                letter, s->id.bytes[15]);
    }
    return text;
}

static void ledger_replay_gives_what_was_not_forgotten(void **state)
{
    static const struct {
        const char *story, *want;
        unsigned jobs, begun, refreshes, seq;
        uint64_t bytes; /* 18 a job, 21 and the result's if it is finished */
    } rows[] = {
        {"o1", "", 0, 0, 0, 1, 0},
        {"o1 b1b2b3", "b1 b2 b3", 3, 3, 0, 2, 54},
        {"o1 b1 f1", "f1", 1, 0, 0, 3, 47},
        {"o1 b1 g1", "g1", 1, 0, 0, 3, 39},
        {"o1 b1 f1 x1", "", 0, 0, 0, 4, 0},
        {"o1 b1 x1", "", 0, 0, 0, 3, 0},
        {"o1 b1b2b3 x2", "b1 b3", 2, 2, 0, 3, 36},
        {"o1 b1b2b3 x1 x3", "b2", 1, 1, 0, 4, 18},
        {"o1 r1b2 f2", "r1 f2", 2, 1, 1, 3, 65},
        {"o1 b1f1g1", "g1", 1, 0, 0, 2, 39}, /* the last result counts */
        {"o1 b1b1", "b1", 1, 1, 0, 2, 18},
        {"o1 b1x1b1", "b1", 1, 1, 0, 2, 18},
        /* frames are missing */
        {"f1", "f1", 1, 0, 0, 1, 47},
        {"x1", "", 0, 0, 0, 1, 0},
        {"c0", "", 0, 0, 0, 1, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ledger_replay r;

        assert_int_equal(ledger_replay_init(&r), CX_OK);
        CHECK_ERR(rows[i].story, replay(&r, rows[i].story), CX_OK);
        CHECK_TEXT(rows[i].story, slice_of_str(what_lives(&r)), rows[i].want);
        CHECK(rows[i].story, r.live.jobs == rows[i].jobs && r.live.begun == rows[i].begun);
        CHECK(rows[i].story, r.live.refreshes == rows[i].refreshes && r.seq == rows[i].seq);
        CHECK(rows[i].story, r.live.bytes == rows[i].bytes);
        ledger_replay_done(&r);
    }
}

static void ledger_replay_says_whether_the_ledger_is_the_same(void **state)
{
    static const struct {
        const char *why, *story;
        bool is_broken, is_always;
        unsigned boot;
        const char *owner;
        enum ledger_trust want;
    } rows[] = {
        {"the same start of the machine", "o1 b1", false, false, 101, "agent-1", LEDGER_TRUST_SAME},
        {"another start", "o1 b1", false, false, 102, "agent-1", LEDGER_TRUST_REBOOT},
        {"another start, nothing in it", "o1", false, false, 102, "agent-1", LEDGER_TRUST_REBOOT},
        {"another start, closed", "o1 b1 c0", false, false, 102, "agent-1", LEDGER_TRUST_SAME},
        {"closed, and used again", "o1 c0 b1", false, false, 102, "agent-1", LEDGER_TRUST_REBOOT},
        {"another start, always synced", "o1 b1", false, true, 102, "agent-1", LEDGER_TRUST_SAME},
        {"broken", "o1 b1", true, false, 101, "agent-1", LEDGER_TRUST_BROKEN},
        {"broken, though closed", "o1 b1 c0", true, true, 101, "agent-1", LEDGER_TRUST_BROKEN},
        {"it doesn't say which it is", "b1", false, false, 101, "agent-1", LEDGER_TRUST_BROKEN},
        {"another owner's jobs", "o1 b1", false, false, 101, "agent-2", LEDGER_TRUST_OTHERS},
        {"another owner's, broken", "o1 b1", true, false, 101, "agent-2", LEDGER_TRUST_OTHERS},
        {"another owner, no jobs", "o1", false, false, 101, "agent-2", LEDGER_TRUST_SAME},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cx_id boot = id_of(rows[i].boot);
        struct ledger_replay r;

        assert_int_equal(ledger_replay_init(&r), CX_OK);
        CHECK_ERR(rows[i].why, replay(&r, rows[i].story), CX_OK);
        r.is_always = rows[i].is_always;
        CHECK(rows[i].why,
              ledger_replay_trust(&r, rows[i].is_broken, &boot, rows[i].owner) == rows[i].want);
        ledger_replay_done(&r);
    }
}

static void ledger_replay_keeps_what_stands_before_a_fault(void **state)
{
    static const uint8_t bytes[] = {0, 0, 0, 0, 0, 0, 0, 9, LEDGER_BEGUN,
                                    7, 0, 0, 0, 0, 0, 0, 0, 0,
                                    0, 0, 0, 0, 0, 0, 5, 0, 99};
    struct ledger_replay r;

    (void)state;
    assert_int_equal(ledger_replay_init(&r), CX_OK);
    assert_int_equal(ledger_replay_frame(&r, slice_of(bytes, sizeof(bytes))), CX_E_SYNTAX);
    assert_string_equal(what_lives(&r), "b5");
    assert_int_equal(r.seq, 9);
    assert_int_equal(ledger_replay_frame(&r, slice_of(bytes, 7)), CX_E_SYNTAX);
    ledger_replay_done(&r);
}

static void ledger_replay_survives_every_allocation_failure(void **state)
{
    static const char story[] = "o1 b1b2f2 f1 x1 b3";
    bool has_worked = false;

    (void)state;
    for (size_t n = 1; !has_worked; n++) {
        struct ledger_replay r;
        enum cx_err err;

        alloc_fail_at(n);
        err = ledger_replay_init(&r);
        if (err == CX_OK) {
            err = replay(&r, story);
        }
        has_worked = alloc_fail_end() == 0;
        assert_int_equal(err, has_worked ? CX_OK : CX_E_NOMEM);
        ledger_replay_done(&r);
        assert_in_range(n, 1, 100);
    }
}

static void ledger_live_moves_a_slot_in_its_place(void **state)
{
    struct ledger_slot slots[4] = {0};
    struct ledger_live live = {0};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct cx_id id = id_of(i);

        ledger_live_begin(&live, &slots[i], &id, false);
    }
    for (unsigned from = 0; from < 3; from++) {
        ledger_live_move(&live, &slots[from], &slots[3]);
        assert_false(slots[from].is_in);
        ledger_live_move(&live, &slots[3], &slots[from]);
        assert_ptr_equal(live.oldest, &slots[0]);
        assert_ptr_equal(live.oldest->newer, &slots[1]);
        assert_ptr_equal(live.newest, &slots[2]);
        assert_ptr_equal(live.newest->older, &slots[1]);
    }
}

static void ledger_is_written_anew_when_the_useless_outweighs(void **state)
{
    static const struct {
        const char *why;
        uint64_t live, file;
        bool want;
    } rows[] = {
        {"little", 0, LEDGER_GARBAGE_BYTES, false},
        {"more than it may always have", 0, LEDGER_GARBAGE_BYTES + 1, true},
        {"as much as lives", 3ULL * LEDGER_GARBAGE_BYTES, 6ULL * LEDGER_GARBAGE_BYTES, false},
        {"more than lives", 3ULL * LEDGER_GARBAGE_BYTES, 6ULL * LEDGER_GARBAGE_BYTES + 1, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ledger_live live = {.bytes = rows[i].live};

        CHECK(rows[i].why, ledger_live_is_outweighed(&live, rows[i].file) == rows[i].want);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(ledger_replay_gives_what_was_not_forgotten),
        cmocka_unit_test(ledger_replay_says_whether_the_ledger_is_the_same),
        cmocka_unit_test(ledger_replay_keeps_what_stands_before_a_fault),
        cmocka_unit_test(ledger_replay_survives_every_allocation_failure),
        cmocka_unit_test(ledger_live_moves_a_slot_in_its_place),
        cmocka_unit_test(ledger_is_written_anew_when_the_useless_outweighs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
