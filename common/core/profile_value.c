#include "common/core/profile_parts.h"

static bool is_digit(struct slice s, size_t at)
{
    return at < s.len && s.ptr[at] >= '0' && s.ptr[at] <= '9';
}

static size_t skip_digits(struct slice s, size_t at)
{
    while (is_digit(s, at)) {
        at++;
    }
    return at;
}

static bool is_one_of(struct slice s, size_t at, char a, char b)
{
    return at < s.len && (s.ptr[at] == (uint8_t)a || s.ptr[at] == (uint8_t)b);
}

/* RFC 8259, section 6. */
static bool is_number(struct slice s)
{
    size_t at = is_one_of(s, 0, '-', '-') ? 1 : 0;
    size_t end;

    if (!is_digit(s, at)) {
        return false;
    }
    end = s.ptr[at] == '0' ? at + 1 : skip_digits(s, at);
    if (is_one_of(s, end, '.', '.')) {
        at = end + 1;
        end = skip_digits(s, at);
        if (end == at) {
            return false;
        }
    }
    if (is_one_of(s, end, 'e', 'E')) {
        at = end + (is_one_of(s, end + 1, '+', '-') ? 2 : 1);
        end = skip_digits(s, at);
        if (end == at) {
            return false;
        }
    }
    return end == s.len;
}

static bool is_leap(uint64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* A day of the Gregorian calendar, as RFC 3339's full-date. */
static bool is_date(struct slice s)
{
    static const uint64_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint64_t year;
    uint64_t month;
    uint64_t day;

    if (s.len != 10 || s.ptr[4] != '-' || s.ptr[7] != '-') {
        return false;
    }
    if (slice_to_u64(slice_first(s, 4), 1, 9999, &year) != CX_OK ||
        slice_to_u64(slice_of(s.ptr + 5, 2), 1, 12, &month) != CX_OK) {
        return false;
    }
    return slice_to_u64(slice_of(s.ptr + 8, 2), 1,
                        days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0), &day) == CX_OK;
}

static bool has_blank(struct slice s)
{
    return slice_find(s, 0, ' ') != s.len || slice_has_control(s);
}

/* Whether it exists, only a message to it can tell. */
static bool is_email(struct slice s)
{
    size_t at = slice_find(s, 0, '@');

    return at > 0 && at + 1 < s.len && slice_find(s, at + 1, '@') == s.len && !has_blank(s);
}

static bool is_absolute_url(struct slice s)
{
    static const char *const schemes[] = {"https://", "http://"};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        struct slice scheme = slice_of_str(schemes[i]);

        if (s.len > scheme.len && slice_eq_nocase(slice_first(s, scheme.len), scheme)) {
            uint8_t first = s.ptr[scheme.len];

            return first != '/' && first != '?' && first != '#' && first != ':' && !has_blank(s);
        }
    }
    return false;
}

const char *profile_value_fault(enum profile_data_type type, struct slice value)
{
    switch (type) {
    case PROFILE_STRING:
        return NULL;
    case PROFILE_NUMBER:
        return is_number(value) ? NULL : "must be a number, as JSON writes it";
    case PROFILE_BOOLEAN:
        return slice_eq_str(value, "true") || slice_eq_str(value, "false")
                   ? NULL
                   : "must be true or false";
    case PROFILE_DATE:
        return is_date(value) ? NULL : "must be a date, YYYY-MM-DD";
    case PROFILE_EMAIL:
        return is_email(value) ? NULL : "must be an e-mail address";
    case PROFILE_URL:
        return is_absolute_url(value) ? NULL : "must be a URL with https:// or http://";
    }
    return NULL;
}
