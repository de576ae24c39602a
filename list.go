package warble

import (
	"encoding/json"
)

// Limits on lists.
const (
	MaxListMembers     = 5000
	MaxListName        = 25  // characters
	MaxListDescription = 100 // characters
	MaxPinnedLists     = 5
)

// List is a named set of accounts. The members are edges. A private list is
// its owner's alone.
type List struct {
	ID          DocID  `json:"-"`
	Owner       UserID `json:"-"`
	Name        string
	Description string `json:",omitempty"`
	Private     bool   `json:",omitempty"`
	Version     uint64 `json:"-"` // rises by one with every edit; the first is 1
}

// ListOf reads a list out of its document.
func ListOf(d *Doc) (*List, error) {
	l := new(List)
	if err := json.Unmarshal(d.Data, l); err != nil {
		return nil, err
	}
	l.ID, l.Owner, l.Version = d.ID, d.Owner, d.Version
	return l, nil
}

// Doc is the list as it is stored.
func (l *List) Doc() *Doc {
	data, err := json.Marshal(l)
	if err != nil {
		panic(err) // strings and a bool always marshal
	}
	return &Doc{ID: l.ID, Owner: l.Owner, Kind: DocList, Version: l.Version, Data: data}
}
