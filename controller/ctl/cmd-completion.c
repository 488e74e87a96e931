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

#include "controller/ctl/completion.h"
#include "controller/ctl/output-table.h"
#include "util.h"

/* No word has one.  A shell puts words onto its command line as they are, and
 * would act on these. */
#define SHELL_CHARACTERS " \t\r\n\"'`$&|;<>()*?{}#!\\"

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
"    if [[ ${found[0]} == " COMPLETION_FILES " ]]; then\n"
"        compopt -o filenames 2>/dev/null\n"
"        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
"        return\n"
"    fi\n"
"    local prefix=${cur%\"$word\"} each\n"
"    for each in \"${found[@]}\"; do\n"
"        [[ -n $each ]] && COMPREPLY+=(\"${each#\"$prefix\"}\")\n"
"    done\n"
"    # What more belongs to the same word follows.\n"
"    [[ ${COMPREPLY[0]} == *[/=,.] ]] && compopt -o nospace 2>/dev/null\n"
"    return 0\n"
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
"    if [[ ${found[1]} == " COMPLETION_FILES " ]]; then\n"
"        [[ $PREFIX == --*=* ]] && compset -P '*='\n"
"        _files\n"
"        return\n"
"    fi\n"
"    for each in \"${found[@]}\"; do\n"
"        [[ -n $each ]] || continue\n"
"        word=${each%%$'\\t'*}\n"
"        list+=(\"${word//:/\\\\:}${${each#$word}/$'\\t'/:}\")\n"
"    done\n"
"    if [[ ${list[1]%%:*} == *[/=,.] ]]; then\n"
"        _describe vmnctl list -S ''\n"
"    else\n"
"        _describe vmnctl list\n"
"    fi\n"
"}\n"
"if [[ ${funcstack[1]} == _vmnctl ]]; then\n"
"    _vmnctl \"$@\"\n"
"else\n"
"    compdef _vmnctl vmnctl\n"
"fi\n";

void
completion_print(const struct completion *line, const char *word,
                 const char *about)
{
    if (!strncmp(word, line->current, strlen(line->current))
        && !word[strcspn(word, SHELL_CHARACTERS)]) {
        FILE *out = line->ctl->out;

        ctl_print_safely(out, line->prefix);
        ctl_print_safely(out, word);
        if (about) {
            putc('\t', out);
            ctl_print_safely(out, about);
        }
        putc('\n', out);
    }
}

void
completion_pass(struct completion *line, size_t n)
{
    char *prefix = xasprintf("%s%.*s", line->prefix, (int) n, line->current);

    free(line->prefix);
    line->prefix = prefix;
    line->current += n;
}

/* Prints the words of 'list', which 'separator' separates. */
static void
print_words(const struct completion *line, const char *list, size_t n,
            const char *separator)
{
    char *copy = xmemdup0(list, n), *save = NULL;

    for (char *word = strtok_r(copy, separator, &save); word;
         word = strtok_r(NULL, separator, &save)) {
        completion_print(line, word, NULL);
    }
    free(copy);
}

/* Words.  ---------------------------------------------------------------- */

static void
print_commands(const struct completion *line)
{
    for (const struct ctl_command *c = ctl_commands; c->name; c++) {
        completion_print(line, c->name, c->summary);
    }
}

static void
print_options(const struct completion *line)
{
    uint64_t options = (CTL_OPT_GLOBAL
                            | (line->command ? line->command->options : 0));
    struct ctl_option_info info;

    for (size_t i = 0; ctl_option_at(i, options, &info); i++) {
        char *name = xasprintf("--%s", info.name);

        completion_print(line, name, info.help);
        free(name);
    }
}

static void
print_values(struct completion *line)
{
    const struct ctl_option_info *option = &line->option;

    if (option->values) {
        print_words(line, option->values, strlen(option->values), " ");
    } else {
        completion_placeholder(line, option->arg, strlen(option->arg));
    }
}

/* Completes the next argument by the command's usage line: "TYPE [NAME...]",
 * "bash|zsh".  The last one may be repeated. */
static void
print_argument(struct completion *line)
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
                completion_placeholder(line, p + skip, kind_len);
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
find_option(struct completion *line, const char *word, const char **value)
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
apply_option(struct completion *line, const char *value)
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
parse_word(struct completion *line, const char *word)
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
complete(struct completion *line)
{
    const char *current = line->current;
    const char *value;

    if (line->wants) {
        print_values(line);
    } else if (!strncmp(current, "--", 2) && strchr(current, '=')) {
        if (find_option(line, current, &value) && line->option.arg) {
            line->wants = true;
            completion_pass(line, strcspn(current, "=") + 1);
            print_values(line);
        }
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
    struct completion line = { .ctl = ctl, .args = SVEC_EMPTY_INITIALIZER,
                               .prefix = xstrdup("") };
    bool known = n > 0;

    for (int i = 0; i + 1 < n && known; i++) {
        known = parse_word(&line, words[i]);
    }
    if (known) {
        line.current = words[n - 1];
        complete(&line);
    }
    svec_destroy(&line.args);
    free(line.prefix);
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
        return ctl_usage(ctl, "completion: must be bash or zsh, not \"%s\"",
                         args[n_args - 1]);
    }
    return CTL_DONE;
}
