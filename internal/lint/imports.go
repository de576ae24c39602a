package lint

import (
	"path"
	"slices"
	"strings"
)

// maxChain is the number of imports on the longest path through the module's packages: from cmd/warble, say,
// to server, to twitter, to auth, to internal/httpx, to the root is five. Tests and other modules do not count.
const maxChain = 5

// An importRule says what the package of one directory, and those below it without a row of their own, may import
// beside each other. "." is the root, "x/*" everything below x, "*" the whole module; "!x" takes x out again. The
// standard library is open to all but for Not.
type importRule struct {
	Who   string   // a directory, or "x/*" for each directory below x without a row
	May   []string // packages of this module
	Libs  []string // packages of other modules: paths, "path/*" or "*"
	Not   []string // packages of the standard library that are closed
	Tests []string // what test files may import beside May and testImports
	Why   string
}

// testImports is open to the test files of every package, and any library is: the memory engine stands where others
// would have a mock, and the suite is there to be called.
var testImports = []string{"role/*", "engine", "engine/mem", "engine/enginetest", "internal/*", "!internal/lint"}

// importTable is the import law. A new package needs a row, and a row needs a reason.
var importTable = []importRule{
	{
		Who:  ".",
		Libs: []string{"golang.org/x/text/unicode/norm"},
		Not:  []string{"database/sql", "net", "net/http", "os", "os/exec", "syscall"},
		Why:  "the domain does no I/O and stands on nothing: everything else may change without it",
	},
	{
		Who:  "engine",
		May:  []string{".", "engine/*", "!engine/enginetest", "internal/*"},
		Libs: []string{"gopkg.in/yaml.v3"},
		Why:  "it turns one string, or the file that string names, into Stores, so it alone knows every engine",
	},
	{
		Who:  "engine/enginetest",
		May:  []string{".", "role/*"},
		Libs: []string{"pgregory.net/rapid", "github.com/anishathalye/porcupine", "go.uber.org/goleak", "gopkg.in/yaml.v3"},
		Why:  "the suite may use only what the contracts promise, or it would test one engine's secrets",
	},
	{
		Who: "engine/mem",
		May: []string{".", "internal/*"},
		Why: "the reference engine is read in one sitting, without knowing any library",
	},
	{
		Who:  "engine/observe",
		May:  []string{".", "internal/*"},
		Libs: []string{"github.com/prometheus/client_golang/*"},
		Why:  "the wrapper wraps contracts, not engines",
	},
	{
		Who:  "engine/pebble",
		May:  []string{".", "engine/search", "engine/disk", "internal/*"},
		Libs: []string{"*"},
		Why:  "the embedded shape is one directory: its truth opens its index and its photos",
	},
	{
		Who:  "engine/*",
		May:  []string{".", "internal/*"},
		Libs: []string{"*"},
		Why:  "an engine remembers and decides nothing; engines that know each other become one",
	},
	{
		Who: "role",
		May: []string{"."},
		Why: "no code lives here: the roles are below it, the tests of all three beside it",
	},
	{
		Who: "role/*",
		May: []string{"."},
		Why: "a role is rules over contracts: it knows no engine, no edge and no other role",
	},
	edge("twitter"), edge("mastodon"), edge("web"),
	{
		Who:  "auth",
		May:  []string{".", "role/*", "internal/*"},
		Libs: []string{"*"},
		Why:  "sign-in is shared by the edges, so it knows none of them and no engine",
	},
	{
		Who:  "server",
		May:  []string{"*", "!cmd/*", "!test", "!test/*", "!load", "!plan", "!client", "!engine/enginetest", "!internal/lint"},
		Libs: []string{"*"},
		Why:  "assembly is the one place that sees all; tools and tests see it, not it them",
	},
	{
		Who:   "client",
		May:   []string{"."},
		Tests: []string{"server"},
		Why:   "other programs import the client: it brings the domain's types and nothing else",
	},
	{
		Who: "plan",
		May: []string{"."},
		Why: "the planner shares the domain's constants, so that a plan and the code cannot disagree",
	},
	{
		Who:   "load",
		May:   []string{".", "role/*", "client", "plan", "internal/*"},
		Libs:  []string{"*"},
		Tests: []string{"server"},
		Why:   "load is made over the wire, as users make it, so that it may be aimed at any shape",
	},
	{
		Who:  "load/bench",
		May:  []string{".", "role/*", "auth", "engine/*", "!engine/enginetest", "load", "internal/*", "!internal/lint"},
		Libs: []string{"*"},
		Why:  "a bench sets each part against what it stands on, so it opens engines itself; servers it starts as processes",
	},
	{
		Who:   "cmd/warble",
		May:   []string{".", "role/*", "engine", "server", "load", "load/bench", "client", "plan", "internal/*", "!internal/lint"},
		Libs:  []string{"*"},
		Tests: []string{"server"},
		Why:   "the command line reads flags and calls; what is worth testing lives below it",
	},
	{
		Who: "internal/lint",
		Why: "the laws read source; they must run while the rest does not build",
	},
	{
		Who:  "internal/*",
		May:  []string{".", "internal/*", "!internal/lint"},
		Libs: []string{"*"},
		Why:  "shared tools know the domain at most, never who uses them",
	},
	{
		Who:   "deploy/local",
		Libs:  []string{"*"},
		Tests: []string{"server"},
		Why:   "the local cluster starts programs and knows none of their code, Warble's included: it is given the binary",
	},
	{
		Who:  "test",
		May:  []string{"*"},
		Libs: []string{"*"},
		Why:  "whole-system tests look at everything; nothing looks at them",
	},
}

func edge(name string) importRule {
	return importRule{
		Who:  name,
		May:  []string{".", "role/*", "auth", "internal/*"},
		Libs: []string{"*"},
		Why:  "an edge speaks one wire contract over the roles: it knows no engine and no other edge, so either can go",
	}
}

// ruleFor finds the row of a directory: its own, that of its siblings ("x/*"), or the row of the package it lies below.
func ruleFor(dir string) *importRule {
	for d := dir; ; d = path.Dir(d) {
		for _, who := range []string{d, path.Dir(d) + "/*"} {
			for i := range importTable {
				if importTable[i].Who == who {
					return &importTable[i]
				}
			}
		}
		if !strings.Contains(d, "/") {
			return nil
		}
	}
}

// family says whether dir lives under the same row as the package the row names, as web/assets does with web.
func (r *importRule) family(dir string) bool {
	return !strings.HasSuffix(r.Who, "/*") && ruleFor(dir) == r
}

func matches(pattern, dir string) bool {
	if pattern == "*" || pattern == dir {
		return true
	}
	below, ok := strings.CutSuffix(pattern, "/*")
	return ok && strings.HasPrefix(dir, below+"/")
}

// allowed says whether dir matches a pattern and no "!pattern".
func allowed(patterns []string, dir string) bool {
	yes := false
	for _, p := range patterns {
		if not, ok := strings.CutPrefix(p, "!"); ok {
			if matches(not, dir) {
				return false
			}
		} else if matches(p, dir) {
			yes = true
		}
	}
	return yes
}

func checkImports(m *Module) []Breach {
	var out []Breach
	for _, dir := range m.Dirs() {
		p := m.Packages[dir]
		rule := ruleFor(dir)
		if rule == nil {
			out = append(out, breach(dir, "no row in the import table: put the code where the layout has a place for it, or add a row with its reason to importTable in internal/lint/imports.go"))
			continue
		}
		for _, f := range p.Files {
			if f.Ignored {
				continue
			}
			for _, spec := range f.AST.Imports {
				if problem := m.judge(rule, p, f, importPath(spec)); problem != "" {
					out = append(out, breach(m.at(spec.Pos()), "%s; the law for %q: %s", problem, rule.Who, rule.Why))
				}
			}
		}
	}
	return out
}

// judge returns what is wrong with one import, or "".
func (m *Module) judge(rule *importRule, p *Package, f *File, imported string) string {
	dir, inside := m.Inside(imported)
	switch {
	case inside && dir == p.Dir:
		return "" // an external test package imports what it tests
	case inside && (rule.family(dir) || allowed(rule.May, dir)):
		return ""
	case inside && f.Test && (allowed(rule.Tests, dir) || allowed(testImports, dir)):
		return ""
	case inside:
		return "must not import " + imported + ": pass what is needed as a parameter, or move the shared part to a package both may import"
	case standard(imported):
		if !f.Test && slices.Contains(rule.Not, imported) {
			return "must not import " + imported + ": move what needs it to an engine or an edge"
		}
		return ""
	case f.Test || allowed(rule.Libs, imported):
		return ""
	}
	return "must not import the library " + imported + ": use the standard library, or do this work in a package that may"
}

func checkChain(m *Module) []Breach {
	c := chains{m: m, longest: map[string][]string{}}
	var out []Breach
	for _, dir := range m.Dirs() {
		way := c.from(dir, nil)
		if len(way)-1 > maxChain && !c.imported(dir) {
			out = append(out, breach(dir, "the chain %s is %d imports long, %d at most: let the middle be passed in rather than imported", strings.Join(way, " → "), len(way)-1, maxChain))
		}
	}
	return out
}

// chains remembers the longest path of packages downward from each directory.
type chains struct {
	m       *Module
	longest map[string][]string
}

// from returns the longest path that starts at dir, dir included. path guards against a cycle, which the compiler reports.
func (c *chains) from(dir string, path []string) []string {
	if way, ok := c.longest[dir]; ok {
		return way
	}
	if slices.Contains(path, dir) {
		return nil
	}
	var best []string
	for _, next := range c.imports(dir) {
		if way := c.from(next, append(slices.Clone(path), dir)); len(way) > len(best) {
			best = way
		}
	}
	way := append([]string{dir}, best...)
	c.longest[dir] = way
	return way
}

func (c *chains) imports(dir string) []string {
	var out []string
	p := c.m.Packages[dir]
	if p == nil {
		return nil
	}
	for _, f := range p.Files {
		if !f.Code() {
			continue
		}
		for _, spec := range f.AST.Imports {
			if d, ok := c.m.Inside(importPath(spec)); ok && d != dir {
				out = append(out, d)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// imported says whether another package imports dir: then its chain is part of a longer one.
func (c *chains) imported(dir string) bool {
	for other := range c.m.Packages {
		if slices.Contains(c.imports(other), dir) {
			return true
		}
	}
	return false
}
