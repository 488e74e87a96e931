# vmnctl: a library of all but main(), which its tests link too, and main.  Of
# the daemon, only schema/ gets in, and what store/ has for files.
noinst_LIBRARIES += controller/ctl/libctl.a
controller_ctl_libctl_a_SOURCES = \
	controller/ctl/bundle.c \
	controller/ctl/bundle.h \
	controller/ctl/call.c \
	controller/ctl/call.h \
	controller/ctl/client.c \
	controller/ctl/client.h \
	controller/ctl/cmd-completion.c \
	controller/ctl/cmd-describe.c \
	controller/ctl/cmd-get.c \
	controller/ctl/cmd-door.c \
	controller/ctl/cmd-drops.c \
	controller/ctl/cmd-edit.c \
	controller/ctl/cmd-events.c \
	controller/ctl/cmd-explain.c \
	controller/ctl/cmd-flows.c \
	controller/ctl/cmd-identities.c \
	controller/ctl/cmd-info.c \
	controller/ctl/cmd-quarantine.c \
	controller/ctl/cmd-reach.c \
	controller/ctl/cmd-recommend.c \
	controller/ctl/cmd-store.c \
	controller/ctl/cmd-support.c \
	controller/ctl/cmd-top.c \
	controller/ctl/cmd-trace.c \
	controller/ctl/cmd-usage.c \
	controller/ctl/cmd-write.c \
	controller/ctl/colour.c \
	controller/ctl/colour.h \
	controller/ctl/commands.c \
	controller/ctl/ctl.h \
	controller/ctl/describe-rules.c \
	controller/ctl/describe-types.c \
	controller/ctl/describe.h \
	controller/ctl/input.c \
	controller/ctl/listen.c \
	controller/ctl/input.h \
	controller/ctl/options.c \
	controller/ctl/simulate.h \
	controller/ctl/plan.c \
	controller/ctl/plan.h \
	controller/ctl/run.c \
	controller/ctl/show.c \
	controller/ctl/show.h \
	controller/ctl/table.c \
	controller/ctl/table.h \
	controller/ctl/types.c \
	controller/ctl/unixctl.c \
	controller/ctl/unixctl.h \
	controller/ctl/watch.c \
	controller/ctl/watch.h \
	controller/ctl/types.h \
	controller/ctl/yaml-print.c \
	controller/ctl/yaml-scalar.c \
	controller/ctl/yaml-scalar.h \
	controller/ctl/yaml.c \
	controller/ctl/yaml.h
controller_ctl_libctl_a_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS) $(CURL_CFLAGS) \
	$(ARCHIVE_CFLAGS)

CTL_LIBS = controller/ctl/libctl.a controller/libvmn.a $(OVS_LIBS) $(JANSSON_LIBS) \
	$(YAML_LIBS) $(CURL_LIBS) $(ARCHIVE_LIBS) $(SQLITE_LIBS) $(SSL_LIBS) $(UNBOUND_LIBS)

bin_PROGRAMS += vmnctl
vmnctl_SOURCES = controller/ctl/main.c
vmnctl_LDADD = $(CTL_LIBS)
dist_man_MANS += docs/man/vmnctl.1

# What shells complete its command lines with, as it says itself.
bashcompdir = $(datadir)/bash-completion/completions
zshcompdir = $(datadir)/zsh/site-functions
nodist_bashcomp_DATA = controller/ctl/bash/vmnctl
nodist_zshcomp_DATA = controller/ctl/zsh/_vmnctl
CLEANFILES += $(nodist_bashcomp_DATA) $(nodist_zshcomp_DATA)
controller/ctl/bash/vmnctl: vmnctl$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && ./vmnctl$(EXEEXT) completion bash >$@.tmp && mv $@.tmp $@
controller/ctl/zsh/_vmnctl: vmnctl$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && ./vmnctl$(EXEEXT) completion zsh >$@.tmp && mv $@.tmp $@
