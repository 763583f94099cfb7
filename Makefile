# coaxial. `make help` lists the targets.
# Each step says what it does in one line and is not repeated while its inputs are the same.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

CLANG ?= clang-19
CLANG_FORMAT ?= clang-format-19
CLANG_TIDY ?= clang-tidy-19
NODE := node
# Where this node's headers are, if they came with it; node-gyp fetches them otherwise.
NODE_PREFIX := $(shell $(NODE) -p 'require("path").dirname(require("path").dirname(process.execPath))' 2>/dev/null)
NODEDIR := $(if $(wildcard $(NODE_PREFIX)/include/node/node_api.h),--nodedir=$(NODE_PREFIX))

say = @printf '  %-9s %s\n' '$(1)' '$(2)'

BPF_HEADERS := $(wildcard bpf/*.h)
BPF_TESTS := $(patsubst bpf/test/%.bpf.c,build/bpf/test/%.bpf.o,$(wildcard bpf/test/*.bpf.c))
BPF_OBJECTS := build/bpf/tc.bpf.o build/bpf/tc-xfrm.bpf.o build/bpf/xdp.bpf.o build/bpf/test/tc-break-hoplimit.bpf.o $(BPF_TESTS)
BPF_FLAGS := -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter \
             -I/usr/include/$(shell uname -m)-linux-gnu
NATIVE_SOURCES := $(wildcard native/*.cc native/*.h native/util/*.cc native/util/*.h)
TS_SOURCES := $(shell find src lab test bench -name '*.ts' 2>/dev/null)

.PHONY: help
help: ## what this file can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: packages
packages:
	@scripts/packages

node_modules/.stamp: package.json package-lock.json | packages
	$(call say,npm,installing the packages of package-lock.json)
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

build/bpf/%.bpf.o: bpf/%.bpf.c $(BPF_HEADERS) | packages
	$(call say,bpf,$@)
	@mkdir -p $(@D)
	@$(CLANG) $(BPF_FLAGS) -c $< -o $@

# The same programs where one xfrm interface is for several bindings: see xfrm_info.h.
build/bpf/tc-xfrm.bpf.o: bpf/tc.bpf.c $(BPF_HEADERS) | packages
	$(call say,bpf,$@)
	@mkdir -p $(@D)
	@$(CLANG) $(BPF_FLAGS) -DCX_WITH_XFRM_INFO -c $< -o $@

# The same programs with one fault, for `make demo BREAK=hoplimit`.
build/bpf/test/tc-break-hoplimit.bpf.o: bpf/tc.bpf.c $(BPF_HEADERS) | packages
	$(call say,bpf,$@)
	@mkdir -p $(@D)
	@$(CLANG) $(BPF_FLAGS) -DCX_BREAK_HOPLIMIT -c $< -o $@

build/Release/coaxial.node: binding.gyp $(NATIVE_SOURCES) node_modules/.stamp
	$(call say,native,$@)
	@npx node-gyp configure build $(NODEDIR) --loglevel=error > build/native.log 2>&1 || { cat build/native.log; exit 1; }
	@touch $@

build/js/.stamp: $(TS_SOURCES) tsconfig.json node_modules/.stamp
	$(call say,tsc,build/js)
	@rm -rf build/js
	@npx tsc -p .
	@touch $@

# The command in few files: a start loads most of its modules, and that is half of what it costs.
BUNDLED := cli/main.js config/reading-worker.js policy/compile-worker.js
build/coax/main.js: build/js/.stamp
	$(call say,esbuild,$@)
	@rm -rf build/coax
	@npx esbuild $(addprefix build/js/src/,$(BUNDLED)) --bundle --splitting --platform=node --target=node20 \
		--format=esm --minify-whitespace --minify-syntax --legal-comments=none --entry-names=[name] --sourcemap --outdir=build/coax --log-level=warning \
		'--banner:js=import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);'
	@chmod +x $@

.PHONY: build
build: node_modules/.stamp $(BPF_OBJECTS) build/Release/coaxial.node build/js/.stamp build/coax/main.js ## everything that runs

.PHONY: generate
generate: node_modules/.stamp build/bpf/tc.bpf.o build/Release/coaxial.node ## src/datapath/generated.ts from the BTF of the compiled object
	$(call say,generate,src/datapath/generated.ts)
	@npx tsc -p . --noCheck --outDir build/generator # unchecked: the old types may not fit any more
	@scripts/generate > build/generated.ts
	@cp build/generated.ts src/datapath/generated.ts

.PHONY: docs
docs: build ## docs/configuration.md and docs/errors.md from the schema and the error classes, a table of docs/tunnels.md
	$(call say,docs,docs/configuration.md docs/errors.md docs/tunnels.md)
	@$(NODE) --enable-source-maps build/js/src/manual/main.js

.PHONY: demo
demo: build ## the main job in the built-in lab; KEEP=1 leaves it up, BREAK=... damages one thing
	@KEEP='$(KEEP)' BREAK='$(BREAK)' $(NODE) --enable-source-maps build/js/lab/demo.js

.PHONY: soak
soak: build ## MINUTES=5 of traffic under kills, address changes, cut links, reloads and shortages
	@MINUTES='$(or $(MINUTES),5)' SEED='$(SEED)' ONLY='$(ONLY)' $(NODE) --enable-source-maps build/js/lab/soak.js

.PHONY: bench
bench: build ## where we stand: rates, targets, peers; QUICK=1, PEERS=ovs, CLASSBENCH=DIR, ARGS="--only=TEXT --json"
	@QUICK='$(QUICK)' PEERS='$(PEERS)' CLASSBENCH='$(CLASSBENCH)' $(NODE) --enable-source-maps build/js/bench/forwarding/main.js $(ARGS)

.PHONY: bench-registration
bench-registration: build ## how many registrations a home agent takes; ARGS="--routers=10000 --rounds=3 --json"
	@$(NODE) --enable-source-maps build/js/bench/registration/main.js $(ARGS)

.PHONY: bench-classify
bench-classify: build ## what a policy costs a packet; CLASSBENCH=DIR for sets of your own, ARGS=--json
	@$(NODE) --enable-source-maps build/js/bench/classify/main.js $(ARGS)

# Without them the tests say so and the others run.
VM_PACKAGES := qemu-system-x86 busybox-static kmod xz-utils
.PHONY: vm-packages
vm-packages:
	@scripts/packages $(VM_PACKAGES) || echo '  packages  no virtual machine without $(VM_PACKAGES)'

# strongSwan is for one test, of adopted interfaces, which says so where it is not there.
.PHONY: ike-packages
ike-packages:
	@scripts/packages strongswan-charon strongswan-swanctl || echo '  packages  no IKE daemon without strongswan-charon and strongswan-swanctl'

.PHONY: test
test: build vm-packages ## all tests; ends with "N passed, N failed, N skipped"
	@$(NODE) --enable-source-maps build/js/test/run.js

.PHONY: test-unit
test-unit: build ## the tests that need no root
	@$(NODE) --enable-source-maps build/js/test/run.js unit

.PHONY: test-vm
test-vm: build vm-packages ike-packages ## the kernel tests under KERNEL=6.1|6.12|newest, or all; ONLY=netlink, REFRESH=1, RUN='uname -r'
	@$(NODE) --enable-source-maps build/js/test/vm/main.js --kernel='$(KERNEL)' --only='$(ONLY)' \
		$(if $(REFRESH),--refresh) $(if $(RUN),-- sh -c '$(subst ','\'',$(RUN))')

.PHONY: check-oracle
check-oracle: build ## N=20000 random packets: reference and programs must agree; SEED=..., CASE=file tries one again
	@$(NODE) --enable-source-maps build/js/test/kernel/datapath/oracle/main.js \
		--packets='$(N)' --seed='$(SEED)' --case='$(CASE)'

.PHONY: record-verifier
record-verifier: build ## what the verifier counts on this kernel, into the file that the tests compare with
	@$(NODE) --enable-source-maps build/js/test/kernel/datapath/verifier/main.js

.PHONY: lint
lint: build ## TypeScript, C++ and BPF C: rules, format, dead exports, arrows between folders
	@scripts/lint

.PHONY: format
format: node_modules/.stamp ## rewrites all sources in the project's format
	@npx biome check --write --log-level=warn
	@$(CLANG_FORMAT) -i $(wildcard bpf/*.[ch] bpf/test/*.[ch] native/*.cc native/*.h native/util/*.cc native/util/*.h)

.PHONY: install
install: build ## into PREFIX (default /usr/local) with its systemd unit; DESTDIR is honoured
	@scripts/install

.PHONY: clean
clean: ## removes what was built
	@rm -rf build node_modules
