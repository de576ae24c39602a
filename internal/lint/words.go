package lint

import (
	"bytes"
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

func checkInit(m *Module) []Breach {
	var out []Breach
	m.Each(func(_ *Package, f *File) {
		if f.Generated {
			return
		}
		for _, decl := range f.AST.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				out = append(out, breach(m.at(fn.Pos()), "func init: call it from the assembly in server, or compute the table with sync.OnceValue"))
			}
		}
	})
	return out
}

// checkIdentity closes context.WithValue outside internal/httpx, which may carry a request's id for the log.
func checkIdentity(m *Module) []Breach {
	var out []Breach
	m.Each(func(p *Package, f *File) {
		if !f.Code() || p.Dir == "internal/httpx" {
			return
		}
		for _, use := range m.uses(f, "context", "WithValue") {
			out = append(out, breach(use, "context.WithValue: who acts, and all else a function needs, is a parameter; a request's id belongs to internal/httpx"))
		}
	})
	return out
}

// uses lists the places where a file selects a name from an import.
func (m *Module) uses(f *File, from, name string) []string {
	var out []string
	names := importNames(f.AST)
	ast.Inspect(f.AST, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == name {
			if id, ok := sel.X.(*ast.Ident); ok && names[id.Name] == from {
				out = append(out, m.at(sel.Pos()))
			}
		}
		return true
	})
	return out
}

func checkComments(m *Module) []Breach {
	var out []Breach
	for _, dir := range m.Dirs() {
		said, generated := false, true
		for _, f := range m.Packages[dir].Files {
			if f.Ignored {
				continue
			}
			generated = generated && f.Generated
			said = said || f.AST.Doc != nil && len(f.AST.Doc.Text()) > 0
		}
		if !said && !generated {
			out = append(out, breach(dir, "no package comment: say above one package clause what the package promises, where it stops, and what to read first"))
		}
	}
	return out
}

// absentImports are libraries that stay out, with the reason. Test files may use them, but for mocks.
var absentImports = map[string]string{
	"html/template":              "calls methods by name, which switches off dead-code removal for the whole binary (+15 MB): use templ",
	"text/template":              "calls methods by name, which switches off dead-code removal for the whole binary (+15 MB): append to a []byte",
	"github.com/alecthomas/kong": "calls methods by name (+15 MB of binary): use cobra",
	"github.com/spf13/viper":     "global configuration: fill a config struct from flags, environment and one file",
	"github.com/golang/mock":     "no mocks: use the memory engine, or a hand-written fake at the network's edge",
	"go.uber.org/mock":           "no mocks: use the memory engine, or a hand-written fake at the network's edge",
	"go.uber.org/fx":             "no dependency-injection framework: assembly is one readable function",
	"github.com/google/wire":     "no dependency-injection framework: assembly is one readable function",
	"gorm.io/gorm":               "no ORM: each engine is native",
	prometheusPath + "/promauto": "registers globally: give the collector to the registry that is passed in",
	"github.com/sirupsen/logrus": "log/slog, passed in",
	"go.uber.org/zap":            "log/slog, passed in",
	"google.golang.org/grpc":     "no service-to-service calls: roles share stores, log and hub",
}

// absentGlobals are doors to state that the whole process shares.
var absentGlobals = []struct{ from, name, instead string }{
	{"log/slog", "SetDefault", "pass the *slog.Logger in"},
	{"net/http", "DefaultServeMux", "make a mux and pass it"},
	{"net/http", "Handle", "register on a mux of your own"},
	{"net/http", "HandleFunc", "register on a mux of your own"},
	{prometheusPath, "DefaultRegisterer", "pass the registry in"},
	{prometheusPath, "MustRegister", "call it on the registry that is passed in"},
	{prometheusPath, "Register", "call it on the registry that is passed in"},
}

// absentPackages are names that say nothing about what is inside.
var absentPackages = []string{"common", "helpers", "misc", "mock", "mocks", "models", "util", "utils"}

// absentWords are identifiers of a program that asks what shape it has instead of using the stores it was given.
var absentWords = []string{"singlebinary", "issinglebinary", "isembedded", "iscluster", "clustermode"}

func checkAbsent(m *Module) []Breach {
	var out []Breach
	for _, dir := range m.Dirs() {
		if slices.Contains(absentPackages, path.Base(dir)) {
			out = append(out, breach(dir, "a package named %s holds anything: name it after what it does", path.Base(dir)))
		}
	}
	m.Each(func(_ *Package, f *File) {
		if f.Generated || f.Ignored {
			return
		}
		out = append(out, m.absentIn(f)...)
	})
	return out
}

func (m *Module) absentIn(f *File) []Breach {
	var out []Breach
	for _, spec := range f.AST.Imports {
		imported := importPath(spec)
		for lib, why := range absentImports {
			if f.Test && !strings.HasSuffix(lib, "/mock") {
				continue
			}
			if imported == lib || strings.HasPrefix(imported, lib+"/") {
				out = append(out, breach(m.at(spec.Pos()), "%s: %s", imported, why))
			}
		}
	}
	for _, g := range absentGlobals {
		for _, use := range m.uses(f, g.from, g.name) {
			out = append(out, breach(use, "%s.%s is state of the whole process: %s", path.Base(g.from), g.name, g.instead))
		}
	}
	ast.Inspect(f.AST, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && slices.Contains(absentWords, strings.ToLower(id.Name)) {
			out = append(out, breach(m.at(id.Pos()), "%s: one path in all shapes; what differs is the value of Stores and the set of roles", id.Name))
		}
		return true
	})
	return out
}

// registryHosts are written in pieces, so that this file keeps its own law.
func registryHosts() [][]byte {
	var hosts [][]byte
	for _, h := range [][]string{
		{"proxy", "golang", "org"}, {"sum", "golang", "org"}, {"goproxy", "io"}, {"goproxy", "cn"},
		{"pypi", "org"}, {"files", "pythonhosted", "org"},
		{"registry", "npmjs", "org"}, {"registry", "yarnpkg", "com"},
		{"crates", "io"}, {"repo", "maven", "apache", "org"}, {"repo1", "maven", "org"},
		{"deb", "debian", "org"}, {"archive", "ubuntu", "com"},
	} {
		hosts = append(hosts, []byte(strings.Join(h, ".")))
	}
	return hosts
}

func checkHosts(m *Module) []Breach {
	var out []Breach
	hosts := registryHosts()
	for _, name := range m.Files {
		src, err := m.read(name)
		if err != nil || bytes.IndexByte(src[:min(len(src), 8000)], 0) >= 0 {
			continue // gone meanwhile, or not text
		}
		for _, host := range hosts {
			if i := bytes.Index(src, host); i >= 0 {
				line := 1 + bytes.Count(src[:i], []byte("\n"))
				out = append(out, breach(name, "line %d names the registry host %s: name the package, and let its client know where to find it", line, host))
			}
		}
	}
	return out
}

func (m *Module) read(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(m.Dir, filepath.FromSlash(name)))
}
