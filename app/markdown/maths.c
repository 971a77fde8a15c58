/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A scanner that writes as it reads: one level of recursion per group.
 */
#include "app/markdown/maths.h"

#include <string.h>

/* ---- Tables ---- */

typedef struct {
    const char *name, *text;
} symbol;

/* Sorted by name: a test would not find those that are not. */
static const symbol symbols[] = {
    {"Alpha", "Α"}, {"Beta", "Β"}, {"Cap", "⋒"}, {"Chi", "Χ"}, {"Cup", "⋓"}, {"Delta", "Δ"},
    {"Downarrow", "⇓"}, {"Epsilon", "Ε"}, {"Eta", "Η"}, {"Gamma", "Γ"}, {"Im", "ℑ"}, {"Iota", "Ι"},
    {"Kappa", "Κ"}, {"Lambda", "Λ"}, {"Leftarrow", "⇐"}, {"Leftrightarrow", "⇔"},
    {"Longleftarrow", "⟸"}, {"Longleftrightarrow", "⟺"}, {"Longrightarrow", "⟹"}, {"Mu", "Μ"},
    {"Nu", "Ν"}, {"Omega", "Ω"}, {"Phi", "Φ"}, {"Pi", "Π"}, {"Pr", "Pr"}, {"Psi", "Ψ"}, {"Re", "ℜ"},
    {"Rho", "Ρ"}, {"Rightarrow", "⇒"}, {"Sigma", "Σ"}, {"Tau", "Τ"}, {"Theta", "Θ"}, {"Uparrow", "⇑"},
    {"Upsilon", "Υ"}, {"Vert", "‖"}, {"Xi", "Ξ"}, {"Zeta", "Ζ"}, {"aleph", "ℵ"}, {"alpha", "α"},
    {"angle", "∠"}, {"approx", " ≈ "}, {"arccos", "arccos"}, {"arcsin", "arcsin"}, {"arctan", "arctan"},
    {"arg", "arg"}, {"argmax", "arg max"}, {"argmin", "arg min"}, {"ast", "∗"}, {"asymp", " ≍ "},
    {"because", "∵"}, {"beta", "β"}, {"bigcap", "⋂"}, {"bigcup", "⋃"}, {"bigoplus", "⨁"},
    {"bigotimes", "⨂"}, {"bigvee", "⋁"}, {"bigwedge", "⋀"}, {"blacksquare", "■"}, {"bmod", " mod "},
    {"bot", "⊥"}, {"bullet", "∙"}, {"cap", " ∩ "}, {"cdot", "·"}, {"cdots", "⋯"}, {"checkmark", "✓"},
    {"chi", "χ"}, {"circ", "∘"}, {"colon", ":"}, {"complement", "∁"}, {"cong", " ≅ "}, {"coprod", "∐"},
    {"cos", "cos"}, {"cosh", "cosh"}, {"cot", "cot"}, {"csc", "csc"}, {"cup", " ∪ "}, {"dagger", "†"},
    {"ddots", "⋱"}, {"deg", "deg"}, {"degree", "°"}, {"delta", "δ"}, {"det", "det"}, {"diamond", "⋄"},
    {"dim", "dim"}, {"div", " ÷ "}, {"dots", "…"}, {"downarrow", "↓"}, {"ell", "ℓ"},
    {"emptyset", "∅"}, {"epsilon", "ϵ"}, {"equiv", " ≡ "}, {"eta", "η"}, {"exists", "∃"},
    {"exp", "exp"}, {"forall", "∀"}, {"gamma", "γ"}, {"gcd", "gcd"}, {"ge", " ≥ "}, {"geq", " ≥ "},
    {"geqslant", " ⩾ "}, {"gets", " ← "}, {"gg", " ≫ "}, {"gt", " > "}, {"hbar", "ℏ"},
    {"hookrightarrow", " ↪ "}, {"iff", " ⟺ "}, {"iiint", "∭"}, {"iint", "∬"}, {"imath", "ı"},
    {"implies", " ⟹ "}, {"in", " ∈ "}, {"inf", "inf"}, {"infty", "∞"}, {"int", "∫"}, {"iota", "ι"},
    {"jmath", "ȷ"}, {"kappa", "κ"}, {"ker", "ker"}, {"lVert", "‖"}, {"lambda", "λ"}, {"land", " ∧ "},
    {"langle", "⟨"}, {"lbrace", "{"}, {"lbrack", "["}, {"lceil", "⌈"}, {"ldots", "…"}, {"le", " ≤ "},
    {"leftarrow", " ← "}, {"leftrightarrow", " ↔ "}, {"leq", " ≤ "}, {"leqslant", " ⩽ "},
    {"lfloor", "⌊"}, {"lg", "lg"}, {"lim", "lim"}, {"liminf", "lim inf"}, {"limsup", "lim sup"},
    {"ll", " ≪ "}, {"ln", "ln"}, {"lnot", "¬"}, {"log", "log"}, {"longleftarrow", " ⟵ "},
    {"longmapsto", " ⟼ "}, {"longrightarrow", " ⟶ "}, {"lor", " ∨ "}, {"lt", " < "}, {"lvert", "|"},
    {"mapsto", " ↦ "}, {"max", "max"}, {"mid", " | "}, {"min", "min"}, {"models", " ⊨ "}, {"mp", "∓"},
    {"mu", "μ"}, {"nabla", "∇"}, {"ne", " ≠ "}, {"nearrow", "↗"}, {"neg", "¬"}, {"neq", " ≠ "},
    {"nexists", "∄"}, {"ni", " ∋ "}, {"nmid", " ∤ "}, {"notin", " ∉ "}, {"nu", "ν"},
    {"nwarrow", "↖"}, {"odot", "⊙"}, {"oint", "∮"}, {"omega", "ω"}, {"oplus", " ⊕ "},
    {"otimes", " ⊗ "}, {"parallel", " ∥ "}, {"partial", "∂"}, {"perp", " ⊥ "}, {"phi", "φ"},
    {"pi", "π"}, {"pm", " ± "}, {"prec", " ≺ "}, {"prime", "′"}, {"prod", "∏"}, {"propto", " ∝ "},
    {"psi", "ψ"}, {"qquad", "    "}, {"quad", "  "}, {"rVert", "‖"}, {"rangle", "⟩"}, {"rbrace", "}"},
    {"rbrack", "]"}, {"rceil", "⌉"}, {"rfloor", "⌋"}, {"rho", "ρ"}, {"rightarrow", " → "},
    {"rightleftharpoons", " ⇌ "}, {"rvert", "|"}, {"searrow", "↘"}, {"sec", "sec"},
    {"setminus", " ∖ "}, {"sigma", "σ"}, {"sim", " ∼ "}, {"simeq", " ≃ "}, {"sin", "sin"},
    {"sinh", "sinh"}, {"sqcap", "⊓"}, {"sqcup", "⊔"}, {"square", "□"}, {"star", "⋆"},
    {"subset", " ⊂ "}, {"subseteq", " ⊆ "}, {"subsetneq", " ⊊ "}, {"succ", " ≻ "}, {"sum", "∑"},
    {"sup", "sup"}, {"supset", " ⊃ "}, {"supseteq", " ⊇ "}, {"swarrow", "↙"}, {"tan", "tan"},
    {"tanh", "tanh"}, {"tau", "τ"}, {"therefore", "∴"}, {"theta", "θ"}, {"times", " × "},
    {"to", " → "}, {"top", "⊤"}, {"triangle", "△"}, {"uparrow", "↑"}, {"upsilon", "υ"},
    {"varepsilon", "ε"}, {"varnothing", "∅"}, {"varphi", "ϕ"}, {"varpi", "ϖ"}, {"varrho", "ϱ"},
    {"varsigma", "ς"}, {"vartheta", "ϑ"}, {"vdash", " ⊢ "}, {"vdots", "⋮"}, {"vee", " ∨ "},
    {"vert", "|"}, {"wedge", " ∧ "}, {"wp", "℘"}, {"xi", "ξ"}, {"zeta", "ζ"},
};

/* Commands whose argument is shown as it is, and those that stand for nothing. Sorted. */
static const char *const plain_groups[] = {
    "bm", "boldsymbol", "boxed", "ensuremath", "mathbf", "mathcal", "mathfrak", "mathit", "mathrm",
    "mathscr", "mathsf", "mathtt", "mbox", "operatorname", "pmb", "text", "textbf", "textit", "textrm",
    "textsf", "texttt",
};
static const char *const nothing[] = {
    "Big", "Bigg", "Biggl", "Biggr", "Bigl", "Bigr", "big", "bigg", "biggl", "biggr", "bigl", "bigr",
    "displaystyle", "hfill", "hline", "left", "limits", "middle", "nolimits", "nonumber", "notag",
    "right", "scriptstyle", "textstyle",
};

static const symbol accents[] = {
    {"bar", "\u0304"}, {"ddot", "\u0308"}, {"dot", "\u0307"}, {"hat", "\u0302"}, {"overline", "\u0305"},
    {"tilde", "\u0303"}, {"underline", "\u0332"}, {"vec", "\u20d7"}, {"widehat", "\u0302"},
    {"widetilde", "\u0303"},
};

/* Characters that have raised and lowered twins. */
static const struct {
    const char *plain, *super, *sub;
} scripts[] = {
    {"0", "⁰", "₀"}, {"1", "¹", "₁"}, {"2", "²", "₂"}, {"3", "³", "₃"}, {"4", "⁴", "₄"}, {"5", "⁵", "₅"},
    {"6", "⁶", "₆"}, {"7", "⁷", "₇"}, {"8", "⁸", "₈"}, {"9", "⁹", "₉"}, {"+", "⁺", "₊"}, {"-", "⁻", "₋"},
    {"−", "⁻", "₋"}, {"=", "⁼", "₌"}, {"(", "⁽", "₍"}, {")", "⁾", "₎"}, {"a", "ᵃ", "ₐ"}, {"b", "ᵇ", NULL},
    {"c", "ᶜ", NULL}, {"d", "ᵈ", NULL}, {"e", "ᵉ", "ₑ"}, {"f", "ᶠ", NULL}, {"g", "ᵍ", NULL},
    {"h", "ʰ", "ₕ"}, {"i", "ⁱ", "ᵢ"}, {"j", "ʲ", "ⱼ"}, {"k", "ᵏ", "ₖ"}, {"l", "ˡ", "ₗ"}, {"m", "ᵐ", "ₘ"},
    {"n", "ⁿ", "ₙ"}, {"o", "ᵒ", "ₒ"}, {"p", "ᵖ", "ₚ"}, {"r", "ʳ", "ᵣ"}, {"s", "ˢ", "ₛ"}, {"t", "ᵗ", "ₜ"},
    {"u", "ᵘ", "ᵤ"}, {"v", "ᵛ", "ᵥ"}, {"w", "ʷ", NULL}, {"x", "ˣ", "ₓ"}, {"y", "ʸ", NULL},
    {"z", "ᶻ", NULL}, {"T", "ᵀ", NULL}, {"′", "′", NULL}, {"∘", "°", NULL}, {"∗", "*", NULL},
    {"*", "*", NULL}, {"β", "ᵝ", "ᵦ"}, {"γ", "ᵞ", "ᵧ"}, {"φ", "ᵠ", "ᵩ"}, {"χ", "ᵡ", "ᵪ"},
};

static const struct {
    char letter;
    const char *text;
} blackboard[] = {
    {'C', "ℂ"}, {'E', "𝔼"}, {'F', "𝔽"}, {'H', "ℍ"}, {'N', "ℕ"}, {'P', "ℙ"},
    {'Q', "ℚ"}, {'R', "ℝ"}, {'Z', "ℤ"}, {'1', "𝟙"},
};

static int compare_symbols(const void *key, const void *entry)
{
    return strcmp(key, ((const symbol *)entry)->name);
}

static int compare_names(const void *key, const void *entry)
{
    return strcmp(key, *(const char *const *)entry);
}

#define FIND_SYMBOL(table, name)                                                                        \
    ((const symbol *)bsearch(name, table, G_N_ELEMENTS(table), sizeof *(table), compare_symbols))
#define IS_ONE_OF(table, name)                                                                          \
    (bsearch(name, table, G_N_ELEMENTS(table), sizeof *(table), compare_names) != NULL)

/* ---- Scanner ---- */

typedef struct {
    const char *p, *end;
    int depth;
} scanner;

static void convert(scanner *s, GString *out, char until);

static void skip_spaces(scanner *s)
{
    while (s->p < s->end && g_ascii_isspace(*s->p))
        s->p++;
}

/* One character, as UTF-8. */
static void copy_char(scanner *s, GString *out)
{
    const char *next = g_utf8_next_char(s->p);

    if (next > s->end)
        next = s->end;
    g_string_append_len(out, s->p, next - s->p);
    s->p = next;
}

static void command(scanner *s, GString *out);

/* {group}, \command or one character. */
static char *argument(scanner *s)
{
    GString *out = g_string_new(NULL);

    skip_spaces(s);
    if (s->p == s->end || s->depth >= LW_MATHS_MAX_DEPTH)
        return g_string_free(out, FALSE);
    s->depth++;
    if (*s->p == '{') {
        s->p++;
        convert(s, out, '}');
    } else if (*s->p == '\\') {
        s->p++;
        command(s, out);
    } else if (*s->p != '}') {
        copy_char(s, out);
    }
    s->depth--;
    return g_strstrip(g_string_free(out, FALSE));
}

/* [option], or NULL. */
static char *option(scanner *s)
{
    GString *out;

    skip_spaces(s);
    if (s->p == s->end || *s->p != '[' || s->depth >= LW_MATHS_MAX_DEPTH)
        return NULL;
    out = g_string_new(NULL);
    s->p++;
    s->depth++;
    convert(s, out, ']');
    s->depth--;
    return g_string_free(out, FALSE);
}

/* More than one letter or number: needs brackets when something is done to it. */
static gboolean is_compound(const char *text)
{
    gboolean word = TRUE;

    if (g_utf8_strlen(text, -1) <= 1)
        return FALSE;
    for (const char *p = text; *p && word; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        word = g_unichar_isdigit(c) || c == '.' || g_unichar_ismark(c);
    }
    return !word;
}

static void append_bracketed(GString *out, const char *text)
{
    if (is_compound(text))
        g_string_append_printf(out, "(%s)", text);
    else
        g_string_append(out, text);
}

/* "is_compound" is too careful for products such as 2a in a numerator, but never ambiguous. */
static void append_fraction(GString *out, const char *above, const char *below)
{
    append_bracketed(out, above);
    g_string_append_c(out, '/');
    append_bracketed(out, below);
}

static const char *script_of(const char *at, gsize len, gboolean super)
{
    for (gsize i = 0; i < G_N_ELEMENTS(scripts); i++)
        if (strlen(scripts[i].plain) == len && memcmp(scripts[i].plain, at, len) == 0)
            return super ? scripts[i].super : scripts[i].sub;
    return NULL;
}

static void append_script(GString *out, const char *text, gboolean super)
{
    g_autoptr(GString) small = g_string_new(NULL);

    for (const char *p = text; *p; p = g_utf8_next_char(p)) {
        const char *twin;

        if (*p == ' ')
            continue;
        twin = script_of(p, (gsize)(g_utf8_next_char(p) - p), super);
        if (!twin) {
            g_string_append_c(out, super ? '^' : '_');
            append_bracketed(out, text);
            return;
        }
        g_string_append(small, twin);
    }
    g_string_append(out, small->str);
}

static void append_blackboard(GString *out, const char *text)
{
    for (const char *p = text; *p; p = g_utf8_next_char(p)) {
        const char *found = NULL;

        for (gsize i = 0; i < G_N_ELEMENTS(blackboard); i++)
            if (blackboard[i].letter == *p)
                found = blackboard[i].text;
        if (found)
            g_string_append(out, found);
        else
            g_string_append_len(out, p, g_utf8_next_char(p) - p);
    }
}

static void append_accented(GString *out, const char *text, const char *mark)
{
    if (!*text)
        return;
    /* A line above or below is drawn over every character, a hat over the last one. */
    if (g_str_equal(mark, "\u0305") || g_str_equal(mark, "\u0332")) {
        for (const char *p = text; *p; p = g_utf8_next_char(p)) {
            g_string_append_len(out, p, g_utf8_next_char(p) - p);
            g_string_append(out, mark);
        }
        return;
    }
    g_string_append(out, text);
    g_string_append(out, mark);
}

/* The raw text of {name}. */
static char *raw_group(scanner *s)
{
    const char *start, *close;

    skip_spaces(s);
    if (s->p == s->end || *s->p != '{')
        return g_strdup("");
    start = ++s->p;
    close = memchr(start, '}', (gsize)(s->end - start));
    if (!close)
        close = s->end;
    s->p = close < s->end ? close + 1 : close;
    return g_strndup(start, (gsize)(close - start));
}

static void environment(const char *name, gboolean begin, GString *out)
{
    gboolean matrix = g_str_has_suffix(name, "matrix") || g_str_equal(name, "array");

    if (g_str_equal(name, "cases"))
        g_string_append(out, begin ? "{ " : "");
    else if (matrix)
        g_string_append(out, begin ? "[" : "]");
}

static void command(scanner *s, GString *out)
{
    const char *start = s->p;
    char name[24];
    gsize n;
    const symbol *found;

    while (s->p < s->end && g_ascii_isalpha(*s->p))
        s->p++;
    n = (gsize)(s->p - start);
    if (n == 0) { /* \\, \{, \, ... */
        char c = s->p < s->end ? *s->p : 0;

        if (!c)
            return;
        if (c == '\\') {
            s->p++;
            if (s->p < s->end && *s->p == '*')
                s->p++;
            g_string_append_c(out, '\n');
        } else if (strchr(",;:! >", c)) {
            s->p++;
            if (c != '!')
                g_string_append_c(out, ' ');
        } else if (c == '|') {
            s->p++;
            g_string_append(out, "‖");
        } else {
            copy_char(s, out);
        }
        return;
    }
    if (n >= sizeof name) {
        g_string_append_len(out, start - 1, (gssize)n + 1);
        return;
    }
    memcpy(name, start, n);
    name[n] = 0;

    if ((found = FIND_SYMBOL(symbols, name))) {
        g_string_append(out, found->text);
        /* "\sin x" is not "sinx". */
        if (g_ascii_isalpha(found->text[strlen(found->text) - 1]) && s->p < s->end &&
            g_ascii_isspace(*s->p))
            g_string_append_c(out, ' ');
        skip_spaces(s);
        return;
    }
    if (IS_ONE_OF(nothing, name)) {
        skip_spaces(s);
        /* \left. is an invisible bracket. */
        if ((g_str_equal(name, "left") || g_str_equal(name, "right")) && s->p < s->end && *s->p == '.')
            s->p++;
        return;
    }
    if (g_str_equal(name, "begin") || g_str_equal(name, "end")) {
        g_autofree char *what = raw_group(s);

        if (name[0] == 'b' && g_str_equal(what, "array"))
            g_free(raw_group(s)); /* its columns */
        if (name[0] == 'b')
            skip_spaces(s);
        environment(what, name[0] == 'b', out);
        return;
    }
    if (s->depth >= LW_MATHS_MAX_DEPTH) {
        g_string_append_len(out, start - 1, (gssize)n + 1);
        return;
    }
    if (g_str_equal(name, "frac") || g_str_equal(name, "dfrac") || g_str_equal(name, "tfrac")) {
        g_autofree char *above = argument(s);
        g_autofree char *below = argument(s);

        append_fraction(out, above, below);
    } else if (g_str_equal(name, "binom")) {
        g_autofree char *above = argument(s);
        g_autofree char *below = argument(s);

        g_string_append_printf(out, "C(%s, %s)", above, below);
    } else if (g_str_equal(name, "sqrt")) {
        g_autofree char *root = option(s);
        g_autofree char *of = argument(s);

        if (root && *root)
            append_script(out, root, TRUE);
        g_string_append(out, "√");
        append_bracketed(out, of);
    } else if (g_str_equal(name, "mathbb")) {
        g_autofree char *of = argument(s);

        append_blackboard(out, of);
    } else if (g_str_equal(name, "pmod")) {
        g_autofree char *of = argument(s);

        g_string_append_printf(out, " (mod %s)", of);
    } else if (g_str_equal(name, "not")) {
        g_autofree char *of = argument(s);

        append_accented(out, of, "\u0338");
    } else if (IS_ONE_OF(plain_groups, name)) {
        if (g_str_has_prefix(name, "text") || g_str_equal(name, "mbox")) {
            g_autofree char *of = raw_group(s); /* its spaces count */
            g_string_append(out, of);
        } else {
            g_autofree char *of = argument(s);
            g_string_append(out, of);
        }
    } else if ((found = FIND_SYMBOL(accents, name))) {
        g_autofree char *of = argument(s);

        append_accented(out, of, found->text);
    } else {
        g_string_append_len(out, start - 1, (gssize)n + 1);
    }
}

/* Up to `until` (0: the end), which is skipped. */
static void convert(scanner *s, GString *out, char until)
{
    while (s->p < s->end && !(until && *s->p == until)) {
        char c = *s->p;

        if (c == '\\') {
            s->p++;
            command(s, out);
        } else if (c == '{') {
            if (s->depth >= LW_MATHS_MAX_DEPTH) {
                s->p++;
                continue;
            }
            s->p++;
            s->depth++;
            convert(s, out, '}');
            s->depth--;
        } else if (c == '}') { /* one too many */
            s->p++;
        } else if (c == '^' || c == '_') {
            s->p++;
            g_autofree char *of = argument(s);
            append_script(out, of, c == '^');
        } else if (c == '&') {
            s->p++;
            g_string_append_c(out, ' ');
        } else if (c == '~') {
            s->p++;
            g_string_append_c(out, ' ');
        } else if (c == '\'') {
            s->p++;
            g_string_append(out, "′");
        } else if (g_ascii_isspace(c)) {
            skip_spaces(s);
            if (out->len && !g_ascii_isspace(out->str[out->len - 1]))
                g_string_append_c(out, ' ');
        } else {
            copy_char(s, out);
        }
    }
    if (s->p < s->end)
        s->p++;
}

/* No double spaces, none at the ends of lines or just inside brackets, no empty lines. */
static char *tidy(const char *text)
{
    GString *out = g_string_new(NULL);

    for (const char *p = text; *p; p++) {
        char last = out->len ? out->str[out->len - 1] : '\n';

        if ((*p == ' ' || *p == '\n') && last == '\n')
            continue;
        if (*p == ' ' && (strchr(" ([", last) || (p[1] && strchr(")]", p[1]))))
            continue;
        if (*p == '\n' && last == ' ')
            g_string_truncate(out, out->len - 1);
        g_string_append_c(out, *p);
    }
    while (out->len && (out->str[out->len - 1] == ' ' || out->str[out->len - 1] == '\n'))
        g_string_truncate(out, out->len - 1);
    return g_string_free(out, FALSE);
}

char *lw_maths_to_text(const char *source, gsize n)
{
    g_autofree char *valid = g_utf8_make_valid(source, (gssize)n);
    gsize len = strlen(valid);
    g_autoptr(GString) out = g_string_new(NULL);
    scanner s = {valid, valid + len, 0};

    if (len > LW_MATHS_MAX_BYTES)
        return g_strdup(valid);
    while (s.p < s.end)
        convert(&s, out, 0);
    return tidy(out->str);
}
