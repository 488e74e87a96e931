# Unit tests: one cmocka binary per module.
UNIT_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
UNIT_LIBS = $(VMN_LIBS) $(CMOCKA_LIBS)
