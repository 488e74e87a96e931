# Property tests: against independent oracles.
PROPERTY_LINK = $(AM_LDFLAGS) $(VMN_EXPORTS) $(VMN_WHOLE)

check_PROGRAMS += tests/property/test-oracle
TESTS += tests/property/test-oracle
tests_property_test_oracle_SOURCES = tests/property/test-oracle.c \
	tests/property/setup.c tests/property/setup.h \
	tests/property/plan-check.c tests/property/plan-check.h
tests_property_test_oracle_LDFLAGS = $(PROPERTY_LINK)
tests_property_test_oracle_LDADD = $(VMN_LIBS)

check_PROGRAMS += tests/property/test-same
TESTS += tests/property/test-same
tests_property_test_same_SOURCES = tests/property/test-same.c \
	tests/property/setup.c tests/property/setup.h
tests_property_test_same_LDFLAGS = $(PROPERTY_LINK)
tests_property_test_same_LDADD = $(VMN_LIBS)

check_PROGRAMS += tests/property/test-state
TESTS += tests/property/test-state
tests_property_test_state_SOURCES = tests/property/test-state.c \
	tests/unit/model-util.c tests/unit/model-util.h
tests_property_test_state_CFLAGS = $(UNIT_CFLAGS)
tests_property_test_state_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/property/test-policy
TESTS += tests/property/test-policy
tests_property_test_policy_SOURCES = tests/property/test-policy.c \
	tests/property/setup.c tests/property/setup.h \
	tests/property/policy-text.c tests/property/policy-text.h
tests_property_test_policy_LDFLAGS = $(PROPERTY_LINK)
tests_property_test_policy_LDADD = $(VMN_LIBS)

check_PROGRAMS += tests/property/test-recommend
TESTS += tests/property/test-recommend
tests_property_test_recommend_SOURCES = tests/property/test-recommend.c
tests_property_test_recommend_LDADD = $(VMN_LIBS)

check_PROGRAMS += tests/property/test-tenants
TESTS += tests/property/test-tenants
tests_property_test_tenants_SOURCES = tests/property/test-tenants.c \
	tests/property/tenants-random.c tests/property/tenants-random.h \
	tests/property/setup.c tests/property/setup.h
tests_property_test_tenants_LDFLAGS = $(PROPERTY_LINK)
tests_property_test_tenants_LDADD = $(VMN_LIBS)
