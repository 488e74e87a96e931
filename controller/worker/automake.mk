# controller/worker: apps in processes of their own.  What vmnd needs of it...
controller_libvmn_a_SOURCES += \
	controller/worker/app-description.c \
	controller/worker/app-description.h \
	controller/worker/app-log.c \
	controller/worker/app-log.h \
	controller/worker/app-worker-calls.c \
	controller/worker/app-worker-late.c \
	controller/worker/app-worker-lifecycle.c \
	controller/worker/app-worker-open.c \
	controller/worker/app-worker-private.h \
	controller/worker/app-worker.c \
	controller/worker/app-worker.h \
	controller/worker/call-log.c \
	controller/worker/call-log.h \
	controller/worker/replay-actions.c \
	controller/worker/replay-calls.c \
	controller/worker/replay-calls.h \
	controller/worker/replay-private.h \
	controller/worker/row-image.c \
	controller/worker/row-image.h \
	controller/worker/worker-process.c \
	controller/worker/worker-process.h \
	controller/worker/worker-sandbox.h \
	controller/worker/worker-wire.c \
	controller/worker/worker-wire.h

# ...and the worker, which has functions of the same names as vmnd for its app.
pkglibexec_PROGRAMS = vmn-app-worker
vmn_app_worker_SOURCES = \
	controller/worker/lua/lua-actions.c \
	controller/worker/lua/lua-app.c \
	controller/worker/lua/lua-app.h \
	controller/worker/lua/lua-args.c \
	controller/worker/lua/lua-class.c \
	controller/worker/lua/lua-emit.c \
	controller/worker/lua/lua-frozen.c \
	controller/worker/lua/lua-match.c \
	controller/worker/lua/lua-names.c \
	controller/worker/lua/lua-names.h \
	controller/worker/lua/lua-packet.c \
	controller/worker/lua/lua-private.h \
	controller/worker/lua/lua-row.c \
	controller/worker/lua/lua-sandbox.c \
	controller/worker/lua/lua-sort.c \
	controller/worker/lua/lua-view.c \
	controller/worker/record-actions.c \
	controller/worker/record-calls.c \
	controller/worker/record-calls.h \
	controller/worker/record-private.h \
	controller/worker/worker-exports.c \
	controller/worker/worker-forbidden.c \
	controller/worker/worker-main.c \
	controller/worker/worker-main.h \
	controller/worker/worker-sandbox.c \
	controller/worker/worker-view.c \
	controller/worker/worker-view.h
vmn_app_worker_LDFLAGS = $(AM_LDFLAGS) -Wl,--dynamic-list=worker.list
vmn_app_worker_DEPENDENCIES = controller/libvmn.a proto/libproto.a worker.list
# Not GLib, which reads the clock as it is loaded: vmnd knows time zones.
vmn_app_worker_LDADD = $(filter-out $(GLIB_LIBS),$(VMN_LIBS)) \
	$(SECCOMP_LIBS) $(LUA_LIBS)

# What an app sees of the worker: all that vmnd would offer, and what stands in
# for functions that it must not call.
worker.list: $(srcdir)/controller/vmn.map \
		$(srcdir)/controller/worker/worker-forbidden.c
	$(AM_V_GEN)(echo "{"; \
	  sed -n 's/^    \(vmn_[a-z0-9_]*;\)$$/\1/p' \
	    $(srcdir)/controller/vmn.map; \
	  sed -n 's/^FORBID\(_LATER\)*(\([a-z0-9_]*\),.*/\2;/p' \
	    $(srcdir)/controller/worker/worker-forbidden.c; \
	  echo "};") > $@.tmp && mv $@.tmp $@
CLEANFILES += worker.list
