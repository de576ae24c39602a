// Package lint holds the laws of the house: who may import whom, how long a file, a function and a package may grow,
// and what must not be in the code at all. Its tests run every law over the whole module, so `go test ./internal/lint`
// is the place where a change of shape is noticed. Nothing imports this package.
//
// A law reads parsed source; it neither builds nor needs the network, and a package that does not exist yet breaks
// nothing. Each law is run over small modules in testdata that break it, because a law that cannot fail is worth nothing.
package lint

import "fmt"

// A Law is one rule, with a function that lists where a module breaks it.
type Law struct {
	Name  string
	Why   string
	Check func(*Module) []Breach
}

// A Breach is one place that breaks a law. Text says what is wrong and what to do about it.
type Breach struct {
	Where string // path relative to the module, with :line where there is one
	Text  string
	Note  bool // only worth printing: a soft limit was passed, the law still holds
}

func (b Breach) String() string { return b.Where + ": " + b.Text }

func breach(where, format string, args ...any) Breach {
	return Breach{Where: where, Text: fmt.Sprintf(format, args...)}
}

func note(where, format string, args ...any) Breach {
	return Breach{Where: where, Text: fmt.Sprintf(format, args...), Note: true}
}

// Laws returns every law, in the order in which a newcomer should hear of them.
func Laws() []Law {
	return []Law{
		{"imports", "the tree is layered: domain, engines, edges, assembly; a thought should cross few packages", checkImports},
		{"chain", "a reader follows at most five imports to reach the bottom", checkChain},
		{"files", "a file is read in one sitting", checkFiles},
		{"functions", "a function is seen on one screen", checkFunctions},
		{"packages", "a package is known by one person", checkPackages},
		{"contracts", "every engine must implement every method, so each one has to earn its place", checkContracts},
		{"dependencies", "every dependency is code we answer for", checkDependencies},
		{"directories", "the tree is the first documentation", checkDirectories},
		{"state", "two stores, servers and tests live in one process without meeting", checkState},
		{"init", "nothing happens because a package was imported; assembly is one readable function", checkInit},
		{"identity", "the acting user is a parameter, so that no call can forget it", checkIdentity},
		{"comments", "every package says what it is for", checkComments},
		{"absent", "some things are left out on purpose", checkAbsent},
		{"hosts", "how a machine reaches its registries is that machine's business", checkHosts},
	}
}
