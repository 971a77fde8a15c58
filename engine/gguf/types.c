/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tensor element types by their file number.  A type is listed when its size is known, so that
 * a file that uses it can be described; `supported` says that the kernels can compute with it.
 * Retired numbers (4, 5, 31 to 33, 36 to 38) are not listed: their layouts are no longer defined.
 */
#include "engine/gguf/gguf.h"

#define ROW(id, label, elems, bytes, ok) \
    [id] = {.name = label, .block_elems = elems, .block_bytes = bytes, .supported = ok}

static const lw_type_info types[] = {
    ROW(0, "F32", 1, 4, TRUE),
    ROW(1, "F16", 1, 2, TRUE),
    ROW(2, "Q4_0", 32, 18, TRUE),
    ROW(3, "Q4_1", 32, 20, TRUE),
    ROW(6, "Q5_0", 32, 22, TRUE),
    ROW(7, "Q5_1", 32, 24, TRUE),
    ROW(8, "Q8_0", 32, 34, TRUE),
    ROW(9, "Q8_1", 32, 36, FALSE),
    ROW(10, "Q2_K", 256, 84, TRUE),
    ROW(11, "Q3_K", 256, 110, TRUE),
    ROW(12, "Q4_K", 256, 144, TRUE),
    ROW(13, "Q5_K", 256, 176, TRUE),
    ROW(14, "Q6_K", 256, 210, TRUE),
    ROW(15, "Q8_K", 256, 292, FALSE),
    ROW(16, "IQ2_XXS", 256, 66, FALSE),
    ROW(17, "IQ2_XS", 256, 74, FALSE),
    ROW(18, "IQ3_XXS", 256, 98, FALSE),
    ROW(19, "IQ1_S", 256, 50, FALSE),
    ROW(20, "IQ4_NL", 32, 18, TRUE),
    ROW(21, "IQ3_S", 256, 110, FALSE),
    ROW(22, "IQ2_S", 256, 82, FALSE),
    ROW(23, "IQ4_XS", 256, 136, TRUE),
    ROW(24, "I8", 1, 1, FALSE),
    ROW(25, "I16", 1, 2, FALSE),
    ROW(26, "I32", 1, 4, FALSE),
    ROW(27, "I64", 1, 8, FALSE),
    ROW(28, "F64", 1, 8, FALSE),
    ROW(29, "IQ1_M", 256, 56, FALSE),
    ROW(30, "BF16", 1, 2, TRUE),
    ROW(34, "TQ1_0", 256, 54, FALSE),
    ROW(35, "TQ2_0", 256, 66, FALSE),
    ROW(39, "MXFP4", 32, 17, TRUE),
    ROW(40, "NVFP4", 64, 36, FALSE),
};

const lw_type_info *lw_type_get_info(guint type)
{
    /* One per thread: numbers come from files, so a table of all ever seen could grow for ever. */
    static _Thread_local lw_type_info unknown;
    static _Thread_local char name[24];

    if (type < G_N_ELEMENTS(types) && types[type].name != NULL)
        return &types[type];
    g_snprintf(name, sizeof name, "type %u", type);
    unknown.name = name;
    return &unknown;
}

gsize lw_type_row_bytes(guint type, gsize n)
{
    const lw_type_info *info = lw_type_get_info(type);
    gsize n_bytes;

    if (info->block_elems == 0 || n % info->block_elems != 0)
        return 0;
    if (__builtin_mul_overflow(n / info->block_elems, (gsize)info->block_bytes, &n_bytes))
        return 0;
    return n_bytes;
}
