# controller/engine: what follows from the state, and the door in.
controller_libvmn_la_SOURCES += \
	controller/engine/action.c \
	controller/engine/builtin.c \
	controller/engine/builtin.h \
	controller/engine/commit.c \
	controller/engine/commit.h \
	controller/engine/delta.c \
	controller/engine/delta.h \
	controller/engine/emit.h \
	controller/engine/engine-private.h \
	controller/engine/engine.c \
	controller/engine/engine.h \
	controller/engine/facts.c \
	controller/engine/flow.c \
	controller/engine/item.c \
	controller/engine/item.h \
	controller/engine/node.c \
	controller/engine/node.h \
	controller/engine/pipeline.h \
	controller/engine/problems.c \
	controller/engine/query.c \
	controller/engine/scope.c \
	controller/engine/scope.h \
	controller/engine/show.c \
	controller/engine/unit.c \
	controller/engine/verify.c \
	controller/engine/view.c \
	controller/engine/view.h \
	controller/engine/wanted.c \
	controller/engine/wanted.h
