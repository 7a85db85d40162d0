/* What may happen to a ledger's files between two processes. */
#include "agent/core/ledger_frame.h"
#include "agent/io/ledger_private.h"
#include "tests/support/check.h"
#include "tests/support/ledger_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct ledger_fixture f;
static struct buf whole; /* a ledger as it was left by `three_frames` */

enum { FRAMES = 4 }; /* the one of the start, and those of three_frames */
static size_t frame_at[FRAMES + 1];
static size_t tag_ends; /* of the last frame; what is behind it only marks the end */

static int set_up(void **state)
{
    (void)state;
    ledger_fixture_init(&f);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_done(&whole);
    ledger_fixture_done(&f);
    return 0;
}

static void three_frames(struct ledger_fixture *own)
{
    ledger_fixture_begin(own, 1, false);
    ledger_fixture_begin(own, 2, false);
    ledger_flush(own->ledger);
    ledger_fixture_finish(own, 1, "one");
    ledger_flush(own->ledger);
    ledger_fixture_finish(own, 2, "two");
    ledger_fixture_begin(own, 3, false);
    ledger_flush(own->ledger);
}

static void load_three_frames(void)
{
    size_t at = LEDGER_HEADER_BYTES;

    ledger_fixture_killed(&f, three_frames);
    ledger_fixture_load(f.current, &whole);
    for (unsigned i = 0; i < FRAMES; i++) {
        struct ledger_head head;

        frame_at[i] = at;
        assert_int_equal(ledger_head_read(slice_from(buf_view(&whole), at), &head), CX_OK);
        at += ledger_frame_bytes(head.records_bytes);
        tag_ends = at - ledger_frame_end_bytes(head.records_bytes);
    }
    frame_at[FRAMES] = at;
    assert_int_equal(at, whole.len);
}

static void a_frame_torn_at_any_byte_is_cut_off(void **state)
{
    static const uint8_t zeros[512];
    struct cx_id id = {0};
    struct buf cut;

    (void)state;
    load_three_frames();
    buf_init(&cut, 65536);
    for (size_t len = frame_at[FRAMES - 1]; len < whole.len; len++) {
        size_t torn = len - frame_at[FRAMES - 1];
        bool is_reserved = len % 2 == 0; /* else the file ends there */
        bool has_tag = len >= tag_ends;  /* then it is as good as whole */

        buf_clear(&cut);
        assert_int_equal(buf_put(&cut, slice_first(buf_view(&whole), len)), CX_OK);
        if (is_reserved) {
            assert_int_equal(buf_put(&cut, slice_of(zeros, sizeof(zeros))), CX_OK);
        }
        ledger_fixture_store(f.current, buf_view(&cut));
        ledger_fixture_open(&f);
        assert_int_equal(ledger_status(f.ledger).past, LEDGER_KEPT);
        assert_in_range(ledger_status(f.ledger).torn_bytes, torn > 3 && !has_tag ? 1 : 0,
                        has_tag ? 0 : torn);
        if (!id_is_none(&id)) {
            assert_memory_equal(ledger_id(f.ledger).bytes, id.bytes, CX_ID_BYTES);
        }
        id = ledger_id(f.ledger);
        assert_string_equal(ledger_fixture_found(&f),
                            has_tag ? "1=one, 2=two, 3 begun" : "1=one, 2 begun");
        ledger_fixture_close(&f);
        assert_int_equal(ledger_fixture_count(&f, "broken"), 0);
    }
    buf_done(&cut);
}

/* Where one bit of a frame is turned; and what can still be read of the ledger. */
static void an_altered_frame_sets_the_file_aside_and_keeps_the_rest(void **state)
{
    static const struct {
        const char *why;
        int from_end; /* counted from the frame's end if negative */
    } places[] = {
        {"its length", 3},
        {"its check", 5},
        {"its number", 15},
        {"its first record", 16},
        {"its last record", -LEDGER_TAG_BYTES - 9},
        {"its tag", -LEDGER_TAG_BYTES},
        {"its end", -1},
    };
    static const char *const rest[FRAMES] = {"1=one, 2=two, 3 begun", "1=one, 2=two, 3 begun",
                                             "1 begun, 2=two, 3 begun", "1=one, 2 begun"};
    unsigned aside = 0;
    struct cx_id before = {0};

    (void)state;
    load_three_frames();
    for (unsigned i = 0; i < FRAMES; i++) {
        for (size_t k = 0; k < COUNT_OF(places); k++) {
            bool is_end = places[k].from_end == -1; /* nothing is lost with it */
            size_t at = places[k].from_end >= 0 ? frame_at[i] + (size_t)places[k].from_end
                                                : frame_at[i + 1] - (size_t)-places[k].from_end;
            struct buf kept = {0};
            const char *path;
            struct cx_id id;

            whole.ptr[at] ^= 0x10;
            ledger_fixture_store(f.current, buf_view(&whole));
            ledger_fixture_open(&f);
            path = ledger_status(f.ledger).aside;
            CHECK(places[k].why, ledger_status(f.ledger).past == LEDGER_BROKEN);
            ledger_fixture_load(path, &kept);
            CHECK(places[k].why, slice_eq(buf_view(&kept), buf_view(&whole)));
            CHECK(places[k].why, ++aside == ledger_fixture_count(&f, "broken"));
            id = ledger_id(f.ledger);
            CHECK(places[k].why, !id_eq(&before, &id));
            before = id;
            CHECK_TEXT(places[k].why, slice_of_str(ledger_fixture_found(&f)),
                       is_end ? rest[0] : rest[i]);
            ledger_fixture_close(&f);
            whole.ptr[at] ^= 0x10;
            buf_done(&kept);
        }
    }
}

/* ---- key, owner, lock ---- */

static void a_header_that_is_altered_sets_the_file_aside(void **state)
{
    (void)state;
    load_three_frames();
    for (size_t at = 0; at < LEDGER_HEADER_BYTES; at += 7) {
        whole.ptr[at] ^= 1;
        ledger_fixture_store(f.current, buf_view(&whole));
        ledger_fixture_open(&f);
        assert_int_equal(ledger_status(f.ledger).past, LEDGER_BROKEN);
        assert_string_equal(ledger_fixture_found(&f), "");
        ledger_fixture_close(&f);
        whole.ptr[at] ^= 1;
    }
}

static void an_empty_file_is_set_aside(void **state)
{
    (void)state;
    ledger_fixture_open(&f);
    ledger_fixture_close(&f);
    ledger_fixture_store(f.current, SLICE_LIT(""));
    ledger_fixture_open(&f);
    assert_int_equal(ledger_status(f.ledger).past, LEDGER_BROKEN);
    assert_int_equal(ledger_fixture_count(&f, "broken"), 1);
}

static void refuse_and_keep(enum cx_err err, const char *what)
{
    struct buf now = {0};

    assert_int_equal(ledger_fixture_try(&f), err);
    if (strstr(f.fail.detail, what) == NULL) {
        fail_msg("\"%s\" is not in: %s", what, f.fail.detail);
    }
    ledger_fixture_load(f.current, &now);
    assert_true(slice_eq(buf_view(&now), buf_view(&whole)));
    buf_done(&now);
}

static void a_ledger_without_its_key_is_refused_and_kept(void **state)
{
    char kept[sizeof(f.key) + sizeof(".kept")];

    (void)state;
    load_three_frames();
    (void)snprintf(kept, sizeof(kept), "%s.kept", f.key);
    assert_int_equal(rename(f.key, kept), 0);
    refuse_and_keep(CX_E_CONFIG, "ledger.key is missing");
    assert_int_not_equal(access(f.key, F_OK), 0); /* and no new one is made */

    ledger_fixture_store(f.key, SLICE_LIT("0123456789abcdef0123456789abcdef"));
    refuse_and_keep(CX_E_CONFIG, "it is not the key that sealed");
    ledger_fixture_store(f.key, SLICE_LIT("short"));
    refuse_and_keep(CX_E_CONFIG, "must be 32 bytes");
    assert_int_equal(rename(kept, f.key), 0);
    assert_int_equal(chmod(f.key, 0640), 0);
    refuse_and_keep(CX_E_CONFIG, "chmod 600");

    assert_int_equal(chmod(f.key, 0600), 0);
    assert_int_equal(chmod(f.path, 0750), 0);
    refuse_and_keep(CX_E_CONFIG, "chmod 700");
    assert_int_equal(chmod(f.path, 0700), 0);
    ledger_fixture_open(&f);
    assert_string_equal(ledger_fixture_found(&f), "1=one, 2=two, 3 begun");
}

static void a_key_is_kept_when_only_the_ledger_is_gone(void **state)
{
    struct buf before = {0};
    struct buf after = {0};

    (void)state;
    load_three_frames();
    ledger_fixture_load(f.key, &before);
    assert_int_equal(unlink(f.current), 0);
    ledger_fixture_open(&f);
    assert_int_equal(ledger_status(f.ledger).past, LEDGER_FIRST);
    ledger_fixture_load(f.key, &after);
    assert_true(slice_eq(buf_view(&before), buf_view(&after)));
    buf_done(&before);
    buf_done(&after);
}

static void a_ledger_of_a_newer_form_is_refused_and_kept(void **state)
{
    struct ledger_header header;

    (void)state;
    load_three_frames();
    assert_int_equal(ledger_header_read(buf_view(&whole), &header), CX_OK);
    header.version++;
    ledger_header_write(&header, whole.ptr);
    ledger_fixture_store(f.current, buf_view(&whole));
    refuse_and_keep(CX_E_UNSUPPORTED, "another version");
}

static void a_second_process_is_refused(void **state)
{
    struct ledger *first;

    (void)state;
    ledger_fixture_open(&f);
    first = f.ledger;
    assert_int_equal(ledger_fixture_try(&f), CX_E_EXISTS);
    assert_non_null(strstr(f.fail.detail, "another connector-agent"));
    f.ledger = first;
}

static void jobs_of_another_identity_are_set_aside_whole(void **state)
{
    struct cx_id id;

    (void)state;
    load_three_frames();
    f.owner = "agent-b";
    ledger_fixture_open(&f);
    assert_int_equal(ledger_status(f.ledger).past, LEDGER_OTHERS);
    assert_int_equal(ledger_status(f.ledger).aside_jobs, 3);
    assert_string_equal(ledger_fixture_found(&f), "");
    id = ledger_id(f.ledger);
    ledger_fixture_close(&f);
    assert_int_equal(ledger_fixture_count(&f, "others"), 1);

    f.owner = "agent-c"; /* nothing is in it now */
    ledger_fixture_open(&f);
    assert_int_equal(ledger_status(f.ledger).past, LEDGER_FIRST);
    assert_memory_not_equal(ledger_id(f.ledger).bytes, id.bytes, CX_ID_BYTES);
    assert_int_equal(ledger_set_owner(f.ledger, "agent-d"), CX_OK);
    ledger_fixture_begin(&f, 1, false);
    assert_int_equal(ledger_set_owner(f.ledger, "agent-e"), CX_E_STATE);
    ledger_fixture_close(&f);

    f.owner = "agent-d";
    ledger_fixture_open(&f);
    assert_int_equal(ledger_status(f.ledger).past, LEDGER_KEPT);
    assert_string_equal(ledger_fixture_found(&f), "1 begun");
}

/* ---- the machine's start ---- */

static void begin_before_the_reboot(struct ledger_fixture *own)
{
    own->ledger->boot = (struct cx_id){.bytes = {1}}; /* what stands in the file then */
    assert_int_equal(ledger_set_owner(own->ledger, "agent-a"), CX_OK);
    ledger_fixture_begin(own, 1, false);
    ledger_flush(own->ledger);
}

static void close_before_the_reboot(struct ledger_fixture *own)
{
    begin_before_the_reboot(own);
    ledger_fixture_close(own);
}

static void a_ledger_has_a_new_id_after_a_reboot_that_may_have_cost_it_its_tail(void **state)
{
    static const struct {
        const char *why;
        void (*story)(struct ledger_fixture *f);
        bool is_always;
        enum ledger_past want;
    } rows[] = {
        {"neither closed nor synced", begin_before_the_reboot, false, LEDGER_REBOOT},
        {"closed", close_before_the_reboot, false, LEDGER_KEPT},
        {"always synced", begin_before_the_reboot, true, LEDGER_KEPT},
        {"always synced, and closed", close_before_the_reboot, true, LEDGER_KEPT},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cx_id before, after;

        ledger_fixture_open(&f);
        before = ledger_id(f.ledger);
        ledger_fixture_close(&f);
        f.is_always = rows[i].is_always;
        ledger_fixture_killed(&f, rows[i].story);
        ledger_fixture_open(&f);
        after = ledger_id(f.ledger);
        CHECK(rows[i].why, ledger_status(f.ledger).past == rows[i].want);
        CHECK(rows[i].why, id_eq(&before, &after) == (rows[i].want == LEDGER_KEPT));
        CHECK_TEXT(rows[i].why, slice_of_str(ledger_fixture_found(&f)), "1 begun");
        ledger_forget(f.ledger, &f.slots[1]);
        ledger_fixture_close(&f);
    }
}

/* ---- a crash while the ledger is written anew ---- */

static void a_crash_between_the_steps_of_writing_anew_loses_nothing(void **state)
{
    static const struct {
        const char *why;
        size_t next_bytes; /* of `next`, of the new file; SIZE_MAX: all */
        bool is_linked;    /* the old file had its second name already */
    } rows[] = {
        {"next is empty", 0, false},
        {"next is torn", 90, false},
        {"next is whole", SIZE_MAX, false},
        {"next is whole, and the old file set aside", SIZE_MAX, true},
    };
    char next[320], aside[320];

    (void)state;
    (void)snprintf(next, sizeof(next), "%s/next", f.path);
    (void)snprintf(aside, sizeof(aside), "%s/broken-1", f.path);
    load_three_frames();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        ledger_fixture_store(f.current, buf_view(&whole));
        ledger_fixture_store(next, slice_first(buf_view(&whole), rows[i].next_bytes));
        CHECK(rows[i].why, !rows[i].is_linked || link(f.current, aside) == 0);
        ledger_fixture_open(&f);
        CHECK(rows[i].why, ledger_status(f.ledger).past == LEDGER_KEPT);
        CHECK_TEXT(rows[i].why, slice_of_str(ledger_fixture_found(&f)), "1=one, 2=two, 3 begun");
        ledger_fixture_close(&f);
        CHECK(rows[i].why, access(next, F_OK) != 0);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_frame_torn_at_any_byte_is_cut_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_altered_frame_sets_the_file_aside_and_keeps_the_rest,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_header_that_is_altered_sets_the_file_aside, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_empty_file_is_set_aside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_ledger_without_its_key_is_refused_and_kept, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_key_is_kept_when_only_the_ledger_is_gone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_ledger_of_a_newer_form_is_refused_and_kept, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_second_process_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(jobs_of_another_identity_are_set_aside_whole, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            a_ledger_has_a_new_id_after_a_reboot_that_may_have_cost_it_its_tail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_crash_between_the_steps_of_writing_anew_loses_nothing,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
