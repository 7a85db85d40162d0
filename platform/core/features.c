#include "platform/core/features.h"

/* The bits: encodings first, then methods, then what is neither. */
enum {
    FIRST_METHOD = ENCODING_COUNT,
    FIRST_OTHER = FIRST_METHOD + METHOD_COUNT,
    DISCOVER = FIRST_OTHER,
    REVOKE,
    COUNT
};
_Static_assert(COUNT <= 32, "one bit each");

static uint32_t bit(unsigned at)
{
    return (uint32_t)1 << at;
}

static uint32_t bits_from(unsigned first, unsigned count)
{
    return (bit(count) - 1) << first;
}

/* What a group of words gives: the bit of each that is known. */
struct group {
    struct slice prefix;
    unsigned first, count;
    unsigned (*of)(struct slice word); /* 0: not known */
    bool is_named;
};

static unsigned encoding_of(struct slice word)
{
    return (unsigned)terms_encoding_of(word);
}

static unsigned method_of(struct slice word)
{
    return (unsigned)terms_method_of(word);
}

/* True: the word is of this group. */
static bool add_word(struct group *g, struct slice word, uint32_t *bits)
{
    unsigned which;

    if (!slice_has_prefix(word, g->prefix)) {
        return false;
    }
    g->is_named = true;
    which = g->of(slice_from(word, g->prefix.len));
    if (which != 0) {
        *bits |= bit(g->first + which);
    }
    return true;
}

uint32_t features_of_hello(const struct msg_hello *hello)
{
    struct group groups[] = {
        {SLICE_LIT("encoding:"), 0, ENCODING_COUNT, encoding_of, false},
        {SLICE_LIT("method:"), FIRST_METHOD, METHOD_COUNT, method_of, false},
    };
    uint32_t bits = 0;

    for (size_t i = 0; i < hello->nfeatures; i++) {
        struct slice word = hello->features[i];

        if (add_word(&groups[0], word, &bits) || add_word(&groups[1], word, &bits)) {
            continue;
        }
        bits |= slice_eq_str(word, "discover") ? bit(DISCOVER) : 0;
        bits |= slice_eq_str(word, "revoke") ? bit(REVOKE) : 0;
    }
    for (size_t i = 0; i < 2; i++) {
        bits |= groups[i].is_named ? 0 : bits_from(groups[i].first, groups[i].count);
    }
    return bits;
}

uint32_t features_of_job(const struct msg_job *job)
{
    uint32_t bits = 0;

    bits |= job->request.encoding != ENCODING_UNKNOWN ? bit(job->request.encoding) : 0;
    bits |= job->request.method != METHOD_UNKNOWN ? bit(FIRST_METHOD + job->request.method) : 0;
    bits |= job->purpose == PURPOSE_DISCOVER ? bit(DISCOVER) : 0;
    bits |= job->purpose == PURPOSE_REVOKE ? bit(REVOKE) : 0;
    return bits;
}
