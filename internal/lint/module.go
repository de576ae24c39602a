package lint

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A Module is a checkout as the laws see it: parsed, whatever its build tags, but neither type-checked nor built.
type Module struct {
	Path     string // module path from go.mod
	Dir      string
	Files    []string            // every file that belongs to the project, slash-separated, sorted
	Packages map[string]*Package // by directory relative to Dir; "." is the root
	Requires []string            // module paths required by go.mod, direct or not
	Tools    []string            // package paths on go.mod's tool lines
	Fset     *token.FileSet
}

// A Package is one directory of Go files. Test files of the external test package belong to it too.
type Package struct {
	Dir   string
	Files []*File
}

// A File is one parsed Go file.
type File struct {
	Name      string // path relative to the module
	AST       *ast.File
	Lines     int
	Test      bool // *_test.go
	Generated bool // carries the "Code generated … DO NOT EDIT." line
	Table     bool // data in Go's clothing: *_tables.go, *_tlds.go
	Ignored   bool // `//go:build ignore`: a program run by go generate, no part of its directory's package
}

// Hand reports whether the file is written by hand and part of its package: what the budgets are about.
func (f *File) Hand() bool { return !f.Generated && !f.Table && !f.Ignored }

// Code reports whether the file is compiled into the package outside tests.
func (f *File) Code() bool { return !f.Test && !f.Ignored }

// Load reads the module in dir. A file that does not parse is an error that names it.
func Load(dir string) (*Module, error) {
	m := &Module{Dir: dir, Packages: map[string]*Package{}, Fset: token.NewFileSet()}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return nil, fmt.Errorf("lint: %w", err)
	}
	m.parseMod(string(mod))
	if m.Files, err = projectFiles(dir); err != nil {
		return nil, fmt.Errorf("lint: list files of %s: %w", dir, err)
	}
	for _, name := range m.Files {
		if !strings.HasSuffix(name, ".go") || skipped(name) {
			continue
		}
		if err := m.parse(name); err != nil {
			return nil, fmt.Errorf("lint: %w", err)
		}
	}
	return m, nil
}

// skipped says whether the go command would not look into the file's directory.
func skipped(name string) bool {
	for elem := range strings.SplitSeq(name, "/") {
		if elem == "testdata" || elem == "vendor" || strings.HasPrefix(elem, ".") || strings.HasPrefix(elem, "_") {
			return true
		}
	}
	return false
}

func (m *Module) parse(name string) error {
	src, err := os.ReadFile(filepath.Join(m.Dir, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	tree, err := parser.ParseFile(m.Fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	dir := path.Dir(name)
	p := m.Packages[dir]
	if p == nil {
		p = &Package{Dir: dir}
		m.Packages[dir] = p
	}
	p.Files = append(p.Files, &File{
		Name:      name,
		AST:       tree,
		Lines:     lineCount(src),
		Test:      strings.HasSuffix(name, "_test.go"),
		Generated: ast.IsGenerated(tree),
		Table:     strings.HasSuffix(name, "_tables.go") || strings.HasSuffix(name, "_tlds.go"),
		Ignored:   buildIgnored(tree),
	})
	return nil
}

func lineCount(src []byte) int {
	n := bytes.Count(src, []byte("\n"))
	if len(src) > 0 && src[len(src)-1] != '\n' {
		n++
	}
	return n
}

func buildIgnored(tree *ast.File) bool {
	for _, group := range tree.Comments {
		if group.Pos() > tree.Package {
			return false
		}
		for _, c := range group.List {
			if x, err := constraint.Parse(c.Text); err == nil && x.String() == "ignore" {
				return true
			}
		}
	}
	return false
}

// parseMod reads the three directives the laws ask for; the go command has already refused a malformed go.mod.
func (m *Module) parseMod(src string) {
	block := ""
	for line := range strings.Lines(src) {
		line, _, _ = strings.Cut(line, "//")
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
			continue
		case words[0] == ")":
			block = ""
			continue
		case len(words) == 2 && words[1] == "(":
			block = words[0]
			continue
		case block != "":
			words = append([]string{block}, words...)
		}
		if len(words) < 2 {
			continue
		}
		switch words[0] {
		case "module":
			m.Path = strings.Trim(words[1], `"`)
		case "require":
			m.Requires = append(m.Requires, words[1])
		case "tool":
			m.Tools = append(m.Tools, words[1])
		}
	}
}

// projectFiles lists what git tracks or would track; outside a repository it walks, past what .gitignore names there.
func projectFiles(dir string) ([]string, error) {
	cmd := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return walkFiles(dir)
	}
	var files []string
	for name := range strings.SplitSeq(string(out), "\x00") {
		at := filepath.Join(dir, name)
		if info, err := os.Lstat(at); err == nil && info.Mode().IsRegular() {
			files = append(files, name)
			_, _ = os.Stat(filepath.Dir(at)) // lets the go command's test cache notice a new file beside this one
		}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

func walkFiles(dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{".git", "bin", "warble-data", "node_modules"}, rel) {
			return fs.SkipDir
		}
		if d.Type().IsRegular() {
			files = append(files, filepath.ToSlash(rel))
		}
		return nil
	})
	slices.Sort(files)
	return files, err
}

// Dirs returns the directories of the packages, sorted.
func (m *Module) Dirs() []string {
	dirs := make([]string, 0, len(m.Packages))
	for dir := range m.Packages {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	return dirs
}

// Each calls f for every Go file, package by package.
func (m *Module) Each(f func(*Package, *File)) {
	for _, dir := range m.Dirs() {
		for _, file := range m.Packages[dir].Files {
			f(m.Packages[dir], file)
		}
	}
}

// Inside turns an import path into a directory of the module; ok is false for other modules and the standard library.
func (m *Module) Inside(importPath string) (dir string, ok bool) {
	if importPath == m.Path {
		return ".", true
	}
	return strings.CutPrefix(importPath, m.Path+"/")
}

func (m *Module) at(pos token.Pos) string {
	p := m.Fset.Position(pos)
	return p.Filename + ":" + strconv.Itoa(p.Line)
}

func importPath(spec *ast.ImportSpec) string {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value
	}
	return p
}

// importNames maps the names a file knows its imports by to their paths. A last element like v2 is not a name.
func importNames(f *ast.File) map[string]string {
	names := map[string]string{}
	for _, spec := range f.Imports {
		p := importPath(spec)
		if spec.Name != nil {
			names[spec.Name.Name] = p
			continue
		}
		base := path.Base(p)
		if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
			base = path.Base(path.Dir(p))
		}
		names[base] = p
	}
	return names
}

// standard says whether a package comes with Go: the first element of its path has no dot.
func standard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".")
}
