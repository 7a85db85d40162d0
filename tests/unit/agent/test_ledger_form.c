/* The forms of the ledger's file: header, frame, record. The bytes stand here as they were worked
 * out by hand. */
#include "agent/core/ledger_frame.h"
#include "agent/core/ledger_record.h"
#include "common/core/encode.h"
#include "tests/support/check.h"

static void unhex(const char *hex, struct buf *out)
{
    buf_init(out, 65536);
    assert_int_equal(decode_hex(slice_of_str(hex), out), CX_OK);
}

#define ID   "0190a1b2c3d4e5f60718293a4b5c6d7e"
#define BOOT "ffeeddccbbaa99887766554433221100"

static void ledger_record_has_the_form_that_is_declared(void **state)
{
    static const struct {
        const char *why, *hex;
        struct ledger_record record;
    } rows[] = {
        {"opened",
         "01" ID BOOT "01"
         "05"
         "6167656e74",
         {.kind = LEDGER_OPENED, .is_always = true, .owner = {(const uint8_t *)"agent", 5}}},
        {"begun", "02" ID "00", {.kind = LEDGER_BEGUN}},
        {"begun, a refresh", "02" ID "01", {.kind = LEDGER_BEGUN, .is_refresh = true}},
        {"finished",
         "03" ID "00000003"
         "616263",
         {.kind = LEDGER_FINISHED, .result = {(const uint8_t *)"abc", 3}}},
        {"finished, with nothing",
         "03" ID "00000000",
         {.kind = LEDGER_FINISHED, .result = {(const uint8_t *)"", 0}}},
        {"forgot", "04" ID, {.kind = LEDGER_FORGOT}},
        {"closed", "05", {.kind = LEDGER_CLOSED}},
    };
    struct buf id, boot;

    (void)state;
    unhex(ID, &id);
    unhex(BOOT, &boot);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ledger_record want = rows[i].record;
        struct ledger_record got;
        struct buf bytes, put;
        struct slice rest;

        if (want.kind != LEDGER_CLOSED) {
            memcpy(want.id.bytes, id.ptr, CX_ID_BYTES);
        }
        if (want.kind == LEDGER_OPENED) {
            memcpy(want.boot.bytes, boot.ptr, CX_ID_BYTES);
        }
        unhex(rows[i].hex, &bytes);
        buf_init(&put, 1024);
        CHECK_ERR(rows[i].why, ledger_record_put(&want, &put), CX_OK);
        CHECK(rows[i].why, slice_eq(buf_view(&put), buf_view(&bytes)));
        CHECK(rows[i].why, ledger_record_bytes(&want) == bytes.len);
        for (size_t len = 0; len < bytes.len; len++) {
            rest = slice_first(buf_view(&bytes), len);
            CHECK_ERR(rows[i].why, ledger_record_cut(&rest, &got), CX_E_SYNTAX);
            CHECK(rows[i].why, rest.len == len);
        }
        assert_int_equal(buf_put(&bytes, SLICE_LIT("\x05\x05")), CX_OK); /* others follow */
        rest = buf_view(&bytes);
        CHECK_ERR(rows[i].why, ledger_record_cut(&rest, &got), CX_OK);
        CHECK(rows[i].why, rest.len == 2);
        CHECK(rows[i].why, got.kind == want.kind && got.is_refresh == want.is_refresh &&
                               got.is_always == want.is_always && id_eq(&got.id, &want.id) &&
                               id_eq(&got.boot, &want.boot));
        CHECK(rows[i].why, slice_eq(got.owner, want.owner) && slice_eq(got.result, want.result));
        buf_done(&bytes);
        buf_done(&put);
    }
    buf_done(&id);
    buf_done(&boot);
}

static void ledger_record_refuses_what_is_none(void **state)
{
    static const struct {
        const char *why, *hex;
    } rows[] = {
        {"kind 0", "00"},
        {"a kind that is not known", "06" ID},
        {"an owner of 65 bytes", "01" ID BOOT "00"
                                 "41"
                                 "6161616161616161616161616161616161616161616161616161616161616161"
                                 "6161616161616161616161616161616161616161616161616161616161616161"
                                 "61"},
        {"a result that is said to be longer than all there is", "03" ID "ffffffff"
                                                                 "00"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ledger_record got;
        struct slice rest;
        struct buf bytes;

        unhex(rows[i].hex, &bytes);
        rest = buf_view(&bytes);
        CHECK_ERR(rows[i].why, ledger_record_cut(&rest, &got), CX_E_SYNTAX);
        buf_done(&bytes);
    }
}

static void ledger_header_is_read_as_it_was_written_and_no_other(void **state)
{
    struct ledger_header header = {.version = LEDGER_VERSION, .key_check = {1, 2}, .salt = {3, 4}};
    struct ledger_header got;
    uint8_t bytes[LEDGER_HEADER_BYTES];

    (void)state;
    ledger_header_write(&header, bytes);
    assert_memory_equal(bytes, "CXLEDGR\n\0\0\0\1", 12);
    assert_int_equal(ledger_header_read(slice_of(bytes, sizeof(bytes)), &got), CX_OK);
    assert_memory_equal(got.key_check, header.key_check, sizeof(got.key_check));
    assert_memory_equal(got.salt, header.salt, sizeof(got.salt));
    assert_int_equal(ledger_header_read(slice_of(bytes, sizeof(bytes) - 1), &got), CX_E_SYNTAX);
    for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(ledger_header_read(slice_of(bytes, sizeof(bytes)), &got), CX_E_SYNTAX);
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    header.version = 7;
    ledger_header_write(&header, bytes);
    assert_int_equal(ledger_header_read(slice_of(bytes, sizeof(bytes)), &got), CX_E_UNSUPPORTED);
    assert_int_equal(got.version, 7);
}

static void ledger_head_is_read_as_it_was_written_and_no_other(void **state)
{
    static const struct {
        const char *why;
        struct ledger_head head;
        enum cx_err err;
    } rows[] = {
        {"smallest", {1, 1}, CX_OK},
        {"largest", {LEDGER_FRAME_RECORDS_MAX, UINT64_MAX}, CX_OK},
        {"of nothing", {0, 1}, CX_E_SYNTAX},
        {"too long", {LEDGER_FRAME_RECORDS_MAX + 1, 1}, CX_E_SYNTAX},
    };
    static const uint8_t zeros[LEDGER_HEAD_BYTES];
    struct ledger_head got;

    (void)state;
    assert_int_equal(ledger_head_read(slice_of(zeros, sizeof(zeros)), &got), CX_E_SYNTAX);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t bytes[LEDGER_HEAD_BYTES];

        ledger_head_write(&rows[i].head, bytes);
        CHECK_ERR(rows[i].why, ledger_head_read(slice_of(bytes, sizeof(bytes)), &got), rows[i].err);
        CHECK(rows[i].why,
              rows[i].err != CX_OK || (got.number == rows[i].head.number &&
                                       got.records_bytes == rows[i].head.records_bytes));
        for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
            bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
            CHECK_ERR(rows[i].why, ledger_head_read(slice_of(bytes, sizeof(bytes)), &got),
                      CX_E_SYNTAX);
            bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
    }
}

static void ledger_frame_is_a_multiple_of_eight_and_ends_with_a_byte_of_its_own(void **state)
{
    static const struct {
        size_t records, whole, end;
    } rows[] = {{1, 40, 7}, {7, 40, 1}, {8, 48, 8}, {9, 48, 7}, {1000, 1040, 8}, {1001, 1040, 7}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(ledger_frame_bytes(rows[i].records), rows[i].whole);
        assert_int_equal(ledger_frame_end_bytes(rows[i].records), rows[i].end);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(ledger_record_has_the_form_that_is_declared),
        cmocka_unit_test(ledger_record_refuses_what_is_none),
        cmocka_unit_test(ledger_header_is_read_as_it_was_written_and_no_other),
        cmocka_unit_test(ledger_head_is_read_as_it_was_written_and_no_other),
        cmocka_unit_test(ledger_frame_is_a_multiple_of_eight_and_ends_with_a_byte_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
