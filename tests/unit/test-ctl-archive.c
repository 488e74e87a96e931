/* SPDX-License-Identifier: Apache-2.0
 *
 * What vmnctl support-bundle is made of: the archive with its list, secrets
 * that are left out, and a server that is not there. */

#include <config.h>

#include <archive.h>
#include <archive_entry.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "controller/ctl/support-archive.h"
#include "controller/schema/schema-own.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/ctl-fixture.h"
#include "util.h"

static char dir[] = "/tmp/vmnctl-bundle-test-XXXXXX";

static int
setup(void **state OVS_UNUSED)
{
    strcpy(dir + sizeof dir - 7, "XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int
teardown(void **state OVS_UNUSED)
{
    char *command = xasprintf("rm -r %s", dir);
    int error = system(command);

    free(command);
    return error;
}

/* The file 'name' in the archive at 'path', as text; NULL: it is not in it.
 * The caller frees it. */
static char *
read_entry(const char *path, const char *name)
{
    struct archive *archive = archive_read_new();
    struct archive_entry *entry;
    char *text = NULL;

    archive_read_support_filter_gzip(archive);
    archive_read_support_format_tar(archive);
    assert_int_equal(archive_read_open_filename(archive, path, 65536),
                     ARCHIVE_OK);
    while (!text && archive_read_next_header(archive, &entry) == ARCHIVE_OK) {
        if (!strcmp(archive_entry_pathname(entry), name)) {
            size_t size = (size_t) archive_entry_size(entry);

            text = xzalloc(size + 1);
            assert_int_equal(archive_read_data(archive, text, size), size);
            assert_int_equal(archive_entry_perm(entry), 0600);
        }
    }
    archive_read_free(archive);
    return text;
}

static size_t
count_files(void)
{
    char *command = xasprintf("ls -A %s | wc -l", dir);
    FILE *pipe = popen(command, "r");
    size_t n = 99;

    assert_int_equal(fscanf(pipe, "%"PRIuSIZE, &n), 1);
    pclose(pipe);
    free(command);
    return n;
}

static void
secrets_are_left_out(void **state OVS_UNUSED)
{
    json_t *json = json_loads(
        "{\"name\": \"a\", \"api_token\": \"x\", \"deep\": [{\"PASSWORD\":"
        " \"y\", \"tokens\": 3, \"sha256\": \"0a\", \"key\": \"k\","
        " \"private_key\": \"z\"}]}", 0, NULL);
    size_t n = 0;
    json_t *stripped = ctl_archive_strip(json, &n);
    char *text = json_dumps(stripped, JSON_COMPACT);

    assert_string_equal(text, "{\"name\":\"a\",\"api_token\":\"(left out)\","
                        "\"deep\":[{\"PASSWORD\":\"(left out)\","
                        "\"tokens\":3,\"sha256\":\"(left out)\",\"key\":\"k\","
                        "\"private_key\":\"(left out)\"}]}");
    assert_int_equal(n, 4);
    free(text);
    json_decref(stripped);
    json_decref(json);
}

/* The type of an app says which fields these are; what it does not say of a
 * field is left out. */
static void
secrets_of_apps_types_are_left_out(void **state OVS_UNUSED)
{
    json_t *spec = json_loads(
        "{\"app\": \"vault\", \"singular\": \"safe\", \"doc\": \"D.\","
        " \"fields\": [{\"name\": \"pin\", \"type\": \"text\","
        " \"secret\": true, \"doc\": \"D.\"}, {\"name\": \"code_word\","
        " \"type\": \"text\", \"secret\": true, \"lines\": true,"
        " \"doc\": \"D.\"}, {\"name\": \"where\", \"type\": \"text\","
        " \"doc\": \"D.\"}, {\"name\": \"token\", \"type\": \"text\","
        " \"secret\": true, \"doc\": \"D.\"}]}", 0, NULL);
    json_t *objects = json_loads(
        "[{\"name\": \"a\", \"spec\": {\"labels\": {\"pin\": \"no\"},"
        " \"pin\": \"x\", \"where\": \"here\", \"code_word\": \"y\\nz\"},"
        " \"status\": {\"pin\": \"no\"}}, {\"name\": \"b\", \"spec\":"
        " {\"token\": \"x\", \"since\": [\"x\"], \"description\": \"d\"}}]",
        0, NULL);
    struct vmn_errors errors;
    const struct schema_table *type;
    size_t n = 0;

    vmn_errors_init(&errors);
    type = schema_own_parse("safes", spec, &errors);
    assert_non_null(type);
    json_t *first = ctl_archive_strip_objects(objects, type, &n);
    json_t *stripped = ctl_archive_strip(first, &n);
    char *text = json_dumps(stripped, JSON_COMPACT);

    assert_string_equal(
        text, "[{\"name\":\"a\",\"spec\":{\"labels\":{\"pin\":\"no\"},"
        "\"pin\":\"(left out)\",\"where\":\"here\",\"code_word\":"
        "\"(left out)\"},\"status\":{\"pin\":\"no\"}},{\"name\":\"b\","
        "\"spec\":{\"token\":\"(left out)\",\"since\":\"(left out)\","
        "\"description\":\"d\"}}]");
    assert_int_equal(n, 4);
    free(text);
    json_decref(stripped);
    json_decref(first);
    json_decref(objects);
    json_decref(spec);
    vmn_errors_uninit(&errors);
}

static void
bundle_has_a_list_of_what_is_in_it(void **state OVS_UNUSED)
{
    char *path = xasprintf("%s/b.tar.gz", dir), *text;
    json_t *json = json_pack("{s:s}", "secret", "sesame");
    json_t *about = json_pack("{s:s}", "server", "here");
    struct stat st;

    struct ctl_archive *bundle = ctl_archive_create(path, "top", NULL);
    assert_non_null(bundle);
    ctl_archive_add(bundle, "a.txt", "words", "hello", 5);
    ctl_archive_add_json(bundle, "sub/b.json", "an object", json);
    ctl_archive_omit(bundle, "log", "not ours");
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(ctl_archive_close(bundle, about, NULL), 0);

    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(count_files(), 1);
    text = read_entry(path, "top/a.txt");
    assert_string_equal(text, "hello");
    free(text);
    text = read_entry(path, "top/sub/b.json");
    assert_null(strstr(text, "sesame"));
    free(text);
    text = read_entry(path, "top/manifest.json");
    json_t *manifest = json_loads(text, 0, NULL);
    free(text);
    text = json_dumps(manifest, JSON_COMPACT);
    assert_string_equal(
        text, "{\"server\":\"here\",\"files\":["
              "{\"name\":\"a.txt\",\"description\":\"words\",\"bytes\":5},"
              "{\"name\":\"sub/b.json\",\"description\":\"an object\",\"bytes\":27}],"
              "\"omitted\":[{\"what\":\"log\",\"why\":\"not ours\"},"
              "{\"what\":\"secrets\",\"why\":\"1 value of fields that are secret, "
              "or named like secrets\"}]}");
    free(text);
    json_decref(manifest);
    json_decref(about);
    json_decref(json);
    free(path);
}

static void
bundle_that_cannot_be_made_is_none(void **state OVS_UNUSED)
{
    char *path = xasprintf("%s/none/b.tar.gz", dir);
    struct vmn_error why = VMN_ERROR_INIT;

    assert_null(ctl_archive_create(path, "top", &why));
    assert_non_null(strstr(why.text, "No such file or directory"));
    vmn_error_uninit(&why);
    free(path);
    /* Its name is a folder's. */
    struct ctl_archive *bundle = ctl_archive_create(dir, "top", &why);
    assert_non_null(bundle);
    json_t *about = json_object();
    assert_int_equal(ctl_archive_close(bundle, about, &why), EISDIR);
    assert_non_null(strstr(why.text, "directory"));
    vmn_error_uninit(&why);
    json_decref(about);
    assert_int_equal(count_files(), 0);
}

/* What there is without a server is in it all the same. */
static void
a_server_that_is_not_there_is_told(void **state OVS_UNUSED)
{
    char *path = xasprintf("%s/b.tar.gz", dir);
    char *line = xasprintf("support-bundle %s --unixctl %s/none", path, dir);
    char *name = NULL, *text = NULL;
    struct run result;

    run(&result, "unix:/nonexistent/vmnd.sock", "", line);
    assert_int_equal(result.status, CTL_UNREACHABLE);
    assert_non_null(strstr(result.err, "omitted in its manifest.json"));
    assert_non_null(strstr(result.out, path));
    run_uninit(&result);
    name = xasprintf("tar -tzf %s | grep manifest.json", path);
    FILE *pipe = popen(name, "r");
    char entry[256] = "";
    assert_int_equal(fscanf(pipe, "%255s", entry), 1);
    pclose(pipe);
    text = read_entry(path, entry);
    assert_non_null(strstr(text, "\"system.txt\""));
    assert_non_null(strstr(text, "cannot reach vmnd at "));
    assert_non_null(strstr(text, "vmnd does not answer"));
    assert_non_null(strstr(text, "No such file or directory"));
    free(text);
    free(name);
    free(line);
    free(path);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        TEST(secrets_are_left_out),
        TEST(secrets_of_apps_types_are_left_out),
        TEST(bundle_has_a_list_of_what_is_in_it),
        TEST(bundle_that_cannot_be_made_is_none),
        TEST(a_server_that_is_not_there_is_told),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
