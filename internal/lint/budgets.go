package lint

import (
	"go/ast"
	"slices"
	"strings"
)

// The budgets. Hard ones fail; soft ones are printed, and fail when too many stand above them without a row below.
const (
	fileSoft, fileHard         = 500, 800 // lines
	functionSoft, functionHard = 60, 100  // lines from the word func to the closing brace
	mainHard                   = 30       // lines of func main
	packageHard                = 6000     // lines written by hand, without tests and tables
	interfaceHard              = 7        // methods
	dependencyHard             = 30       // direct requirements of the program
	directoryHard              = 15       // at the top of the tree; those that begin with a dot are not counted
	architectureHard           = 200      // lines of ARCHITECTURE.md

	filesAboveSoft     = 6
	functionsAboveSoft = 20
)

// longFiles may stand between the soft and the hard limit, each with the reason why cutting it would not help a reader.
var longFiles = map[string]string{}

// longFunctions is the same for functions, as "file.go:Name" or "file.go:Type.Name".
var longFunctions = map[string]string{}

func checkFiles(m *Module) []Breach {
	var out, above []Breach
	listed := map[string]bool{}
	m.Each(func(_ *Package, f *File) {
		switch {
		case f.Generated || f.Table || f.Lines <= fileSoft:
		case f.Lines > fileHard:
			out = append(out, breach(f.Name, "%d lines, %d at most: move one concept to a file of its own", f.Lines, fileHard))
		case longFiles[f.Name] != "":
			listed[f.Name] = true
		case !f.Test:
			above = append(above, note(f.Name, "%d lines, %d wanted", f.Lines, fileSoft))
		}
	})
	out = append(out, tooMany(above, filesAboveSoft, fileSoft, "files", "longFiles")...)
	if slices.Contains(m.Files, "ARCHITECTURE.md") {
		if n := m.textLines("ARCHITECTURE.md"); n >= architectureHard {
			out = append(out, breach("ARCHITECTURE.md", "%d lines, under %d wanted: move detail to a one-page note in docs/", n, architectureHard))
		}
	}
	return append(out, stale(m, listed, longFiles, "longFiles")...)
}

func checkFunctions(m *Module) []Breach {
	var out, above []Breach
	listed := map[string]bool{}
	m.Each(func(_ *Package, f *File) {
		if f.Generated || f.Table {
			return
		}
		for _, decl := range f.AST.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Body == nil || routeTable(fn) {
				continue
			}
			lines := m.Fset.Position(fn.End()).Line - m.Fset.Position(fn.Pos()).Line + 1
			name := f.Name + ":" + functionName(fn)
			switch {
			case fn.Name.Name == "main" && fn.Recv == nil && !f.Ignored && lines > mainHard:
				out = append(out, breach(m.at(fn.Pos()), "main has %d lines, %d at most: let it call one function that can be tested", lines, mainHard))
			case lines > functionHard:
				out = append(out, breach(m.at(fn.Pos()), "%s has %d lines, %d at most: name its parts", functionName(fn), lines, functionHard))
			case lines > functionSoft && longFunctions[name] != "":
				listed[name] = true
			case lines > functionSoft && !f.Test:
				above = append(above, note(m.at(fn.Pos()), "%s has %d lines, %d wanted", functionName(fn), lines, functionSoft))
			}
		}
	})
	out = append(out, tooMany(above, functionsAboveSoft, functionSoft, "functions", "longFunctions")...)
	return append(out, stale(m, listed, longFunctions, "longFunctions")...)
}

// tooMany returns the soft breaches, and a hard one if there are more than may be.
func tooMany(above []Breach, limit, lines int, what, table string) []Breach {
	if len(above) <= limit {
		return above
	}
	return append(above, breach("internal/lint/budgets.go", "%d %s above %d lines, %d at most (listed as notes): shorten some, or give one a row with its reason in %s", len(above), what, lines, limit, table))
}

// stale reports the rows of an allowance table that nothing needs any more. In a module without this package, such as
// a fixture, the table is somebody else's.
func stale(m *Module, used map[string]bool, table map[string]string, name string) []Breach {
	var out []Breach
	if m.Packages["internal/lint"] == nil {
		return nil
	}
	for row := range table {
		if !used[row] {
			out = append(out, breach("internal/lint/budgets.go", "the row %q of %s is not needed any more: take it out", row, name))
		}
	}
	return out
}

func (m *Module) textLines(name string) int {
	src, err := m.read(name)
	if err != nil {
		return 0
	}
	return lineCount(src)
}

// routeTable excepts the functions that are a table in code: one line per route, on one screen however tall.
func routeTable(fn *ast.FuncDecl) bool {
	return fn.Name.Name == "routes" || strings.HasSuffix(fn.Name.Name, "Routes")
}

// functionName is Name, or Type.Name for a method.
func functionName(fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return fn.Name.Name
	}
	t := fn.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name + "." + fn.Name.Name
		default:
			return fn.Name.Name
		}
	}
}

func checkPackages(m *Module) []Breach {
	var out []Breach
	for _, dir := range m.Dirs() {
		lines := 0
		for _, f := range m.Packages[dir].Files {
			if f.Hand() && !f.Test {
				lines += f.Lines
			}
		}
		if lines > packageHard {
			out = append(out, breach(dir, "%d lines written by hand, %d at most: find the part that stands alone and give it a package", lines, packageHard))
		}
	}
	return out
}

// checkContracts counts the methods of the interfaces in the root's store.go, embedded ones of the same file included.
func checkContracts(m *Module) []Breach {
	root := m.Packages["."]
	if root == nil {
		return nil
	}
	var out []Breach
	for _, f := range root.Files {
		if f.Name != "store.go" {
			continue
		}
		types := map[string]*ast.InterfaceType{}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if t, ok := spec.Type.(*ast.InterfaceType); ok {
					types[spec.Name.Name] = t
				}
			}
			return true
		})
		for name, t := range types {
			if n := methods(t, types, 0); n > interfaceHard {
				out = append(out, breach(m.at(t.Pos()), "%s has %d methods, %d at most: an engine remembers; move the rule above it, or split by what is promised", name, n, interfaceHard))
			}
		}
	}
	return out
}

func methods(t *ast.InterfaceType, types map[string]*ast.InterfaceType, depth int) int {
	n := 0
	for _, field := range t.Methods.List {
		id, embedded := field.Type.(*ast.Ident)
		switch {
		case embedded && types[id.Name] != nil && depth < 10:
			n += methods(types[id.Name], types, depth+1)
		case len(field.Names) > 0:
			n += len(field.Names)
		default:
			n++
		}
	}
	return n
}

// checkDependencies counts the modules that the program's own files import and the tools that go.mod names. What only
// tests import, the engine suite and test/ among them, is not in the binary and not counted.
func checkDependencies(m *Module) []Breach {
	direct := map[string]bool{}
	m.Each(func(p *Package, f *File) {
		if !f.Code() || p.Dir == "engine/enginetest" || strings.HasPrefix(p.Dir+"/", "test/") {
			return
		}
		for _, spec := range f.AST.Imports {
			imported := importPath(spec)
			if _, inside := m.Inside(imported); !inside && !standard(imported) {
				direct[m.moduleOf(imported)] = true
			}
		}
	})
	for _, tool := range m.Tools {
		direct[m.moduleOf(tool)] = true
	}
	if len(direct) <= dependencyHard {
		return nil
	}
	var names []string
	for name := range direct {
		names = append(names, name)
	}
	slices.Sort(names)
	return []Breach{breach("go.mod", "%d direct dependencies, %d at most: write the small one out, or drop one of %s", len(direct), dependencyHard, strings.Join(names, ", "))}
}

// moduleOf returns the required module that holds a package: the longest prefix; the package itself if none does.
func (m *Module) moduleOf(imported string) string {
	best := ""
	for _, mod := range m.Requires {
		if (imported == mod || strings.HasPrefix(imported, mod+"/")) && len(mod) > len(best) {
			best = mod
		}
	}
	if best == "" {
		return imported
	}
	return best
}

func checkDirectories(m *Module) []Breach {
	var dirs []string
	for _, name := range m.Files {
		top, _, nested := strings.Cut(name, "/")
		if nested && !strings.HasPrefix(top, ".") {
			dirs = append(dirs, top)
		}
	}
	slices.Sort(dirs)
	dirs = slices.Compact(dirs)
	if len(dirs) <= directoryHard {
		return nil
	}
	return []Breach{breach(".", "%d directories at the top, %d at most: %s", len(dirs), directoryHard, strings.Join(dirs, " "))}
}
