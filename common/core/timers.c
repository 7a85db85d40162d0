#include "common/core/timers.h"

static bool timer_is_before(const struct timer *a, const struct timer *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
}

/* Two heaps (their roots have no neighbours) into one. */
static struct timer *timer_meld(struct timer *a, struct timer *b)
{
    if (a == NULL || b == NULL) {
        return a != NULL ? a : b;
    }
    if (timer_is_before(b, a)) {
        struct timer *swap = a;

        a = b;
        b = swap;
    }
    b->prev = a;
    b->next = a->child;
    if (a->child != NULL) {
        a->child->prev = b;
    }
    a->child = b;
    return a;
}

/* The children of a removed root into one heap: melded in pairs from the left, then the pairs from
 * the right; that is what makes removal logarithmic. No recursion: a root may have them all. */
static struct timer *timer_meld_all(struct timer *first)
{
    struct timer *pairs = NULL;
    struct timer *heap = NULL;

    while (first != NULL) {
        struct timer *a = first;
        struct timer *b = a->next;

        first = b != NULL ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b != NULL) {
            b->next = b->prev = NULL;
        }
        a = timer_meld(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs != NULL) {
        struct timer *next = pairs->next;

        pairs->next = NULL;
        heap = timer_meld(heap, pairs);
        pairs = next;
    }
    return heap;
}

void timers_add(struct timers *set, struct timer *timer, uint64_t due_ms)
{
    *timer = (struct timer){.due_ms = due_ms, .order = set->added++, .is_set = true};
    set->root = timer_meld(set->root, timer);
}

void timers_remove(struct timers *set, struct timer *timer)
{
    struct timer *below;

    if (!timer->is_set) {
        return;
    }
    below = timer_meld_all(timer->child);
    if (timer == set->root) {
        set->root = below;
    } else {
        if (timer->prev->child == timer) {
            timer->prev->child = timer->next;
        } else {
            timer->prev->next = timer->next;
        }
        if (timer->next != NULL) {
            timer->next->prev = timer->prev;
        }
        set->root = timer_meld(set->root, below);
    }
    *timer = (struct timer){0};
}

bool timer_is_set(const struct timer *timer)
{
    return timer->is_set;
}

struct timer *timers_first(const struct timers *set)
{
    return set->root;
}
