/* SPDX-License-Identifier: Apache-2.0
 *
 * Metrics of the process: durations of its work, and the resources it uses, by
 * the names that Prometheus' client libraries have for them. */

#include <config.h>

#include "controller/northbound/metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "openvswitch/dynamic-string.h"
#include "proto/loop/loop.h"
#include "util.h"

/* Histograms.  ------------------------------------------------------------ */

/* Appends a histogram.  'counts' has one element more than 'bounds_us'. */
static void
put_histogram(struct ds *ds, const char *name, const char *help,
              const uint32_t *bounds_us, size_t n_bounds, const uint64_t *n,
              uint64_t total_us)
{
    uint64_t sum = 0;

    metrics_family(ds, name, "histogram", help);
    for (size_t i = 0; i < n_bounds; i++) {
        sum += n[i];
        ds_put_format(ds, "%s_bucket{le=\"%g\"} %"PRIu64"\n", name,
                      bounds_us[i] / 1e6, sum);
    }
    sum += n[n_bounds];
    ds_put_format(ds, "%s_bucket{le=\"+Inf\"} %"PRIu64"\n%s_sum %.6f\n"
                  "%s_count %"PRIu64"\n", name, sum, name, total_us / 1e6,
                  name, sum);
}

static void
put_times(struct ds *ds, const char *name, const char *help,
          const struct histogram *h)
{
    put_histogram(ds, name, help, histogram_us, HISTOGRAM_N_BOUNDS, h->n,
                  h->total_us);
}

void
metrics_append_times(const struct northbound *nb,
                     const struct histogram *stored,
                     const struct histogram *installed,
                     const struct histogram *writing, struct ds *ds)
{
    struct loop_stats turns;

    put_times(ds, "vmn_commit_stored_seconds", "Time from the start of a "
              "group of revisions until it was durable.", stored);
    put_times(ds, "vmn_commit_installed_seconds", "Time from the start of a "
              "group of revisions until all hosts concerned had acknowledged "
              "it.", installed);
    put_times(ds, "vmn_store_write_seconds",
              "Time to write a group of changes, with its fsync.", writing);
    if (!nb->loop) {
        return;
    }
    loop_get_stats(nb->loop, &turns);
    put_histogram(ds, "vmn_loop_iteration_seconds",
                  "CPU time of an iteration of the event loop.", loop_turn_us,
                  LOOP_N_BOUNDS, turns.n, turns.total_us);
    metrics_family(ds, "vmn_loop_iteration_max_seconds", "gauge",
                   "CPU time of the longest iteration of the event loop.");
    ds_put_format(ds, "vmn_loop_iteration_max_seconds %.6f\n",
                  turns.longest_us / 1e6);
}

/* The process.  ---------------------------------------------------------- */

static void
put_value(struct ds *ds, const char *name, const char *type,
          const char *help, double value)
{
    metrics_family(ds, name, type, help);
    ds_put_format(ds, "%s %.15g\n", name, value);
}

static void
put_memory(struct ds *ds)
{
    unsigned long size, resident;
    FILE *statm = fopen("/proc/self/statm", "re");
    double page = sysconf(_SC_PAGESIZE);

    if (!statm) {
        return;
    }
    if (fscanf(statm, "%lu %lu", &size, &resident) == 2) {
        put_value(ds, "process_virtual_memory_bytes", "gauge",
                  "Virtual memory.", size * page);
        put_value(ds, "process_resident_memory_bytes", "gauge",
                  "Resident memory.", resident * page);
    }
    fclose(statm);
}

/* Returns the number of open file descriptors, or -1.  To list the files of
 * 1,000 hosts takes some 4 ms; since 6.2 Linux has their number as the size
 * of the directory (its Documentation/filesystems/proc.rst). */
static long long
count_files(void)
{
    const char *path = "/proc/self/fd";
    struct stat st;

    if (!stat(path, &st) && st.st_size > 0) {
        return st.st_size;
    }

    DIR *dir = opendir(path);
    const struct dirent *entry;
    long long n = -1;           /* Without the one used for counting. */

    if (!dir) {
        return -1;
    }
    while ((entry = readdir(dir)) != NULL) {
        n += entry->d_name[0] != '.';
    }
    closedir(dir);
    return n;
}

long long
metrics_count_files(unsigned long long *max)
{
    struct rlimit limit = { .rlim_cur = 0 };

    getrlimit(RLIMIT_NOFILE, &limit);
    *max = limit.rlim_cur;
    return count_files();
}

static void
put_files(struct ds *ds)
{
    unsigned long long max;
    long long n = metrics_count_files(&max);

    if (n >= 0) {
        put_value(ds, "process_open_fds", "gauge", "Open file descriptors.",
                  n);
    }
    put_value(ds, "process_max_fds", "gauge",
              "How many file descriptors may be open.", max);
}

/* Returns the time of the system's boot, in seconds since the epoch; 0 if it
 * cannot be read. */
static unsigned long long
boot_time(void)
{
    FILE *stat = fopen("/proc/stat", "re");
    unsigned long long time_s = 0;
    char line[256];

    while (stat && fgets(line, sizeof line, stat)) {
        if (sscanf(line, "btime %llu", &time_s) == 1) {
            break;
        }
    }
    if (stat) {
        fclose(stat);
    }
    return time_s;
}

/* proc(5): the 22nd field of "stat" is the start in clock ticks since the
 * boot.  The second one is the program's name, which may contain anything. */
static void
put_start_time(struct ds *ds)
{
    FILE *stat = fopen("/proc/self/stat", "re");
    unsigned long long ticks;
    char line[1024];

    if (!stat) {
        return;
    }
    if (fgets(line, sizeof line, stat)) {
        const char *p = strrchr(line, ')');

        if (p && sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u"
                        " %*u %*u %*d %*d %*d %*d %*d %*d %llu", &ticks)
            == 1) {
            put_value(ds, "process_start_time_seconds", "gauge",
                      "When the process was started, by the wall clock.",
                      boot_time() + (double) ticks / sysconf(_SC_CLK_TCK));
        }
    }
    fclose(stat);
}

void
metrics_append_process(struct ds *ds)
{
    struct rusage usage;

    metrics_family(ds, "vmn_build_info", "gauge",
                   "1, labelled with the version that runs.");
    ds_put_cstr(ds, "vmn_build_info{version=");
    metrics_label(ds, VMN_VERSION);
    ds_put_cstr(ds, "} 1\n");
    getrusage(RUSAGE_SELF, &usage);
    put_value(ds, "process_cpu_seconds_total", "counter", "CPU time.",
              usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
              + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    put_memory(ds);
    put_files(ds);
    put_start_time(ds);
}
