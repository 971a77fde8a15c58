/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/base/cpu.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

static gboolean have_f16c(void)
{
    unsigned a, b, c, d;

    /* clang 14's __builtin_cpu_supports() does not know "f16c". */
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

/* AMX's registers are 8 KiB a thread, which Linux only keeps for processes that have asked. */
static gboolean have_amx(void)
{
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    unsigned a, b, c, d;

    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & 1u << 24) && /* TILE, INT8, BF16 */
           (d & 1u << 25) && (d & 1u << 22) &&
           syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

guint lw_cpu_detect(void)
{
    guint flags = 0;

    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
        !__builtin_cpu_supports("bmi2") || !have_f16c())
        return 0;
    flags |= LW_CPU_AVX2;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
        return flags;
    flags |= LW_CPU_AVX512;
    if (__builtin_cpu_supports("avx512vnni"))
        flags |= LW_CPU_AVX512_VNNI;
    if (__builtin_cpu_supports("avx512bf16"))
        flags |= LW_CPU_AVX512_BF16;
    if ((flags & LW_CPU_AVX512_VNNI) && (flags & LW_CPU_AVX512_BF16) && have_amx())
        flags |= LW_CPU_AMX;
    return flags;
}
#else
guint lw_cpu_detect(void)
{
    return 0;
}
#endif

static guint read_flags(void)
{
    guint found = lw_cpu_detect();
    const char *cap = g_getenv("LW_CPU");

    if (cap == NULL || *cap == '\0' || strcmp(cap, "native") == 0)
        return found;
    if (strcmp(cap, "avx512") == 0)
        return found & ~(guint)LW_CPU_AMX;
    if (strcmp(cap, "avx2") == 0)
        return found & LW_CPU_AVX2;
    if (strcmp(cap, "c") == 0)
        return 0;
    g_warning("LW_CPU=%s is none of c, avx2, avx512, native; using everything found", cap);
    return found;
}

guint lw_cpu_flags_get(void)
{
    static gsize once;

    /* g_once needs a non-zero value: the top bit says "known". */
    if (g_once_init_enter(&once))
        g_once_init_leave(&once, (gsize)read_flags() | (gsize)1 << 31);
    return (guint)(once & 0x7fffffff);
}

const char *lw_cpu_describe(guint flags)
{
    if (flags & LW_CPU_AMX)
        return "AVX-512 VNNI BF16, AMX";
    if (flags & LW_CPU_AVX512) {
        gboolean vnni = flags & LW_CPU_AVX512_VNNI, bf16 = flags & LW_CPU_AVX512_BF16;
        return vnni && bf16 ? "AVX-512 VNNI BF16" : vnni ? "AVX-512 VNNI" : "AVX-512";
    }
    return flags & LW_CPU_AVX2 ? "AVX2" : "portable C";
}

/* CPUs granted by one control group ("max 100000", "150000 100000"), rounded up; 0: no limit. */
static int quota_of_file(const char *path)
{
    g_autofree char *text = NULL;
    char *end;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return 0;
    gint64 quota = g_ascii_strtoll(text, &end, 10);
    if (end == text || quota <= 0)
        return 0;
    gint64 period = g_ascii_strtoll(end, NULL, 10);
    if (period <= 0)
        return 0;
    return (int)CLAMP(quota / period + (quota % period != 0), 1, G_MAXINT);
}

/* The tightest quota on the way from our control group (version 2) to the root; 0: none. */
static int cgroup_quota(void)
{
    g_autofree char *text = NULL;
    int least = 0;

    if (!g_file_get_contents("/proc/self/cgroup", &text, NULL, NULL))
        return 0;
    const char *line = g_str_has_prefix(text, "0::") ? text : strstr(text, "\n0::");
    if (line == NULL)
        return 0;
    line += *line == '\n' ? 4 : 3;
    g_autofree char *group = g_strndup(line, strcspn(line, "\n"));
    if (strstr(group, "..") != NULL)
        group[0] = '\0'; /* outside our cgroup namespace: only the root is visible */
    for (;;) {
        g_autofree char *path = g_strconcat("/sys/fs/cgroup", group, "/cpu.max", NULL);
        int q = quota_of_file(path);
        if (q > 0 && (least == 0 || q < least))
            least = q;
        char *slash = strrchr(group, '/');
        if (slash == NULL)
            return least;
        *slash = '\0';
    }
}

int lw_cpu_count(void)
{
    cpu_set_t set;
    int n = 1, quota = cgroup_quota();

    if (sched_getaffinity(0, sizeof set, &set) == 0)
        n = CPU_COUNT(&set);
    else
        n = (int)g_get_num_processors(); /* more CPUs than a cpu_set_t can name */
    if (quota > 0 && quota < n)
        n = quota;
    return MAX(n, 1);
}
