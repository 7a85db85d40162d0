#include "common/core/keeper.h"

enum cx_err keeper_find_secret(const struct request_keeper *keeper, const struct keeper_use *use,
                               struct slice *value, struct cx_fail *fail)
{
    if (keeper == NULL || keeper->find_secret == NULL) {
        return cx_fail_set(fail, CX_E_SECRET, "keeper.find", "no secrets are kept here");
    }
    return keeper->find_secret(keeper->ctx, use, value, fail);
}

enum cx_err keeper_sign(const struct request_keeper *keeper, const struct keeper_assertion *ask,
                        struct buf *out, struct cx_fail *fail)
{
    if (keeper == NULL || keeper->sign == NULL) {
        return cx_fail_set(fail, CX_E_SECRET, "keeper.sign", "nothing is signed here");
    }
    return keeper->sign(keeper->ctx, ask, out, fail);
}

bool keeper_is_same_place(const struct keeper_use *a, const struct keeper_use *b)
{
    if (a->place != b->place) {
        return false;
    }
    return a->place == SECRET_IN_HEADER ? slice_eq_nocase(a->key, b->key)
                                        : slice_eq(a->key, b->key);
}
