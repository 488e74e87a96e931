# controller/model: the state in memory, checked, indexed and numbered.
controller_libvmn_a_SOURCES += \
	controller/model/model-address.c \
	controller/model/model-allowed.c \
	controller/model/model-apply.c \
	controller/model/model-builtin.c \
	controller/model/model-check.c \
	controller/model/model-cover.c \
	controller/model/model-delete.c \
	controller/model/model-domain.c \
	controller/model/model-effect.c \
	controller/model/model-external.c \
	controller/model/model-given.c \
	controller/model/model-index.c \
	controller/model/model-load.c \
	controller/model/model-mac.c \
	controller/model/model-nest.c \
	controller/model/model-private.h \
	controller/model/model-provider.c \
	controller/model/model-trunk.c \
	controller/model/model-quota.c \
	controller/model/model-rights.c \
	controller/model/model-rights-port.c \
	controller/model/model-rights-shared.c \
	controller/model/model-route.c \
	controller/model/model-spec.c \
	controller/model/model-vip.c \
	controller/model/model.c \
	controller/model/model.h \
	controller/model/numbers.c \
	controller/model/numbers.h \
	controller/model/usage.c \
	controller/model/usage.h
