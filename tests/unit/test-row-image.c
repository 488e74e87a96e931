/* SPDX-License-Identifier: Apache-2.0
 *
 * controller/worker/row-image: what is opened is what was put, in rows of all
 * tables that apps read, and inside of the image; any other bytes are no
 * image, or one that can be read. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "controller/schema/arena.h"
#include "controller/schema/schema-row.h"
#include "controller/worker/row-image.h"
#include "openvswitch/ofpbuf.h"
#include "random.h"
#include "util.h"

/* Rows of each table that are made up. */
#define N_ROWS 100
#define N_DAMAGED 20

/* Making up rows: of each table, with all fields, from random numbers. */

struct maker {
    struct arena *arena;
    uint8_t background;         /* What is between the fields. */
};

static const char *
make_text(struct maker *m)
{
    size_t n = random_range(12);
    char *text = arena_alloc(m->arena, n + 1);

    for (size_t i = 0; i < n; i++) {
        text[i] = 'a' + random_range(26);
    }
    return text;
}

static void *
make_array(struct maker *m, size_t n, size_t size)
{
    void *array = arena_alloc(m->arena, n * size);

    memset(array, m->background, n * size);
    return array;
}

static const char **
make_texts(struct maker *m, size_t n)
{
    const char **texts = make_array(m, n, sizeof *texts);

    for (size_t i = 0; i < n; i++) {
        texts[i] = make_text(m);
    }
    return texts;
}

static void
make_labels(struct maker *m, struct vmn_labels *labels)
{
    struct vmn_label *array;

    labels->n = random_range(4);
    array = make_array(m, labels->n, sizeof *array);
    for (size_t i = 0; i < labels->n; i++) {
        array[i].key = make_text(m);
        array[i].value = make_text(m);
    }
    labels->labels = array;
}

static void
make_selector(struct maker *m, struct vmn_selector *selector)
{
    struct vmn_selector_term *terms;

    selector->text = random_range(4) ? make_text(m) : NULL;
    selector->n_terms = selector->text ? random_range(4) : 0;
    terms = make_array(m, selector->n_terms, sizeof *terms);
    for (size_t i = 0; i < selector->n_terms; i++) {
        terms[i].op = random_range(4);
        terms[i].key = make_text(m);
        terms[i].n_values = random_range(4);
        terms[i].values = make_texts(m, terms[i].n_values);
    }
    selector->terms = terms;
}

static void make_struct(struct maker *, const struct schema_struct *,
                        char *dst);

static void
make_value(struct maker *m, const struct schema_field *f, void *dst)
{
    size_t size = schema_element_size(f);

    if (f->type == SCHEMA_STRING || f->type == SCHEMA_REF) {
        *(const char **) dst = random_range(4) ? make_text(m) : NULL;
    } else if (f->type == SCHEMA_LABELS) {
        make_labels(m, dst);
    } else if (f->type == SCHEMA_SELECTOR) {
        make_selector(m, dst);
    } else if (f->type == SCHEMA_STRUCT) {
        make_struct(m, f->nested, dst);
    } else if (f->type == SCHEMA_BOOL || f->type == SCHEMA_ENUM_SET) {
        for (size_t i = 0; i < size; i++) {
            ((bool *) dst)[i] = random_range(2);
        }
    } else {
        random_bytes(dst, size);
    }
}

static void
make_field(struct maker *m, const struct schema_field *f, char *dst,
           size_t offset, size_t n_offset)
{
    size_t size = schema_element_size(f);

    if (!(f->flags & SCHEMA_LIST)) {
        make_value(m, f, dst + offset);
        return;
    }

    size_t n = random_range(4);
    char *array = make_array(m, n, size);
    for (size_t i = 0; i < n; i++) {
        make_value(m, f, array + i * size);
    }
    *(size_t *) (void *) (dst + n_offset) = n;
    *(char **) (void *) (dst + offset) = array;
}

static void
make_struct(struct maker *m, const struct schema_struct *s, char *dst)
{
    for (const struct schema_field *f = s->fields; f->name; f++) {
        make_field(m, f, dst, f->offset, f->n_offset);
        if (f->flags & SCHEMA_ASSIGNED) {
            make_field(m, f, dst, f->assigned_offset, f->assigned_n_offset);
        }
    }
}

/* Returns a row, the same for the same 'seed'. */
static struct vmn_row *
make_row(struct arena *arena, const struct schema_table *table, uint32_t seed,
         uint8_t background)
{
    struct maker m = { arena, background };
    struct vmn_row *row = make_array(&m, 1, table->row.size);

    random_set_seed(seed);
    row->name = make_text(&m);
    row->table = table->id;
    make_struct(&m, &table->row, (char *) row);
    return row;
}

/* Images.  They are opened in memory of just their size, so that the sanitizer
 * sees what goes beyond. */

static void *
image_of(const struct vmn_row *row, size_t *size)
{
    struct ofpbuf out;
    void *image;

    ofpbuf_init(&out, 0);
    *size = row_image_put(&out, row, row->table);
    assert_int_equal(*size, out.size);
    assert_int_equal(*size % ROW_IMAGE_ALIGN, 0);
    image = xmemdup(out.data, out.size);
    ofpbuf_uninit(&out);
    return image;
}

/* Reading all of what was opened. */

struct inside {
    const char *first, *end;    /* Where it must be. */
    size_t sum;                 /* Of lengths of texts, so that they are
                                 * read. */
};

static void
check_block(const struct inside *in, const void *block, size_t n, size_t size)
{
    if (block || n) {
        const char *p = block;

        assert_true(p >= in->first && p < in->end);
        assert_true(n <= (size_t) (in->end - p) / size);
        assert_int_equal((uintptr_t) p % ROW_IMAGE_ALIGN, 0);
    }
}

static void
check_text(struct inside *in, const char *text)
{
    if (text) {
        check_block(in, text, 1, 1);
        in->sum += strlen(text);
    }
}

static void
check_texts(struct inside *in, const char *const *texts, size_t n)
{
    check_block(in, texts, n, sizeof *texts);
    for (size_t i = 0; i < n; i++) {
        check_text(in, texts[i]);
    }
}

static void
check_labels(struct inside *in, const struct vmn_labels *labels)
{
    check_block(in, labels->labels, labels->n, sizeof *labels->labels);
    for (size_t i = 0; i < labels->n; i++) {
        check_text(in, labels->labels[i].key);
        check_text(in, labels->labels[i].value);
    }
}

static void
check_selector(struct inside *in, const struct vmn_selector *selector)
{
    check_text(in, selector->text);
    check_block(in, selector->terms, selector->n_terms,
                sizeof *selector->terms);
    for (size_t i = 0; i < selector->n_terms; i++) {
        check_text(in, selector->terms[i].key);
        check_texts(in, selector->terms[i].values,
                    selector->terms[i].n_values);
    }
}

static void check_struct(struct inside *, const struct schema_struct *,
                         const char *src);

static void
check_value(struct inside *in, const struct schema_field *f, const void *src)
{
    if (f->type == SCHEMA_STRING || f->type == SCHEMA_REF) {
        check_text(in, *(const char *const *) src);
    } else if (f->type == SCHEMA_LABELS) {
        check_labels(in, src);
    } else if (f->type == SCHEMA_SELECTOR) {
        check_selector(in, src);
    } else if (f->type == SCHEMA_STRUCT) {
        check_struct(in, f->nested, src);
    }
}

static void
check_field(struct inside *in, const struct schema_field *f, const char *src,
            size_t offset, size_t n_offset)
{
    if (!(f->flags & SCHEMA_LIST)) {
        check_value(in, f, src + offset);
        return;
    }

    size_t size = schema_element_size(f);
    size_t n = *(const size_t *) (const void *) (src + n_offset);
    const char *array = *(const char *const *) (const void *) (src + offset);

    check_block(in, array, n, size);
    for (size_t i = 0; i < n; i++) {
        check_value(in, f, array + i * size);
    }
}

static void
check_struct(struct inside *in, const struct schema_struct *s,
             const char *src)
{
    for (const struct schema_field *f = s->fields; f->name; f++) {
        check_field(in, f, src, f->offset, f->n_offset);
        if (f->flags & SCHEMA_ASSIGNED) {
            check_field(in, f, src, f->assigned_offset, f->assigned_n_offset);
        }
    }
}

static void
check_row(const void *image, size_t size, const struct vmn_row *row)
{
    struct inside in = { image, (const char *) image + size, 0 };

    assert_ptr_equal(image, row);
    assert_non_null(row->name);
    check_text(&in, row->name);
    check_struct(&in, &schema_tables[row->table]->row, (const char *) row);
}

/* Comparing rows, also in what schema_row_same_meaning() passes over: terms of
 * selectors. */

static void
assert_same_selectors(const struct schema_struct *s, const void *a,
                      const void *b)
{
    for (const struct schema_field *f = s->fields; f->name; f++) {
        if (f->type != SCHEMA_SELECTOR) {
            continue;           /* There are none in nested structs. */
        }

        const struct vmn_selector *as = (const void *) ((const char *) a
                                                        + f->offset);
        const struct vmn_selector *bs = (const void *) ((const char *) b
                                                        + f->offset);
        assert_int_equal(as->n_terms, bs->n_terms);
        for (size_t i = 0; i < as->n_terms; i++) {
            const struct vmn_selector_term *at = &as->terms[i];
            const struct vmn_selector_term *bt = &bs->terms[i];

            assert_int_equal(at->op, bt->op);
            assert_string_equal(at->key, bt->key);
            assert_int_equal(at->n_values, bt->n_values);
            for (size_t j = 0; j < at->n_values; j++) {
                assert_string_equal(at->values[j], bt->values[j]);
            }
        }
    }
}

static void
assert_same(const struct vmn_row *a, const struct vmn_row *b)
{
    const struct schema_table *table = schema_tables[a->table];
    const struct schema_field *f = schema_find_field(&table->row,
                                                     "description");

    assert_int_equal(a->table, b->table);
    assert_string_equal(a->name, b->name);
    assert_true(schema_row_same_meaning(a, b));
    assert_true(schema_row_same_labels(a, b));
    assert_same_selectors(&table->row, a, b);
    if (f) {
        assert_null(*(const char *const *) (const void *) ((const char *) b
                                                           + f->offset));
    }
}

/* Puts and opens a row; puts that again, and gets the same image. */
static void
check_image_of(const struct vmn_row *row)
{
    size_t size, size_again;
    void *image = image_of(row, &size);
    void *bytes = xmemdup(image, size);
    struct vmn_row *opened = row_image_open(bytes, size);

    check_row(bytes, size, opened);
    assert_same(row, opened);

    void *again = image_of(opened, &size_again);
    assert_int_equal(size, size_again);
    assert_memory_equal(image, again, size);
    free(again);
    free(bytes);
    free(image);
}

/* Calls 'cb' for an empty row of each table that apps read, its examples, and
 * rows that are made up. */
static void
for_rows(void (*cb)(const struct vmn_row *), uint32_t n_made_up)
{
    for (size_t i = 0; i < VMN_TABLE_OWN_FIRST; i++) {
        const struct schema_table *table = schema_tables[i];
        const struct schema_example *example = table->examples;
        struct arena arena;

        if (!table->row_type) {
            continue;
        }
        arena_init(&arena);

        struct vmn_row *empty = arena_alloc(&arena, table->row.size);
        empty->name = "";
        empty->table = table->id;
        cb(empty);
        for (; example && example->name; example++) {
            json_t *spec = json_loads(example->spec, 0, NULL);
            struct vmn_errors errors;

            vmn_errors_init(&errors);
            struct vmn_row *row = schema_row_parse(table, example->name, spec,
                                                   "", &arena, &errors);
            assert_non_null(row);
            cb(row);
            vmn_errors_uninit(&errors);
            json_decref(spec);
        }
        for (uint32_t seed = 1; seed <= n_made_up; seed++) {
            cb(make_row(&arena, table, seed, 0));
        }
        arena_uninit(&arena);
    }
}

/* Tests. */

static void
row_is_opened_as_it_was_put(void **state OVS_UNUSED)
{
    for_rows(check_image_of, N_ROWS);
}

static void
assigned_values_are_in_it(void **state OVS_UNUSED)
{
    struct vmn_ip ips[] = { { .family = 4, .addr = { 10, 0, 0, 1 } },
                            { .family = 6, .addr = { 0xfd } } };
    struct vmn_port port = {
        .row = { .name = "p", .table = VMN_TABLE_PORT },
        .description = "not for apps",
        .network = "n",
        .mac = { { 2, 0, 0, 0, 0, 1 } },
        .n_ips = 2,
        .ips = ips,
    };
    size_t size;
    void *image = image_of(&port.row, &size);
    const struct vmn_port *opened = (void *) row_image_open(image, size);

    assert_non_null(opened);
    assert_string_equal(opened->network, "n");
    assert_true(vmn_mac_equal(opened->mac, port.mac));
    assert_true(vmn_mac_equal(opened->want_mac, port.want_mac));
    assert_int_equal(opened->n_want_ips, 0);
    assert_int_equal(opened->n_ips, 2);
    assert_memory_equal(opened->ips, ips, sizeof ips);
    assert_null(opened->description);
    free(image);
}

/* What is between the fields of structs, and reserved, is not in the image. */
static void
equal_rows_have_equal_images(void **state OVS_UNUSED)
{
    for (size_t i = 0; i < VMN_TABLE_OWN_FIRST; i++) {
        for (uint32_t seed = 1; seed <= N_ROWS; seed++) {
            size_t a_size, b_size;
            struct arena arena;

            arena_init(&arena);
            void *a = image_of(make_row(&arena, schema_tables[i], seed, 0),
                               &a_size);
            void *b = image_of(make_row(&arena, schema_tables[i], seed, 0xa5),
                               &b_size);
            assert_int_equal(a_size, b_size);
            assert_memory_equal(a, b, a_size);
            free(a);
            free(b);
            arena_uninit(&arena);
        }
    }
}

/* Opens a copy of an image, and reads all of it if it can be opened. */
static void
try_open(const void *image, size_t size)
{
    void *bytes = xmemdup(image, size);
    struct vmn_row *row = row_image_open(bytes, size);

    if (row) {
        check_row(bytes, size, row);
    }
    free(bytes);
}

static void
check_damaged(const struct vmn_row *row)
{
    size_t size;
    uint8_t *image = image_of(row, &size);

    for (size_t i = 0; i < size; i++) {
        uint8_t byte = image[i];
        void *bytes = xmemdup(image, i);

        assert_null(row_image_open(bytes, i));
        free(bytes);
        image[i] = 0xff;
        try_open(image, size);
        image[i] = byte + 1;
        try_open(image, size);
        image[i] = byte;
    }

    /* All of a word: numbers that are too large for multiplication. */
    for (size_t i = 0; i + sizeof(size_t) <= size; i += sizeof(size_t)) {
        size_t word;

        memcpy(&word, image + i, sizeof word);
        for (int shift = 0; shift < 6; shift++) {
            size_t large = SIZE_MAX >> shift;

            memcpy(image + i, &large, sizeof large);
            try_open(image, size);
            large++;
            memcpy(image + i, &large, sizeof large);
            try_open(image, size);
        }
        memcpy(image + i, &word, sizeof word);
    }

    for (int i = 0; i < 100; i++) {
        uint8_t *damaged = xmemdup(image, size);

        for (int j = 0; j < 4; j++) {
            damaged[random_range(size)] = random_range(4);
        }
        try_open(damaged, size);
        free(damaged);
    }
    free(image);
}

/* An image is all of the bytes, and a row has a name. */
static void
check_ends(const struct vmn_row *row)
{
    size_t size;
    void *image = image_of(row, &size);
    uint8_t *longer = xzalloc(size + ROW_IMAGE_ALIGN);

    memcpy(longer, image, size);
    assert_null(row_image_open(longer, size + ROW_IMAGE_ALIGN));
    free(longer);
    assert_non_null(row_image_open(image, size));
    free(image);
}

static void
more_than_an_image_is_none(void **state OVS_UNUSED)
{
    for_rows(check_ends, 1);
}

static void
row_without_a_name_is_none(void **state OVS_UNUSED)
{
    struct vmn_vif vif = { .row.table = VMN_TABLE_VIF, .host = "h" };
    size_t size;
    void *image = image_of(&vif.row, &size);

    assert_null(row_image_open(image, size));
    free(image);
}

static void
other_bytes_do_no_harm(void **state OVS_UNUSED)
{
    for_rows(check_damaged, N_DAMAGED);
}

static void
tables_that_apps_do_not_read_are_no_rows(void **state OVS_UNUSED)
{
    struct arena arena;

    arena_init(&arena);
    for (size_t i = 0; i < VMN_TABLE_OWN_FIRST; i++) {
        size_t size;
        void *image = image_of(make_row(&arena, schema_tables[i], 1, 0),
                               &size);

        assert_int_equal(!row_image_open(image, size),
                         !schema_tables[i]->row_type);
        free(image);
    }
    arena_uninit(&arena);
}

/* Images stand behind anything, and behind each other. */
static void
images_share_a_buffer(void **state OVS_UNUSED)
{
    struct vmn_row row = { .name = "h/tap", .table = VMN_TABLE_VIF };
    struct vmn_vif vif = { .row = row, .host = "h", .ofport = 7 };
    struct ofpbuf out;

    ofpbuf_init(&out, 0);
    ofpbuf_put(&out, "abc", 3);

    size_t size = row_image_put(&out, &vif.row, vif.row.table);
    assert_int_equal(out.size, 8 + size);
    ofpbuf_put(&out, "d", 1);
    assert_int_equal(row_image_put(&out, &vif.row, vif.row.table), size);
    assert_int_equal(out.size, 2 * (8 + size));
    assert_memory_equal(out.data, "abc\0\0\0\0\0", 8);
    assert_memory_equal((char *) out.data + 8 + size, "d\0\0\0\0\0\0\0", 8);

    const struct vmn_vif *opened = (void *) row_image_open(
        (char *) out.data + 2 * 8 + size, size);
    assert_non_null(opened);
    assert_string_equal(opened->row.name, "h/tap");
    assert_string_equal(opened->host, "h");
    assert_null(opened->iface_id);
    assert_int_equal(opened->ofport, 7);
    ofpbuf_uninit(&out);
}

static void
check_names(const struct vmn_names *names)
{
    struct ofpbuf out;

    ofpbuf_init(&out, 0);
    size_t size = names_image_put(&out, names);
    for (size_t i = 0; i <= size; i++) {
        void *bytes = xmemdup(out.data, i);
        struct inside in = { bytes, (char *) bytes + i, 0 };
        struct vmn_names opened;

        assert_int_equal(names_image_open(bytes, i, &opened), i == size);
        if (i == size) {
            check_texts(&in, opened.names, opened.n);
            assert_int_equal(opened.n, names->n);
            for (size_t j = 0; j < opened.n; j++) {
                assert_string_equal(opened.names[j], names->names[j]);
            }
        }
        free(bytes);
    }
    for (size_t i = 0; i < size; i++) {
        uint8_t *bytes = xmemdup(out.data, size);
        struct inside in = { (char *) bytes, (char *) bytes + size, 0 };
        struct vmn_names opened;

        bytes[i] = 0xff;
        if (names_image_open(bytes, size, &opened)) {
            check_texts(&in, opened.names, opened.n);
        }
        free(bytes);
    }
    ofpbuf_uninit(&out);
}

static void
names_are_opened_as_they_were_put(void **state OVS_UNUSED)
{
    const char *const names[] = { "a", "", "a-name-of-16-char", "1234567" };

    for (size_t n = 0; n <= ARRAY_SIZE(names); n++) {
        check_names(&(struct vmn_names) { n, n ? names : NULL });
    }
}

static void
check_labels_image(const struct vmn_labels *labels)
{
    struct ofpbuf out;

    ofpbuf_init(&out, 0);
    size_t size = labels_image_put(&out, labels);
    for (size_t i = 0; i <= size; i++) {
        void *bytes = xmemdup(out.data, i);
        struct inside in = { bytes, (char *) bytes + i, 0 };
        struct vmn_labels opened;

        assert_int_equal(labels_image_open(bytes, i, &opened), i == size);
        if (i == size) {
            check_labels(&in, &opened);
            assert_int_equal(opened.n, labels->n);
            for (size_t j = 0; j < opened.n; j++) {
                assert_string_equal(opened.labels[j].key,
                                    labels->labels[j].key);
                assert_string_equal(opened.labels[j].value,
                                    labels->labels[j].value);
            }
        }
        free(bytes);
    }
    for (size_t i = 0; i < size; i++) {
        uint8_t *bytes = xmemdup(out.data, size);
        struct inside in = { (char *) bytes, (char *) bytes + size, 0 };
        struct vmn_labels opened;

        bytes[i] = 0xff;
        if (labels_image_open(bytes, size, &opened)) {
            check_labels(&in, &opened);
        }
        free(bytes);
    }
    ofpbuf_uninit(&out);
}

static void
labels_are_opened_as_they_were_put(void **state OVS_UNUSED)
{
    const struct vmn_label labels[] = { { "a", "" }, { "tier", "web" } };

    for (size_t n = 0; n <= ARRAY_SIZE(labels); n++) {
        check_labels_image(&(struct vmn_labels) { n, n ? labels : NULL });
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_is_opened_as_it_was_put),
        cmocka_unit_test(assigned_values_are_in_it),
        cmocka_unit_test(equal_rows_have_equal_images),
        cmocka_unit_test(other_bytes_do_no_harm),
        cmocka_unit_test(more_than_an_image_is_none),
        cmocka_unit_test(row_without_a_name_is_none),
        cmocka_unit_test(tables_that_apps_do_not_read_are_no_rows),
        cmocka_unit_test(images_share_a_buffer),
        cmocka_unit_test(names_are_opened_as_they_were_put),
        cmocka_unit_test(labels_are_opened_as_they_were_put),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
