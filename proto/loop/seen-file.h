/* SPDX-License-Identifier: Apache-2.0
 *
 * Detects that a file has been replaced or modified. */

#ifndef PROTO_LOOP_SEEN_FILE_H
#define PROTO_LOOP_SEEN_FILE_H 1

#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

/* Stores the state of file 'name' in '*seen', which is zero at first and for a
 * missing file.  Returns true if the file has changed. */
static inline bool
seen_file_note(const char *name, struct stat *seen)
{
    struct stat st;
    bool changed;

    if (stat(name, &st)) {
        memset(&st, 0, sizeof st);
    }
    changed = (st.st_mtim.tv_sec != seen->st_mtim.tv_sec
               || st.st_mtim.tv_nsec != seen->st_mtim.tv_nsec
               || st.st_ino != seen->st_ino
               || st.st_size != seen->st_size);
    *seen = st;
    return changed;
}

#endif /* proto/loop/seen-file.h */
