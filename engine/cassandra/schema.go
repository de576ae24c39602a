package cassandra

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"

	"warble"
	"warble/internal/lease"
)

//go:embed schema/*.cql
var schemaFiles embed.FS

// schemaTimeout is how long one statement of a step may take; every node must agree.
const schemaTimeout = 30 * time.Second

// Step is one numbered step of the schema. Steps only add: what a program one
// step older reads and writes stays as it is.
type Step struct {
	Number int    // 0 is what the steps themselves need
	Name   string // the file's
	CQL    string
}

// Statements are the step's statements without comments.
func (s Step) Statements() []string {
	var code strings.Builder
	for line := range strings.Lines(s.CQL) {
		if !strings.HasPrefix(strings.TrimSpace(line), "--") {
			code.WriteString(line)
		}
	}
	var out []string
	for statement := range strings.SplitSeq(code.String(), ";\n") {
		if statement = strings.TrimSpace(statement); statement != "" {
			out = append(out, statement)
		}
	}
	return out
}

// Steps are the steps this program knows, in order.
func Steps() ([]Step, error) {
	names, err := fs.Glob(schemaFiles, "schema/*.cql")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var out []Step
	for i, name := range names {
		text, err := schemaFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		base := strings.TrimPrefix(name, "schema/")
		number, _, _ := strings.Cut(base, "_")
		if n, err := strconv.Atoi(number); err != nil || n != i {
			return nil, fmt.Errorf("schema/%s is not step %d", base, i)
		}
		out = append(out, Step{Number: i, Name: base, CQL: string(text)})
	}
	return out, nil
}

// checkSchema refuses a keyspace whose schema is not this program's, one step
// older or one step newer.
func (e *Engine) checkSchema(ctx context.Context) error {
	steps, err := Steps()
	if err != nil {
		return err
	}
	own := len(steps) - 1
	stored, err := e.SchemaStep(ctx)
	switch {
	case err != nil:
		return err
	case stored == 0:
		return warble.Invalid("cassandra.keyspace", "", "the keyspace has no tables: make them with `warble schema apply`")
	case stored < own-1:
		return warble.Invalid("cassandra.keyspace", "", fmt.Sprintf("the schema is at step %d and this program needs %d: bring it up with `warble schema apply`", stored, own))
	case stored > own+1:
		return warble.Invalid("cassandra.keyspace", "", fmt.Sprintf("the schema is at step %d and this program knows %d: use a newer program", stored, own))
	}
	return nil
}

// SchemaStep is the last step that was begun, zero for none.
func (e *Engine) SchemaStep(ctx context.Context) (int, error) { return storedStep(ctx, e.session) }

func storedStep(ctx context.Context, session *gocql.Session) (int, error) {
	last := 0
	iter := session.Query(`SELECT step FROM schema_steps`).IterContext(ctx)
	err := readAll(iter, func(row scanner) error {
		var step int
		err := row.Scan(&step)
		last = max(last, step)
		return err
	})
	if refused(err) { // no such table
		return 0, nil
	}
	return last, err
}

// ApplySchema makes the keyspace where it is not there, and brings it to the
// step this program needs: one process at a time, under a claim. told hears of each step that is carried out.
func ApplySchema(ctx context.Context, cfg Config, told func(Step)) error {
	cfg, err := cfg.filled()
	if err != nil {
		return err
	}
	bare, err := connect(cfg, "", schemaTimeout)
	if err != nil {
		return err
	}
	defer bare.Close()
	err = execute(ctx, bare, fmt.Sprintf(`CREATE KEYSPACE IF NOT EXISTS %s WITH replication = {'class': 'NetworkTopologyStrategy', '%s': %d}`, cfg.Keyspace, cfg.Datacenter, cfg.Replication))
	if err != nil {
		return err
	}
	session, err := connect(cfg, cfg.Keyspace, schemaTimeout)
	if err != nil {
		return err
	}
	defer session.Close()
	steps, err := Steps()
	if err != nil {
		return err
	}
	if err := applyStep(ctx, session, steps[0]); err != nil { // what the claim and the list of steps need
		return err
	}
	e := &Engine{session: session, now: time.Now, log: slog.New(slog.DiscardHandler), slots: make(chan struct{}, maxStatements)}
	e.prepare()
	hold, err := lease.Lease{Claims: claimStore{e}, Name: "schema", Holder: lease.Someone(), Dead: time.Minute}.Win(ctx, func(error) {})
	if err != nil {
		return err
	}
	defer hold.Leave()
	done, err := stepsDone(ctx, session)
	if err != nil {
		return err
	}
	for _, s := range steps[1:] {
		if done[s.Number] {
			continue
		}
		if told != nil {
			told(s)
		}
		if err := applyStep(hold.Context(), session, s); err != nil {
			return err
		}
	}
	return nil
}

func applyStep(ctx context.Context, session *gocql.Session, s Step) error {
	note := func(done bool) error {
		return readFailed(session.Query(`INSERT INTO schema_steps (step, name, done) VALUES (?, ?, ?)`, s.Number, s.Name, done).ExecContext(ctx))
	}
	if s.Number > 0 {
		if err := note(false); err != nil {
			return err
		}
	}
	for _, statement := range s.Statements() {
		if err := execute(ctx, session, statement); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	return note(true)
}

// stepsDone are the steps that were carried out whole.
func stepsDone(ctx context.Context, session *gocql.Session) (map[int]bool, error) {
	out := map[int]bool{}
	err := readAll(session.Query(`SELECT step, done FROM schema_steps`).IterContext(ctx), func(row scanner) error {
		var step int
		var done bool
		err := row.Scan(&step, &done)
		out[step] = done
		return err
	})
	return out, err
}

// execute runs a statement that changes the schema, and waits until all nodes agree.
func execute(ctx context.Context, session *gocql.Session, statement string) error {
	if err := session.Query(statement).ExecContext(ctx); err != nil {
		return &warble.Error{Kind: warble.ErrUnavailable, Detail: "the schema could not be changed: " + err.Error(), Err: err}
	}
	return readFailed(session.AwaitSchemaAgreement(ctx))
}
