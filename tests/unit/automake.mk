# Unit tests: one cmocka binary per module.
UNIT_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
UNIT_LIBS = $(VMN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test-openflow
TESTS += tests/unit/test-openflow
tests_unit_test_openflow_SOURCES = tests/unit/test-openflow.c
tests_unit_test_openflow_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_openflow_LDADD = $(UNIT_LIBS)
