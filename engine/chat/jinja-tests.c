/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What can stand behind "is".
 */
#include "engine/chat/jinja-private.h"

#define TEST(name)                                                                                 \
    static gboolean name(lw_jinja_run *r, const lw_jvalue *self, const lw_jargs *args,             \
                         const lw_jvalue *const *v, lw_jvalue *out)

#define KIND_TEST(name, condition)                                                                 \
    TEST(name)                                                                                     \
    {                                                                                              \
        *out = lw_jinja_bool(condition);                                                           \
        return TRUE;                                                                               \
    }

KIND_TEST(is_defined, self->kind != LW_J_UNDEFINED)
KIND_TEST(is_undefined, self->kind == LW_J_UNDEFINED)
KIND_TEST(is_none, self->kind == LW_J_NONE)
KIND_TEST(is_string, self->kind == LW_J_TEXT)
KIND_TEST(is_mapping, self->kind == LW_J_MAP)
KIND_TEST(is_number, self->kind == LW_J_INT || self->kind == LW_J_FLOAT || self->kind == LW_J_BOOL)
KIND_TEST(is_integer, self->kind == LW_J_INT)
KIND_TEST(is_float, self->kind == LW_J_FLOAT)
KIND_TEST(is_boolean, self->kind == LW_J_BOOL)
KIND_TEST(is_true, self->kind == LW_J_BOOL && self->b)
KIND_TEST(is_false, self->kind == LW_J_BOOL && !self->b)
KIND_TEST(is_callable, self->kind == LW_J_MACRO || self->kind == LW_J_FUNCTION)
/* An undefined value has elements in Python, and a length: none. */
KIND_TEST(is_iterable, self->kind == LW_J_TEXT || self->kind == LW_J_LIST ||
                           self->kind == LW_J_MAP || self->kind == LW_J_UNDEFINED ||
                           self->kind == LW_J_LOOP)
KIND_TEST(is_sequence, self->kind == LW_J_TEXT || self->kind == LW_J_MAP ||
                           self->kind == LW_J_UNDEFINED ||
                           (self->kind == LW_J_LIST && !self->list->generator))

static gboolean parity(lw_jinja_run *r, const lw_jvalue *self, gboolean odd, lw_jvalue *out)
{
    if (self->kind != LW_J_INT)
        return lw_jfail(r, "only integers are odd or even");
    *out = lw_jinja_bool((self->i & 1) == odd);
    return TRUE;
}

TEST(is_odd)
{
    return parity(r, self, TRUE, out);
}

TEST(is_even)
{
    return parity(r, self, FALSE, out);
}

TEST(is_divisible)
{
    gint64 by;

    if (!lw_jarg_int(r, v[0], 0, &by) || self->kind != LW_J_INT || by == 0)
        return lw_jfail(r, "divisibleby needs integers");
    *out = lw_jinja_bool(by == -1 || self->i % by == 0);
    return TRUE;
}

static gboolean need(lw_jinja_run *r, const lw_jvalue *v)
{
    return v || lw_jfail(r, "a test needs a value to compare with");
}

static gboolean equal_is(lw_jinja_run *r, const lw_jvalue *self, const lw_jvalue *other,
                         gboolean expected, lw_jvalue *out)
{
    gboolean equal;

    if (!need(r, other) || !lw_jequal(r, self, other, &equal))
        return FALSE;
    *out = lw_jinja_bool(equal == expected);
    return TRUE;
}

TEST(is_equal)
{
    return equal_is(r, self, v[0], TRUE, out);
}

TEST(is_not_equal)
{
    return equal_is(r, self, v[0], FALSE, out);
}

TEST(is_in)
{
    gboolean inside;

    if (!need(r, v[0]) || !lw_jcontains(r, v[0], self, &inside))
        return FALSE;
    *out = lw_jinja_bool(inside);
    return TRUE;
}

/* sign: of the order asked for; or_equal: also 0. */
static gboolean order_is(lw_jinja_run *r, const lw_jvalue *self, const lw_jvalue *other, int sign,
                         gboolean or_equal, lw_jvalue *out)
{
    int order;

    if (!need(r, other) || !lw_jorder(r, self, other, FALSE, &order))
        return FALSE;
    *out = lw_jinja_bool(order == 0 ? or_equal : (order < 0) == (sign < 0));
    return TRUE;
}

TEST(is_less)
{
    return order_is(r, self, v[0], -1, FALSE, out);
}

TEST(is_less_or_equal)
{
    return order_is(r, self, v[0], -1, TRUE, out);
}

TEST(is_greater)
{
    return order_is(r, self, v[0], 1, FALSE, out);
}

TEST(is_greater_or_equal)
{
    return order_is(r, self, v[0], 1, TRUE, out);
}

const lw_jfunction *lw_jfind_test(const char *name, gsize n)
{
    static const lw_jfunction table[] = {
        {"defined", is_defined, ""},
        {"undefined", is_undefined, ""},
        {"none", is_none, ""},
        {"string", is_string, ""},
        {"mapping", is_mapping, ""},
        {"iterable", is_iterable, ""},
        {"sequence", is_sequence, ""},
        {"number", is_number, ""},
        {"integer", is_integer, ""},
        {"float", is_float, ""},
        {"boolean", is_boolean, ""},
        {"true", is_true, ""},
        {"false", is_false, ""},
        {"callable", is_callable, ""},
        {"odd", is_odd, ""},
        {"even", is_even, ""},
        {"divisibleby", is_divisible, "num"},
        {"equalto", is_equal, "other"},
        {"eq", is_equal, "other"},
        {"sameas", is_equal, "other"},
        {"ne", is_not_equal, "other"},
        {"in", is_in, "seq"},
        {"lt", is_less, "other"},
        {"lessthan", is_less, "other"},
        {"le", is_less_or_equal, "other"},
        {"gt", is_greater, "other"},
        {"greaterthan", is_greater, "other"},
        {"ge", is_greater_or_equal, "other"},
        {0},
    };

    return lw_jfind_in(table, name, n);
}
