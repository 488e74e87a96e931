# The daemon: one library of its rooms (the tests link it too), and main.
noinst_LIBRARIES += controller/libvmn.a
controller_libvmn_a_SOURCES = \
	controller/audit-log.c \
	controller/audit-log.h \
	controller/histogram.c \
	controller/histogram.h \
	controller/options-check.c \
	controller/options.c \
	controller/options.h \
	controller/sharded-hmap.h \
	controller/ovs-calls.h \
	controller/service-notify.c \
	controller/service-notify.h \
	controller/siphash.c \
	controller/siphash.h \
	controller/timer-heap.c \
	controller/timer-heap.h
# They know where things are, which another --prefix changes.
controller/options.$(OBJEXT) controller/apphost/worker-path.$(OBJEXT) \
controller/ctl/cluster-join.$(OBJEXT) controller/kit/vmn-app.$(OBJEXT): \
	Makefile
include controller/schema/automake.mk
include controller/model/automake.mk
include controller/store/automake.mk
include controller/cluster/automake.mk
include controller/flow/automake.mk
include controller/engine/automake.mk
include controller/commit/automake.mk
include controller/apphost/automake.mk
include controller/fabric/automake.mk
include controller/health/automake.mk
include controller/paths/automake.mk
include controller/fqdn/automake.mk
include controller/load-monitor/automake.mk
include controller/simulator/automake.mk
include controller/advice/automake.mk
include controller/recommend/automake.mk
include controller/worker/automake.mk
include controller/page/automake.mk
include controller/northbound/automake.mk
include controller/ctl/automake.mk
include controller/kit/automake.mk
include controller/rehearsal/automake.mk

# Whole, since what main() does not call the apps may.
sbin_PROGRAMS += vmnd
vmnd_SOURCES = \
	controller/vmnd-apps.c \
	controller/vmnd-member.c \
	controller/vmnd-workers.c \
	controller/vmnd.c \
	controller/vmnd.h
vmnd_LDFLAGS = $(AM_LDFLAGS) $(VMN_EXPORTS) $(VMN_WHOLE)
vmnd_LDADD = $(JEMALLOC_LIBS) $(VMN_LIBS)
vmnd_DEPENDENCIES = controller/libvmn.a proto/libproto.a \
	proto/ovsdb/libidl.a \
	$(srcdir)/controller/vmn.map
