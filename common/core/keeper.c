#include "common/core/keeper.h"

enum cx_err keeper_find_secret(const struct request_keeper *keeper, const struct keeper_use *use,
                               struct slice *value, struct cx_fail *fail)
{
    if (keeper == NULL || keeper->find_secret == NULL) {
        return cx_fail_set(fail, CX_E_SECRET, "keeper.find", "no secrets are kept here");
    }
    return keeper->find_secret(keeper->ctx, use, value, fail);
}

bool keeper_is_same_place(const struct keeper_use *a, const struct keeper_use *b)
{
    if (a->place != b->place) {
        return false;
    }
    return a->place == SECRET_IN_HEADER ? slice_eq_nocase(a->key, b->key)
                                        : slice_eq(a->key, b->key);
}
