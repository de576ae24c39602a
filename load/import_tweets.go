package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"warble/role/write"

	"golang.org/x/sync/errgroup"
)

// ImportTweets imports a CSV file of tweets. A tweet is the same as another if
// handle, time and text (after one HTML unescape) are: importing it again
// changes nothing. Authors without an account get one. First every author is
// made, then the tweets, so that a mention is found whoever stands first.
//
// A malformed row is rejected alone. When the error is not nil, the report says
// how far the import came; the next one goes on there.
func (s *Store) ImportTweets(ctx context.Context, path string, opt ImportOptions) (Report, error) {
	j, err := s.newJob(ctx, "tweets", path, opt)
	if err != nil {
		return Report{}, err
	}
	made, err := j.authors(ctx)
	j.at.People += made
	if err != nil {
		return Report{Tally: j.at.Tally, People: j.at.People, Resumed: j.from.Line}, err
	}
	f, err := openTweets(path, j.from)
	if err != nil {
		return Report{}, err
	}
	defer f.Close()
	j.total, j.came = f.size, j.from.Offset
	return j.run(ctx, "importing tweets", func() (batch, error) { return j.nextTweets(f) })
}

// tweetsFile is an open CSV file of tweets.
type tweetsFile struct {
	*os.File
	csv  *csvReader
	cols columns
	size int64
}

// openTweets opens a file behind its header, or at a place inside it.
func openTweets(path string, from place) (*tweetsFile, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f := &tweetsFile{File: file, csv: &csvReader{r: file}}
	if err := f.open(path, from); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return f, nil
}

func (f *tweetsFile) open(path string, from place) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	f.size = info.Size()
	header, err := f.csv.Read()
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", path, err)
	}
	if f.cols, err = findColumns(header.Fields); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if from.Offset == 0 {
		return nil
	}
	fields := f.csv.fields
	f.csv = &csvReader{r: f.File, fields: fields, Offset: from.Offset, Line: from.Line}
	_, err = f.Seek(from.Offset, io.SeekStart)
	return err
}

// next returns the next row that can be imported, or why one cannot.
func (f *tweetsFile) next() (row tweetRow, reject *Reject, err error) {
	r, err := f.csv.Read()
	var bad *errRow
	switch {
	case errors.As(err, &bad):
		return row, &Reject{bad.line, bad.row, bad.reason}, nil
	case err != nil:
		return row, nil, err
	}
	row, reason := f.cols.read(r.Fields)
	row.Line = r.Line
	if reason != "" {
		return row, &Reject{r.Line, begin(r.Raw), reason}, nil
	}
	return row, nil, nil
}

// authors makes an account for everybody who has a row in the rest of the file.
func (j *job) authors(ctx context.Context) (made int64, err error) {
	f, err := openTweets(j.file, j.from)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	m := j.opt.Meter("finding authors")
	defer m.Done()
	work, workCtx := errgroup.WithContext(ctx)
	work.SetLimit(j.opt.Workers)
	seen := handleSet{}
	var count atomic.Int64
	for workCtx.Err() == nil {
		row, reject, err := f.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return count.Load(), errors.Join(err, work.Wait())
		}
		m.Set(f.csv.Offset, f.size)
		if reject != nil || !seen.add(row.Handle) {
			continue
		}
		work.Go(func() error {
			_, made, err := j.s.person(workCtx, row.Handle)
			if made {
				count.Add(1)
			}
			return err
		})
	}
	err = work.Wait()
	return count.Load(), errors.Join(err, ctx.Err())
}

// tweetBatch is how many rows one worker imports at a time.
const tweetBatch = 16

func (j *job) nextTweets(f *tweetsFile) (batch, error) {
	var rows []tweetRow
	var rejects []Reject
	start := f.csv.Offset
	for len(rows)+len(rejects) < tweetBatch {
		row, reject, err := f.next()
		if errors.Is(err, io.EOF) && len(rows)+len(rejects) > 0 {
			break
		}
		if err != nil {
			return batch{}, err
		}
		if reject != nil {
			rejects = append(rejects, *reject)
			continue
		}
		rows = append(rows, row)
	}
	return batch{
		do:   func(ctx context.Context) (Tally, error) { return j.importTweets(ctx, rows, rejects) },
		end:  place{Offset: f.csv.Offset, Line: f.csv.Line},
		came: f.csv.Offset - start,
	}, nil
}

func (j *job) importTweets(ctx context.Context, rows []tweetRow, rejects []Reject) (Tally, error) {
	t := Tally{Read: int64(len(rows) + len(rejects))}
	for _, row := range rows {
		u, _, err := j.s.person(ctx, row.Handle)
		if err != nil {
			return t, err
		}
		_, created, err := j.s.Writer.ImportTweet(ctx, write.ImportedTweet{Author: u, Text: row.Text, Place: row.Place, Created: row.Created, KeyHash: row.Key})
		if reason, ok := refused(err); ok {
			rejects = append(rejects, Reject{row.Line, begin(row.Text), reason})
			continue
		}
		if err != nil {
			return t, err
		}
		if created {
			t.Added++
		} else {
			t.There++
		}
	}
	for _, r := range rejects {
		j.opt.Rejects(r)
	}
	t.Rejected = int64(len(rejects))
	return t, nil
}
