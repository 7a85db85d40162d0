#include "common/io/file.h"

#include "common/core/path.h"
#include "tests/support/temp.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct temp temp;

static int set_up(void **state)
{
    (void)state;
    temp_init(&temp);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_done(&temp);
    return 0;
}

static void path_functions_work_on_text(void **state)
{
    static const struct {
        const char *path, *folder;
    } folders[] = {
        {"/etc/agent/a.conf", "/etc/agent"},
        {"a.conf", "."},
        {"/a.conf", "/"},
        {"d/a", "d"},
        {"d//a", "d"},
        {"/", "/"},
        {"/etc/", "/"},
        {"//a", "/"},
        {"./a", "."},
        {"../a", ".."},
        {"a/b/c/", "a/b"},
    };
    static const struct {
        const char *folder, *path, *joined;
    } joins[] = {
        {"/etc", "ca.pem", "/etc/ca.pem"}, {"/etc/", "ca.pem", "/etc/ca.pem"},
        {"/", "ca.pem", "/ca.pem"},        {"/etc", "/ca.pem", "/ca.pem"},
        {"", "ca.pem", "ca.pem"},          {"d", "../x", "d/../x"},
    };
    char *made;

    (void)state;
    for (size_t i = 0; i < COUNT(folders); i++) {
        assert_int_equal(path_folder(folders[i].path, &made), CX_OK);
        assert_string_equal(made, folders[i].folder);
        free(made);
    }
    for (size_t i = 0; i < COUNT(joins); i++) {
        assert_int_equal(path_join(joins[i].folder, joins[i].path, &made), CX_OK);
        assert_string_equal(made, joins[i].joined);
        free(made);
    }
}

static void file_read_bounds_and_names_what_is_wrong(void **state)
{
    struct cx_fail fail = {0};
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    assert_int_equal(buf_put_str(&out, "x"), CX_OK);
    assert_int_equal(file_read(temp_write(&temp, "a", "12345", 0644), 5, &out, &fail), CX_OK);
    assert_string_equal(buf_cstr(&out), "x12345");

    assert_int_equal(file_read(temp_path(&temp, "a"), 4, &out, &fail), CX_E_TOO_BIG);
    assert_non_null(strstr(fail.detail, "larger than 4 bytes"));
    assert_int_equal(file_read(temp_path(&temp, "none"), 4, &out, &fail), CX_E_NOT_FOUND);
    assert_non_null(strstr(fail.detail, "/none: "));
    assert_int_equal(file_read(temp.folder, 4, &out, &fail), CX_E_IO);
    assert_non_null(strstr(fail.detail, "is a folder"));
    assert_int_equal(mkfifo(temp_path(&temp, "fifo"), 0600), 0);
    assert_int_equal(file_read(temp_path(&temp, "fifo"), 4, &out, &fail), CX_E_IO);
    assert_string_equal(buf_cstr(&out), "x12345");
    buf_done(&out);

    buf_init(&out, 4); /* the caller's own cap */
    assert_int_equal(file_read(temp_path(&temp, "a"), 10, &out, &fail), CX_E_TOO_BIG);
    assert_int_equal(out.len, 0);
    buf_done(&out);
}

static void file_read_takes_large_files_whole(void **state)
{
    enum { BYTES = 100000 };
    char *text = malloc(BYTES + 1);
    struct buf out;

    (void)state;
    assert_non_null(text);
    memset(text, 'a', BYTES);
    text[0] = 'b';
    text[BYTES - 1] = 'c';
    text[BYTES] = '\0';
    buf_init(&out, BYTES + 1);
    assert_int_equal(file_read(temp_write(&temp, "big", text, 0600), BYTES, &out, NULL), CX_OK);
    assert_string_equal(buf_cstr(&out), text);
    buf_done(&out);
    free(text);
}

static void file_read_secret_refuses_open_modes(void **state)
{
    static const unsigned modes[] = {0644, 0640, 0604, 0620, 0602, 0610, 0601, 0666};
    struct cx_fail fail = {0};
    struct secret secret = {0};

    (void)state;
    assert_int_equal(
        file_read_secret(temp_write(&temp, "k", "s3cret\n", 0600), 100, &secret, &fail), CX_OK);
    assert_true(slice_eq_str(secret_view(&secret), "s3cret\n"));
    assert_int_equal(file_read_secret(temp_write(&temp, "k4", "other", 0400), 100, &secret, &fail),
                     CX_OK);
    for (size_t i = 0; i < COUNT(modes); i++) {
        assert_int_equal(
            file_read_secret(temp_write(&temp, "k", "s3cret", modes[i]), 100, &secret, &fail),
            CX_E_MODE);
        assert_non_null(strstr(fail.detail, "chmod 600 "));
        assert_null(strstr(fail.detail, "s3cret"));
    }
    assert_true(slice_eq_str(secret_view(&secret), "other"));
    secret_done(&secret);
}

static void file_read_secret_line_takes_one_line(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"pass word\n", "pass word"},
        {"pass", "pass"},
        {"pass\r\n", "pass"},
        {" p ", " p "},
        {"", NULL},
        {"\n", NULL},
        {"\r\n", NULL},
        {"a\nb", NULL},
        {"a\n\n", NULL},
    };
    struct secret secret = {0};
    struct cx_fail fail;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *path = temp_write(&temp, "p", rows[i].text, 0600);

        assert_int_equal(file_read_secret_line(path, 100, &secret, &fail),
                         rows[i].want != NULL ? CX_OK : CX_E_SYNTAX);
        if (rows[i].want != NULL) {
            assert_true(slice_eq_str(secret_view(&secret), rows[i].want));
        }
    }
    secret_done(&secret);
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static size_t entries_of(const char *folder)
{
    DIR *dir = opendir(folder);
    size_t count = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    (void)closedir(dir);
    return count - 2; /* "." and ".." */
}

static void file_write_replaces_or_refuses(void **state)
{
    const char *path = temp_path(&temp, "out");
    struct cx_fail fail = {0};
    mode_t before = umask(077);
    struct buf got;

    (void)state;
    buf_init(&got, 100);
    assert_int_equal(file_write(path, SLICE_LIT("one"), 0644, FILE_NEW, &fail), CX_OK);
    (void)umask(before);
    assert_int_equal(mode_of(path), 0644); /* whatever the umask */
    assert_int_equal(file_write(path, SLICE_LIT("two"), 0600, FILE_NEW, &fail), CX_E_EXISTS);
    assert_int_equal(file_read(path, 100, &got, &fail), CX_OK);
    assert_string_equal(buf_cstr(&got), "one");
    assert_int_equal(file_write(path, SLICE_LIT("three"), 0600, FILE_REPLACE, &fail), CX_OK);
    buf_clear(&got);
    assert_int_equal(file_read(path, 100, &got, &fail), CX_OK);
    assert_string_equal(buf_cstr(&got), "three");
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(entries_of(temp.folder), 1); /* no temporary file is left */
    assert_int_equal(file_write(temp_path(&temp, "no/x"), SLICE_LIT("x"), 0600, FILE_NEW, &fail),
                     CX_E_IO);
    assert_non_null(strstr(fail.detail, "its folder does not exist"));
    assert_int_equal(entries_of(temp.folder), 1);
    assert_true(file_exists(path));
    assert_false(file_exists(temp_path(&temp, "no")));
    buf_done(&got);
}

static void file_write_leaves_the_old_content_when_it_cant_write_all(void **state)
{
    const char *path = temp_write(&temp, "out", "old", 0600);
    struct cx_fail fail = {0};
    struct rlimit before;
    struct rlimit small;
    struct buf got;

    (void)state;
    buf_init(&got, 100);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){4, before.rlim_max};
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(file_write(path, SLICE_LIT("too long"), 0600, FILE_REPLACE, &fail), CX_E_IO);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(file_read(path, 100, &got, &fail), CX_OK);
    assert_string_equal(buf_cstr(&got), "old");
    assert_int_equal(entries_of(temp.folder), 1);
    buf_done(&got);
}

static void file_make_folder_makes_it_private(void **state)
{
    const char *path = temp_path(&temp, "d");
    struct cx_fail fail = {0};

    (void)state;
    assert_int_equal(file_make_folder(path, &fail), CX_OK);
    assert_int_equal(mode_of(path), 0700);
    assert_int_equal(chmod(path, 0750), 0);
    assert_int_equal(file_make_folder(path, &fail), CX_OK);
    assert_int_equal(mode_of(path), 0750); /* left as it is */
    (void)temp_write(&temp, "f", "", 0600);
    assert_int_equal(file_make_folder(temp_path(&temp, "f"), &fail), CX_E_IO);
    assert_int_equal(file_make_folder(temp_path(&temp, "a/b"), &fail), CX_E_IO);
}

static void file_read_stdin_is_bounded(void **state)
{
    struct cx_fail fail = {0};
    struct buf out;
    int saved = dup(STDIN_FILENO);

    (void)state;
    buf_init(&out, 100);
    for (size_t max = 4; max <= 5; max++) {
        int ends[2];

        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], "12345", 5), 5);
        (void)close(ends[1]);
        assert_true(dup2(ends[0], STDIN_FILENO) >= 0);
        (void)close(ends[0]);
        assert_int_equal(file_read_stdin(max, &out, &fail), max == 4 ? CX_E_TOO_BIG : CX_OK);
    }
    assert_string_equal(buf_cstr(&out), "12345");
    if (saved >= 0) {
        (void)dup2(saved, STDIN_FILENO);
        (void)close(saved);
    }
    buf_done(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(path_functions_work_on_text),
        TEST(file_read_bounds_and_names_what_is_wrong),
        TEST(file_read_takes_large_files_whole),
        TEST(file_read_secret_refuses_open_modes),
        TEST(file_read_secret_line_takes_one_line),
        TEST(file_write_replaces_or_refuses),
        TEST(file_write_leaves_the_old_content_when_it_cant_write_all),
        TEST(file_make_folder_makes_it_private),
        TEST(file_read_stdin_is_bounded),
    };

    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
