/* SPDX-License-Identifier: Apache-2.0
 *
 * A .tar.gz with a manifest; see support-archive.h. */

#include <config.h>

#include "controller/ctl/support-archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "controller/schema/schema-own.h"
#include "util.h"

struct ctl_archive {
    struct archive *archive;
    int fd;
    char *path;
    char *temporary;            /* File name until it is complete. */
    char *folder;
    int error;                  /* The first errno, or 0, */
    struct vmn_error why;       /* and its text. */
    json_t *files, *omitted;   /* Of the manifest. */
    size_t n_stripped;
};

static void
note_error(struct ctl_archive *bundle, const char *what)
{
    if (!bundle->error) {
        const char *text = archive_error_string(bundle->archive);

        bundle->error = vmn_error_errno(&bundle->why, EIO, "%s: %s%s%s",
                                        bundle->path, what, text ? ": " : "",
                                        text ? text : "");
    }
}

struct ctl_archive *
ctl_archive_create(const char *path, const char *folder,
                   struct vmn_error *why)
{
    struct ctl_archive *bundle = xzalloc(sizeof *bundle);

    bundle->path = xstrdup(path);
    bundle->temporary = xasprintf("%s.XXXXXX", path);
    bundle->folder = xstrdup(folder);
    bundle->files = json_array();
    bundle->omitted = json_array();
    bundle->fd = mkostemp(bundle->temporary, O_CLOEXEC);
    if (bundle->fd < 0) {
        vmn_error_errno(why, errno, "%s: %s", path, ovs_strerror(errno));
        free(bundle->temporary);
        bundle->temporary = NULL;
        ctl_archive_close(bundle, NULL, NULL);
        return NULL;
    }
    bundle->archive = archive_write_new();
    if (!bundle->archive) {
        out_of_memory();
    }
    if (archive_write_add_filter_gzip(bundle->archive) != ARCHIVE_OK
        || archive_write_set_format_pax_restricted(bundle->archive)
        != ARCHIVE_OK
        || archive_write_open_fd(bundle->archive, bundle->fd)
        != ARCHIVE_OK) {
        note_error(bundle, "cannot be made");
    }
    return bundle;
}

/* Writes a file into the archive. */
static void
write_entry(struct ctl_archive *bundle, const char *name, const void *data,
            size_t size)
{
    struct archive_entry *entry = archive_entry_new();
    char *path = xasprintf("%s/%s", bundle->folder, name);

    if (!entry) {
        out_of_memory();
    }
    archive_entry_set_pathname(entry, path);
    archive_entry_set_size(entry, (la_int64_t) size);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0600);
    archive_entry_set_mtime(entry, time(NULL), 0);
    if (archive_write_header(bundle->archive, entry) != ARCHIVE_OK
        || archive_write_data(bundle->archive, data, size)
        != (la_ssize_t) size) {
        note_error(bundle, "cannot be written");
    }
    archive_entry_free(entry);
    free(path);
}

void
ctl_archive_add(struct ctl_archive *bundle, const char *name,
                const char *about, const void *data, size_t size)
{
    if (!bundle->error) {
        json_array_append_new(bundle->files, json_pack(
            "{s:s, s:s, s:I}", "name", name, "description", about, "bytes",
            (json_int_t) size));
        write_entry(bundle, name, data, size);
    }
}

void
ctl_archive_add_json(struct ctl_archive *bundle, const char *name,
                     const char *about, const json_t *json)
{
    json_t *stripped = ctl_archive_strip(json, &bundle->n_stripped);
    char *text = json_dumps(stripped, JSON_INDENT(1) | JSON_ENCODE_ANY);

    json_decref(stripped);
    if (!text) {
        out_of_memory();
    }
    ctl_archive_add(bundle, name, about, text, strlen(text));
    free(text);
}

void
ctl_archive_add_objects(struct ctl_archive *bundle, const char *name,
                        const char *about, const struct schema_table *type,
                        const json_t *objects)
{
    json_t *stripped = ctl_archive_strip_objects(objects, type,
                                                 &bundle->n_stripped);

    ctl_archive_add_json(bundle, name, about, stripped);
    json_decref(stripped);
}

void
ctl_archive_omit(struct ctl_archive *bundle, const char *what, const char *why)
{
    json_array_append_new(bundle->omitted, json_pack(
        "{s:s, s:s}", "what", what, "why", why));
}

/* Writes the manifest, and ends the archive. */
static void
finish(struct ctl_archive *bundle, const json_t *about)
{
    json_t *manifest = json_deep_copy(about);
    char *text;

    if (bundle->n_stripped) {
        char *why = xasprintf("%"PRIuSIZE" value%s of fields that are secret, "
                              "or named like secrets", bundle->n_stripped,
                              bundle->n_stripped == 1 ? "" : "s");

        ctl_archive_omit(bundle, "secrets", why);
        free(why);
    }
    json_object_set(manifest, "files", bundle->files);
    json_object_set(manifest, "omitted", bundle->omitted);
    text = json_dumps(manifest, JSON_INDENT(1));
    json_decref(manifest);
    if (!text) {
        out_of_memory();
    }
    write_entry(bundle, "manifest.json", text, strlen(text));
    free(text);
    if (archive_write_close(bundle->archive) != ARCHIVE_OK) {
        note_error(bundle, "cannot be written");
    }
    if (!bundle->error && (fsync(bundle->fd)
                           || rename(bundle->temporary, bundle->path))) {
        bundle->error = vmn_error_errno(&bundle->why, errno, "%s: %s",
                                        bundle->path, ovs_strerror(errno));
    }
}

int
ctl_archive_close(struct ctl_archive *bundle, const json_t *about,
                  struct vmn_error *why)
{
    int error;

    if (bundle->archive && !bundle->error) {
        finish(bundle, about);
    }
    error = vmn_error_take(why, bundle->error,
                           vmn_error_steal_text(&bundle->why));
    if (error && bundle->temporary) {
        unlink(bundle->temporary);
    }
    archive_write_free(bundle->archive);
    if (bundle->fd >= 0) {
        close(bundle->fd);
    }
    json_decref(bundle->files);
    json_decref(bundle->omitted);
    free(bundle->path);
    free(bundle->temporary);
    free(bundle->folder);
    free(bundle);
    return error;
}

/* Secrets.  -------------------------------------------------------------- */

#define LEFT_OUT "(left out)"

static bool
is_named_like_secret(const char *name)
{
    /* Includes hashes, with which a secret can be verified. */
    static const char *const words[] = {
        "token", "password", "passwd", "passphrase", "secret", "credential",
        "private_key", "private-key", "sha256", "webhook",
    };

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (strcasestr(name, words[i])) {
            return true;
        }
    }
    return false;
}

/* Only strings can be secrets: a number, or a list of numbers, is a count. */
json_t *
ctl_archive_strip(const json_t *json, size_t *n)
{
    json_t *copy;
    const char *key;
    json_t *value;
    size_t i;

    if (json_is_array(json)) {
        copy = json_array();
        json_array_foreach (json, i, value) {
            json_array_append_new(copy, ctl_archive_strip(value, n));
        }
        return copy;
    }
    if (!json_is_object(json)) {
        return json_incref(CONST_CAST(json_t *, json));
    }
    copy = json_object();
    json_object_foreach (CONST_CAST(json_t *, json), key, value) {
        if (is_named_like_secret(key) && json_is_string(value)
            && strcmp(json_string_value(value), LEFT_OUT)) {
            json_object_set_new(copy, key, json_string(LEFT_OUT));
            ++*n;
        } else {
            json_object_set_new(copy, key, ctl_archive_strip(value, n));
        }
    }
    return copy;
}

static bool
is_secret_field(const struct schema_table *type, const char *name)
{
    const struct schema_field *f = schema_find_field(&type->row, name);

    return f ? f->flags & SCHEMA_SECRET : schema_is_own(type->id);
}

json_t *
ctl_archive_strip_objects(const json_t *objects,
                          const struct schema_table *type, size_t *n)
{
    json_t *copy = json_deep_copy(objects);
    json_t *object;
    size_t i;

    json_array_foreach (copy, i, object) {
        json_t *spec = json_object_get(object, "spec");

        for (void *at = json_object_iter(spec); at;
             at = json_object_iter_next(spec, at)) {
            if (is_secret_field(type, json_object_iter_key(at))) {
                json_object_iter_set_new(spec, at, json_string(LEFT_OUT));
                ++*n;
            }
        }
    }
    return copy;
}
