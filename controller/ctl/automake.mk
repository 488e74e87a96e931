# vmnctl: a library of all but main(), which its tests link too, and main.  Of
# the daemon, only schema/ gets in, and what store/ has for files.
noinst_LIBRARIES += controller/ctl/libctl.a
controller_ctl_libctl_a_SOURCES = \
	controller/ctl/api-call.c \
	controller/ctl/api-call.h \
	controller/ctl/api-client.c \
	controller/ctl/api-client.h \
	controller/ctl/api-send.c \
	controller/ctl/api-send.h \
	controller/ctl/author-find.c \
	controller/ctl/author-name.c \
	controller/ctl/cluster-join.c \
	controller/ctl/cluster-join.h \
	controller/ctl/cmd-advise.c \
	controller/ctl/cmd-app.c \
	controller/ctl/cmd-apply.c \
	controller/ctl/backup-file.c \
	controller/ctl/backup-file.h \
	controller/ctl/cmd-backup.c \
	controller/ctl/cmd-capture.c \
	controller/ctl/cmd-cluster.c \
	controller/ctl/cmd-completion.c \
	controller/ctl/cmd-delete.c \
	controller/ctl/cmd-describe.c \
	controller/ctl/cmd-draft.c \
	controller/ctl/cmd-drain.c \
	controller/ctl/cmd-drops.c \
	controller/ctl/cmd-edit.c \
	controller/ctl/cmd-events.c \
	controller/ctl/cmd-explain.c \
	controller/ctl/cmd-flows.c \
	controller/ctl/cmd-get.c \
	controller/ctl/cmd-history.c \
	controller/ctl/cmd-host.c \
	controller/ctl/cmd-identities.c \
	controller/ctl/cmd-label.c \
	controller/ctl/cmd-live-trace.c \
	controller/ctl/cmd-logs.c \
	controller/ctl/cmd-migrate.c \
	controller/ctl/cmd-patch.c \
	controller/ctl/cmd-paths.c \
	controller/ctl/cmd-promote.c \
	controller/ctl/cmd-quarantine.c \
	controller/ctl/cmd-reachability.c \
	controller/ctl/cmd-recommend.c \
	controller/ctl/cmd-restore.c \
	controller/ctl/cmd-revision.c \
	controller/ctl/cmd-sets.c \
	controller/ctl/cmd-status.c \
	controller/ctl/cmd-support-bundle.c \
	controller/ctl/cmd-token.c \
	controller/ctl/cmd-top-traffic.c \
	controller/ctl/cmd-top.c \
	controller/ctl/cmd-trace.c \
	controller/ctl/cmd-undo.c \
	controller/ctl/cmd-usage.c \
	controller/ctl/command-options.c \
	controller/ctl/command-table.c \
	controller/ctl/completion-values.c \
	controller/ctl/completion.h \
	controller/ctl/ctl.h \
	controller/ctl/describe-chains.c \
	controller/ctl/describe-related.c \
	controller/ctl/describe-rules.c \
	controller/ctl/describe.h \
	controller/ctl/dispatch.c \
	controller/ctl/draft-changes.c \
	controller/ctl/draft-changes.h \
	controller/ctl/error-argument.c \
	controller/ctl/error-argument.h \
	controller/ctl/error-hint.c \
	controller/ctl/error-hint.h \
	controller/ctl/event-follow.c \
	controller/ctl/field-names.c \
	controller/ctl/field-names.h \
	controller/ctl/field-path.c \
	controller/ctl/field-path.h \
	controller/ctl/host-map.c \
	controller/ctl/host-map.h \
	controller/ctl/get-output.c \
	controller/ctl/get-output.h \
	controller/ctl/get-watch.c \
	controller/ctl/get-watch.h \
	controller/ctl/live-trace-command.h \
	controller/ctl/object-args.c \
	controller/ctl/object-args.h \
	controller/ctl/object-changes.c \
	controller/ctl/object-changes.h \
	controller/ctl/object-columns.c \
	controller/ctl/object-columns.h \
	controller/ctl/object-files.c \
	controller/ctl/object-files.h \
	controller/ctl/object-history.c \
	controller/ctl/object-history.h \
	controller/ctl/object-labels.c \
	controller/ctl/object-labels.h \
	controller/ctl/object-types.c \
	controller/ctl/object-types.h \
	controller/ctl/option-values.c \
	controller/ctl/option-values.h \
	controller/ctl/other-fields.c \
	controller/ctl/other-tools.c \
	controller/ctl/other-tools.h \
	controller/ctl/output-cell.c \
	controller/ctl/output-cell.h \
	controller/ctl/output-colour.c \
	controller/ctl/output-colour.h \
	controller/ctl/output-diff.c \
	controller/ctl/output-diff.h \
	controller/ctl/output-outcome.c \
	controller/ctl/output-plan.c \
	controller/ctl/output-plan.h \
	controller/ctl/output-receipt.c \
	controller/ctl/output-samples.c \
	controller/ctl/output-samples.h \
	controller/ctl/output-table.c \
	controller/ctl/output-table.h \
	controller/ctl/output.c \
	controller/ctl/output.h \
	controller/ctl/server-types.c \
	controller/ctl/server-types.h \
	controller/ctl/pcapng-count.c \
	controller/ctl/pcapng-count.h \
	controller/ctl/port-moves.c \
	controller/ctl/port-moves.h \
	controller/ctl/reach-changes.h \
	controller/ctl/reached-services.c \
	controller/ctl/reached-services.h \
	controller/ctl/simulator-request.c \
	controller/ctl/simulator-request.h \
	controller/ctl/support-archive.c \
	controller/ctl/support-archive.h \
	controller/ctl/unixctl.c \
	controller/ctl/unixctl.h \
	controller/ctl/wait-drained.c \
	controller/ctl/wait-drained.h \
	controller/ctl/wrong-command.c \
	controller/ctl/wrong-command.h \
	controller/ctl/yaml-print.c \
	controller/ctl/yaml-scalar.c \
	controller/ctl/yaml-scalar.h \
	controller/ctl/yaml.c \
	controller/ctl/yaml.h
controller_ctl_libctl_a_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS) $(CURL_CFLAGS) \
	$(ARCHIVE_CFLAGS)

CTL_LIBS = controller/ctl/libctl.a controller/libvmn.a proto/libproto.a \
	$(OVS_LIBS) \
	$(JANSSON_LIBS) $(YAML_LIBS) $(CURL_LIBS) $(ARCHIVE_LIBS) \
	$(SQLITE_LIBS) $(SSL_LIBS) $(UNBOUND_LIBS) $(GLIB_LIBS)

bin_PROGRAMS += vmnctl
vmnctl_SOURCES = controller/ctl/vmnctl.c
vmnctl_LDADD = $(CTL_LIBS)
dist_man_MANS += docs/man/vmnctl.1

# What shells complete its command lines with, as it says itself.
bashcompdir = $(datadir)/bash-completion/completions
zshcompdir = $(datadir)/zsh/site-functions
nodist_bashcomp_DATA = controller/ctl/bash/vmnctl
nodist_zshcomp_DATA = controller/ctl/zsh/_vmnctl
CLEANFILES += $(nodist_bashcomp_DATA) $(nodist_zshcomp_DATA)
controller/ctl/bash/vmnctl: vmnctl$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) $(@D) \
	  && ./vmnctl$(EXEEXT) completion bash >$@.tmp && mv $@.tmp $@
controller/ctl/zsh/_vmnctl: vmnctl$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) $(@D) \
	  && ./vmnctl$(EXEEXT) completion zsh >$@.tmp && mv $@.tmp $@
