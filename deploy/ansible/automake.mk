# SPDX-License-Identifier: Apache-2.0
# The Ansible collection vmn.vmn, whose modules are made of the API's
# description.  `make` has it in ansible/, for ANSIBLE_COLLECTIONS_PATH; `make
# ansible-collection` makes the file that ansible-galaxy installs.
ANSIBLE_COLLECTION = ansible/ansible_collections/vmn/vmn
ANSIBLE_FILES = \
	deploy/ansible/README.md \
	deploy/ansible/galaxy.yml.in \
	deploy/ansible/make-collection \
	deploy/ansible/plugins/doc_fragments/attributes.py \
	deploy/ansible/plugins/doc_fragments/connection.py \
	deploy/ansible/plugins/doc_fragments/wait.py \
	deploy/ansible/plugins/inventory/hosts.py \
	deploy/ansible/plugins/module_utils/api.py \
	deploy/ansible/plugins/module_utils/changes.py \
	deploy/ansible/plugins/modules/apply.py \
	deploy/ansible/plugins/modules/object_info.py \
	deploy/ansible/roles/hypervisor/defaults/main.yml \
	deploy/ansible/roles/hypervisor/meta/argument_specs.yml \
	deploy/ansible/roles/hypervisor/meta/main.yml \
	deploy/ansible/roles/hypervisor/tasks/main.yml
EXTRA_DIST += $(ANSIBLE_FILES)

openapi.json: build-aux/make-api-doc
	$(AM_V_GEN)build-aux/make-api-doc --openapi > $@.tmp && mv $@.tmp $@
CLEANFILES += openapi.json

all-local: stamp-ansible
stamp-ansible: openapi.json $(ANSIBLE_FILES) deploy/host-join
	$(AM_V_GEN)$(srcdir)/deploy/ansible/make-collection openapi.json \
	  $(srcdir)/deploy/ansible $(VERSION) $(ANSIBLE_COLLECTION) && touch $@
CLEANFILES += stamp-ansible

ansible-collection: stamp-ansible
	ansible-galaxy collection build --force --output-path . \
	  $(ANSIBLE_COLLECTION)
.PHONY: ansible-collection
CLEANFILES += vmn-vmn-*.tar.gz

# Where Debian's Ansible looks for collections.
ansibledir = $(datadir)/ansible/collections/ansible_collections/vmn/vmn
install-data-local: stamp-ansible
	cd $(ANSIBLE_COLLECTION) && find . -type d -name __pycache__ -prune \
	  -o -type f -print | while read -r file; do \
	  mode=644; test ! -x "$$file" || mode=755; \
	  $(INSTALL) -D -m $$mode "$$file" \
	    "$(DESTDIR)$(ansibledir)/$$file" || exit 1; done
uninstall-local:
	rm -rf "$(DESTDIR)$(ansibledir)"
