# vmn-rehearse: libvmn whole, as in vmnd, since what it does not call the apps
# may, and of vmnctl its reader of maps and its tables.
noinst_LIBRARIES += controller/rehearsal/librehearsal.a
controller_rehearsal_librehearsal_a_SOURCES = \
	controller/rehearsal/rehearsal-compare.c \
	controller/rehearsal/rehearsal-compare.h \
	controller/rehearsal/rehearsal-print.c \
	controller/rehearsal/rehearsal-print.h \
	controller/rehearsal/rehearsal-world.c \
	controller/rehearsal/rehearsal-world.h

bin_PROGRAMS += vmn-rehearse
dist_man_MANS += docs/man/vmn-rehearse.1
vmn_rehearse_SOURCES = controller/rehearsal/vmn-rehearse.c
vmn_rehearse_LDFLAGS = $(AM_LDFLAGS) $(VMN_EXPORTS) $(VMN_WHOLE)
vmn_rehearse_LDADD = controller/rehearsal/librehearsal.a \
	controller/ctl/libctl.a $(VMN_LIBS) $(CTL_LIBS)
vmn_rehearse_DEPENDENCIES = controller/rehearsal/librehearsal.a \
	controller/ctl/libctl.a controller/libvmn.a proto/libproto.a \
	proto/ovsdb/libidl.a $(srcdir)/controller/vmn.map
