/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-camera-doubles.h"

typedef struct
{
  char *node;      /* the kernel's, "/dev/video0"; NULL: none or not told */
  gboolean direct; /* it is opened by this program itself */
} Way;

static Way
way_of (GstDevice *device)
{
  g_autoptr (GstStructure) p = gst_device_get_properties (device);
  const char *direct = p ? gst_structure_get_string (p, "device.path") : NULL;
  const char *pipewire = p ? gst_structure_get_string (p, "api.v4l2.path") : NULL;

  /* PipeWire may tell both. */
  return (Way){ .node = g_strdup (pipewire ? pipewire : direct), .direct = direct && !pipewire };
}

GList *
lw_camera_without_doubles (GList *devices)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (GList *l = devices, *next; l; l = next)
    {
      Way way = way_of (l->data);
      GList *other = way.node ? g_hash_table_lookup (seen, way.node) : NULL;

      next = l->next;
      if (!other)
        {
          if (way.node)
            g_hash_table_insert (seen, way.node, l);
          continue;
        }
      /* In the place of the first, so that the order stays. */
      if (way.direct)
        {
          gpointer first = other->data;

          other->data = l->data;
          l->data = first;
        }
      gst_object_unref (l->data);
      devices = g_list_delete_link (devices, l);
      g_free (way.node);
    }
  return devices;
}
