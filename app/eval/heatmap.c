/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/heatmap.h"

#include <math.h>
#include <string.h>

#define MARGIN 24
#define LABELS 92   /* left of the first column */
#define CELL_W 64
#define CELL_H 32
#define GAP 40      /* between panels */
#define ROWS (LW_EVAL_DEPTH_BINS + 1)
#define HEAD 30     /* of a panel, above its cells */
#define FOOT 40     /* below them */
#define LEGEND_W 260
#define LEGEND_H 46

/* From wrong to right. */
static const guint8 stops[][3] = {
  { 165, 0, 38 }, { 244, 109, 67 }, { 254, 224, 139 }, { 102, 189, 99 }, { 0, 104, 55 },
};

static void
colour_of (double share, int rgb[3])
{
  double at = CLAMP (share, 0, 1) * (G_N_ELEMENTS (stops) - 1);
  guint i = MIN ((guint) at, G_N_ELEMENTS (stops) - 2);

  for (int k = 0; k < 3; k++)
    rgb[k] = (int) lround (stops[i][k] + (at - i) * (stops[i + 1][k] - stops[i][k]));
}

/* Black or white, whichever is easier to read on it. */
static const char *
ink_on (const int rgb[3])
{
  double y = 0;

  for (int k = 0; k < 3; k++)
    {
      double c = rgb[k] / 255.0;
      c = c <= 0.03928 ? c / 12.92 : pow ((c + 0.055) / 1.055, 2.4);
      y += c * (k == 0 ? 0.2126 : k == 1 ? 0.7152 : 0.0722);
    }
  return y > 0.179 ? "#000" : "#fff";
}

static char *
size_label (int size)
{
  if (size >= 1 << 20 && size % (1 << 20) == 0)
    return g_strdup_printf ("%dM", size >> 20);
  if (size >= 1024 && size % 1024 == 0)
    return g_strdup_printf ("%dK", size >> 10);
  return g_strdup_printf ("%d", size);
}

/* Attributes, so that viewers which know no style sheets show it as well; those that do turn "ink" and "paper"
 * around where things are dark. */
#define TITLE "font-size=\"16\" font-weight=\"bold\""
#define HEADING "font-weight=\"bold\""
#define SMALL "font-size=\"12\""
#define MIDDLE "text-anchor=\"middle\""
#define RIGHT "text-anchor=\"end\""

static void
text (GString *s, double x, double y, const char *look, const char *words)
{
  g_autofree char *safe = g_markup_escape_text (words, -1);

  g_string_append_printf (s, "<text x=\"%.0f\" y=\"%.0f\" class=\"ink\" fill=\"#1a1a1a\" %s>%s</text>\n", x, y, look,
                          safe);
}

static void
cell (GString *s, double x, double y, double h, const LwEvalTally *t, const char *what)
{
  g_autofree char *safe = g_markup_escape_text (what, -1);

  if (t->n == 0)
    {
      g_string_append_printf (s,
                              "<g><title>%s: nothing asked</title><rect x=\"%.0f\" y=\"%.0f\" width=\"%d\" "
                              "height=\"%.0f\" fill=\"none\" stroke=\"#808080\" stroke-dasharray=\"3 3\"/>",
                              safe, x + 1, y + 1, CELL_W - 2, h - 2);
      text (s, x + CELL_W / 2.0, y + h / 2 + 5, MIDDLE, "\xe2\x80\x93");
      g_string_append (s, "</g>\n");
      return;
    }

  double mean = t->sum / t->n;
  int rgb[3];
  colour_of (mean, rgb);
  g_string_append_printf (s,
                          "<g><title>%s: %.1f %% of %u</title><rect x=\"%.0f\" y=\"%.0f\" width=\"%d\" "
                          "height=\"%.0f\" rx=\"2\" fill=\"#%02x%02x%02x\"/>"
                          "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"middle\" fill=\"%s\">%.0f</text></g>\n",
                          safe, mean * 100, t->n, x + 1, y + 1, CELL_W - 2, h - 2, (guint) rgb[0], (guint) rgb[1],
                          (guint) rgb[2], x + CELL_W / 2.0, y + h / 2 + 5, ink_on (rgb), mean * 100);
}

/* One panel: cells [first, end) are one task's and mode's, by size. */
static void
panel (GString *s, const GArray *cells, guint first, guint end, double left, double top, const char *unit)
{
  const LwEvalCell *c0 = &g_array_index (cells, LwEvalCell, first);
  g_autofree char *heading = g_strdup_printf ("%s, %s", c0->task, c0->attention);
  double x0 = left + LABELS, y0 = top + HEAD;

  text (s, left, top + 16, HEADING, heading);
  for (int row = 0; row < ROWS; row++)
    {
      gboolean all = row == LW_EVAL_DEPTH_BINS;
      double y = y0 + row * CELL_H + (all ? 6 : 0);
      g_autofree char *depth = all ? g_strdup ("all") : g_strdup_printf ("%d\xe2\x80\x93%d %%", row * 100 / LW_EVAL_DEPTH_BINS,
                                                                         (row + 1) * 100 / LW_EVAL_DEPTH_BINS);

      text (s, x0 - 8, y + CELL_H / 2.0 + 5, RIGHT, depth);
      for (guint i = first; i < end; i++)
        {
          const LwEvalCell *c = &g_array_index (cells, LwEvalCell, i);
          LwEvalTally total = { c->mean * c->n, c->n };
          g_autofree char *what = g_strdup_printf ("%s, %s, %d %s, depth %s", c->task, c->attention, c->size, unit,
                                                   depth);

          cell (s, x0 + (i - first) * CELL_W, y, CELL_H, all ? &total : &c->by_depth[row], what);
        }
    }
  for (guint i = first; i < end; i++)
    {
      g_autofree char *label = size_label (g_array_index (cells, LwEvalCell, i).size);
      text (s, x0 + (i - first + 0.5) * CELL_W, y0 + ROWS * CELL_H + 22, MIDDLE, label);
    }
}

static void
legend (GString *s, double left, double top)
{
  for (int i = 0; i < LEGEND_W / 5; i++)
    {
      int rgb[3];

      colour_of (i / (LEGEND_W / 5 - 1.0), rgb);
      g_string_append_printf (s, "<rect x=\"%.0f\" y=\"%.0f\" width=\"5\" height=\"12\" fill=\"#%02x%02x%02x\"/>\n",
                              left + i * 5, top, (guint) rgb[0], (guint) rgb[1], (guint) rgb[2]);
    }
  for (int p = 0; p <= 100; p += 25)
    {
      g_autofree char *label = g_strdup_printf ("%d", p);
      text (s, left + LEGEND_W * p / 100.0, top + 28, MIDDLE, label);
    }
  text (s, left + LEGEND_W + 24, top + 11, SMALL, "percent right");
}

static guint
panel_end (const GArray *cells, guint first)
{
  const LwEvalCell *a = &g_array_index (cells, LwEvalCell, first);
  guint end = first + 1;

  for (; end < cells->len; end++)
    {
      const LwEvalCell *b = &g_array_index (cells, LwEvalCell, end);
      if (strcmp (a->task, b->task) != 0 || strcmp (a->attention, b->attention) != 0)
        break;
    }
  return end;
}

/* Cells come by task, size, mode; a panel wants task, mode, size.  Modes of a task keep their order. */
static GArray *
by_panel (const GArray *cells)
{
  GArray *sorted = g_array_new (FALSE, FALSE, sizeof (LwEvalCell));
  g_autofree gboolean *taken = g_new0 (gboolean, cells->len + 1);

  for (guint i = 0; i < cells->len; i++)
    for (guint k = i; !taken[i] && k < cells->len; k++)
      {
        const LwEvalCell *a = &g_array_index (cells, LwEvalCell, i), *b = &g_array_index (cells, LwEvalCell, k);
        if (taken[k] || strcmp (a->task, b->task) != 0 || strcmp (a->attention, b->attention) != 0)
          continue;
        g_array_append_vals (sorted, b, 1);
        taken[k] = k > i;
      }
  return sorted;
}

char *
lw_eval_heatmap (const GArray *cells, const char *title, const char *note, const char *unit)
{
  g_autoptr (GArray) sorted = by_panel (cells);
  g_autoptr (GString) body = g_string_new (NULL);
  g_autofree char *safe = g_markup_escape_text (title, -1);
  double x = MARGIN, y = MARGIN + 44, width = MARGIN * 2 + LEGEND_W + 140, panel_h = HEAD + ROWS * CELL_H + FOOT;
  const char *row_task = NULL;

  for (guint first = 0, end; first < sorted->len; first = end)
    {
      const LwEvalCell *c = &g_array_index (sorted, LwEvalCell, first);

      end = panel_end (sorted, first);
      if (row_task != NULL && strcmp (row_task, c->task) != 0) /* a row for each task */
        {
          x = MARGIN;
          y += panel_h;
        }
      row_task = c->task;
      panel (body, sorted, first, end, x, y, unit);
      x += LABELS + (end - first) * CELL_W + GAP;
      width = MAX (width, x - GAP + MARGIN);
    }
  if (sorted->len > 0)
    y += panel_h;

  g_autofree char *axes = g_strdup_printf ("rows: depth of the answer in the context; columns: size of the context "
                                           "in %s",
                                           unit);
  text (body, MARGIN, MARGIN + 14, TITLE, title);
  text (body, MARGIN, MARGIN + 34, SMALL, axes);
  legend (body, MARGIN, y + 4);
  text (body, MARGIN, y + LEGEND_H + 14, SMALL, note);
  width = MAX (width, MARGIN * 2 + 6.2 * MAX (g_utf8_strlen (note, -1), g_utf8_strlen (axes, -1)));
  return g_strdup_printf (
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" "
      "role=\"img\" font-family=\"sans-serif\" font-size=\"13\">\n<title>%s</title>\n<style>@media "
      "(prefers-color-scheme: dark) { .paper { fill: #1e1e1e } .ink { fill: #eee } }</style>\n"
      "<rect width=\"100%%\" height=\"100%%\" class=\"paper\" fill=\"#fff\"/>\n%s</svg>\n",
      width, y + LEGEND_H + MARGIN + 14, width, y + LEGEND_H + MARGIN + 14, safe, body->str);
}
