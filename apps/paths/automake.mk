# paths: not one of those that vmnd has by itself.
app_LTLIBRARIES += apps/paths/paths.la
apps_paths_paths_la_SOURCES = apps/paths/paths.c
apps_paths_paths_la_CFLAGS = $(APPS_C)
apps_paths_paths_la_CPPFLAGS = $(APPS_CPP)
apps_paths_paths_la_LDFLAGS = $(APPS_LD)
