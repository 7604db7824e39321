# actstream: activity streams as a feature of PostgreSQL
#
#   make && make install        build and install, with the pg_config in PATH
#   make installcheck           run every test against the running server, which is
#                               to be of the same pg_config
#   make demo [KEEP=1]          set up everything, show it on real data
#   make dashboard [PORT=8080]  set up everything, serve it as a live web application
#   make check                  set up everything, run every test
#   make check-versions         the same with each major of PostgreSQL
#   make check-deep             every test under watch, random queries, kills
#   make bench [N=1000000]      set up everything, compare methods of reading
#   make check-recency          set up everything, torture the recency map
#   make check-history          set up everything, check what clients are told
#                               while backends are killed
#   make dist                   pack the last commit as actstream-VERSION.zip
#
# With TEST=NAME, check and installcheck run the test of that name, on whatever level.
#
# What says "set up everything" installs what is missing and works in a temporary
# directory of its own, so it comes before, and does without, PGXS.
#
# All can be built in another folder, with "make -f PATH/Makefile", as PGXS allows it;
# nothing is written to the folder of the source then.

PG_CONFIG ?= pg_config

# Where the source is, by the rule that PGXS has for its srcdir.
source := $(or $(VPATH),$(patsubst %/,%,$(dir $(firstword $(MAKEFILE_LIST)))))

SELF_CONTAINED = check check-versions check-deep check-recency check-history demo dashboard bench

ifneq (,$(filter $(SELF_CONTAINED),$(MAKECMDGOALS)))

.PHONY: $(SELF_CONTAINED)
$(SELF_CONTAINED):
	@$(source)/tools/$@

else

# The version stands in the control file alone.
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(source)/actstream.control)

# $(call files,PATTERN...): what is there in the folder of the source
files = $(patsubst $(source)/%,%,$(sort $(wildcard $(addprefix $(source)/,$(1)))))

EXTENSION = actstream
MODULE_big = actstream
OBJS := $(patsubst %.c,%.o,$(call files,src/*.c src/*/*.c))
all_headers := $(wildcard $(source)/src/*.h $(source)/src/*/*.h)
# The script of the version is put together from these, in this order.  They are in a
# folder of their own, for pg_regress takes a file sql/NAME.sql for the test NAME.
SQL_PARTS = schema ref tables object action recency follow follow_count mute stream change mark group display feed track integrity
DATA = $(call files,sql/actstream--*--*.sql)
DATA_built = sql/actstream--$(EXTVERSION).sql
PGFILEDESC = "actstream - activity streams"
PG_CPPFLAGS = -I$(source)/src
# Other libraries of the server see what PostgreSQL has to find, and no more.
PG_CFLAGS = -fvisibility=hidden

# The outputs that both levels expect stand in one folder: pg_regress reads
# DIR/expected/NAME.out, of which only DIR can be chosen, and before 16 not even that.
REGRESS = $(basename $(notdir $(call files,test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test
ISOLATION = $(basename $(notdir $(call files,test/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test --outputdir=. --load-extension=actstream \
	--launcher=test/lib/one_wording
TAP_TESTS = 1
PROVE_TESTS = test/t/*.pl
# for PGXS would stop at the first level that fails
NO_INSTALLCHECK = 1

# objects, too, whose sources have been renamed since
EXTRA_CLEAN = $(wildcard $(foreach suffix,o bc gcno gcda,src/*.$(suffix) src/*/*.$(suffix)))

PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)

ifneq (,$(wildcard $(PGXS)))

include $(PGXS)

# In the folder of the source, make looks for sources and for nothing that is built, in
# case somebody has built there, too.
srcdir := $(source)
override VPATH :=
vpath %.c $(source)
vpath %.control $(source)

# Every source sees compat.h; a change of any header rebuilds all: it is small.
object_folders := $(addprefix $(CURDIR)/,$(sort $(dir $(OBJS))))
$(OBJS) $(OBJS:.o=.bc): $(all_headers) | $(object_folders)
$(object_folders):
	$(MKDIR_P) $@

# All documents, and in their folders, or links from one to another would lead nowhere.
# They have a folder of their own, for README.md is a common name.
DOCUMENTS = $(call files,*.md LICENSE docs/* demo/*.md examples/*/*.md test/*.md src/*/README)
ifdef docdir
documents = $(DESTDIR)$(docdir)/$(docmoduledir)/actstream
install: install-documents
uninstall: uninstall-documents
.PHONY: install-documents uninstall-documents
install-documents:
	$(foreach folder,$(sort $(dir $(DOCUMENTS))),$(MKDIR_P) '$(documents)/$(folder)' &&) true
	$(foreach file,$(DOCUMENTS),$(INSTALL_DATA) $(source)/$(file) '$(documents)/$(file)' &&) true
uninstall-documents:
	rm -rf '$(documents)'
endif

# Tests, level by level.  They are run, and find each other, where "test" and "expected"
# are: in another folder there are links to them.
.PHONY: installcheck installcheck-regress installcheck-isolation installcheck-tap test-links
installcheck:
	+@$(source)/tools/installcheck '$(MAKE) -f $(firstword $(MAKEFILE_LIST))'
installcheck-regress: test-links
	$(pg_regress_installcheck) $(REGRESS_OPTS) $(REGRESS)
installcheck-isolation: test-links
	$(pg_isolation_regress_installcheck) $(ISOLATION_OPTS) $(ISOLATION)
installcheck-tap:
	$(prove_installcheck)

ifneq ($(realpath $(source)),$(realpath $(CURDIR)))
test-links:
	ln -sfn $(realpath $(source))/test $(realpath $(source))/expected .
clean: clean-test-links
.PHONY: clean-test-links
clean-test-links:
	rm -f test expected
endif

else

.PHONY: all install installcheck uninstall clean
all install installcheck uninstall clean:
	@echo "actstream: $(PG_CONFIG) has no PGXS, so nothing can be built with it." >&2
	@echo "  On Debian: apt-get install postgresql-server-dev-all, or name another" >&2
	@echo "  pg_config with PG_CONFIG=...; \"make check\" and \"make demo\" install" >&2
	@echo "  what they need by themselves." >&2
	@exit 2

endif

$(DATA_built): $(SQL_PARTS:%=$(source)/sql/parts/%.sql)
	mkdir -p $(@D)
	cat $^ >$@

.PHONY: dist
dist: $(DATA_built)
	@$(source)/tools/dist $(DATA_built)

endif
