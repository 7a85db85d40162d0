#include "platform/core/instant.h"

#include <stdio.h>

enum { DAY_S = 86400, HOUR_S = 3600, MINUTE_S = 60, EPOCH_DAYS = 719468 };

/* Days since 1970-01-01 of the Gregorian calendar, and back: years begin in March here, so that the
 * leap day is the last. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return y * 365 + y / 4 - y / 100 + y / 400 + of_year - EPOCH_DAYS;
}

struct date {
    int64_t year, month, day;
};

static struct date date_of(int64_t days)
{
    int64_t shifted = days + EPOCH_DAYS;
    int64_t era = shifted / 146097;
    int64_t of_era = shifted % 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    struct date d = {.year = year + era * 400,
                     .month = month < 10 ? month + 3 : month - 9,
                     .day = of_year - (153 * month + 2) / 5 + 1};

    d.year += d.month <= 2;
    return d;
}

const char *instant_text(uint64_t unix_ms, char out[INSTANT_TEXT_BYTES])
{
    uint64_t ms = unix_ms < INSTANT_MAX_MS ? unix_ms : INSTANT_MAX_MS;
    unsigned of_day = (unsigned)(ms / 1000 % DAY_S);
    struct date d = date_of((int64_t)(ms / 1000 / DAY_S));

    (void)snprintf(out, INSTANT_TEXT_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
                   (unsigned)d.year % 10000, (unsigned)d.month % 100, (unsigned)d.day % 100,
                   of_day / HOUR_S, of_day / MINUTE_S % 60, of_day % 60, (unsigned)(ms % 1000));
    return out;
}

/* `n` digits at the front of `text`, which goes past them. */
static bool take_number(struct slice *text, size_t n, uint64_t max, uint64_t *out)
{
    if (text->len < n || slice_to_u64(slice_first(*text, n), 0, max, out) != CX_OK) {
        return false;
    }
    *text = slice_from(*text, n);
    return true;
}

/* One of `bytes`, likewise; 0 if none is there. */
static char take_byte(struct slice *text, const char *bytes)
{
    for (const char *b = bytes; *b != '\0'; b++) {
        if (text->len > 0 && text->ptr[0] == (uint8_t)*b) {
            *text = slice_from(*text, 1);
            return *b;
        }
    }
    return '\0';
}

/* ".123" if it is there. */
static bool take_fraction(struct slice *text, uint64_t *ms)
{
    uint64_t unit = 100;
    uint64_t digit;
    size_t digits = 0;

    *ms = 0;
    if (!take_byte(text, ".")) {
        return true;
    }
    while (take_number(text, 1, 9, &digit)) {
        *ms += digit * unit;
        unit /= 10;
        digits++;
    }
    return digits > 0;
}

/* "Z" or "+02:00", in seconds. */
static bool take_offset(struct slice *text, int64_t *out)
{
    char sign = take_byte(text, "Zz+- ");
    uint64_t hours = 0;
    uint64_t minutes = 0;

    *out = 0;
    if (sign == 'Z' || sign == 'z') {
        return true;
    }
    if (sign == '\0' || !take_number(text, 2, 23, &hours) || !take_byte(text, ":") ||
        !take_number(text, 2, 59, &minutes)) {
        return false;
    }
    *out = (int64_t)(hours * HOUR_S + minutes * MINUTE_S) * (sign == '-' ? -1 : 1);
    return true;
}

static bool is_day(uint64_t year, uint64_t month, uint64_t day)
{
    struct date d = date_of(days_of((int64_t)year, (int64_t)month, (int64_t)day));

    return month >= 1 && day >= 1 && d.month == (int64_t)month && d.day == (int64_t)day;
}

static enum cx_err parse_date_time(struct slice text, uint64_t *unix_ms)
{
    uint64_t year, month, day, hour, minute, second, ms;
    int64_t offset, seconds;

    if (!take_number(&text, 4, 9999, &year) || !take_byte(&text, "-") ||
        !take_number(&text, 2, 12, &month) || !take_byte(&text, "-") ||
        !take_number(&text, 2, 31, &day) || !take_byte(&text, "Tt ") ||
        !take_number(&text, 2, 23, &hour) || !take_byte(&text, ":") ||
        !take_number(&text, 2, 59, &minute) || !take_byte(&text, ":") ||
        !take_number(&text, 2, 60, &second) || !take_fraction(&text, &ms) ||
        !take_offset(&text, &offset) || text.len > 0) {
        return CX_E_SYNTAX;
    }
    if (year < 1970 || !is_day(year, month, day)) {
        return CX_E_RANGE;
    }
    seconds = days_of((int64_t)year, (int64_t)month, (int64_t)day) * DAY_S +
              (int64_t)(hour * HOUR_S + minute * MINUTE_S + second) - offset;
    if (seconds < 0 || (uint64_t)seconds > INSTANT_MAX_MS / 1000) {
        return CX_E_RANGE;
    }
    *unix_ms = (uint64_t)seconds * 1000 + ms;
    return CX_OK;
}

enum cx_err instant_parse(struct slice text, uint64_t *unix_ms)
{
    enum cx_err err = slice_to_u64(text, 0, INSTANT_MAX_MS, unix_ms);

    return err == CX_E_SYNTAX ? parse_date_time(text, unix_ms) : err;
}
