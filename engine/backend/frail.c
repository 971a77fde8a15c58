/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A device that goes away, for tests of what is done about it: the processor, until as many graphs have been
 * run as LW_FRAIL_DEVICE says; after that every run fails.  Without that variable it does not exist.
 */
#include "engine/backend/frail.h"

#include <stdlib.h>

extern const lw_backend lw_backend_cpu;

static gint runs_left;
static lw_backend frail;

static gboolean frail_run(lw_exec *e, const lw_step *step, const float **result, GError **error)
{
    if (g_atomic_int_add(&runs_left, -1) > 0)
        return lw_backend_cpu.run(e, step, result, error);
    g_atomic_int_set(&runs_left, 0);
    g_set_error_literal(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_DEVICE, "the device is gone");
    return FALSE;
}

const lw_backend *lw_backend_frail(void)
{
    static gsize once;
    const char *runs = g_getenv("LW_FRAIL_DEVICE");

    if (!runs)
        return NULL;
    if (g_once_init_enter(&once)) {
        runs_left = atoi(runs);
        frail = lw_backend_cpu;
        frail.name = "frail";
        frail.run = frail_run;
        g_once_init_leave(&once, 1);
    }
    return &frail;
}
