# vmn-app, for those who write apps: libvmn whole, as in vmnd, since what it
# does not call VMN's own apps may, and of vmnctl its reader of YAML.
noinst_LIBRARIES += controller/kit/libkit.a
controller_kit_libkit_a_SOURCES = \
	controller/kit/kit-bench.c \
	controller/kit/kit-changes.c \
	controller/kit/kit-changes.h \
	controller/kit/kit-file.c \
	controller/kit/kit-file.h \
	controller/kit/kit-flows.c \
	controller/kit/kit-flows.h \
	controller/kit/kit-json.c \
	controller/kit/kit-json.h \
	controller/kit/kit-new.c \
	controller/kit/kit-templates.c \
	controller/kit/kit-templates.h \
	controller/kit/kit-test.c \
	controller/kit/kit-trace.c \
	controller/kit/kit-trace.h \
	controller/kit/kit-world.c \
	controller/kit/kit-world.h \
	controller/kit/kit.h

bin_PROGRAMS += vmn-app
dist_man_MANS += docs/man/vmn-app.1
vmn_app_SOURCES = controller/kit/vmn-app.c
vmn_app_LDFLAGS = $(AM_LDFLAGS) $(VMN_EXPORTS) $(VMN_WHOLE)
vmn_app_LDADD = controller/kit/libkit.a controller/ctl/libctl.a $(VMN_LIBS) \
	$(CTL_LIBS)
vmn_app_DEPENDENCIES = controller/kit/libkit.a controller/ctl/libctl.a \
	controller/libvmn.a proto/libproto.a proto/ovsdb/libidl.a \
	$(srcdir)/controller/vmn.map
