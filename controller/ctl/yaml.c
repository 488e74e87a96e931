/* SPDX-License-Identifier: Apache-2.0
 *
 * Converts YAML to JSON; see yaml.h.  libyaml parses a document into events;
 * this file makes JSON values of them, and enforces limits. */

#include <config.h>

#include "controller/ctl/yaml.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "controller/ctl/yaml-scalar.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/shash.h"
#include "proto/text/byte-order-mark.h"
#include "util.h"

/* A value, and what an alias of it costs. */
struct node {
    json_t *json;               /* Owned. */
    size_t n_nodes;
    int height;                 /* 1 for a scalar. */
};

struct reader {
    yaml_parser_t parser;
    const char *text;           /* Of 'size' bytes, borrowed. */
    size_t size;
    struct shash anchors;       /* Of this document; data is struct node. */
    size_t n_nodes;             /* Of this input so far. */
    struct vmn_error why;       /* The first error, or not set. */
};

static int read_node(struct reader *, const yaml_event_t *, int depth,
                     struct node *);

static int OVS_PRINTF_FORMAT(3, 4)
fail(struct reader *reader, const yaml_mark_t *mark, const char *format, ...)
{
    if (!reader->why.text) {
        va_list args;
        char *text;

        va_start(args, format);
        text = xvasprintf(format, args);
        va_end(args);
        vmn_error_invalid(&reader->why, "line %"PRIuSIZE", column %"PRIuSIZE
                          ": %s", mark->line + 1, mark->column + 1, text);
        free(text);
    }
    return EINVAL;
}

/* Returns true if the line where the parser stopped is indented with a tab,
 * which it words as "cannot start any token". */
static bool
is_tab_indented(const struct reader *reader)
{
    const char *line = reader->text, *end = reader->text + reader->size;

    for (size_t i = 0; i < reader->parser.problem_mark.line; i++) {
        line = memchr(line, '\n', end - line);
        if (!line) {
            return false;
        }
        line++;
    }
    while (line < end && *line == ' ') {
        line++;
    }
    return line < end && *line == '\t';
}

/* Fetches the next event.  If it returns 0, the caller deletes the event. */
static int
next_event(struct reader *reader, yaml_event_t *event)
{
    yaml_parser_t *parser = &reader->parser;

    if (yaml_parser_parse(parser, event)) {
        return 0;
    }
    if (is_tab_indented(reader)) {
        return fail(reader, &parser->problem_mark, "a tab: YAML is indented "
                    "with spaces");
    }
    return fail(reader, &parser->problem_mark, "%s%s%s",
                parser->context ? parser->context : "",
                parser->context ? ": " : "",
                parser->problem ? parser->problem : "not YAML");
}

static int
count_nodes(struct reader *reader, const yaml_event_t *event, size_t n)
{
    reader->n_nodes += n;
    if (reader->n_nodes > CTL_YAML_NODES_MAX) {
        return fail(reader, &event->start_mark,
                    "more than %d values (an alias counts as all the values "
                    "it stands for)", CTL_YAML_NODES_MAX);
    }
    return 0;
}

/* Checks a tag: allowed are the core schema's tag of what the node is in any
 * case, and !!str, which makes a string of any scalar. */
static int
check_tag(struct reader *reader, const yaml_event_t *event,
          const yaml_char_t *tag_, const char *expected)
{
    const char *tag = (const char *) tag_;

    if (!tag || !strcmp(tag, "!") || !strcmp(tag, expected)) {
        return 0;
    }
    return fail(reader, &event->start_mark, "the tag \"%s\" is not supported "
                "here", tag);
}

static int
read_scalar(struct reader *reader, const yaml_event_t *event,
            struct node *node)
{
    const char *text = (const char *) event->data.scalar.value;
    size_t size = event->data.scalar.length;
    const yaml_char_t *tag = event->data.scalar.tag;
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !tag;
    struct vmn_error why = VMN_ERROR_INIT;

    if (check_tag(reader, event, tag, YAML_STR_TAG)) {
        return EINVAL;
    }
    node->json = (plain
                  ? ctl_yaml_scalar(text, size, &why)
                  : json_stringn(text, size));
    if (!node->json) {
        fail(reader, &event->start_mark, "%s",
             why.text ? why.text : "not valid UTF-8");
        vmn_error_uninit(&why);
        return EINVAL;
    }
    node->n_nodes = 1;
    node->height = 1;
    return 0;
}

static int
read_alias(struct reader *reader, const yaml_event_t *event, int depth,
           struct node *node)
{
    const char *name = (const char *) event->data.alias.anchor;
    const struct node *anchor = shash_find_data(&reader->anchors, name);

    /* An anchor is defined once its value is complete, so a value cannot
     * contain itself. */
    if (!anchor) {
        return fail(reader, &event->start_mark,
                    "the alias *%s has no complete anchor before it", name);
    }
    if (depth + anchor->height - 1 > CTL_YAML_DEPTH_MAX) {
        return fail(reader, &event->start_mark,
                    "nested more than %d levels deep", CTL_YAML_DEPTH_MAX);
    }
    if (count_nodes(reader, event, anchor->n_nodes)) {
        return EINVAL;
    }
    node->json = json_deep_copy(anchor->json);
    node->n_nodes = anchor->n_nodes;
    node->height = anchor->height;
    return 0;
}

static void
add_child(struct node *node, const struct node *child)
{
    node->n_nodes += child->n_nodes;
    node->height = MAX(node->height, child->height + 1);
}

static int
read_sequence(struct reader *reader, int depth, struct node *node)
{
    node->json = json_array();
    node->n_nodes = 1;
    node->height = 1;
    for (;;) {
        yaml_event_t event;
        struct node child;
        int error;

        if (next_event(reader, &event)) {
            return EINVAL;
        }
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            return 0;
        }
        error = read_node(reader, &event, depth + 1, &child);
        yaml_event_delete(&event);
        if (error) {
            return error;
        }
        json_array_append_new(node->json, child.json);
        add_child(node, &child);
    }
}

/* Checks the key in 'event' of a mapping that has been read into 'json' so
 * far. */
static int
check_key(struct reader *reader, const yaml_event_t *event,
          const json_t *json)
{
    const char *key;

    if (event->type != YAML_SCALAR_EVENT) {
        return fail(reader, &event->start_mark, "a key must be a string");
    }
    key = (const char *) event->data.scalar.value;
    if (strlen(key) != event->data.scalar.length) {
        return fail(reader, &event->start_mark, "a key holds a null byte");
    }
    if (!strcmp(key, "<<")
        && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        return fail(reader, &event->start_mark,
                    "merge keys (<<) are not supported");
    }
    if (json_object_get(json, key)) {
        return fail(reader, &event->start_mark,
                    "the key \"%s\" appears twice", key);
    }
    return 0;
}

static int
read_pair(struct reader *reader, const yaml_event_t *key, int depth,
          struct node *node)
{
    yaml_event_t event;
    struct node child;
    int error;

    if (check_key(reader, key, node->json) || next_event(reader, &event)) {
        return EINVAL;
    }
    error = read_node(reader, &event, depth + 1, &child);
    yaml_event_delete(&event);
    if (error) {
        return error;
    }
    if (json_object_set_new(node->json,
                            (const char *) key->data.scalar.value,
                            child.json)) {
        return fail(reader, &key->start_mark, "not valid UTF-8");
    }
    add_child(node, &child);
    return 0;
}

static int
read_mapping(struct reader *reader, int depth, struct node *node)
{
    node->json = json_object();
    node->n_nodes = 1;
    node->height = 1;
    for (;;) {
        yaml_event_t event;
        int error;

        if (next_event(reader, &event)) {
            return EINVAL;
        }
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            return 0;
        }
        error = read_pair(reader, &event, depth, node);
        yaml_event_delete(&event);
        if (error) {
            return error;
        }
    }
}

static void
set_anchor(struct reader *reader, const yaml_char_t *name_,
           const struct node *node)
{
    const char *name = (const char *) name_;

    if (name) {
        struct node *copy = xmemdup(node, sizeof *node);
        struct node *old;

        copy->json = json_deep_copy(node->json);
        old = shash_replace(&reader->anchors, name, copy);
        if (old) {
            json_decref(old->json);
            free(old);
        }
    }
}

static void
clear_anchors(struct reader *reader)
{
    struct shash_node *sn;

    SHASH_FOR_EACH (sn, &reader->anchors) {
        struct node *node = sn->data;

        json_decref(node->json);
    }
    shash_clear_free_data(&reader->anchors);
}

/* Reads the value that begins with 'event' into '*node', which is left empty
 * on failure. */
static int
read_node(struct reader *reader, const yaml_event_t *event, int depth,
          struct node *node)
{
    const yaml_char_t *anchor = NULL;
    int error = EINVAL;

    node->json = NULL;
    if (depth > CTL_YAML_DEPTH_MAX) {
        return fail(reader, &event->start_mark,
                    "nested more than %d levels deep", CTL_YAML_DEPTH_MAX);
    }
    if (event->type == YAML_ALIAS_EVENT) {
        return read_alias(reader, event, depth, node);
    }
    if (count_nodes(reader, event, 1)) {
        return EINVAL;
    }
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        error = read_scalar(reader, event, node);
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        error = check_tag(reader, event, event->data.sequence_start.tag,
                          YAML_SEQ_TAG);
        if (!error) {
            error = read_sequence(reader, depth, node);
        }
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        error = check_tag(reader, event, event->data.mapping_start.tag,
                          YAML_MAP_TAG);
        if (!error) {
            error = read_mapping(reader, depth, node);
        }
    } else {
        error = fail(reader, &event->start_mark, "a value is missing");
    }
    if (error) {
        json_decref(node->json);
        node->json = NULL;
        return error;
    }
    set_anchor(reader, anchor, node);
    return 0;
}

static int
read_document(struct reader *reader, json_t *docs)
{
    yaml_event_t event;
    struct node node;
    int error;

    if (next_event(reader, &event)) {
        return EINVAL;
    }
    error = read_node(reader, &event, 1, &node);
    yaml_event_delete(&event);
    clear_anchors(reader);
    if (error) {
        return error;
    }
    if (json_is_null(node.json)) {
        json_decref(node.json);
        return 0;
    }
    json_array_append_new(docs, node.json);
    return 0;
}

static int
read_stream(struct reader *reader, json_t *docs)
{
    for (;;) {
        yaml_event_t event;
        yaml_event_type_t type;

        if (next_event(reader, &event)) {
            return EINVAL;
        }
        type = event.type;
        yaml_event_delete(&event);
        if (type == YAML_STREAM_END_EVENT) {
            return 0;
        }
        if (type == YAML_DOCUMENT_START_EVENT
            && read_document(reader, docs)) {
            return EINVAL;
        }
    }
}

int
ctl_yaml_parse(const char *text, size_t size, json_t *docs,
               struct vmn_error *why)
{
    struct reader reader = { .why = VMN_ERROR_INIT };
    int retval;

    if (size > CTL_YAML_SIZE_MAX) {
        return vmn_error_invalid(why, "more than %d bytes",
                                 CTL_YAML_SIZE_MAX);
    }
    if (!yaml_parser_initialize(&reader.parser)) {
        out_of_memory();
    }
    /* libyaml skips a byte order mark, but counts it as a column. */
    reader.text = text + text_skip_bom(text, size);
    reader.size = size - text_skip_bom(text, size);
    shash_init(&reader.anchors);
    yaml_parser_set_input_string(&reader.parser,
                                 (const unsigned char *) reader.text,
                                 reader.size);
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    retval = read_stream(&reader, docs);
    clear_anchors(&reader);
    shash_destroy(&reader.anchors);
    yaml_parser_delete(&reader.parser);
    if (why) {
        vmn_error_uninit(why);
        *why = reader.why;
    } else {
        vmn_error_uninit(&reader.why);
    }
    return retval;
}
