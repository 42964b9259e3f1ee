# Make targets of T4. Include it from your Makefile:
#
#   include mk/t4.mk
#
# and set before it what differs in your repository.

# The program, and the server.
T4 ?= t4
T4_API ?= intent-api
# Files and folders; empty takes those of t4.toml.
T4_PATHS ?=
# What the targets need built first.
T4_NEEDS ?=

.PHONY: t4-init t4-check t4-migrate t4-migrate-dry t4-dashboard t4-api t4-codemod-dry t4-codemod t4-parallel \
        t4-parallel-dry

t4-init: $(T4_NEEDS) ## Write t4.toml, the pre-commit hook and the workflows where they are missing
	$(T4) init

t4-check: $(T4_NEEDS) ## Check that every finding is answered for
	$(T4) check $(T4_PATHS)

t4-migrate-dry: $(T4_NEEDS) ## Show how legacy annotations would be converted
	$(T4) migrate $(T4_PATHS)

t4-migrate: $(T4_NEEDS) ## Convert legacy annotations (t4 migrate --undo restores the files)
	$(T4) migrate --apply $(T4_PATHS)

t4-dashboard: $(T4_NEEDS) ## Write the dashboard's page
	$(T4) dashboard

t4-api: $(T4_NEEDS) ## Start the intent registry's server
	$(T4_API)

t4-codemod-dry: $(T4_NEEDS) ## Show what the codemods would fix
	$(T4) codemod run $(T4_PATHS)

t4-codemod: $(T4_NEEDS) ## Fix what the codemods can (t4 codemod revert restores the files)
	$(T4) codemod run --apply $(T4_PATHS)

t4-parallel-dry: $(T4_NEEDS) ## Show the fixes by rule, each for a branch of its own
	$(T4) batches --dry-run

t4-parallel: $(T4_NEEDS) ## Make a branch of fixes for each rule, in worktrees of their own
	$(T4) batches
