/* SPDX-License-Identifier: Apache-2.0
 *
 * Converts JSON to YAML; see yaml.h.  Block style, keys in the order of the
 * object, and quotes where a string would be read as another type. */

#include <config.h>

#include "controller/ctl/yaml.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "controller/ctl/yaml-scalar.h"
#include "openvswitch/dynamic-string.h"
#include "proto/text/quoted-text.h"
#include "util.h"

/* libyaml's emitter fails only if memory is exhausted, or on events in the
 * wrong order, which would be a bug in this file. */
static void
emit(yaml_emitter_t *emitter, yaml_event_t *event, int initialized)
{
    if (!initialized || !yaml_emitter_emit(emitter, event)) {
        ovs_abort(0, "YAML emitter: %s",
                  emitter->problem ? emitter->problem : "no memory");
    }
}

static void
emit_scalar(yaml_emitter_t *emitter, const char *text, size_t size,
            yaml_scalar_style_t style)
{
    /* The emitter's type of text; it copies the text. */
    const yaml_char_t *value = (const yaml_char_t *) text;
    yaml_event_t event;

    emit(emitter, &event,
         yaml_scalar_event_initialize(&event, NULL, NULL,
                                      CONST_CAST(yaml_char_t *, value),
                                      (int) size, 1, 1, style));
}

static void
emit_string(yaml_emitter_t *emitter, const char *text, size_t size)
{
    bool plain = ctl_yaml_is_plain(text, size);

    /* The emitter adds quotes where plain text is not allowed. */
    emit_scalar(emitter, text, size,
                !plain ? YAML_DOUBLE_QUOTED_SCALAR_STYLE
                : memchr(text, '\n', size) ? YAML_LITERAL_SCALAR_STYLE
                : YAML_ANY_SCALAR_STYLE);
}

/* Returns the number as readers of YAML 1.1 need it: with a point before an
 * exponent, and the exponent's sign.  Takes 'text'. */
static char *
complete_real(char *text)
{
    char *exponent = strchr(text, 'e');
    char *complete;

    if (!exponent) {
        return text;
    }
    *exponent++ = '\0';
    complete = xasprintf("%s%se%s%s", text, strchr(text, '.') ? "" : ".0",
                         strchr("+-", *exponent) ? "" : "+", exponent);
    free(text);
    return complete;
}

static void
emit_number(yaml_emitter_t *emitter, const json_t *json)
{
    /* The shortest of the two precisions, 15 and 17 digits, that is read back
     * unchanged. */
    size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(15);
    char *text = json_dumps(json, flags);

    if (text && json_is_real(json) && strtod(text, NULL)
                                      != json_real_value(json)) {
        free(text);
        text = json_dumps(json, JSON_ENCODE_ANY);
    }
    if (!text) {
        out_of_memory();
    }
    if (json_is_real(json)) {
        text = complete_real(text);
    }
    emit_scalar(emitter, text, strlen(text), YAML_PLAIN_SCALAR_STYLE);
    free(text);
}

static void emit_value(yaml_emitter_t *, const json_t *);

static void
emit_array(yaml_emitter_t *emitter, const json_t *json)
{
    yaml_sequence_style_t style = (json_array_size(json)
                                   ? YAML_BLOCK_SEQUENCE_STYLE
                                   : YAML_FLOW_SEQUENCE_STYLE);
    yaml_event_t event;
    json_t *value;
    size_t i;

    emit(emitter, &event,
         yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, style));
    json_array_foreach (json, i, value) {
        emit_value(emitter, value);
    }
    emit(emitter, &event, yaml_sequence_end_event_initialize(&event));
}

static void
emit_object(yaml_emitter_t *emitter, const json_t *json)
{
    yaml_mapping_style_t style = (json_object_size(json)
                                  ? YAML_BLOCK_MAPPING_STYLE
                                  : YAML_FLOW_MAPPING_STYLE);
    json_t *object = CONST_CAST(json_t *, json);
    yaml_event_t event;
    const char *key;
    json_t *value;

    emit(emitter, &event,
         yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, style));
    json_object_foreach (object, key, value) {
        emit_string(emitter, key, strlen(key));
        emit_value(emitter, value);
    }
    emit(emitter, &event, yaml_mapping_end_event_initialize(&event));
}

static void
emit_value(yaml_emitter_t *emitter, const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        emit_object(emitter, json);
        break;
    case JSON_ARRAY:
        emit_array(emitter, json);
        break;
    case JSON_STRING:
        emit_string(emitter, json_string_value(json),
                    json_string_length(json));
        break;
    case JSON_INTEGER:
    case JSON_REAL:
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
    default:
        emit_number(emitter, json);
        break;
    }
}

static int
write_to_ds(void *ds, unsigned char *buffer, size_t size)
{
    ds_put_buffer(ds, (const char *) buffer, size);
    return 1;
}

void
ctl_yaml_print(const json_t *json, struct ds *ds)
{
    yaml_emitter_t emitter;
    yaml_event_t event;

    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);

    if (!text || !yaml_emitter_initialize(&emitter)) {
        out_of_memory();
    }
    yaml_emitter_set_output(&emitter, write_to_ds, ds);
    /* Else each character beyond ASCII is an escape: the emitter writes some
     * as they are that a terminal must not get. */
    yaml_emitter_set_unicode(&emitter, !text_needs_quoting(text));
    free(text);
    yaml_emitter_set_width(&emitter, -1);
    emit(&emitter, &event,
         yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
    emit(&emitter, &event,
         yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
    emit_value(&emitter, json);
    emit(&emitter, &event, yaml_document_end_event_initialize(&event, 1));
    emit(&emitter, &event, yaml_stream_end_event_initialize(&event));
    yaml_emitter_delete(&emitter);
}
