/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads objects from files; see object-files.h. */

#include <config.h>

#include "controller/ctl/object-files.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "controller/ctl/object-types.h"
#include "controller/ctl/other-tools.h"
#include "controller/ctl/yaml.h"
#include "openvswitch/dynamic-string.h"
#include "proto/text/byte-order-mark.h"
#include "util.h"

/* The longest name that an error repeats. */
#define NAME_LEN_MAX 64
/* Most folders in each other. */
#define FOLDERS_MAX 32

void
ctl_input_init(struct ctl_input *input)
{
    input->recursive = false;
    input->objects = json_array();
    svec_init(&input->origins);
}

void
ctl_input_uninit(struct ctl_input *input)
{
    json_decref(input->objects);
    svec_destroy(&input->origins);
}

static bool
ends_with(const char *s, const char *suffix)
{
    size_t len = strlen(s);
    size_t suffix_len = strlen(suffix);

    return len >= suffix_len && !strcmp(s + len - suffix_len, suffix);
}

/* Objects.  -------------------------------------------------------------- */

static bool
is_known_member(const char *key)
{
    static const char *const members[] = {
        "type", "name", "spec", "metadata", "status",
    };

    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        if (!strcmp(key, members[i])) {
            return true;
        }
    }
    return false;
}

/* Returns "object 3" for messages, with the name if there is one.  The caller
 * frees it. */
static char *
describe(const struct ctl_input *input, const char *file, const json_t *doc)
{
    const char *name = json_string_value(json_object_get(doc, "name"));

    return (name
            ? xasprintf("%s: object \"%s\"", file, name)
            : xasprintf("%s: object %"PRIuSIZE, file,
                        json_array_size(input->objects) + 1));
}

/* Returns the plural of the type that a manifest of Kubernetes is of: of its
 * "kind", in lower case; NULL if that is nothing here.  */
static const char *
type_of_kind(const json_t *doc)
{
    const char *kind = json_string_value(json_object_get(doc, "kind"));
    char *word = xstrdup(kind ? kind : "");
    const struct schema_table *type;
    const char *plural;

    for (char *c = word; *c; c++) {
        *c = tolower((unsigned char) *c);
    }
    type = ctl_type_find(word);
    plural = type ? type->plural : ctl_other_type(word);
    free(word);
    return plural;
}

/* Says how an object is written here that was written as in Kubernetes. */
static int
refuse_manifest(const json_t *doc, struct vmn_error *why)
{
    const char *type = type_of_kind(doc);
    const char *name = json_string_value(json_object_get(
        json_object_get(doc, "metadata"), "name"));

    name = name ? name : json_string_value(json_object_get(doc, "name"));
    name = name && strlen(name) <= NAME_LEN_MAX ? name : "NAME";
    return vmn_error_invalid(
        why, "\"kind\" and \"apiVersion\" are of Kubernetes: write type: %s, "
        "name: %s, spec: {...} (vmnctl explain %s has an example)",
        type ? type : "TYPE", name, type ? type : "TYPE");
}

/* Returns 0, or EINVAL with an error that says what is wrong with an object.
 */
static int
check_object(const json_t *doc, struct vmn_error *why)
{
    json_t *object = CONST_CAST(json_t *, doc);
    const char *type = json_string_value(json_object_get(doc, "type"));
    const char *key;
    json_t *value;

    if (!json_is_object(doc)) {
        return vmn_error_invalid(why, "must be a mapping with type, name "
                                 "and spec");
    }
    if (!type && (json_object_get(doc, "kind")
                  || json_object_get(doc, "apiVersion"))) {
        return refuse_manifest(doc, why);
    }
    json_object_foreach (object, key, value) {
        if (!is_known_member(key)) {
            return vmn_error_invalid(why, "unknown member \"%s\": must be "
                                     "type, name or spec", key);
        }
    }
    if (!type) {
        return vmn_error_invalid(why, "\"type\" is missing or not a string");
    }
    if (!ctl_type_find(type) && ctl_type_guess(type)) {
        return vmn_error_invalid(why, "unknown type \"%s\"; did you mean "
                                 "\"%s\"?", type, ctl_type_guess(type));
    }
    if (!ctl_type_find(type)) {
        return vmn_error_invalid(why, "unknown type \"%s\" (vmnctl get "
                                 "--help lists them)", type);
    }
    if (!json_is_string(json_object_get(doc, "name"))) {
        return vmn_error_invalid(why, "\"name\" is missing or not a string "
                                 "(put quotes round one that looks like a "
                                 "number)");
    }
    if (!json_is_object(json_object_get(doc, "spec"))) {
        return vmn_error_invalid(why, "\"spec\" is missing or not a mapping");
    }
    return 0;
}

static int
add_object(struct ctl_input *input, const char *file, const json_t *doc,
           struct vmn_error *why)
{
    const char *type;

    if (check_object(doc, why)) {
        char *what = describe(input, file, doc);

        vmn_error_prefix(why, what);
        free(what);
        return EINVAL;
    }
    type = json_string_value(json_object_get(doc, "type"));
    json_array_append_new(
        input->objects,
        json_pack("{s:s, s:O, s:O}", "type", ctl_type_find(type)->plural,
                  "name", json_object_get(doc, "name"),
                  "spec", json_object_get(doc, "spec")));
    svec_add(&input->origins, file);
    return 0;
}

/* Returns the list of objects in 'doc': a list, a reply of `GET /v1/TYPE`, a
 * body of `POST /v1/apply`; or NULL if it is a single object. */
static const json_t *
get_list(const json_t *doc)
{
    static const char *const members[] = { "items", "objects" };

    if (json_is_array(doc)) {
        return doc;
    }
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        const json_t *list = json_object_get(doc, members[i]);

        if (json_is_array(list)) {
            return list;
        }
    }
    return NULL;
}

/* Returns the name of an unexpected member beside "objects", or NULL.  A file
 * for vmn-lab also has "vms", where the VMs run, which vmnctl ignores. */
static const char *
find_stray_member(const json_t *doc)
{
    json_t *object = CONST_CAST(json_t *, doc);
    const char *key;
    json_t *value;

    if (!json_is_array(json_object_get(doc, "items"))
        && json_is_array(json_object_get(doc, "objects"))) {
        json_object_foreach (object, key, value) {
            if (strcmp(key, "objects") && strcmp(key, "vms")) {
                return key;
            }
        }
    }
    return NULL;
}

static int
add_document(struct ctl_input *input, const char *file, const json_t *doc,
             struct vmn_error *why)
{
    const json_t *list = get_list(doc);
    const char *stray = find_stray_member(doc);
    const json_t *value;
    size_t i;

    if (!list) {
        return add_object(input, file, doc, why);
    }
    if (stray) {
        return vmn_error_invalid(why, "%s: unknown member \"%s\" beside "
                                 "\"objects\"", file, stray);
    }
    json_array_foreach (list, i, value) {
        if (add_object(input, file, value, why)) {
            return EINVAL;
        }
    }
    return 0;
}

/* Files.  ---------------------------------------------------------------- */

/* Parses a sequence of JSON texts. */
static int
parse_json(const char *text, size_t size, json_t *docs, struct vmn_error *why)
{
    while (size) {
        json_error_t where;
        size_t blank = strspn(text, " \t\r\n");

        blank += text_skip_bom(text + blank, size - blank);
        blank += strspn(text + blank, " \t\r\n");
        json_t *doc;

        text += blank;
        size -= blank;
        if (!size) {
            break;
        }
        doc = json_loadb(text, size,
                         JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK,
                         &where);
        if (!doc) {
            return vmn_error_invalid(
                why, "line %d, column %d: %s", where.line, where.column,
                json_error_code(&where) == json_error_null_character
                ? "a string must not contain \\u0000" : where.text);
        }
        json_array_append_new(docs, doc);
        text += where.position;
        size -= where.position;
    }
    return 0;
}

/* Parses a file by its name: *.json is JSON.  Others are YAML, of which JSON
 * is a subset except for some escapes, so text that looks like JSON is parsed
 * as such first. */
static int
parse_text(const char *file, const struct ds *text, json_t *docs,
           struct vmn_error *why)
{
    const char *string = ds_cstr_ro(text);
    size_t mark = text_skip_bom(string, text->length);
    char first = string[mark + strspn(string + mark, " \t\r\n")];

    if (text_is_utf16(string, text->length)) {
        return vmn_error_invalid(why, "holds UTF-16: save it as UTF-8");
    }
    if (strlen(string) != text->length) {
        return vmn_error_invalid(why, "holds null bytes");
    }
    if (ends_with(file, ".json")) {
        return parse_json(string, text->length, docs, why);
    }
    if (first == '{' || first == '[') {
        if (!parse_json(string, text->length, docs, NULL)) {
            return 0;
        }
        json_array_clear(docs);
    }
    return ctl_yaml_parse(string, text->length, docs, why);
}

static int
read_all(FILE *stream, struct ds *text, struct vmn_error *why)
{
    char buffer[65536];
    size_t n;

    while ((n = fread(buffer, 1, sizeof buffer, stream)) > 0) {
        ds_put_buffer(text, buffer, n);
        if (text->length > CTL_YAML_SIZE_MAX) {
            return vmn_error_invalid(why, "more than %d bytes",
                                     CTL_YAML_SIZE_MAX);
        }
    }
    if (ferror(stream)) {
        return vmn_error_errno(why, EIO, "%s", ovs_strerror(errno));
    }
    return 0;
}

static int
load_stream(struct ctl_input *input, const char *file, FILE *stream,
            struct vmn_error *why)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    json_t *docs = json_array();
    const json_t *doc;
    int retval;
    size_t i;

    retval = read_all(stream, &text, why);
    if (!retval) {
        retval = parse_text(file, &text, docs, why);
    }
    if (retval) {
        vmn_error_prefix(why, file);
    } else {
        json_array_foreach (docs, i, doc) {
            retval = add_document(input, file, doc, why);
            if (retval) {
                break;
            }
        }
    }
    json_decref(docs);
    ds_destroy(&text);
    return retval;
}

static int
load_file(struct ctl_input *input, const char *path, struct vmn_error *why)
{
    FILE *stream = fopen(path, "r");
    int retval;

    if (!stream) {
        return vmn_error_errno(why, errno, "%s: %s", path,
                               ovs_strerror(errno));
    }
    retval = load_stream(input, path, stream, why);
    fclose(stream);
    return retval;
}

static bool
is_object_file(const char *name)
{
    return (ends_with(name, ".yaml") || ends_with(name, ".yml")
            || ends_with(name, ".json"));
}

static int
is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool
is_folder(const char *path)
{
    struct stat s;

    return !lstat(path, &s) && S_ISDIR(s.st_mode);
}

/* Adds what is in a folder, and counts the files in '*n_files'.  'depth' is
 * how many folders it is in. */
static int
load_entries(struct ctl_input *input, const char *path, int depth,
             size_t *n_files, struct vmn_error *why)
{
    struct dirent **entries;
    int n = scandir(path, &entries, is_shown, alphasort);
    int retval = 0;

    if (n < 0) {
        return vmn_error_errno(why, errno, "%s: %s", path,
                               ovs_strerror(errno));
    }
    for (int i = 0; i < n; i++) {
        char *file = xasprintf("%s/%s", path, entries[i]->d_name);

        if (retval) {
            /* Only frees. */
        } else if (is_folder(file)) {
            if (input->recursive && depth < FOLDERS_MAX) {
                retval = load_entries(input, file, depth + 1, n_files, why);
            } else if (input->recursive) {
                retval = vmn_error_invalid(why, "%s: more than %d folders in "
                                           "each other", file, FOLDERS_MAX);
            }
        } else if (is_object_file(entries[i]->d_name)) {
            ++*n_files;
            retval = load_file(input, file, why);
        }
        free(file);
        free(entries[i]);
    }
    free(entries);
    return retval;
}

static int
load_folder(struct ctl_input *input, const char *path, struct vmn_error *why)
{
    size_t n_files = 0;
    int retval = load_entries(input, path, 0, &n_files, why);

    return (retval || n_files ? retval
            : vmn_error_invalid(why, "%s: no *.yaml, *.yml or *.json in "
                                "this folder%s", path, input->recursive ? ""
                                : " (--recursive looks into those in it, "
                                  "too)"));
}

int
ctl_input_load(struct ctl_input *input, const char *path, FILE *in,
               struct vmn_error *why)
{
    struct stat s;

    if (!strcmp(path, "-")) {
        return load_stream(input, "standard input", in, why);
    }
    if (!stat(path, &s) && S_ISDIR(s.st_mode)) {
        return load_folder(input, path, why);
    }
    return load_file(input, path, why);
}

/* Single documents.  ------------------------------------------------------ */

static json_t *
parse_one(const char *origin, const struct ds *text, struct vmn_error *why)
{
    json_t *docs = json_array(), *doc = NULL;

    if (parse_text(origin, text, docs, why)) {
        vmn_error_prefix(why, origin);
    } else if (json_array_size(docs) != 1) {
        vmn_error_invalid(why, "%s: must be one document, not %"PRIuSIZE,
                          origin, json_array_size(docs));
    } else {
        doc = json_incref(json_array_get(docs, 0));
    }
    json_decref(docs);
    return doc;
}

json_t *
ctl_document_parse(const char *origin, const char *text,
                   struct vmn_error *why)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    json_t *doc;

    ds_put_cstr(&ds, text);
    doc = parse_one(origin, &ds, why);
    ds_destroy(&ds);
    return doc;
}

json_t *
ctl_document_load(const char *path, FILE *in, struct vmn_error *why)
{
    bool is_stdin = !strcmp(path, "-");
    FILE *stream = is_stdin ? in : fopen(path, "r");
    struct ds text = DS_EMPTY_INITIALIZER;
    json_t *doc = NULL;

    if (!stream) {
        vmn_error_errno(why, errno, "%s: %s", path, ovs_strerror(errno));
        return NULL;
    }
    if (read_all(stream, &text, why)) {
        vmn_error_prefix(why, path);
    } else {
        doc = parse_one(is_stdin ? "standard input" : path, &text, why);
    }
    if (!is_stdin) {
        fclose(stream);
    }
    ds_destroy(&text);
    return doc;
}
