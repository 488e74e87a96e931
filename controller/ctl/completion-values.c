/* SPDX-License-Identifier: Apache-2.0
 *
 * Candidates for words: types, fields, and what the server has, which is asked
 * once and for a short time; see completion.h. */

#include <config.h>

#include "controller/ctl/completion.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/field-names.h"
#include "controller/ctl/object-types.h"
#include "controller/ctl/server-types.h"
#include "openvswitch/dynamic-string.h"
#include "sset.h"
#include "util.h"

/* Time in milliseconds that the user waits for a server at most; names to
 * request at once, and revisions. */
#define ANSWER_MS 1000
#define NAMES_MAX 250
#define REVISIONS_MAX 20

/* Names.  ---------------------------------------------------------------- */

/* Returns a cursor before the names that begin with the current word: no
 * character of a name sorts behind "~".  The caller frees it. */
static char *
cursor_before(const char *current)
{
    size_t len = strlen(current);
    char *text;

    if (!len || current[len - 1] <= '!') {
        return NULL;
    }
    text = xasprintf("%s~", current);
    text[len - 1]--;
    return text;
}

/* Prints the names of objects; none if the server does not reply in time. */
static void
print_names(struct completion *line, const char *type)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    char *after = cursor_before(line->current);
    struct ctl_reply reply;
    const json_t *object;
    size_t i;

    ds_put_format(&path, "/v1/%s?limit=%d", type, NAMES_MAX);
    if (after) {
        ctl_append_query(&path, "after", after);
    }
    if (!ctl_fetch(line->ctl, ds_cstr(&path), ANSWER_MS, &reply, NULL)) {
        json_array_foreach (json_object_get(reply.body, "items"), i, object) {
            const char *name = json_string_value(json_object_get(object,
                                                                 "name"));

            if (name) {
                completion_print(line, name, NULL);
            }
        }
        ctl_reply_uninit(&reply);
    }
    free(after);
    ds_destroy(&path);
}

/* Prints the types, each followed by 'end'. */
static void
print_types(const struct completion *line, const char *end)
{
    const struct schema_table *type;

    if (!isdigit((unsigned char) *line->current)) {
        ctl_server_types_load(); /* It may be one of those. */
    }
    for (size_t i = 0; (type = ctl_type_at(i)); i++) {
        char *word = xasprintf("%s%s", type->plural, end);

        completion_print(line, word, NULL);
        free(word);
    }
}

/* Returns the type that the first 'n' characters of 'text' name, or NULL. */
static const struct schema_table *
type_of(const char *text, size_t n)
{
    char *name = xmemdup0(text, n);
    const struct schema_table *type = ctl_type_find(name);

    free(name);
    return type;
}

/* Prints what "TYPE/NAME" may become. */
static void
print_pairs(struct completion *line)
{
    const char *slash = strchr(line->current, '/');
    const struct schema_table *type;

    if (!slash) {
        print_types(line, "/");
        return;
    }
    type = type_of(line->current, slash - line->current);
    completion_pass(line, slash + 1 - line->current);
    if (type) {
        print_names(line, type->plural);
    }
}

/* Returns true if the command takes "TYPE,TYPE". */
static bool
takes_several(const struct completion *line)
{
    return line->command && strstr(line->command->args, ",TYPE");
}

/* Fields.  ---------------------------------------------------------------- */

/* Steps through the names before the last dot of the current word, of which
 * the first may be "spec" or "status".  Returns false if there is no such
 * place. */
static bool
find_place(struct completion *line, struct ctl_place *place)
{
    const char *dot;
    bool first = true;

    while ((dot = strchr(line->current, '.'))) {
        size_t n = dot - line->current;
        char *name = xmemdup0(line->current, strcspn(line->current, ".["));
        bool ok = (first && (!strcmp(name, "spec") || !strcmp(name, "status"))
                   ? true : ctl_place_step(place, name));

        place->shown |= first && !strcmp(name, "status");
        first = false;
        free(name);
        completion_pass(line, n + 1);
        if (!ok) {
            return false;
        }
    }
    return true;
}

static void
print_fields(struct completion *line, const struct schema_table *type)
{
    struct ctl_place place = { .type = type };
    const char *name;

    if (find_place(line, &place)) {
        for (size_t i = 0; (name = ctl_place_name(&place, i)); i++) {
            completion_print(line, name, NULL);
        }
    }
}

/* Returns the type that the arguments name, or that the command implies. */
static const struct schema_table *
named_type(const struct completion *line)
{
    const struct ctl_command *command = line->command;

    if (!command) {
        return NULL;
    }
    if (!strncmp(command->args, "TYPE", 4)) {
        return (line->args.n
                ? type_of(line->args.names[0],
                          strcspn(line->args.names[0], "/,")) : NULL);
    }
    return schema_find_table(!strcmp(command->name, "release") ? "quarantines"
                             : !strcmp(command->name, "quarantine")
                               || !strcmp(command->name, "capture") ? "ports"
                             : command->name);
}

/* Prints what the PATH of --sort-by may become. */
static void
print_path(struct completion *line)
{
    static const char *const tops[] = { ".name", ".metadata.", ".spec.",
                                        ".status." };
    const struct schema_table *type = named_type(line);

    if (*line->current == '.' && strchr(line->current + 1, '.')) {
        completion_pass(line, 1);
        if (type && strncmp(line->current, "metadata.", 9)) {
            print_fields(line, type);
        }
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(tops); i++) {
        completion_print(line, tops[i], NULL);
    }
}

/* Prints "ports", or "ports.spec." and so on. */
static void
print_explained(struct completion *line)
{
    const char *dot = strchr(line->current, '.');
    const struct schema_table *type;

    if (!dot) {
        print_types(line, "");
        return;
    }
    type = type_of(line->current, dot - line->current);
    completion_pass(line, dot + 1 - line->current);
    if (type) {
        print_fields(line, type);
    }
}

/* Labels.  ---------------------------------------------------------------- */

/* Adds to 'words' the keys of labels, or the values of 'key' if that is not
 * NULL. */
static void
add_labels(struct sset *words, const json_t *object, const char *key)
{
    json_t *labels = json_object_get(json_object_get(object, "spec"),
                                     "labels");
    const char *each;
    json_t *value;

    json_object_foreach (labels, each, value) {
        const char *text = json_string_value(value);

        if (key && text && !strcmp(each, key)) {
            sset_add(words, text);
        } else if (!key) {
            sset_add_and_free(words, xasprintf("%s=", each));
        }
    }
}

/* Prints the keys of labels, as "KEY=", or the values of 'key'. */
static void
print_labels(struct completion *line, const char *key)
{
    const struct schema_table *type = named_type(line);
    struct sset words = SSET_INITIALIZER(&words);
    struct ctl_reply reply;
    const json_t *object;
    const char **sorted;
    char *path;
    size_t i;

    path = xasprintf("/v1/%s?limit=%d", type ? type->plural : "ports",
                     NAMES_MAX);
    if (!ctl_fetch(line->ctl, path, ANSWER_MS, &reply, NULL)) {
        json_array_foreach (json_object_get(reply.body, "items"), i, object) {
            add_labels(&words, object, key);
        }
        ctl_reply_uninit(&reply);
    }
    sorted = sset_sort(&words);
    for (i = 0; i < sset_count(&words); i++) {
        completion_print(line, sorted[i], NULL);
    }
    free(sorted);
    sset_destroy(&words);
    free(path);
}

/* Prints what the last condition "KEY=VALUE" of a list may become. */
static void
print_selector(struct completion *line)
{
    const char *comma = strrchr(line->current, ',');
    const char *equals;

    if (comma) {
        completion_pass(line, comma + 1 - line->current);
    }
    equals = strchr(line->current, '=');
    if (equals) {
        size_t n = strcspn(line->current, "!=");
        char *key = xmemdup0(line->current, n);

        completion_pass(line, equals + 1 - line->current);
        print_labels(line, key);
        free(key);
    } else {
        print_labels(line, NULL);
    }
}

/* The rest.  -------------------------------------------------------------- */

/* Prints the newest revisions, with who made them. */
static void
print_revisions(struct completion *line)
{
    struct ctl_reply reply;
    char *path = xasprintf("/v1/revisions?limit=%d", REVISIONS_MAX);
    const json_t *item;
    size_t i;

    if (!ctl_fetch(line->ctl, path, ANSWER_MS, &reply, NULL)) {
        json_array_foreach (json_object_get(reply.body, "items"), i, item) {
            const json_t *n = json_object_get(item, "revision");
            char *word = xasprintf("%"JSON_INTEGER_FORMAT,
                                   json_integer_value(n));

            completion_print(line, word, json_string_value(
                json_object_get(item, "who")));
            free(word);
        }
        ctl_reply_uninit(&reply);
    }
    free(path);
}

/* Prints services as commands take them; of --allow also those that are
 * objects. */
static void
print_services(struct completion *line)
{
    static const char *const services[] = { "tcp/", "udp/", "sctp/", "icmp",
                                            "icmpv6" };

    for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
        completion_print(line, services[i], NULL);
    }
    if (line->wants && !strchr(line->current, '/')) {
        print_names(line, "services");
    }
}

/* Prints types, or objects if those before are TYPE/NAME. */
static void
print_type_argument(struct completion *line)
{
    const char *comma = strrchr(line->current, ',');

    if (strchr(line->current, '/')
        || (line->args.n && strchr(line->args.names[0], '/'))) {
        print_pairs(line);
        return;
    }
    if (comma && takes_several(line)) {
        completion_pass(line, comma + 1 - line->current);
    }
    print_types(line, "");
}

static void
print_name_argument(struct completion *line)
{
    const struct schema_table *type = named_type(line);

    if (line->args.n && strchr(line->args.names[0], '/')) {
        print_pairs(line);
    } else if (type) {
        print_names(line, type->plural);
    }
}

static void
print_files(struct completion *line)
{
    fputs(COMPLETION_FILES "\n", line->ctl->out);
}

static void
print_key(struct completion *line)
{
    print_selector(line);
}

static bool
is_command(const struct completion *line, const char *name)
{
    return line->command && !strcmp(line->command->name, name);
}

/* Prints revisions, and of `undo` objects. */
static void
print_revision_argument(struct completion *line)
{
    if (!strchr(line->current, '/')) {
        print_revisions(line);
    }
    print_pairs(line);
}

static void
print_draft_actions(struct completion *line)
{
    static const char *const actions[] = {
        "create", "show", "diff", "plan", "apply", "rebase", "drop", "delete",
        "list",
    };

    for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
        completion_print(line, actions[i], NULL);
    }
}

static const struct {
    const char *kind;
    const char *type;           /* Whose names are printed; or NULL. */
    void (*print)(struct completion *);
} kinds[] = {
    { "HOST", "hosts", NULL },
    { "NETWORK", "networks", NULL },
    { "PORT", "ports", NULL },
    { "FROM", "ports", NULL },
    { "POLICY", "policies", NULL },
    { "GROUP", "groups", NULL },
    { "APP", "apps", NULL },
    { "TO", "ports", NULL },
    { "TO", "loadbalancers", NULL },
    { "LOADBALANCER", "loadbalancers", NULL },
    { "BACKEND", "ports", NULL },
    { "ACCOUNT", "accounts", NULL },
    { "ACTION", NULL, print_draft_actions },
    { "DRAFT", "drafts", NULL },
    { "NAME", NULL, print_name_argument },
    { "PATH", NULL, print_files },
    { "FILE", NULL, print_files },
    { "SELECTOR", NULL, print_selector },
    { "KEY", NULL, print_key },
    { "SERVICE", NULL, print_services },
    { "N", NULL, print_revisions },
    { "N|latest", NULL, print_revisions },
    { "REVISION", NULL, print_revision_argument },
};

void
completion_placeholder(struct completion *line, const char *kind, size_t n)
{
    if (n == 4 && !memcmp(kind, "TYPE", n)) {
        if (is_command(line, "explain")) {
            print_explained(line);
        } else if (is_command(line, "history")) {
            print_pairs(line);
        } else {
            print_type_argument(line);
        }
        return;
    }
    if (n == 4 && !memcmp(kind, "PATH", n) && line->wants
        && !strcmp(line->option.name, "sort-by")) {
        print_path(line);
        return;
    }
    if (n == 1 && line->wants) {
        return;                 /* A number. */
    }
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (n != strlen(kinds[i].kind) || memcmp(kind, kinds[i].kind, n)) {
            continue;
        } else if (kinds[i].type) {
            print_names(line, kinds[i].type);
        } else {
            kinds[i].print(line);
        }
    }
}
