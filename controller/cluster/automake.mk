# controller/cluster: several vmnds as one.
controller_libvmn_a_SOURCES += \
	controller/cluster/batch-text.c \
	controller/cluster/batch-text.h \
	controller/cluster/cluster-append.c \
	controller/cluster/cluster-db.c \
	controller/cluster/cluster-db.h \
	controller/cluster/cluster-disk.c \
	controller/cluster/cluster-follow.c \
	controller/cluster/cluster-members.c \
	controller/cluster/cluster-ops.c \
	controller/cluster/cluster-ops.h \
	controller/cluster/cluster-private.h \
	controller/cluster/cluster-schema.c \
	controller/cluster/cluster-schema.h \
	controller/cluster/cluster-standby.c \
	controller/cluster/cluster-status.c \
	controller/cluster/cluster-unixctl.c \
	controller/cluster/cluster.c \
	controller/cluster/cluster.h \
	controller/cluster/lease.c \
	controller/cluster/lease.h
dist_pkgdata_DATA = controller/cluster/cluster.ovsschema
