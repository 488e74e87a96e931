/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl completion: prints scripts for bash and zsh that complete vmnctl's
 * command lines.  The scripts run `vmnctl completion words`, which uses the
 * tables of commands and options, and gets names from the server. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/output-table.h"
#include "controller/ctl/object-types.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Time in milliseconds that the user waits for a server at most; names to
 * request at once. */
#define ANSWER_MS 1000
#define NAMES_MAX 250

/* Printed to have the script complete file names. */
#define FILES ":files"

static const char bash_script[] =
"# bash completion for vmnctl, as `vmnctl completion bash` prints it.\n"
"_vmnctl() {\n"
"    local IFS=$' \\t\\n' line=${COMP_LINE:0:COMP_POINT} words cur word found\n"
"    read -ra words <<<\"$line\"\n"
"    [[ $line == *[[:space:]] ]] && words+=(\"\")\n"
"    cur=${words[${#words[@]}-1]}\n"
"    # Readline takes what is behind the last of these for the word.\n"
"    word=${cur##*[=:]}\n"
"    mapfile -t found < <(\"${words[0]}\" completion words -- \\\n"
"        \"${words[@]:1}\" 2>/dev/null)\n"
"    found=(\"${found[@]%%$'\\t'*}\")\n"
"    COMPREPLY=()\n"
"    if [[ ${found[0]} == " FILES " ]]; then\n"
"        compopt -o filenames 2>/dev/null\n"
"        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
"        return\n"
"    fi\n"
"    local prefix=${cur%\"$word\"} each\n"
"    for each in \"${found[@]}\"; do\n"
"        [[ -n $each ]] && COMPREPLY+=(\"${each#\"$prefix\"}\")\n"
"    done\n"
"}\n"
"complete -F _vmnctl vmnctl\n";

static const char zsh_script[] =
"#compdef vmnctl\n"
"# zsh completion for vmnctl, as `vmnctl completion zsh` prints it.\n"
"_vmnctl() {\n"
"    local -a found list\n"
"    local each word\n"
"    found=(\"${(@f)$(\"${words[1]}\" completion words -- \\\n"
"        \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
"    if [[ ${found[1]} == " FILES " ]]; then\n"
"        [[ $PREFIX == --*=* ]] && compset -P '*='\n"
"        _files\n"
"        return\n"
"    fi\n"
"    for each in \"${found[@]}\"; do\n"
"        [[ -n $each ]] || continue\n"
"        word=${each%%$'\\t'*}\n"
"        list+=(\"${word//:/\\\\:}${${each#$word}/$'\\t'/:}\")\n"
"    done\n"
"    _describe vmnctl list\n"
"}\n"
"if [[ ${funcstack[1]} == _vmnctl ]]; then\n"
"    _vmnctl \"$@\"\n"
"else\n"
"    compdef _vmnctl vmnctl\n"
"fi\n";

/* A command line up to the word to complete. */
struct line {
    struct ctl *ctl;
    const struct ctl_command *command; /* NULL: it is the next word. */
    struct svec args;
    struct ctl_option_info option; /* The option whose value is next, if
                                    * 'wants'. */
    bool wants;
    const char *current;        /* The part of the word that was typed. */
    const char *prefix;         /* Printed before each candidate. */
};

static void
print_candidate(const struct line *line, const char *word, const char *about)
{
    if (!strncmp(word, line->current, strlen(line->current))) {
        FILE *out = line->ctl->out;

        ctl_print_safely(out, line->prefix);
        ctl_print_safely(out, word);
        if (about) {
            fprintf(out, "\t%s", about);
        }
        putc('\n', out);
    }
}

/* Prints the words of 'list', which 'separator' separates. */
static void
print_words(const struct line *line, const char *list, size_t n,
            const char *separator)
{
    char *copy = xmemdup0(list, n), *save = NULL;

    for (char *word = strtok_r(copy, separator, &save); word;
         word = strtok_r(NULL, separator, &save)) {
        print_candidate(line, word, NULL);
    }
    free(copy);
}

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
print_names(struct line *line, const char *type)
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
                print_candidate(line, name, NULL);
            }
        }
        ctl_reply_uninit(&reply);
    }
    free(after);
    ds_destroy(&path);
}

static void
print_types(const struct line *line)
{
    const struct schema_table *type;

    for (size_t i = 0; (type = ctl_type_at(i)); i++) {
        print_candidate(line, type->plural, NULL);
    }
}

/* Prints the candidates for a placeholder such as "PORT" in the tables. */
static void
print_placeholder(struct line *line, const char *kind, size_t n)
{
    static const struct {
        const char *kind, *type;
    } kinds[] = {
        { "HOST", "hosts" }, { "NETWORK", "networks" }, { "PORT", "ports" },
        { "POLICY", "policies" }, { "GROUP", "groups" }, { "APP", "apps" },
        { "TO", "ports" }, { "TO", "loadbalancers" },
        { "ACCOUNT", "accounts" },
    };
    const struct ctl_command *command = line->command;

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (n == strlen(kinds[i].kind) && !memcmp(kind, kinds[i].kind, n)) {
            print_names(line, kinds[i].type);
        }
    }
    if (n == 4 && !memcmp(kind, "TYPE", n)) {
        print_types(line);
    } else if (n == 4 && (!memcmp(kind, "PATH", n)
                          || !memcmp(kind, "FILE", n))) {
        fputs(FILES "\n", line->ctl->out);
    } else if (n == 4 && !memcmp(kind, "NAME", n) && command) {
        /* Of the type that was typed, or that the command implies. */
        bool named = !strncmp(command->args, "TYPE", 4) && line->args.n;
        const struct schema_table *type = ctl_type_find(
            named ? line->args.names[0]
            : !strcmp(command->name, "release") ? "quarantines"
            : command->name);

        if (type) {
            print_names(line, type->plural);
        }
    }
}

/* Words.  ---------------------------------------------------------------- */

static void
print_commands(const struct line *line)
{
    for (const struct ctl_command *c = ctl_commands; c->name; c++) {
        print_candidate(line, c->name, c->summary);
    }
}

static void
print_options(const struct line *line)
{
    uint64_t options = (CTL_OPT_GLOBAL
                            | (line->command ? line->command->options : 0));
    struct ctl_option_info info;

    for (size_t i = 0; ctl_option_at(i, options, &info); i++) {
        char *name = xasprintf("--%s", info.name);

        print_candidate(line, name, info.help);
        free(name);
    }
}

static void
print_values(struct line *line)
{
    const struct ctl_option_info *option = &line->option;

    if (option->values) {
        print_words(line, option->values, strlen(option->values), " ");
    } else {
        print_placeholder(line, option->arg, strlen(option->arg));
    }
}

/* Completes the next argument by the command's usage line: "TYPE [NAME...]",
 * "bash|zsh".  The last one may be repeated. */
static void
print_argument(struct line *line)
{
    const char *p = line->command->args;
    size_t i = 0, n;

    for (; *p; p += n + strspn(p + n, " ")) {
        n = strcspn(p, " ");
        if (*p == '-') {        /* A required option: "-f PATH". */
            n += strspn(p + n, " ");
            n += strcspn(p + n, " ");
            continue;
        }
        if (i++ == line->args.n || (!p[n] && n > 3
                                    && memmem(p, n, "...", 3))) {
            size_t skip = strspn(p, "[");
            size_t len = strcspn(p + skip, ".[]= ");
            size_t kind_len = strspn(p + skip, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

            if (kind_len) {
                print_placeholder(line, p + skip, kind_len);
            } else {
                print_words(line, p + skip, len, "|");
            }
            return;
        }
    }
}

/* The line.  ------------------------------------------------------------- */

/* Sets line->option to the option that 'word' names; returns false if there is
 * none.  '*value' is its value if the word includes it. */
static bool
find_option(struct line *line, const char *word, const char **value)
{
    uint64_t options = (CTL_OPT_GLOBAL
                            | (line->command ? line->command->options : 0));
    size_t n = strcspn(word, "=");
    struct ctl_option_info info;

    *value = word[n] ? &word[n + 1] : NULL;
    for (size_t i = 0; ctl_option_at(i, options, &info); i++) {
        bool is_long = (!strncmp(word, "--", 2) && strlen(info.name) == n - 2
                        && !memcmp(info.name, word + 2, n - 2));
        bool is_short = word[1] == info.letter && info.letter;

        if (is_long || is_short) {
            line->option = info;
            if (is_short) {
                *value = word[2] ? &word[2] : NULL;
            }
            return true;
        }
    }
    return false;
}

/* Applies the options that affect completion: names come from the server that
 * the line specifies. */
static void
apply_option(struct line *line, const char *value)
{
    char **member = (!strcmp(line->option.name, "server")
                     ? &line->ctl->server
                     : !strcmp(line->option.name, "token-file")
                     ? &line->ctl->token_file : NULL);

    if (member) {
        free(*member);
        *member = xstrdup(value);
    }
}

/* Parses a word before the one to complete.  Returns false if the command line
 * is invalid so far. */
static bool
parse_word(struct line *line, const char *word)
{
    const char *value;

    if (line->wants) {
        apply_option(line, word);
        line->wants = false;
    } else if (word[0] == '-' && word[1] && strcmp(word, "--")) {
        if (find_option(line, word, &value) && line->option.arg) {
            line->wants = !value;
            if (value) {
                apply_option(line, value);
            }
        }
    } else if (!line->command) {
        for (const struct ctl_command *c = ctl_commands; c->name; c++) {
            if (!strcmp(c->name, word)) {
                line->command = c;
            }
        }
        return line->command != NULL;
    } else if (strcmp(word, "--")) {
        svec_add(&line->args, word);
    }
    return true;
}

static void
complete(struct line *line)
{
    const char *current = line->current;
    const char *value;

    if (line->wants) {
        print_values(line);
    } else if (!strncmp(current, "--", 2) && strchr(current, '=')) {
        char *prefix = xmemdup0(current, strcspn(current, "=") + 1);

        if (find_option(line, current, &value) && line->option.arg) {
            line->prefix = prefix;
            line->current = value;
            print_values(line);
        }
        free(prefix);
    } else if (*current == '-') {
        print_options(line);
    } else if (line->command) {
        print_argument(line);
    } else {
        print_commands(line);
    }
}

/* Prints the candidates for the last one of the words that follow "vmnctl". */
static void
complete_words(struct ctl *ctl, int n, char *const words[])
{
    struct line line = { .ctl = ctl, .args = SVEC_EMPTY_INITIALIZER,
                         .prefix = "" };
    bool known = n > 0;

    for (int i = 0; i + 1 < n && known; i++) {
        known = parse_word(&line, words[i]);
    }
    if (known) {
        line.current = words[n - 1];
        complete(&line);
    }
    svec_destroy(&line.args);
}

enum ctl_exit
ctl_cmd_completion(struct ctl *ctl, int n_args, char *const args[])
{
    if (!strcmp(args[0], "words")) {
        complete_words(ctl, n_args - 1, args + 1);
    } else if (n_args == 1 && !strcmp(args[0], "bash")) {
        fputs(bash_script, ctl->out);
    } else if (n_args == 1 && !strcmp(args[0], "zsh")) {
        fputs(zsh_script, ctl->out);
    } else {
        return ctl_usage(ctl, "completion: want bash or zsh, not \"%s\"",
                         args[n_args - 1]);
    }
    return CTL_DONE;
}
