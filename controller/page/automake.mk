# controller/page: the page that vmnd serves, bundled by esbuild into a file of
# C.  docs/page.md tells how it is built.
PAGE_SOURCES = \
	controller/page/build.mjs \
	controller/page/icon.svg \
	controller/page/index.html \
	controller/page/package-lock.json \
	controller/page/package.json \
	controller/page/src/api.js \
	controller/page/src/asker.js \
	controller/page/src/cluster.js \
	controller/page/src/dialog.js \
	controller/page/src/dom.js \
	controller/page/src/form-errors.js \
	controller/page/src/form.js \
	controller/page/src/format.js \
	controller/page/src/history.js \
	controller/page/src/host-paths.js \
	controller/page/src/live-events.js \
	controller/page/src/live-trace.js \
	controller/page/src/main.js \
	controller/page/src/object-edit.js \
	controller/page/src/object-fields.js \
	controller/page/src/object-panel.js \
	controller/page/src/object.js \
	controller/page/src/page.css \
	controller/page/src/name-input.js \
	controller/page/src/plan.js \
	controller/page/src/policy-edit.js \
	controller/page/src/policy-promote.js \
	controller/page/src/quarantine.js \
	controller/page/src/rejected-hosts.js \
	controller/page/src/schema.js \
	controller/page/src/table.js \
	controller/page/src/topology/cards.js \
	controller/page/src/topology/draw-logical.js \
	controller/page/src/topology/draw.js \
	controller/page/src/topology/extras.js \
	controller/page/src/topology/filter.js \
	controller/page/src/topology/fold.js \
	controller/page/src/topology/layers.js \
	controller/page/src/topology/layout.js \
	controller/page/src/topology/logical.js \
	controller/page/src/topology/picture.js \
	controller/page/src/topology/search.js \
	controller/page/src/traffic-map.js \
	controller/page/src/type-columns.js \
	controller/page/src/views/changes.js \
	controller/page/src/views/drafts.js \
	controller/page/src/views/new-network.js \
	controller/page/src/views/objects.js \
	controller/page/src/views/overview.js \
	controller/page/src/views/policies.js \
	controller/page/src/views/reachability.js \
	controller/page/src/views/topology.js \
	controller/page/src/views/trace.js \
	controller/page/src/views/traffic.js
EXTRA_DIST += $(PAGE_SOURCES) build-aux/page-modules build-aux/npm-modules

controller_libvmn_a_SOURCES += controller/page/page.h
if WITH_PAGE
nodist_controller_libvmn_a_SOURCES = controller/page/page-files.c
controller/page/page-files.c: $(PAGE_SOURCES)
	@$(MKDIR_P) controller/page
	$(AM_V_GEN)$(NODE) $(srcdir)/controller/page/build.mjs \
	  "$(PAGE_MODULES)" $@.part && mv $@.part $@
CLEANFILES += controller/page/page-files.c
else
controller_libvmn_a_SOURCES += controller/page/page-disabled.c
endif
