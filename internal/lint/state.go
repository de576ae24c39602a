package lint

import (
	"errors"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// statefulTypes are types, and functions that make them, which are of no use unless they change. A package-level
// variable may not be made of them. sync.Pool and sync.OnceValue are missing on purpose: the one holds memory, not
// facts, the other a table that is computed once and never changes.
var statefulTypes = map[string][]string{
	"bytes":                  {"Buffer"},
	"github.com/spf13/cobra": {"Command"},
	"math/rand":              {"Rand", "New"},
	"math/rand/v2":           {"Rand", "New"},
	"net/http":               {"Client", "ServeMux", "NewServeMux", "Server", "Transport"},
	"strings":                {"Builder"},
	"sync":                   {"Cond", "Map", "Mutex", "NewCond", "Once", "RWMutex", "WaitGroup"},
	"sync/atomic":            {"Bool", "Int32", "Int64", "Pointer", "Uint32", "Uint64", "Uintptr", "Value"},
	"time":                   {"NewTicker", "NewTimer", "Ticker", "Timer"},
	prometheusPath:           {"NewCounter", "NewCounterVec", "NewGauge", "NewGaugeVec", "NewHistogram", "NewHistogramVec", "NewRegistry", "NewSummary", "NewSummaryVec"},
}

const prometheusPath = "github.com/prometheus/client_golang/prometheus"

// checkState finds package-level variables that are not constant after initialisation: assigned, incremented,
// deleted from, sent on, their address taken, a pointer method called on them, or of a type that only holds state.
// Error sentinels, compiled tables, patterns and embedded files pass, because nothing changes them.
func checkState(m *Module) []Breach {
	var out []Breach
	for _, dir := range m.Dirs() {
		var files []*File
		var trees []*ast.File
		for _, f := range m.Packages[dir].Files {
			if f.Code() && !f.Generated {
				files = append(files, f)
				trees = append(trees, f.AST)
			}
		}
		s := stateCheck{m: m, info: resolve(m, dir, trees), writers: map[types.Object]bool{}}
		s.findWriters(trees)
		for _, f := range files {
			s.file(f.AST)
		}
		out = append(out, s.out...)
	}
	return out
}

// resolve finds out which variable each name means. Imports are not loaded and errors are ignored: a package's own
// names and scopes are all that is needed, and half-written code must not stop the law.
func resolve(m *Module, dir string, trees []*ast.File) *types.Info {
	info := &types.Info{
		Defs:       map[*ast.Ident]types.Object{},
		Uses:       map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
	}
	conf := types.Config{Importer: noImports{}, Error: func(error) {}}
	_, _ = conf.Check(dir, m.Fset, trees, info) // its error is the first of those given to Error
	return info
}

type noImports struct{}

func (noImports) Import(string) (*types.Package, error) { return nil, errors.New("not loaded") }

type stateCheck struct {
	m       *Module
	info    *types.Info
	writers map[types.Object]bool // methods that change what their receiver points to
	out     []Breach
}

func (s *stateCheck) file(tree *ast.File) {
	names := importNames(tree)
	for _, decl := range tree.Decls {
		if gen, ok := decl.(*ast.GenDecl); ok && gen.Tok == token.VAR {
			for _, spec := range gen.Specs {
				s.declaration(spec.(*ast.ValueSpec), names)
			}
		}
	}
	s.writes(tree, s.changed)
}

// writes calls found for each expression in the tree that is written to, or may be through its address.
func (s *stateCheck) writes(tree ast.Node, found func(expr ast.Expr, how string)) {
	ast.Inspect(tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, left := range n.Lhs {
				found(left, "assigned to")
			}
		case *ast.IncDecStmt:
			found(n.X, "changed")
		case *ast.RangeStmt:
			if n.Tok == token.ASSIGN {
				found(n.Key, "assigned to")
				found(n.Value, "assigned to")
			}
		case *ast.SendStmt:
			found(n.Chan, "sent on")
		case *ast.UnaryExpr:
			if n.Op == token.AND && !indexed(n.X) {
				found(n.X, shared)
			}
		case *ast.CallExpr:
			if expr, how := s.call(n); expr != nil {
				found(expr, how)
			}
		}
		return true
	})
}

const (
	shared   = "shared by address, so it may change"
	byMethod = "changed by its method "
)

// findWriters finds the methods that write through a pointer receiver, themselves or by another method of it: a method
// that has a pointer only to save a copy changes nothing.
func (s *stateCheck) findWriters(trees []*ast.File) {
	for more := true; more; {
		more = false
		for _, tree := range trees {
			for _, decl := range tree.Decls {
				fn, ok := decl.(*ast.FuncDecl)
				if !ok || fn.Recv == nil || fn.Body == nil || len(fn.Recv.List) == 0 || len(fn.Recv.List[0].Names) == 0 {
					continue
				}
				method, receiver := s.info.Defs[fn.Name], s.info.Defs[fn.Recv.List[0].Names[0]]
				if method == nil || receiver == nil || s.writers[method] || !pointing(receiver.Type()) {
					continue
				}
				s.writes(fn.Body, func(expr ast.Expr, how string) {
					root, _ := rootOf(expr)
					through := root != expr || strings.HasPrefix(how, byMethod) // not `r = nil`, which forgets the receiver
					if root != nil && through && s.info.Uses[root] == receiver && !s.writers[method] {
						s.writers[method], more = true, true
					}
				})
			}
		}
	}
}

// declaration looks at how a package-level variable is made.
func (s *stateCheck) declaration(spec *ast.ValueSpec, names map[string]string) {
	if len(spec.Names) == 1 && spec.Names[0].Name == "_" {
		return
	}
	look := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit, *ast.FuncType:
			return false
		case *ast.ChanType:
			s.blame(spec.Names[0], "%s holds a channel", spec.Names[0].Name)
		case *ast.SelectorExpr:
			pkg, ok := n.X.(*ast.Ident)
			if !ok {
				break
			}
			for _, stateful := range statefulTypes[names[pkg.Name]] {
				if n.Sel.Name == stateful {
					s.blame(spec.Names[0], "%s is made of %s.%s", spec.Names[0].Name, pkg.Name, stateful)
				}
			}
		}
		return true
	}
	if spec.Type != nil {
		ast.Inspect(spec.Type, look)
	}
	for _, value := range spec.Values {
		ast.Inspect(value, look)
	}
}

// pointing says whether a method on a receiver of this type can change more than its own copy.
func pointing(t types.Type) bool {
	switch t.Underlying().(type) {
	case *types.Pointer, *types.Map, *types.Slice:
		return true
	}
	return false
}

// call returns the expression that a call changes, if it does: by a builtin, or by a method that writes to it.
func (s *stateCheck) call(call *ast.CallExpr) (expr ast.Expr, how string) {
	switch fn := call.Fun.(type) {
	case *ast.Ident:
		if _, builtin := s.info.Uses[fn].(*types.Builtin); builtin && len(call.Args) > 0 {
			switch fn.Name {
			case "clear", "close", "copy", "delete":
				return call.Args[0], "changed by " + fn.Name
			}
		}
	case *ast.SelectorExpr:
		if sel := s.info.Selections[fn]; sel != nil && sel.Kind() == types.MethodVal && s.writers[sel.Obj()] {
			return fn.X, byMethod + fn.Sel.Name
		}
	}
	return nil, ""
}

// changed blames the package-level variable at the root of an expression such as x, x.f, x[i].f or *x, if it is one.
func (s *stateCheck) changed(expr ast.Expr, how string) {
	root, field := rootOf(expr)
	if root == nil {
		return
	}
	switch obj := s.info.Uses[root].(type) {
	case *types.Var:
		if obj.Pkg() != nil && obj.Parent() == obj.Pkg().Scope() {
			s.blame(root, "%s is %s", root.Name, how)
		}
	case *types.PkgName:
		if field != nil && how != shared {
			s.blame(root, "%s.%s, a variable of another package, is %s", root.Name, field.Name, how)
		}
	}
}

func (s *stateCheck) blame(at ast.Node, format string, args ...any) {
	b := breach(s.m.at(at.Pos()), format, args...)
	b.Text += ": package-level state; make it a field of the value that needs it, and pass that value in"
	s.out = append(s.out, b)
}

// rootOf returns the identifier an expression starts from, and the first field selected from it.
func rootOf(expr ast.Expr) (root, field *ast.Ident) {
	for {
		switch x := expr.(type) {
		case *ast.Ident:
			return x, field
		case *ast.SelectorExpr:
			expr, field = x.X, x.Sel
		case *ast.IndexExpr:
			expr = x.X
		case *ast.SliceExpr:
			expr = x.X
		case *ast.StarExpr:
			expr = x.X
		case *ast.ParenExpr:
			expr = x.X
		default:
			return nil, nil
		}
	}
}

// indexed says whether an element is meant: &table[i] is how a row of a read-only table is looked at without a copy.
func indexed(expr ast.Expr) bool {
	found := false
	ast.Inspect(expr, func(n ast.Node) bool {
		if _, ok := n.(*ast.IndexExpr); ok {
			found = true
		}
		return !found
	})
	return found
}
