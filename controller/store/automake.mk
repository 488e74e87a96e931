# controller/store: makes revisions durable.
controller_libvmn_a_SOURCES += \
	controller/store/store-authors.c \
	controller/store/store-batch.c \
	controller/store/store-backup.c \
	controller/store/store-changes.c \
	controller/store/store-changes.h \
	controller/store/store-connect.c \
	controller/store/store-log-contents.c \
	controller/store/store-continue.c \
	controller/store/store-file.c \
	controller/store/store-file.h \
	controller/store/store-key.c \
	controller/store/store-load.c \
	controller/store/store-log.c \
	controller/store/store-lock.c \
	controller/store/store-map-hosts.c \
	controller/store/store-objects.c \
	controller/store/store-private.h \
	controller/store/store-properties.c \
	controller/store/store-receipts.c \
	controller/store/store-restore-loss.c \
	controller/store/store-restore.c \
	controller/store/store-retention.c \
	controller/store/store-revoked.c \
	controller/store/store-scratch.c \
	controller/store/store-unixctl.c \
	controller/store/store-schema.c \
	controller/store/store-sqlite-log.c \
	controller/store/store-sqlite.c \
	controller/store/store-sqlite.h \
	controller/store/store-upgrade.c \
	controller/store/store-verify.c \
	controller/store/store.h
